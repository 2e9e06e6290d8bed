package ingest

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/svix"
)

// Settings are ingest's environment.
type Settings struct {
	QueueURL        string
	Secrets         *svix.Secrets // nil where SecretParameter is set
	SecretParameter string        // name of an SSM SecureString
	Instances       []string
	LogLevel        slog.Level
}

// Names of the variables that hold or name the signing secret, in the order in
// which they are looked at.
const (
	EnvSigningSecret   = "CLERK_WEBHOOK_SIGNING_SECRET"   //nolint:gosec // a variable's name
	EnvSecret          = "CLERK_WEBHOOK_SECRET"           //nolint:gosec // a variable's name
	EnvSecretParameter = "CLERK_WEBHOOK_SECRET_PARAMETER" //nolint:gosec // a variable's name
)

// ReadSettings reads the environment through get. The error names every
// variable that is missing or bad, and no value.
func ReadSettings(get func(string) string) (Settings, error) {
	var s Settings
	var errs []error
	var err error
	if s.QueueURL, err = delivery.ReadQueueURL(get, "QUEUE_URL"); err != nil {
		errs = append(errs, err)
	}
	if s.Instances, err = ReadInstances(get); err != nil {
		errs = append(errs, err)
	}
	if s.Secrets, err = ReadSigningSecrets(get); err != nil {
		errs = append(errs, err)
	}
	if s.Secrets == nil && err == nil {
		if s.SecretParameter = strings.TrimSpace(get(EnvSecretParameter)); s.SecretParameter == "" {
			errs = append(errs, fmt.Errorf("%s is missing, and so are %s and %s", EnvSigningSecret, EnvSecret, EnvSecretParameter))
		}
	}
	if s.LogLevel, err = ReadLogLevel(get); err != nil {
		errs = append(errs, err)
	}
	return s, errors.Join(errs...)
}

// ReadSigningSecrets reads the secrets that stand in the environment itself:
// nil where none does. The error names the variable, and no value.
func ReadSigningSecrets(get func(string) string) (*svix.Secrets, error) {
	for _, name := range []string{EnvSigningSecret, EnvSecret} {
		if text := get(name); strings.TrimSpace(text) != "" {
			s, err := svix.ParseSecrets(text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			return s, nil
		}
	}
	return nil, nil
}

// ReadInstances reads CLERK_INSTANCE_ID: the instances whose events are kept,
// none for all. What is not blank and names none is an error, for it was meant
// to keep others out.
func ReadInstances(get func(string) string) ([]string, error) {
	text := get("CLERK_INSTANCE_ID")
	ids := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' || r == '\r' })
	if len(ids) == 0 && strings.TrimSpace(text) != "" {
		return nil, errors.New("CLERK_INSTANCE_ID names no instance")
	}
	return ids, nil
}

// ReadLogLevel reads LOG_LEVEL: debug, info (the default), warn or error.
func ReadLogLevel(get func(string) string) (level slog.Level, err error) {
	if text := get("LOG_LEVEL"); text != "" && level.UnmarshalText([]byte(text)) != nil {
		return level, errors.New("LOG_LEVEL is none of debug, info, warn, error")
	}
	return level, nil
}
