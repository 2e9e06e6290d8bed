package directory_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/clerksync/clerksync/pkg/directory"
)

var update = flag.Bool("update", false, "write testdata/rev.golden anew; a revision that changes breaks every table that is deployed")

// orders are the named cases of the golden file, in ascending order within
// each group.
func orders() []struct {
	name  string
	order directory.Order
} {
	const now = 1_772_449_375_640
	none, member := directory.NoIncarnation, directory.NewIncarnation(now, "orgmem_1")
	return []struct {
		name  string
		order directory.Order
	}{
		{"nothing known", directory.Order{Incarnation: none, Created: true}},
		{"nothing known, read from the API", directory.Order{Incarnation: none}},
		{"created", directory.Order{Incarnation: none, Updated: now, Created: true, Sent: now, SvixID: "msg_1"}},
		{"updated", directory.Order{Incarnation: none, Updated: now, Sent: now, SvixID: "msg_1"}},
		{"updated, read from the API", directory.Order{Incarnation: none, Updated: now, Sent: now + 1}},
		{"updated, sent later", directory.Order{Incarnation: none, Updated: now, Sent: now + 1, SvixID: "msg_0"}},
		{"updated, greater id", directory.Order{Incarnation: none, Updated: now, Sent: now + 1, SvixID: "msg_1"}},
		{"updated in the last millisecond", directory.Order{Incarnation: none, Updated: 4_102_444_799_999, Sent: 4_102_444_799_999, SvixID: "~"}},
		{"deleted, no times", directory.Order{Incarnation: none, Terminal: true, SvixID: "msg_1"}},
		{"deleted", directory.Order{Incarnation: none, Terminal: true, Sent: now, SvixID: "msg_1"}},
		{"deleted, times inside", directory.Order{Incarnation: none, Terminal: true, Updated: now, Sent: now, SvixID: "msg_1"}},
		{"membership of 1970", directory.Order{Incarnation: directory.NewIncarnation(0, "orgmem_1"), Created: true}},
		{"membership", directory.Order{Incarnation: member, Updated: now, Created: true, Sent: now, SvixID: "msg_1"}},
		{"membership updated", directory.Order{Incarnation: member, Updated: now + 1, Sent: now + 1, SvixID: "msg_2"}},
		{"membership deleted", directory.Order{Incarnation: member, Terminal: true, Updated: now, Sent: now, SvixID: "msg_3"}},
		{"membership of a longer id", directory.Order{Incarnation: directory.NewIncarnation(now, "orgmem_1a"), SvixID: "msg_0"}},
		{"membership of an id with odd bytes", directory.Order{Incarnation: directory.NewIncarnation(now, "orgmem-1.ö~\x00 Z"), SvixID: "msg-0-1"}},
		{"membership created again", directory.Order{Incarnation: directory.NewIncarnation(now+1, "orgmem_0"), Created: true}},
	}
}

// TestRevisionGolden pins the text for ever.
func TestRevisionGolden(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	last := directory.Revision("")
	for _, o := range orders() {
		rev := o.order.Revision()
		fmt.Fprintf(&b, "%-36s %s\n", o.name, rev)
		if rev <= last {
			t.Errorf("Revision(%s) = %s, want more than %s", o.name, rev, last)
		}
		last = rev
	}
	const golden = "testdata/rev.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := diff.Diff(string(want), b.String()); d != "" {
		t.Errorf("revisions are not those of %s (-want +got):\n%s", golden, d)
	}
}

// fields draws an order and the incarnation's parts behind it. Small ranges,
// so that fields are often equal.
func fields(t *rapid.T) (created int64, id string, o directory.Order) {
	millis := rapid.OneOf(rapid.Int64Range(0, 2), rapid.Int64Range(0, 4_102_444_799_999))
	created = millis.Draw(t, "created_at")
	id = rapid.OneOf(rapid.StringMatching(`[a0_.~-]{0,3}`), rapid.String()).Draw(t, "id")
	o = directory.Order{
		Incarnation: directory.NewIncarnation(created, id),
		Terminal:    rapid.Bool().Draw(t, "terminal"),
		Updated:     millis.Draw(t, "updated"),
		Created:     rapid.Bool().Draw(t, "created"),
		Sent:        millis.Draw(t, "sent"),
		SvixID:      rapid.StringMatching(`[!-+/-~-]{0,4}`).Draw(t, "svix id"),
	}
	return created, id, o
}

