package main

import (
	"strconv"
	"testing"
	"time"

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
	p := poster{secrets: secrets, now: func() time.Time {
		readings++
		return svixtest.Epoch().Add(time.Duration(readings) * time.Second)
	}}
	body := []byte(`{"type":"user.updated","data":{"id":"user_a1"}}`)
	for _, skew := range []time.Duration{0, 10 * time.Minute, -10 * time.Minute} {
		for range 200 {
			before := readings
			h := p.sign(request{id: "msg_a", body: body, skew: skew})
			if readings != before+1 {
				t.Fatalf("sign() reads the clock %d times, want once", readings-before)
			}
			want := strconv.FormatInt(svixtest.Epoch().Add(time.Duration(readings)*time.Second+skew).Unix(), 10)
			if err := secrets.Verify(h, body); err != nil || h.Timestamp != want {
				t.Fatalf("sign() = %+v, verified %v, want it signed at %s", h, err, want)
			}
		}
	}
}
