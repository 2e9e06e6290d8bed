package directory_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/clerksync/clerksync/pkg/directory"
)

var update = flag.Bool("update", false,
	"write testdata/rev.golden anew; a revision that changes breaks every table that is deployed")

type namedOrder struct {
	name  string
	order directory.Order
}

// ascendingOrders are the cases of the golden file, each greater than the one
// before.
func ascendingOrders() (all []namedOrder) {
	const now, last = 1_772_449_375_640, 4_102_444_799_999
	var in directory.Incarnation
	add := func(name string, o directory.Order) {
		o.Incarnation = in
		all = append(all, namedOrder{name, o})
	}
	in = directory.NoIncarnation
	add("nothing known", directory.Order{Created: true})
	add("nothing known, read from the API", directory.Order{})
	add("created", directory.Order{Updated: now, Created: true, Sent: now, SvixID: "msg_1"})
	add("updated", directory.Order{Updated: now, Sent: now, SvixID: "msg_1"})
	add("updated, read from the API", directory.Order{Updated: now, Sent: now + 1})
	add("updated, sent later", directory.Order{Updated: now, Sent: now + 1, SvixID: "msg_0"})
	add("updated, greater id", directory.Order{Updated: now, Sent: now + 1, SvixID: "msg_1"})
	add("updated in the last millisecond", directory.Order{Updated: last, Sent: last, SvixID: "~"})
	add("deleted, no times", directory.Order{Terminal: true, SvixID: "msg_1"})
	add("deleted", directory.Order{Terminal: true, Sent: now, SvixID: "msg_1"})
	add("deleted, times inside", directory.Order{Terminal: true, Updated: now, Sent: now, SvixID: "msg_1"})
	in = directory.NewIncarnation(0, "orgmem_1")
	add("membership of 1970", directory.Order{Created: true})
	in = directory.NewIncarnation(now, "orgmem_1")
	add("membership", directory.Order{Updated: now, Created: true, Sent: now, SvixID: "msg_1"})
	add("membership updated", directory.Order{Updated: now + 1, Sent: now + 1, SvixID: "msg_2"})
	add("membership deleted", directory.Order{Terminal: true, Updated: now, Sent: now, SvixID: "msg_3"})
	in = directory.NewIncarnation(now, "orgmem_1a")
	add("membership of a longer id", directory.Order{SvixID: "msg_0"})
	in = directory.NewIncarnation(now, "orgmem-1.ö~\x00 Z")
	add("membership of an id with odd bytes", directory.Order{SvixID: "msg-0-1"})
	in = directory.NewIncarnation(now+1, "orgmem_0")
	add("membership created again", directory.Order{Created: true})
	return all
}

// The golden file pins the text for ever: tables that are deployed hold it.
func TestRevisionGolden(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	last := directory.Revision("")
	for _, o := range ascendingOrders() {
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
	if got := b.String(); got != string(want) {
		t.Errorf("revisions are not those of %s:\n%s\nwant:\n%s", golden, got, want)
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

// escaped is the rule for ids, written in another way.
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

func rank(later bool) int {
	if later {
		return 1
	}
	return 0
}

// The order of the text is the order of the fields, from the strongest.
func TestRevisionOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c1, id1, x := fields(t)
		c2, id2, y := fields(t)
		want := cmp.Or(
			cmp.Compare(c1, c2),
			cmp.Compare(escaped(id1), escaped(id2)),
			cmp.Compare(rank(x.Terminal), rank(y.Terminal)),
			cmp.Compare(x.Updated, y.Updated),
			cmp.Compare(rank(y.Created), rank(x.Created)),
			cmp.Compare(x.Sent, y.Sent),
			cmp.Compare(x.SvixID, y.SvixID),
		)
		if got := cmp.Compare(x.Revision(), y.Revision()); got != want {
			t.Fatalf("compare(%q, %q) = %d, want %d, the order of the fields", x.Revision(), y.Revision(), got, want)
		}
	})
}

// A revision holds its incarnation, and that of a child that is deleted with its
// parent is greater than the child's own, in the same incarnation.
func TestRevisionParts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		_, _, o := fields(t)
		if got := o.Revision().Incarnation(); got != o.Incarnation {
			t.Fatalf("Incarnation(%q) = %q, want %q", o.Revision(), got, o.Incarnation)
		}
		_, _, parent := fields(t)
		parent.Incarnation, parent.Terminal = directory.NoIncarnation, true
		deleted := o.Revision().DeletedWith(parent.Revision())
		want := parent
		want.Incarnation = o.Incarnation
		if deleted != want.Revision() {
			t.Fatalf("DeletedWith(%q, %q) = %q, want %q", o.Revision(), parent.Revision(), deleted, want.Revision())
		}
		if !o.Terminal && deleted <= o.Revision() {
			t.Fatalf("DeletedWith(%q, %q) = %q, want more than the child's", o.Revision(), parent.Revision(), deleted)
		}
	})
}

// Times have a fixed width, and ids no byte that could end the field.
func TestNewIncarnation(t *testing.T) {
	t.Parallel()
	check := func(createdAt int64, id string, want directory.Incarnation) {
		t.Helper()
		if got := directory.NewIncarnation(createdAt, id); got != want {
			t.Errorf("NewIncarnation(%d, %q) = %q, want %q", createdAt, id, got, want)
		}
	}
	check(0, "0", directory.NoIncarnation)
	check(1_772_449_375_640, "orgmem_AZaz09", "001772449375640-orgmem_AZaz09")
	check(1, "a-b", "000000000000001-a~2Db")
	check(1, "a~2Db", "000000000000001-a~7E2Db")
	check(1, "ö", "000000000000001-~C3~B6")
	check(1, "a.b/c d\x00", "000000000000001-a~2Eb~2Fc~20d~00")
	check(4_102_444_799_999, "x", "004102444799999-x")
}

// No two ids share an incarnation, and none holds a byte that sorts before the
// separator, or it: the order of the text would not be that of the fields.
func FuzzIncarnation(f *testing.F) {
	f.Add("a-b", "a~2Db")
	f.Add("orgmem_1", "orgmem_1a")
	f.Add("", "\x00")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := directory.NewIncarnation(5, a), directory.NewIncarnation(5, b)
		if (x == y) != (a == b) {
			t.Errorf("NewIncarnation(5, %q) = %q and of %q = %q, want equal only for equal ids", a, x, b, y)
		}
		low := func(c byte) bool { return c <= '-' }
		if strings.Count(string(x), "-") != 1 || slices.ContainsFunc([]byte(x[16:]), low) {
			t.Errorf("NewIncarnation(5, %q) = %q, want bytes above the separator", a, x)
		}
	})
}
