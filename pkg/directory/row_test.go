package directory_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/clerksync/clerksync/pkg/directory"
)

func text(n int) string { return strings.Repeat("x", n) }

// What a row that is too large gives up, in that order.
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
	check := func(name string, attributes directory.Row, gone ...string) {
		t.Helper()
		r, want := row(attributes), row(attributes)
		r.Fit()
		if r.Size() > directory.MaxRowBytes {
			t.Errorf("%s: Fit leaves %d bytes, want at most %d", name, r.Size(), directory.MaxRowBytes)
		}
		for _, name := range gone {
			delete(want, name)
		}
		if gone != nil {
			want["omitted"] = gone
		}
		if diff := cmp.Diff(want, r); diff != "" {
			t.Errorf("%s: Fit differs (-want +got):\n%.500s", name, diff)
		}
	}
	check("small", directory.Row{"object": "{}", "first_name": "Ada"})
	check("object too large", directory.Row{"object": text(450 * kb), "first_name": "Ada"}, "object")
	check("object is enough", directory.Row{"object": text(200 * kb), "first_name": text(201 * kb)}, "object")
	check("object first, though it is short", directory.Row{"object": "{}", "a": text(450 * kb)}, "object", "a")
	check("then the longest, until it fits",
		directory.Row{"object": "{}", "a": text(390 * kb), "b": text(399 * kb), "c": text(398 * kb)},
		"object", "b", "c")
	check("by name among equals", directory.Row{"b": text(250 * kb), "a": text(250 * kb)}, "a")
	check("a long list", directory.Row{"list": slices.Repeat([]string{text(kb)}, 450), "email": "a@x.org"}, "list")
	check("a long instance", directory.Row{"instance_id": text(450 * kb), "first_name": "Ada"}, "instance_id")
	check("fitted before", directory.Row{"omitted": []string{"object"}, "a": text(450 * kb)}, "object", "a")
}

// A row of exactly 400 KB is kept whole.
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

// A row shares its lists with the row that it was copied from.
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

// Size is never less than what DynamoDB counts, or a row that seems to fit would be
// refused for ever.
func TestSize(t *testing.T) {
	t.Parallel()
	check := func(row directory.Row, want int) {
		t.Helper()
		if got := row.Size(); got != want {
			t.Errorf("Size(%v) = %d, want %d", row, got, want)
		}
	}
	check(directory.Row{}, 0)
	check(directory.Row{"a": "b"}, 2)
	check(directory.Row{"äö": "🚒"}, 8)
	check(directory.Row{"a": true, "b": false}, 4)
	check(directory.Row{"a": []string{}}, 4)
	check(directory.Row{"a": []string{"xy", ""}}, 1+3+1+2+1)
	for _, n := range []directory.Number{"0", "-1", "1772449375640", "9223372036854775807", "-9223372036854775808"} {
		digits := len(strings.TrimLeft(string(n), "-"))
		if got, least := (directory.Row{"a": n}).Size(), 1+1+(digits+1)/2; got < least {
			t.Errorf("Size(%s) = %d, want at least the %d that DynamoDB counts", n, got, least)
		}
	}
}

// Whatever the row, it fits afterwards, keeps what makes it a row, and names all
// that it gave up.
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
				t.Fatalf("Fit: attribute %s kept = %t, want it kept or named in %q", name, ok, omitted)
			}
		}
		if _, ok := before["object"]; ok && len(omitted) > 0 && omitted[0] != "object" {
			t.Fatalf("Fit omitted %q, want object first", omitted)
		}
	})
}

// A value that cannot be a key is left out of the index: DynamoDB would refuse the
// whole row.
func TestSetIndex(t *testing.T) {
	t.Parallel()
	check := func(name, value string, want bool) {
		t.Helper()
		r := directory.Row{}
		r.SetIndex("by_email", value)
		if _, ok := r["by_email"]; ok != want {
			t.Errorf("%s: SetIndex puts the row into the index = %t, want %t", name, ok, want)
		}
	}
	check("empty", "", false)
	check("short", "a", true)
	check("at the limit", text(2048), true)
	check("over the limit", text(2049), false)
	check("at the limit in bytes", strings.Repeat("ö", 1024), true)
	check("over the limit in bytes", strings.Repeat("ö", 1025), false)
}

// Key.Valid has DynamoDB's limits, in bytes.
func TestKeyValid(t *testing.T) {
	t.Parallel()
	for key, want := range map[directory.Key]bool{
		directory.UserKey("u1"):     true,
		{SK: "USER"}:                false,
		{PK: "USER#u1"}:             false,
		{PK: text(2048), SK: "s"}:   true,
		{PK: text(2049), SK: "s"}:   false,
		{PK: "p", SK: text(1024)}:   true,
		{PK: "p", SK: text(1025)}:   false,
		{PK: "é", SK: "\x00\ufffe"}: true,
	} {
		if got := key.Valid(); got != want {
			t.Errorf("Valid(key of %d and %d bytes) = %t, want %t", len(key.PK), len(key.SK), got, want)
		}
	}
}

// A row that does not exist is neither live nor gone: a parent that is not known
// yet must not delete its children.
func TestLiveAndGone(t *testing.T) {
	t.Parallel()
	check := func(name string, row directory.Row, wantLive, wantGone bool) {
		t.Helper()
		if live, gone := row.Live(), row.Gone(); live != wantLive || gone != wantGone {
			t.Errorf("%s: Live, Gone = %t, %t, want %t, %t", name, live, gone, wantLive, wantGone)
		}
	}
	check("no row", nil, false, false)
	check("row", directory.Row{"rev": "1"}, true, false)
	check("tombstone", directory.Row{"rev": "1", "deleted_at": "1970-01-01T00:00:00.000Z"}, false, true)
}
