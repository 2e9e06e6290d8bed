package directory_test

import (
	"cmp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/clerksync/clerksync/pkg/directory"
)

// The first field that differs is named, with what both revisions have there.
func TestWhyStale(t *testing.T) {
	t.Parallel()
	const second, day = int64(1000), int64(86_400_000)
	at := time.Date(2026, time.March, 2, 10, 35, 7, 250_000_000, time.UTC).UnixMilli()
	first, again := directory.NewIncarnation(at-day, "orgmem_1"), directory.NewIncarnation(at, "orgmem_1")
	other := directory.NewIncarnation(at, "orgmem_2")
	updated := func(updated int64) directory.Order {
		return directory.Order{Incarnation: directory.NoIncarnation, Updated: updated, Sent: at, SvixID: "msg_1"}
	}
	sent := func(sent int64, svixID string) directory.Order {
		return directory.Order{Incarnation: directory.NoIncarnation, Updated: at, Sent: sent, SvixID: svixID}
	}
	created := directory.Order{Incarnation: directory.NoIncarnation, Updated: at, Created: true, Sent: at + day}
	deleted := directory.Order{Incarnation: directory.NoIncarnation, Terminal: true, Sent: at, SvixID: "msg_2"}
	for name, c := range map[string]struct {
		row, change directory.Order
		want        string
	}{
		"incarnation": {
			row: directory.Order{Incarnation: again}, change: directory.Order{Incarnation: first, Terminal: true},
			want: "another membership, created_at 2026-03-02 10:35:07 > 2026-03-01 10:35:07 UTC",
		},
		"incarnation of the same time": {
			row: directory.Order{Incarnation: other}, change: directory.Order{Incarnation: again, Terminal: true},
			want: "another membership, created_at 2026-03-02 10:35:07 = 10:35:07 UTC, id orgmem_2 > orgmem_1",
		},
		"terminal": {
			row: deleted, change: updated(at - second),
			want: "deleted at 2026-03-02 10:35:07 for good, the change is of 10:35:06 UTC",
		},
		"terminal, an update of the next day": {
			row: deleted, change: updated(at + day),
			want: "deleted at 2026-03-02 10:35:07 for good, the change is of 2026-03-03 10:35:07 UTC",
		},
		"updated": {
			row: updated(at), change: updated(at - 107*second),
			want: "updated_at 2026-03-02 10:35:07 > 10:33:20 UTC",
		},
		"updated, another day": {
			row: updated(at), change: updated(at - day),
			want: "updated_at 2026-03-02 10:35:07 > 2026-03-01 10:35:07 UTC",
		},
		"updated, the same second": {
			row: updated(at), change: updated(at - 1),
			want: "updated_at 2026-03-02 10:35:07.250 > 10:35:07.249 UTC",
		},
		"updated, none": {
			row: updated(at), change: updated(0),
			want: "updated_at 2026-03-02 10:35:07 > no time UTC",
		},
		"rank": {
			row: updated(at), change: created,
			want: "updated_at 2026-03-02 10:35:07 = 10:35:07 UTC, an update > a creation",
		},
		"sent": {
			row: sent(at, "msg_1"), change: sent(at-second, "msg_2"),
			want: "sent 2026-03-02 10:35:07 > 10:35:06 UTC",
		},
		"svix id": {
			row: sent(at, "msg-2-b"), change: sent(at, "msg-2-a"),
			want: "sent 2026-03-02 10:35:07 = 10:35:07 UTC, svix id msg-2-b > msg-2-a",
		},
		"none": {
			row: sent(at, "msg_1"), change: sent(at, "msg_1"),
			want: "this very message made it, sent 2026-03-02 10:35:07 = 10:35:07 UTC",
		},
	} {
		row, change := c.row.Revision(), c.change.Revision()
		if row < change {
			t.Errorf("%s: the row's %s is less than %s", name, row, change)
		}
		if got, want := directory.WhyStale(row, change), "the row is newer: "+c.want; got != want {
			t.Errorf("%s: WhyStale = %q, want %q", name, got, want)
		}
	}
}

