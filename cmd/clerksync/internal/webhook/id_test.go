package webhook_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/segmentio/ksuid"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
)

// Ids grow as Svix's do, also where the clock stands still or goes back.
// https://github.com/svix/svix-webhooks/pull/336
func TestIDsGrow(t *testing.T) {
	t.Parallel()
	shape := regexp.MustCompile(`^msg_[0-9A-Za-z]{27}$`)
	now := time.Now()
	before := ""
	for i, step := range []time.Duration{0, 1, 0, time.Millisecond, 0, 0, time.Second, -time.Minute, 0, time.Hour} {
		now = now.Add(step)
		id := webhook.NewID(now)
		if !shape.MatchString(id) || id <= before {
			t.Errorf("id %d = %s after %s, want a greater one of Svix's shape", i, id, before)
		}
		before = id
	}
}

// Ids of two processes sort by the time within a second, too. Another process is
// a time that is later than all before.
func TestIDsHoldTheTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 50 {
		at = at.Add(time.Millisecond)
		id, err := ksuid.Parse(webhook.NewID(at)[len("msg_"):])
		if err != nil {
			t.Fatal(err)
		}
		var first [16]byte
		first[1] = 1 // 2^16 ns: smaller than the time of each id
		bound, err := ksuid.FromParts(at, first[:])
		if err != nil {
			t.Fatal(err)
		}
		if !id.Time().Equal(at.Truncate(time.Second)) || ksuid.Compare(id, bound) < 0 {
			t.Errorf("id %d = %s of %s, want the time in its first bytes", i, id, id.Time())
		}
	}
}
