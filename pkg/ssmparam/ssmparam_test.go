package ssmparam_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/ssmparam"
)

const (
	name   = "/clerksync/signing-secret"
	answer = `{"Parameter":{"Value":"v"}}`
)

// keys are those with which the tests sign.
func keys() aws.Credentials {
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example-key", SessionToken: "example-token"}
}

// configOf is how SSM is reached that the handler plays, without a network: a read
// gives an attempt one second, which a busy machine may take, and a bubble's clock
// stands still meanwhile.
func configOf(h http.HandlerFunc) aws.Config {
	cfg := emulator.InProcess(h)
	cfg.Credentials = credentials.StaticCredentialsProvider{Value: keys()}
	return cfg
}

// parameter is the one of that name at an SSM that the handler plays.
func parameter(h http.HandlerFunc) *ssmparam.Parameter {
	cfg := configOf(h)
	return ssmparam.New(cfg, *cfg.BaseEndpoint, name, time.Now)
}

// answering writes one answer after the other, and then the last one again and
// again. It counts the calls.
func answering(calls *atomic.Int32, status int, bodies ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		body := bodies[min(int(calls.Add(1)), len(bodies))-1]
		if body != answer {
			w.WriteHeader(status)
		}
		_, _ = io.WriteString(w, body)
	}
}

// What `clerksync secret set` wrote, with the SDK, is what the function reads.
func TestReadWhatTheSDKWrote(t *testing.T) {
	cfg := emulatortest.Start(t, emulator.New(emulator.Options{}))
	const value = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX, \"é\"\n"
	_, err := ssm.NewFromConfig(cfg).PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: aws.String(name), Value: aws.String(value), Type: ssmtypes.ParameterTypeSecureString,
	})
	if err != nil {
		t.Fatalf("PutParameter: %v", err)
	}
	got, err := ssmparam.New(cfg, *cfg.BaseEndpoint, name, time.Now).Read(t.Context())
	if got != value || err != nil {
		t.Errorf("Read = %q, %v, want %q", got, err, value)
	}
	_, err = ssmparam.New(cfg, *cfg.BaseEndpoint, "/none", time.Now).Read(t.Context())
	if err == nil || !strings.Contains(err.Error(), "ParameterNotFound") {
		t.Errorf("Read of a missing parameter = %v, want ParameterNotFound", err)
	}
}

// The emulator takes any signature, AWS only the right one. The test signs what
// arrives once more, with the same keys and time, and compares.
func TestRequestIsSigned(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var got, want string
	cfg := configOf(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		url := "http://" + r.Host + r.URL.Path
		again, _ := http.NewRequestWithContext(r.Context(), r.Method, url, strings.NewReader(string(body)))
		for _, n := range []string{"Content-Type", "X-Amz-Target"} {
			again.Header.Set(n, r.Header.Get(n))
		}
		sum := sha256.Sum256(body)
		_ = v4.NewSigner().SignHTTP(r.Context(), keys(), again, hex.EncodeToString(sum[:]), "ssm", "eu-central-1", at)
		got, want = r.Header.Get("Authorization"), again.Header.Get("Authorization")
		_, _ = io.WriteString(w, answer)
	})
	cfg.Region = "eu-central-1"
	p := ssmparam.New(cfg, *cfg.BaseEndpoint, name, func() time.Time { return at })
	if _, err := p.Read(t.Context()); err != nil {
		t.Fatalf("Read = %v, want nil", err)
	}
	if got != want || !strings.Contains(got, "/20260102/eu-central-1/ssm/aws4_request") ||
		!strings.Contains(got, "x-amz-security-token") {
		t.Errorf("Authorization = %q, want %q", got, want)
	}
}

