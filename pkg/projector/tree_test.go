package projector_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// tree is a JSON value that can be written in many ways.
type tree struct {
	text    string // of a number, true, false or null
	str     *string
	list    []tree
	names   []string
	members []tree
}

// memberNames are names of every kind.
func memberNames() []string {
	return []string{
		"a", "b", "id", "é", "Z", "x y", "\u2028", "public_metadata", "scim", "verification", "last_active_at",
	}
}

func drawTree(t *rapid.T, depth int) tree {
	kinds := 3
	if depth > 0 {
		kinds = 5
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return tree{text: rapid.SampledFrom([]string{"0", "1", "1.0", "10e1", "true", "null"}).Draw(t, "text")}
	case 1, 2:
		s := rapid.SampledFrom([]string{"", "a", "é", "\n\"\\/", "😀", "\u0001"}).Draw(t, "string")
		return tree{str: &s}
	case 3:
		return tree{list: append([]tree{}, rapid.SliceOfN(rapid.Custom(func(t *rapid.T) tree {
			return drawTree(t, depth-1)
		}), 0, 3).Draw(t, "list")...)}
	}
	return drawObject(t, depth-1)
}

func drawObject(t *rapid.T, depth int) tree {
	names := rapid.SliceOfNDistinct(rapid.SampledFrom(memberNames()), 0, 6, rapid.ID).Draw(t, "names")
	o := tree{names: append([]string{}, names...)}
	for range names {
		o.members = append(o.members, drawTree(t, depth))
	}
	return o
}

// write writes the tree, if r is not nil in a way of its own choosing.
func (v tree) write(b *strings.Builder, r *rand.Rand) {
	space := func() {
		if r != nil && r.IntN(3) == 0 {
			b.WriteString([]string{" ", "\n", "\t\r"}[r.IntN(3)])
		}
	}
	space()
	defer space()
	switch {
	case v.str != nil:
		writeString(b, *v.str, r)
	case v.list != nil:
		b.WriteByte('[')
		for i, e := range v.list {
			if i > 0 {
				b.WriteByte(',')
			}
			e.write(b, r)
		}
		b.WriteByte(']')
	case v.names != nil:
		b.WriteByte('{')
		order := make([]int, len(v.names))
		for i := range order {
			order[i] = i
		}
		if r != nil {
			r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		}
		for i, n := range order {
			if i > 0 {
				b.WriteByte(',')
			}
			if r != nil && r.IntN(4) == 0 { // the last of doubles wins
				writeString(b, v.names[n], r)
				b.WriteString(`:"double",`)
			}
			space()
			writeString(b, v.names[n], r)
			space()
			b.WriteByte(':')
			v.members[n].write(b, r)
		}
		b.WriteByte('}')
	default:
		b.WriteString(v.text)
	}
}

func writeString(b *strings.Builder, s string, r *rand.Rand) {
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c > 0xffff || c >= ' ' && c != '"' && c != '\\' && (r == nil || r.IntN(2) == 0):
			b.WriteRune(c)
		default:
			fmt.Fprintf(b, `\u%04X`, c)
		}
	}
	b.WriteByte('"')
}

func (v tree) format(r *rand.Rand) string {
	var b strings.Builder
	v.write(&b, r)
	return b.String()
}

// change changes one leaf or one name of the tree, and says whether that is
// something volatile. It reports false where there is nothing to change.
func (v *tree) change(r *rand.Rand, inMetadata bool) (changed, isVolatile bool) {
	switch {
	case v.str != nil:
		s := *v.str + "!"
		v.str = &s
		return true, false
	case len(v.list) > 0:
		return v.list[r.IntN(len(v.list))].change(r, inMetadata)
	case len(v.names) > 0:
		i := r.IntN(len(v.names))
		volatile := !inMetadata && slices.Contains([]string{"scim", "verification", "last_active_at"}, v.names[i])
		changed, below := v.members[i].change(r, inMetadata || v.names[i] == "public_metadata")
		return changed, volatile || below
	case v.list != nil:
		v.list = []tree{{text: "7"}}
	case v.names != nil:
		v.names, v.members = []string{"new"}, []tree{{text: "7"}}
	default:
		v.text = map[bool]string{true: "8", false: "7"}[v.text == "7"]
	}
	return true, false
}

// How an object is written and what is volatile does not change its canonical
// text; everything else does.
func TestCanonicalIsTheContent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := drawObject(t, 3)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		plain := o.format(nil)
		want := string(projector.Canonical(directory.KindUser, object(t, plain)))
		other := o.format(r)
		if got := string(projector.Canonical(directory.KindUser, object(t, other))); got != want {
			t.Fatalf("Canonical(%s) = %s\nCanonical(%s) = %s, want the same", other, got, plain, want)
		}
		if changed, isVolatile := o.change(r, false); changed {
			other = o.format(r)
			got := string(projector.Canonical(directory.KindUser, object(t, other)))
			if (got == want) != isVolatile {
				t.Fatalf("Canonical(%s) = %s, before its change (volatile %t) %s", other, got, isVolatile, want)
			}
		}
	})
}
