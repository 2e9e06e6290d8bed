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
		if err := p.Write(t.Context(), value); err != nil {
			t.Fatalf("Write = %v, want nil", err)
		}
		if got, kind, err := p.Read(t.Context()); got != value || kind != deployment.SecureString || err != nil {
			t.Errorf("Read = %q, %q, %v, want %q, a SecureString", got, kind, err, value)
		}
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
			err = p.Write(t.Context(), "whsec_secretcanary")
			if err == nil || !strings.HasPrefix(err.Error(), "write parameter /p: ") ||
				strings.Contains(err.Error(), "canary") {
				t.Errorf("Write = %v, want an error that names the parameter and not the value", err)
			}
		})
	}
}
