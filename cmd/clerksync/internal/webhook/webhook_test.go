package webhook_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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

// The file of the kept secret is for its owner's eyes, whatever it was before.
func TestKeptSecretIsClosedAgain(t *testing.T) {
	for name, text := range map[string]string{"well formed": svixtest.Secret + "\n", "broken": "whsec_AAEC"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_CACHE_HOME", t.TempDir())
			t.Setenv("HOME", t.TempDir())
			path, err := webhook.KeptSecretPath()
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600),
				os.Chmod(path, 0o644)); err != nil {
				t.Fatal(err)
			}
			secret, err := webhook.KeptSecret()
			if err != nil || secret != svixtest.Secret && name == "well formed" {
				t.Errorf("KeptSecret() = %v, want nil and the kept one where it is well formed", err)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("mode of %s = %v, %v, want 0600", path, info.Mode(), err)
			}
			if names, err := os.ReadDir(filepath.Dir(path)); err != nil || len(names) != 1 {
				t.Errorf("%s holds %v, %v, want the secret alone", filepath.Dir(path), names, err)
			}
		})
	}
}

// Where no secret can be kept the error says what to do instead.
func TestSecretThatCannotBeKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, cache := range map[string]string{
		"no home folder": "", "a file for a folder": file, "a relative folder": "cache",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_CACHE_HOME", cache)
			t.Setenv("HOME", "")
			if s, err := webhook.KeptSecret(); !errors.Is(err, webhook.ErrNotKept) || s != "" ||
				!strings.Contains(err.Error(), "--secret or CLERK_WEBHOOK_SIGNING_SECRET") {
				t.Errorf("KeptSecret() = %q, %v, want none and advice", s, err)
			}
		})
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
