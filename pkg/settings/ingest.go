package settings

import (
	"log/slog"
	"strings"
	"unicode"

	"github.com/clerksync/clerksync/pkg/svix"
)

// Ingest is the environment of functions/ingest.
type Ingest struct {
	FunctionName    string
	LogLevel        slog.Level
	QueueURL        string
	Secrets         *svix.Secrets // nil where SecretParameter is set
	SecretParameter string        // the name of an SSM SecureString parameter
	Instances       []string      // ids such as ins_2abc; empty: the events of every instance are kept
	AWS             AWS
}

// The variables that hold or name the signing secret. The first that is not
// blank counts, in this order.
const (
	EnvSigningSecret   = "CLERK_WEBHOOK_SIGNING_SECRET"   //nolint:gosec // the name of a variable
	EnvSecret          = "CLERK_WEBHOOK_SECRET"           //nolint:gosec // the name of a variable
	EnvSecretParameter = "CLERK_WEBHOOK_SECRET_PARAMETER" //nolint:gosec // the name of a variable
)

// ReadIngest reads the environment of functions/ingest through get.
func ReadIngest(get func(name string) string) (Ingest, error) {
	r := &reader{get: get}
	s := Ingest{
		FunctionName: r.functionName(),
		LogLevel:     r.logLevel(),
		QueueURL:     r.requiredURL("QUEUE_URL"),
		Instances:    r.instances(),
		AWS:          r.aws(),
	}
	// A bad secret is an error even where a good one comes after it: it was meant to be used.
	var found bool
	if s.Secrets, found = r.signingSecrets(); !found {
		if s.SecretParameter = strings.TrimSpace(get(EnvSecretParameter)); s.SecretParameter == "" {
			r.fail("%s is missing, and so are %s and %s", EnvSigningSecret, EnvSecret, EnvSecretParameter)
		}
	}
	return s, r.err()
}

// signingSecrets reads the first of the two variables that is not blank; found
// is false where both are. Its error says which entry is bad, by its number.
func (r *reader) signingSecrets() (s *svix.Secrets, found bool) {
	for _, name := range []string{EnvSigningSecret, EnvSecret} {
		if text := r.get(name); strings.TrimSpace(text) != "" {
			s, err := svix.ParseSecrets(text)
			if err != nil {
				r.fail("%s: %w", name, err)
			}
			return s, true
		}
	}
	return nil, false
}

// ReadInstances reads CLERK_INSTANCE_ID: the instances whose events are kept,
// none for all.
func ReadInstances(get func(name string) string) ([]string, error) {
	r := &reader{get: get}
	ids := r.instances()
	return ids, r.err()
}

// instances refuses text that is not blank and names no instance: it was meant
// to keep other instances out, and would let all of them in.
func (r *reader) instances() []string {
	text := r.get("CLERK_INSTANCE_ID")
	ids := strings.FieldsFunc(text, func(c rune) bool { return c == ',' || unicode.IsSpace(c) })
	if len(ids) == 0 && strings.TrimSpace(text) != "" {
		r.fail("CLERK_INSTANCE_ID holds no instance id")
	}
	return ids
}