// A start must not fail for one lost answer, nor spend its time on an answer
// that will stay the same.
func TestReadRetries(t *testing.T) {
	t.Parallel()
	const (
		fault    = `{"__type":"InternalServerError"}`
		notFound = `{"__type":"com.amazonaws.ssm#ParameterNotFound"}`
		denied   = `{"__type":"AccessDeniedException"}`
	)
	for testName, c := range map[string]struct {
		status  int
		answers []string
		calls   int32
		fails   bool
	}{
		"server error":        {status: 500, answers: []string{fault, answer}, calls: 2},
		"throttled":           {status: 400, answers: []string{`{"__type":"ThrottlingException"}`, answer}, calls: 2},
		"two server errors":   {status: 500, answers: []string{fault, fault, answer}, calls: 3},
		"three server errors": {status: 500, answers: []string{fault, fault, fault, answer}, calls: 3, fails: true},
		"not JSON":            {status: 502, answers: []string{`<html>`, answer}, calls: 2},
		"not there":           {status: 400, answers: []string{notFound, answer}, calls: 1, fails: true},
		"denied":              {status: 400, answers: []string{denied, answer}, calls: 1, fails: true},
		"without value":       {status: 200, answers: []string{`{"Parameter":{}}`, answer}, calls: 1, fails: true},
	} {
		t.Run(testName, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var calls atomic.Int32
				value, err := parameter(answering(&calls, c.status, c.answers...)).Read(t.Context())
				if calls.Load() != c.calls || (err != nil) != c.fails || !c.fails && value != "v" {
					t.Errorf("Read = %q, %v after %d calls, want failure %v after %d",
						value, err, calls.Load(), c.fails, c.calls)
				}
			})
		})
	}
}

// A caller whose time is over is not kept by the waits between the attempts.
func TestReadStopsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		p := parameter(answering(&calls, http.StatusInternalServerError, ""))
		const limit = 20 * time.Millisecond // less than the first wait
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		began := time.Now()
		_, err := p.Read(ctx)
		if took := time.Since(began); err == nil || took != limit {
			t.Errorf("Read = %v after %v, want an error after %v", err, took, limit)
		}
	})
}

// A connection that hangs leaves time for another within the three seconds that
// ingest gives it: an attempt has one second.
func TestReadAfterAConnectionThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		p := parameter(func(w http.ResponseWriter, r *http.Request) {
			if calls.Add(1) == 1 {
				<-r.Context().Done()
				return
			}
			_, _ = io.WriteString(w, answer)
		})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		got, err := p.Read(ctx)
		if took := time.Since(began); got != "v" || err != nil || took < time.Second || took > 1100*time.Millisecond {
			t.Errorf("Read = %q, %v after %v, want v after an attempt of a second and a wait", got, err, took)
		}
	})
}

// The error names the action that an operator must allow, and nothing else of
// the message, which names accounts and roles.
func TestReadNamesTheDeniedAction(t *testing.T) {
	const role = "User: arn:aws:sts::000000000000:assumed-role/canary/canary is not authorized to perform: "
	for testName, c := range map[string]struct{ code, message, want string }{
		"the parameter": {
			code:    "com.amazonaws#AccessDeniedException",
			message: role + "ssm:GetParameter on resource: canary",
			want:    "AccessDeniedException, the role may not ssm:GetParameter",
		},
		"its key": {
			code:    "AccessDeniedException",
			message: "canary. " + role + "kms:Decrypt on the canary",
			want:    "AccessDeniedException, the role may not kms:Decrypt",
		},
		"another action": {code: "AccessDeniedException", message: role + "sts:canary", want: "AccessDeniedException"},
		"another error":  {code: "x#ValidationException", message: "canary", want: "ValidationException"},
		"no code":        {message: "canary"},
	} {
		t.Run(testName, func(t *testing.T) {
			var calls atomic.Int32
			body := `{"__type":"` + c.code + `","message":"` + c.message + `"}`
			_, err := parameter(answering(&calls, http.StatusBadRequest, body)).Read(t.Context())
			if want := "read parameter " + name + ": SSM answered 400 " + c.want; err == nil || err.Error() != want {
				t.Errorf("Read = %v, want %s", err, want)
			}
		})
	}
}
