package directory_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/clerksync/clerksync/pkg/directory"
)

func text(n int) string { return strings.Repeat("x", n) }

func TestFit(t *testing.T) {
	t.Parallel()
	const kb = 1 << 10
	row := func(attributes directory.Row) directory.Row {
		r := directory.NewRow(directory.UserKey("u1"), directory.KindUser)
		r["rev"], r["svix_id"], r["synced_at"], r["deleted_at"] = "1", "msg_1", "now", "then"
		for name, v := range attributes {
			r[name] = v
		}
		return r
	}
	for _, c := range []struct {
		name       string
		attributes directory.Row
		gone       []string
	}{
		{"small", directory.Row{"object": "{}", "first_name": "Ada"}, nil},
		{"object too large", directory.Row{"object": text(450 * kb), "first_name": "Ada"}, []string{"object"}},
		{"object first, though it is short", directory.Row{"object": "{}", "first_name": text(450 * kb)}, []string{"object", "first_name"}},
		{"object is enough", directory.Row{"object": text(200 * kb), "first_name": text(201 * kb)}, []string{"object"}},
		{"then the longest", directory.Row{"object": "{}", "first_name": text(200 * kb), "last_name": text(250 * kb)}, []string{"object", "last_name"}},
		{"several", directory.Row{"a": text(390 * kb), "b": text(399 * kb), "c": text(398 * kb)}, []string{"b", "c"}},
		{"by name among equals", directory.Row{"b": text(250 * kb), "a": text(250 * kb)}, []string{"a"}},
		{"a long list", directory.Row{"email_addresses": slices.Repeat([]string{text(kb)}, 450), "email": "ada@example.com"}, []string{"email_addresses"}},
		{"a long instance", directory.Row{"instance_id": text(450 * kb), "first_name": "Ada"}, []string{"instance_id"}},
		{"brought to fit before", directory.Row{"omitted": []string{"object"}, "a": text(450 * kb)}, []string{"object", "a"}},
	} {
		r := row(c.attributes)
		r.Fit()
		if r.Size() > directory.MaxRowBytes {
			t.Errorf("%s: Fit leaves %d bytes, want at most %d", c.name, r.Size(), directory.MaxRowBytes)
		}
		want := row(c.attributes)
		for _, name := range c.gone {
			delete(want, name)
		}
		if c.gone != nil {
			want["omitted"] = c.gone
		}
		if d := diff.Diff(want, r); d != "" {
			t.Errorf("%s: Fit differs (-want +got):\n%.500s", c.name, d)
		}
	}
}

func TestFitAtTheLimit(t *testing.T) {
	t.Parallel()
	exact := func(extra int) directory.Row {
		r := directory.NewRow(directory.UserKey("u1"), directory.KindUser)
		r["object"] = "-"
		r["object"] = text(directory.MaxRowBytes - r.Size() + 1 + extra)
		return r
	}
	for extra, kept := range map[int]bool{-1: true, 0: true, 1: false} {
		r := exact(extra)
		r.Fit()
		if _, ok := r["object"]; ok != kept {
			t.Errorf("Fit(%d bytes over the limit): object there = %t, want %t", extra, ok, kept)
		}
	}
}

// TestFitLeavesLists: rows share lists with those they were copied from.
func TestFitLeavesLists(t *testing.T) {
	t.Parallel()
	list := append(make([]string, 0, 8), "object")
	r := directory.Row{"pk": "USER#u1", "sk": "USER", "omitted": list, "a": text(450 << 10)}
	other := r.Clone()
	r.Fit()
	if got := other["omitted"].([]string)[:2:2]; got[1] != "" {
		t.Errorf("Fit wrote %q into another row's list", got[1])
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		row  directory.Row
		want int
	}{
		{directory.Row{}, 0},
		{directory.Row{"a": "b"}, 2},
		{directory.Row{"äö": "🚒"}, 8},
		{directory.Row{"a": true, "b": false}, 4},
		{directory.Row{"a": []string{}}, 4},
		{directory.Row{"a": []string{"xy", ""}}, 1 + 3 + 1 + 2 + 1},
	} {
		if got := c.row.Size(); got != c.want {
			t.Errorf("Size(%v) = %d, want %d", c.row, got, c.want)
		}
	}
	for _, n := range []directory.Number{"0", "-1", "1772449375640", "9223372036854775807", "-9223372036854775808"} {
		digits := len(strings.TrimLeft(string(n), "-"))
		if got, least := (directory.Row{"a": n}).Size(), 1+1+(digits+1)/2; got < least {
			t.Errorf("Size(%s) = %d, want at least the %d that DynamoDB counts", n, got, least)
		}
	}
}

