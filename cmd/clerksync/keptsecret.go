package main

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

// devSecret is a signing secret and where it came from.
type devSecret struct {
	text  string
	given bool // by the user: never printed
}

func (s devSecret) parse() (*svix.Secrets, error) {
	parsed, err := svix.ParseSecrets(s.text)
	if err != nil {
		return nil, fmt.Errorf("the signing secret is bad: %w. A secret is whsec_ and padded base64, as Clerk's dashboard shows it", err)
	}
	return parsed, nil
}

// secret is the flag's, else the environment's, else the one that is kept.
func (e program) secret(flag string) (devSecret, error) {
	for _, text := range []string{flag, e.getenv(settings.EnvSigningSecret), e.getenv(settings.EnvSecret)} {
		if strings.TrimSpace(text) != "" {
			return devSecret{text, true}, nil
		}
	}
	text, err := e.keptSecret()
	return devSecret{text, false}, err
}

// keptSecretPath lies in the user's cache folder.
func (e program) keptSecretPath() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a folder to keep the signing secret in: %w; give one with --secret", err)
	}
	return filepath.Join(dir, "clerksync", "dev-signing-secret"), nil
}

// keptSecret is the same from start to start; it is made at the first.
func (e program) keptSecret() (string, error) {
	path, err := e.keptSecretPath()
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
	secret := newSecret()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("keep the signing secret: %w", err)
	}
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the signing secret: %w", err)
	}
	return secret, nil
}

func newSecret() string {
	var key [svix.MinKeyBytes]byte
	_, _ = rand.Read(key[:]) // never fails
	return "whsec_" + base64.StdEncoding.EncodeToString(key[:])
}
