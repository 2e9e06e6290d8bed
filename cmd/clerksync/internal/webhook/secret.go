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
	Kept bool // made by KeptSecret on this machine; all others are the user's and are never printed
}

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
		return "", fmt.Errorf("find a folder to keep the signing secret in: %w; give one with --secret", err)
	}
	return filepath.Join(dir, "clerksync", "dev-signing-secret"), nil
}

// KeptSecret returns the secret that is kept on this machine. It makes one
// where there is none or a broken one, so that dev and send agree from start to
// start.
func KeptSecret() (string, error) {
	path, err := KeptSecretPath()
	if err != nil {
		return "", err
	}
	b, err := os.ReadFile(path)
	if err == nil {
		if _, err := svix.ParseSecrets(string(b)); err == nil {
			return strings.TrimSpace(string(b)), nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the kept signing secret: %w", err)
	}
	secret := NewSecret()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("keep the signing secret: %w", err)
	}
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the signing secret: %w", err)
	}
	return secret, nil
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