// TestFitAlways: whatever the row, what comes out fits, keeps what makes it a
// row, and names all that is missing.
func TestFitAlways(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := directory.NewRow(directory.UserKey("u1"), directory.KindUser)
		r["rev"] = "1"
		for i := range rapid.IntRange(0, 8).Draw(t, "attributes") {
			r[fmt.Sprint("a", i)] = text(rapid.IntRange(0, 400<<10).Draw(t, "length"))
		}
		if rapid.Bool().Draw(t, "object") {
			r["object"] = text(rapid.IntRange(0, 500<<10).Draw(t, "length"))
		}
		before := r.Clone()
		r.Fit()
		omitted, _ := r["omitted"].([]string)
		if r.Size() > directory.MaxRowBytes || r.Key() != before.Key() || r.Revision() != "1" {
			t.Fatalf("Fit leaves %d bytes under %v", r.Size(), r.Key())
		}
		for name := range before {
			if _, ok := r[name]; ok == slices.Contains(omitted, name) {
				t.Fatalf("Fit: attribute %s there = %t, want the contrary of named in %q", name, ok, omitted)
			}
		}
		if _, ok := before["object"]; ok && len(omitted) > 0 && omitted[0] != "object" {
			t.Fatalf("Fit omitted %q, want object first", omitted)
		}
	})
}

func TestSetIndex(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, value string
		want        bool
	}{
		{"empty", "", false},
		{"short", "a", true},
		{"at the limit", text(2048), true},
		{"over the limit", text(2049), false},
		{"at the limit in bytes", strings.Repeat("ö", 1024), true},
		{"over the limit in bytes", strings.Repeat("ö", 1025), false},
	} {
		r := directory.Row{}
		r.SetIndex("by_email", c.value)
		if _, ok := r["by_email"]; ok != c.want {
			t.Errorf("%s: SetIndex puts the row into the index = %t, want %t", c.name, ok, c.want)
		}
	}
}

func TestKeyValid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		key  directory.Key
		want bool
	}{
		{"plain", directory.UserKey("u1"), true},
		{"empty pk", directory.Key{SK: "USER"}, false},
		{"empty sk", directory.Key{PK: "USER#u1"}, false},
		{"longest pk", directory.Key{PK: text(2048), SK: "s"}, true},
		{"too long pk", directory.Key{PK: text(2049), SK: "s"}, false},
		{"longest sk", directory.Key{PK: "p", SK: text(1024)}, true},
		{"too long sk", directory.Key{PK: "p", SK: text(1025)}, false},
	} {
		if got := c.key.Valid(); got != c.want {
			t.Errorf("%s: Valid = %t, want %t", c.name, got, c.want)
		}
	}
}

func TestLiveAndGone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		row        directory.Row
		live, gone bool
	}{
		{"no row", nil, false, false},
		{"row", directory.Row{"rev": "1"}, true, false},
		{"tombstone", directory.Row{"rev": "1", "deleted_at": "1970-01-01T00:00:00.000Z"}, false, true},
	} {
		if live, gone := c.row.Live(), c.row.Gone(); live != c.live || gone != c.gone {
			t.Errorf("%s: Live, Gone = %t, %t, want %t, %t", c.name, live, gone, c.live, c.gone)
		}
	}
}
