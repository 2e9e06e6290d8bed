package awsclient_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/awsclient"
	"github.com/clerksync/clerksync/pkg/settings"
)

const name = "/clerksync/signing-secret"

func config(url string) *awsclient.Config {
	return awsclient.New(settings.AWS{
		Region: "eu-central-1", AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example-key",
		SessionToken: "example-token", SSMEndpoint: url, WarmUp: true,
	})
}

func TestParameterReadsWhatTheSDKWrote(t *testing.T) {
	c := config(*emulatortest.Start(t, emulator.New(emulator.Options{})).BaseEndpoint + "/")
	const value = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX, \"é\"\n"
	_, err := ssm.NewFromConfig(c.For(awsclient.SSM)).PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: aws.String(name), Value: aws.String(value), Type: types.ParameterTypeSecureString,
	})
	if err != nil {
		t.Fatalf("PutParameter: %v", err)
	}
	got, err := c.Parameter(name, time.Now).Read(t.Context())
	if got != value || err != nil {
		t.Errorf("Read() = %q, %v, want %q", got, err, value)
	}
	if _, err := c.Parameter("/none", time.Now).Read(t.Context()); err == nil || !strings.Contains(err.Error(), "ParameterNotFound") {
		t.Errorf("Read() of a missing parameter = %v, want ParameterNotFound", err)
	}
}

// TestParameterIsSigned signs what arrives once more, with the same keys and
// time, and compares.
func TestParameterIsSigned(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var got, want string
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		again, _ := http.NewRequestWithContext(r.Context(), r.Method, "http://"+r.Host+r.URL.Path, strings.NewReader(string(body)))
		for _, n := range []string{"Content-Type", "X-Amz-Target"} {
			again.Header.Set(n, r.Header.Get(n))
		}
		sum := sha256.Sum256(body)
		keys := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example-key", SessionToken: "example-token"}
		_ = v4.NewSigner().SignHTTP(r.Context(), keys, again, hex.EncodeToString(sum[:]), "ssm", "eu-central-1", at)
		got, want = r.Header.Get("Authorization"), again.Header.Get("Authorization")
		_, _ = io.WriteString(w, `{"Parameter":{"Value":"v"}}`)
	}))
	defer host.Close()
	c := config(host.URL)
	if _, err := c.Parameter(name, func() time.Time { return at }).Read(t.Context()); err != nil {
		t.Fatalf("Read: %v", err)
	}
	if got != want || !strings.Contains(got, "/20260102/eu-central-1/ssm/aws4_request") || !strings.Contains(got, "x-amz-security-token") {
		t.Errorf("Authorization = %q, want %q", got, want)
	}
}

func TestParameterTriesAgain(t *testing.T) {
	cases := []struct {
		name    string
		status  int
		body    string
		fail    int32 // so many calls
		calls   int32 // that the server sees
		succeed bool
	}{
		{"server error", 500, `{"__type":"InternalServerError"}`, 1, 2, true},
		{"throttled", 400, `{"__type":"ThrottlingException"}`, 1, 2, true},
		{"two server errors", 500, `{"__type":"InternalServerError"}`, 2, 3, true},
		{"three server errors", 500, `{"__type":"InternalServerError"}`, 3, 3, false},
		{"no JSON", 502, `<html>`, 1, 2, true},
		{"not there", 400, `{"__type":"com.amazonaws.ssm#ParameterNotFound"}`, 1, 1, false},
		{"denied", 400, `{"__type":"AccessDeniedException"}`, 1, 1, false},
		{"without value", 200, `{"Parameter":{}}`, 1, 1, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var calls atomic.Int32
			host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if calls.Add(1) <= c.fail {
					w.WriteHeader(c.status)
					_, _ = io.WriteString(w, c.body)
					return
				}
				_, _ = io.WriteString(w, `{"Parameter":{"Value":"v"}}`)
			}))
			defer host.Close()
			value, err := config(host.URL).Parameter(name, time.Now).Read(t.Context())
			if calls.Load() != c.calls || (err == nil) != c.succeed || c.succeed && value != "v" {
				t.Errorf("Read() = %q, %v after %d calls, want success %v after %d", value, err, calls.Load(), c.succeed, c.calls)
			}
		})
	}
}

// Who no longer waits is not kept by the waits between the attempts.
func TestParameterEnds(t *testing.T) {
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	defer host.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := config(host.URL).Parameter(name, time.Now).Read(ctx)
	if took, waits := time.Since(began), 300*time.Millisecond; err == nil || took >= waits {
		t.Errorf("Read() = %v after %v, want an error before all its waits, %v", err, took, waits)
	}
}

// A connection that hangs leaves time for another.
func TestParameterHangs(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			return
		}
		_, _ = io.WriteString(w, `{"Parameter":{"Value":"v"}}`)
	}))
	defer host.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second) // which ingest gives it
	defer cancel()
	if got, err := config(host.URL).Parameter(name, time.Now).Read(ctx); got != "v" || err != nil {
		t.Errorf("Read() where the first connection hangs = %q, %v, want v", got, err)
	}
}

func TestParameterSaysWhatItLacks(t *testing.T) {
	const role = "User: arn:aws:sts::000000000000:assumed-role/canary/canary is not authorized to perform: "
	for name, c := range map[string]struct {
		status     int
		body, want string
	}{
		"the parameter": {400, `{"__type":"AccessDeniedException","message":"` + role + `ssm:GetParameter on resource: canary"}`, "SSM answered 400 AccessDeniedException, the role may not ssm:GetParameter"},
		"its key":       {400, `{"__type":"AccessDeniedException","message":"` + role + `kms:Decrypt on the canary"}`, "SSM answered 400 AccessDeniedException, the role may not kms:Decrypt"},
		"another":       {400, `{"__type":"x#ValidationException","message":"canary"}`, "SSM answered 400 ValidationException"},
		"no code":       {403, `{"message":"canary"}`, "SSM answered 403 "},
	} {
		t.Run(name, func(t *testing.T) {
			host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			defer host.Close()
			_, err := config(host.URL).Parameter("/p", time.Now).Read(t.Context())
			if err == nil || err.Error() != "read parameter /p: "+c.want {
				t.Errorf("Read() = %v, want %s", err, c.want)
			}
		})
	}
}

func TestWarm(t *testing.T) {
	var calls atomic.Int32
	host := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer host.Close()
	for warmUp, want := range map[bool]int32{true: 2, false: 0} {
		calls.Store(0)
		c := awsclient.New(settings.AWS{Region: "us-east-1", SSMEndpoint: host.URL, WarmUp: warmUp})
		c.Warm(awsclient.SSM, func() { calls.Add(1) })
		if got := calls.Load(); got != want {
			t.Errorf("Warm() made %d calls with WarmUp %t, want %d", got, warmUp, want)
		}
	}
}
