package bench_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	official "github.com/svix/svix-webhooks/go"

	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// BenchmarkVerify compares the check of a signature with what no check can do without: one HMAC-SHA256 over the body,
// its key decoded before.
func BenchmarkVerify(b *testing.B) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(svixtest.Secret, "whsec_"))
	if err != nil {
		b.Fatal(err)
	}
	secrets, err := svix.ParseSecrets(svixtest.Secret)
	if err != nil {
		b.Fatal(err)
	}
	library, err := official.NewWebhook(svixtest.Secret)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		size   int
		target float64
	}{
		{size: 2 << 10, target: 1.15},
		{size: 20 << 10, target: 1.05},
		{size: 900 << 10, target: 1.05},
	} {
		body := []byte(eventBody(b, "user.created", c.size, nil))
		now := time.Now()
		h := svix.Headers{ID: svixtest.ID, Timestamp: strconv.FormatInt(now.Unix(), 10)}
		h.Signature = svixtest.Sign(svixtest.Secret, h.ID, h.Timestamp, body)
		headers := http.Header{
			"Svix-Id": {h.ID}, "Svix-Timestamp": {h.Timestamp}, "Svix-Signature": {h.Signature},
		}
		floor := func() {
			m := hmac.New(sha256.New, key)
			m.Write(body)
			var sum [sha256.Size]byte
			if len(m.Sum(sum[:0])) == 0 {
				b.Fatal("no sum")
			}
		}
		b.Run(fmt.Sprintf("%dKB/clerksync", c.size>>10), func(b *testing.B) {
			compare(b, wallClock(10*time.Millisecond), c.target, floor, func() {
				if h.Check(time.Now()) != nil || secrets.Verify(h, body) != nil {
					b.Fatal("refused")
				}
			})
		})
		b.Run(fmt.Sprintf("%dKB/svix-library", c.size>>10), func(b *testing.B) {
			compare(b, wallClock(10*time.Millisecond), c.target, floor, func() {
				if library.Verify(body, headers) != nil {
					b.Fatal("refused")
				}
			})
		})
	}
}

// BenchmarkGarbage is a signature that cannot be one: its cost must not depend on the body's size, or a flood of large
// bodies would be expensive.
func BenchmarkGarbage(b *testing.B) {
	secrets, err := svix.ParseSecrets(svixtest.Secret)
	if err != nil {
		b.Fatal(err)
	}
	h := svix.Headers{ID: svixtest.ID, Timestamp: "1767225600", Signature: "v1,bm90IGEgc2lnbmF0dXJl v1a,eA=="}
	check := func(size int) func() {
		body := make([]byte, size)
		return func() {
			if secrets.Verify(h, body) == nil {
				b.Fatal("accepted")
			}
		}
	}
	b.Run("900KB-against-2KB", func(b *testing.B) {
		compare(b, wallClock(10*time.Millisecond), 1, check(2<<10), check(900<<10))
	})
}

// TestGarbageIsNotHashed holds by allocations what the benchmark shows by time: the first hash with a key allocates its
// state.
func TestGarbageIsNotHashed(t *testing.T) {
	secrets, err := svix.ParseSecrets(svixtest.Secret)
	if err != nil {
		t.Fatal(err)
	}
	h := svix.Headers{ID: svixtest.ID, Timestamp: "1767225600", Signature: "v1,bm90IGEgc2lnbmF0dXJl v2,x"}
	body := make([]byte, 1<<20)
	if n := testing.AllocsPerRun(10, func() {
		if secrets.Verify(h, body) == nil {
			t.Error("Verify() accepted garbage")
		}
	}); n != 0 {
		t.Errorf("Verify(garbage) allocates %v times, want 0", n)
	}
}