// Where a text is no revision, nothing is made up; nor is a hand's text repeated,
// which may hold anything.
func TestWhyStaleOfRevisionsByHand(t *testing.T) {
	t.Parallel()
	change := directory.Order{Incarnation: directory.NoIncarnation, Updated: 1000, SvixID: "msg_1"}.Revision()
	byHand := "the row is newer: its rev, which was set by hand, is greater than that of the change"
	whole := string(change)
	for row, want := range map[directory.Revision]string{
		"":  "",
		"9": byHand,
		"9-0-0-000000000001000-1-000000000000000-msg_1":             byHand,
		directory.Revision(strings.Replace(whole, "-", "x-", 1)):    byHand,
		directory.Revision(strings.Replace(whole, "-1-", "-2-", 1)): byHand,
	} {
		if got := directory.WhyStale(row, change); got != want {
			t.Errorf("WhyStale(%q) = %q, want %q", row, got, want)
		}
	}
}

// A row's revision says what made it, each kind of change in its own words.
func TestDescribe(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, time.March, 2, 10, 35, 7, 0, time.UTC).UnixMilli()
	order := func(change func(*directory.Order)) directory.Revision {
		o := directory.Order{Incarnation: directory.NoIncarnation, Updated: at, Sent: at + 5000, SvixID: "msg_1"}
		change(&o)
		return o.Revision()
	}
	for want, r := range map[string]directory.Revision{
		"changed 2026-03-02 10:35:07 UTC by message msg_1": order(func(*directory.Order) {}),
		"created 2026-03-02 10:35:07 UTC by message msg_1": order(func(o *directory.Order) { o.Created = true }),
		"deleted 2026-03-02 10:35:12 UTC by message msg_1": order(func(o *directory.Order) {
			o.Terminal, o.Updated = true, 0
		}),
		"Clerk had it no more, seen 2026-03-02 10:35:07 UTC": order(func(o *directory.Order) {
			o.SvixID = directory.Absence
		}),
		"read from Clerk's API, changed there 2026-03-02 10:35:07 UTC": order(func(o *directory.Order) {
			o.SvixID = "api_0123456789abcdef0123456789abcdef"
		}),
		"changed no time by message msg_1": order(func(o *directory.Order) { o.Updated, o.Sent = 0, 0 }),
		"set by hand":                      "2026",
	} {
		if got := r.Describe(); got != want {
			t.Errorf("Describe(%s) = %q, want %q", r, got, want)
		}
	}
}

// WhyStale names the field by which the revisions' texts are ordered.
func TestWhyStaleNamesTheDecidingField(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		createdAt, id, a := fields(t)
		createdAtB, idB, b := fields(t)
		row, change := a, b
		if a.Revision() < b.Revision() {
			row, change = b, a
		}
		want := "this very message"
		switch {
		case createdAt != createdAtB, id != idB:
			want = "another membership"
		case a.Terminal != b.Terminal:
			want = "deleted at"
		case a.Updated != b.Updated:
			want = "updated_at"
		case a.Created != b.Created:
			want = "an update > a creation"
		case a.Sent != b.Sent:
			want = "sent"
		case a.SvixID != b.SvixID:
			want = "svix id"
		}
		got := directory.WhyStale(row.Revision(), change.Revision())
		if !strings.HasPrefix(got, "the row is newer: ") || !strings.Contains(got, want) {
			t.Errorf("WhyStale(%s, %s) = %q, want %q in it", row.Revision(), change.Revision(), got, want)
		}
		if sign := cmp.Compare(row.Updated, change.Updated); want == "updated_at" && sign != 1 {
			t.Errorf("WhyStale(%s, %s) = %q, want the greater time first", row.Revision(), change.Revision(), got)
		}
	})
}

func TestWhyDuplicate(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, time.March, 2, 16, 5, 7, 0, time.FixedZone("IST", 19800))
	first := directory.Existing{LedgerEntry: &directory.LedgerEntry{Outcome: "stale", ReceivedAt: at}}
	const want = "first received 2026-03-02 10:35:07 UTC: stale"
	if got := first.WhyDuplicate(); got != want {
		t.Errorf("WhyDuplicate = %q, want %q", got, want)
	}
	if got := (directory.Existing{}).WhyDuplicate(); got != "" {
		t.Errorf("WhyDuplicate of what is not known = %q, want nothing", got)
	}
}