// escaped is the rule for ids, told once more.
func escaped(id string) string {
	var b strings.Builder
	for _, c := range []byte(id) {
		if strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "~%02X", c)
		}
	}
	return b.String()
}

func rank(flag bool) int {
	if flag {
		return 1
	}
	return 0
}

// TestRevisionOrder: the order of the text is the order of the fields.
func TestRevisionOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c1, id1, x := fields(t)
		c2, id2, y := fields(t)
		want := cmp.Or(
			cmp.Compare(c1, c2), cmp.Compare(escaped(id1), escaped(id2)), cmp.Compare(rank(x.Terminal), rank(y.Terminal)),
			cmp.Compare(x.Updated, y.Updated), cmp.Compare(rank(y.Created), rank(x.Created)), cmp.Compare(x.Sent, y.Sent),
			cmp.Compare(x.SvixID, y.SvixID),
		)
		if got := cmp.Compare(x.Revision(), y.Revision()); got != want {
			t.Fatalf("compare(%q, %q) = %d, want %d, the order of the fields", x.Revision(), y.Revision(), got, want)
		}
	})
}

// TestRevisionParts: a revision tells its incarnation, and the revision of a
// child that ends lies above the child's own and in its incarnation.
func TestRevisionParts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		_, _, o := fields(t)
		if got := o.Revision().Incarnation(); got != o.Incarnation {
			t.Fatalf("Incarnation(%q) = %q, want %q", o.Revision(), got, o.Incarnation)
		}
		_, _, parent := fields(t)
		parent.Incarnation, parent.Terminal = directory.NoIncarnation, true
		ended := o.Revision().DeletedWith(parent.Revision())
		want := parent
		want.Incarnation = o.Incarnation
		if ended != want.Revision() {
			t.Fatalf("DeletedWith(%q, %q) = %q, want %q", o.Revision(), parent.Revision(), ended, want.Revision())
		}
		if !o.Terminal && ended <= o.Revision() {
			t.Fatalf("DeletedWith(%q, %q) = %q, want more than the live child's", o.Revision(), parent.Revision(), ended)
		}
	})
}

func TestNewIncarnation(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		createdAt int64
		id        string
		want      directory.Incarnation
	}{
		{0, "0", directory.NoIncarnation},
		{1_772_449_375_640, "orgmem_AZaz09", "001772449375640-orgmem_AZaz09"},
		{1, "a-b", "000000000000001-a~2Db"},
		{1, "a~2Db", "000000000000001-a~7E2Db"},
		{1, "ö", "000000000000001-~C3~B6"},
		{1, "a.b/c d\x00", "000000000000001-a~2Eb~2Fc~20d~00"},
		{4_102_444_799_999, "x", "004102444799999-x"},
	} {
		if got := directory.NewIncarnation(c.createdAt, c.id); got != c.want {
			t.Errorf("NewIncarnation(%d, %q) = %q, want %q", c.createdAt, c.id, got, c.want)
		}
	}
}

// FuzzIncarnation: no two ids share an incarnation, and none holds what ends
// the field.
func FuzzIncarnation(f *testing.F) {
	f.Add("a-b", "a~2Db")
	f.Add("orgmem_1", "orgmem_1a")
	f.Add("", "\x00")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := directory.NewIncarnation(5, a), directory.NewIncarnation(5, b)
		if (x == y) != (a == b) {
			t.Errorf("NewIncarnation(5, %q) = %q and of %q = %q, want equal only for equal ids", a, x, b, y)
		}
		if strings.Count(string(x), "-") != 1 || slices.ContainsFunc([]byte(x[16:]), func(c byte) bool { return c <= '-' }) {
			t.Errorf("NewIncarnation(5, %q) = %q, want bytes above the separator", a, x)
		}
	})
}
