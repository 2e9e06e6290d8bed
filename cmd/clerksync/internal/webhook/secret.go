package webhook

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/svix"
)

// Secret is a signing secret to sign with, perhaps several with commas between.
type Secret struct {
	Text string
	Kept bool // made by KeptSecret on this machine; all others but Fresh ones are the user's and are never printed
	// Fresh is one that was made because none can be kept: another command does not
	// find it.
	Fresh bool
}

// Ours says whether the secret was made on this machine, and so may be printed.
func (s Secret) Ours() bool { return s.Kept || s.Fresh }

// ErrNotKept says that no secret can be kept on this machine: there is no home
// folder, or it is not writable. It goes with what is wrong and what to do.
var ErrNotKept = errors.New("give one with --secret or " + settings.EnvSigningSecret)

// Parse returns the secrets in the text. Its error does not repeat it.
func (s Secret) Parse() (*svix.Secrets, error) {
	parsed, err := svix.ParseSecrets(s.Text)
	if err != nil {
		return nil, fmt.Errorf("the signing secret is bad: %w. "+
			"A secret is whsec_ and padded base64, as Clerk's dashboard shows it", err)
	}
	return parsed, nil
}

// FindSecret returns the secret that a flag gives, else one of the environment,
// else the one that is kept on this machine.
func FindSecret(flag string, getenv func(string) string) (Secret, error) {
	for _, text := range []string{flag, getenv(settings.EnvSigningSecret), getenv(settings.EnvSecret)} {
		if strings.TrimSpace(text) != "" {
			return Secret{Text: text}, nil
		}
	}
	text, err := KeptSecret()
	return Secret{Text: text, Kept: true}, err
}

// KeptSecretPath is where the kept secret is, in the user's cache folder.
func KeptSecretPath() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a folder to keep the signing secret in: %w; %w", err, ErrNotKept)
	}
	return filepath.Join(dir, "clerksync", "dev-signing-secret"), nil
}

// KeptSecret returns the secret that is kept on this machine. It makes one
// where there is none or a broken one, so that dev and send agree from start to
// start. Where that cannot be done the error wraps ErrNotKept.
func KeptSecret() (string, error) {
	path, err := KeptSecretPath()
	if err != nil {
		return "", err
	}
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the kept signing secret: %w; %w", err, ErrNotKept)
	}
	if _, invalid := svix.ParseSecrets(string(b)); err == nil && invalid == nil {
		// An editor, a backup or another umask may have opened the file to others. It
		// fails where the file is another user's, who may read the secret anyway.
		_ = os.Chmod(path, ownerOnly)
		return strings.TrimSpace(string(b)), nil
	}
	secret := NewSecret()
	if err := keep(path, secret); err != nil {
		return "", fmt.Errorf("keep the signing secret: %w; %w", err, ErrNotKept)
	}
	return secret, nil
}

// ownerOnly is the mode of the file with the kept secret.
const ownerOnly = 0o600

// keep replaces the file as a whole: one that is there would keep its mode, and a
// reader would see half of it.
func keep(path, secret string) error {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err //nolint:wrapcheck // KeptSecret says what failed
	}
	f, err := os.CreateTemp(folder, filepath.Base(path)+"-*") // of mode 0600
	if err != nil {
		return err //nolint:wrapcheck // as above
	}
	_, err = f.WriteString(secret + "\n")
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // it is of no use, and the first error is the one to know
	}
	return err //nolint:wrapcheck // as above
}

// NewSecret returns a random secret.
func NewSecret() string {
	var key [svix.MinKeyBytes]byte
	_, _ = rand.Read(key[:]) // never fails
	return "whsec_" + base64.StdEncoding.EncodeToString(key[:])
}

// CountSecrets says to people how many there are.
func CountSecrets(s *svix.Secrets) string {
	if s.Len() == 1 {
		return "one signing secret"
	}
	return fmt.Sprintf("%d signing secrets", s.Len())
}
