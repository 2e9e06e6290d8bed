package webhook_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// A request is signed by one reading of the clock, whatever second it falls in.
// https://github.com/standard-webhooks/standard-webhooks/issues/101
func TestSignReadsTheClockOnce(t *testing.T) {
	t.Parallel()
	secrets, err := svix.ParseSecrets(svixtest.Secret)
	if err != nil {
		t.Fatal(err)
	}
	readings := 0
	signer := webhook.Signer{Secrets: secrets, Now: func() time.Time {
		readings++
		return svixtest.Epoch().Add(time.Duration(readings) * time.Second)
	}}
	body := []byte(`{"type":"user.updated","data":{"id":"user_a1"}}`)
	for _, skew := range []time.Duration{0, 10 * time.Minute, -10 * time.Minute} {
		for range 200 {
			before := readings
			h, sent := signer.Sign(webhook.Request{ID: "msg_a", Body: body, Skew: skew})
			if readings != before+1 {
				t.Fatalf("Sign reads the clock %d times, want once", readings-before)
			}
			at := svixtest.Epoch().Add(time.Duration(readings)*time.Second + skew)
			if want := strconv.FormatInt(at.Unix(), 10); secrets.Verify(h, sent) != nil || h.Timestamp != want {
				t.Fatalf("Sign = %+v, verified %v, want it signed at %s", h, secrets.Verify(h, sent), want)
			}
		}
	}
}

// The kept secret is the same from start to start, and for its owner's eyes.
func TestKeptSecret(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	first, err := webhook.KeptSecret()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := webhook.KeptSecret(); err != nil || again != first {
		t.Errorf("KeptSecret() = %q, %v the second time, want %q", again, err, first)
	}
	path, err := webhook.KeptSecretPath()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of %s = %v, %v, want 0600", path, info.Mode(), err)
	}
}
