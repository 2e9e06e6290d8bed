package deployment_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// openParameter opens a parameter of the service that the handler is.
func openParameter(t *testing.T, h http.Handler, name string) *deployment.Parameter {
	t.Helper()
	cfg := emulatortest.Start(t, h)
	cfg.RetryMaxAttempts = 1
	return deployment.NewParameter(cfg, name)
}

// What is written is read, encrypted in between.
func TestParameter(t *testing.T) {
	p := openParameter(t, emulator.New(emulator.Options{}), "/clerksync/signing-secret")
	if _, _, err := p.Read(t.Context()); !errors.Is(err, deployment.ErrNotFound) {
		t.Errorf("Read before Write = %v, want ErrNotFound", err)
	}
	for _, value := range []string{svixtest.Secret, svixtest.OtherSecret + "," + svixtest.Secret + "\n"} {
		if _, err := p.Write(t.Context(), value, "", ""); err != nil {
			t.Fatalf("Write = %v, want nil", err)
		}
		if got, kind, err := p.Read(t.Context()); got != value || kind != deployment.SecureString || err != nil {
			t.Errorf("Read = %q, %q, %v, want %q, a SecureString", got, kind, err, value)
		}
	}
}

// A parameter that is there stays on its key; a key that is named takes it off,
// and a new one gets the key for new ones.
func TestParameterKey(t *testing.T) {
	p := openParameter(t, emulator.New(emulator.Options{}), "/clerksync/signing-secret")
	if _, err := p.ReadKey(t.Context()); !errors.Is(err, deployment.ErrNotFound) {
		t.Errorf("ReadKey before Write = %v, want ErrNotFound", err)
	}
	for _, c := range []struct{ named, newKey, want string }{
		{newKey: "alias/new", want: "alias/new"},
		{newKey: "alias/other", want: "alias/new"},
		{named: "alias/mine", want: "alias/mine"},
		{want: "alias/mine"},
		{named: "alias/aws/ssm", want: "alias/aws/ssm"},
	} {
		got, err := p.Write(t.Context(), svixtest.Secret, c.named, c.newKey)
		if err != nil || got != c.want {
			t.Errorf("Write with key %q, new ones with %q = %q, %v, want %q", c.named, c.newKey, got, err, c.want)
		}
		if got, err := p.ReadKey(t.Context()); err != nil || got != c.want {
			t.Errorf("ReadKey = %q, %v, want %q", got, err, c.want)
		}
	}
	fresh := openParameter(t, emulator.New(emulator.Options{}), "/p")
	if got, err := fresh.Write(t.Context(), svixtest.Secret, "", ""); err != nil || got != "alias/aws/ssm" {
		t.Errorf("Write of a new parameter = %q, %v, want alias/aws/ssm", got, err)
	}
}

// A write that would take the value off a key that cannot be read does not
// happen, unless the user names the key.
func TestParameterOfUnknownKey(t *testing.T) {
	puts := 0
	p := openParameter(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutParameter") {
			puts++
			_, _ = io.WriteString(w, `{"Version":2}`)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"AccessDeniedException"}`)
	}), "/p")
	_, err := p.Write(t.Context(), svixtest.Secret, "", "alias/new")
	if err == nil || puts != 0 || !strings.Contains(err.Error(), "ssm:DescribeParameters") {
		t.Errorf("Write = %v after %d puts, want an error that names the permission and no put", err, puts)
	}
	if _, err := p.Write(t.Context(), svixtest.Secret, "alias/mine", ""); err != nil || puts != 1 {
		t.Errorf("Write with a key = %v after %d puts, want nil and one", err, puts)
	}
}

// The key of the parameter is held against the one that ingest may use.
func TestCheckSecretKey(t *testing.T) {
	t.Parallel()
	const key = "arn:aws:kms:us-east-1:000000000000:key/1234"
	for name, c := range map[string]struct {
		arn, key   string
		says, mend string // "" for nothing
	}{
		"default, none named":     {key: "alias/aws/ssm"},
		"default by its ARN":      {key: "arn:aws:kms:us-east-1:000000000000:alias/aws/ssm"},
		"the stack's, by ARN":     {arn: key, key: key},
		"the stack's, by id":      {arn: key, key: "1234"},
		"default, one named":      {arn: key, key: "alias/aws/ssm", says: "everyone", mend: "--key-id " + key},
		"another, none named":     {key: key, says: "no SecretKeyArn", mend: "deploy with"},
		"an alias, none named":    {key: "alias/mine", says: "no SecretKeyArn", mend: "deploy with"},
		"an alias, one named":     {arn: key, key: "alias/mine", says: "cannot be seen", mend: "--key-id " + key},
		"another than that named": {arn: key, key: "12345", says: "alone", mend: "--key-id " + key},
		"the end of that named":   {arn: key, key: "234", says: "alone", mend: "--key-id " + key},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deployment.Stack{Parameters: map[string]string{"SecretKeyArn": c.arn}}
			problem, mend := s.CheckSecretKey("/p", c.key)
			if (problem == "") != (c.says == "") || !strings.Contains(problem, c.says) ||
				!strings.Contains(mend, c.mend) {
				t.Errorf("CheckSecretKey(%q) = %q, %q, want %q and %q", c.key, problem, mend, c.says, c.mend)
			}
		})
	}
}

// An error says what the service answered by its code alone: its words may repeat
// what was sent.
func TestParameterFailures(t *testing.T) {
	code := func(code string) string { return `{"__type":"` + code + `","message":"canary"}` }
	for name, c := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"denied":              {status: 400, body: code("AccessDeniedException"), want: "SSM answered AccessDenied"},
		"throttled":           {status: 400, body: code("ThrottlingException"), want: "SSM answered Throttling"},
		"server error":        {status: 500, body: code("InternalServerError"), want: "SSM answered Internal"},
		"answers nothing":     {status: 200, body: `{}`, want: "read parameter /p"},
		"answers no value":    {status: 200, body: `{"Parameter":{"Name":"/p"}}`, want: "read parameter /p"},
		"answers empty value": {status: 200, body: `{"Parameter":{"Value":""}}`, want: "read parameter /p"},
		"answers no JSON":     {status: 200, body: `canary`, want: "read parameter /p"},
	} {
		t.Run(name, func(t *testing.T) {
			p := openParameter(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}), "/p")
			value, _, err := p.Read(t.Context())
			if value != "" || err == nil || !strings.Contains(err.Error(), c.want) ||
				strings.Contains(err.Error(), "canary") {
				t.Errorf("Read = %q, %v, want an error with %q and nothing of the answer", value, err, c.want)
			}
			if c.status == http.StatusOK {
				return
			}
			_, err = p.Write(t.Context(), "whsec_secretcanary", "alias/mine", "")
			if err == nil || !strings.HasPrefix(err.Error(), "write parameter /p: ") ||
				strings.Contains(err.Error(), "canary") {
				t.Errorf("Write = %v, want an error that names the parameter and not the value", err)
			}
		})
	}
}
