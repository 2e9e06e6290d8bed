package signature

import (
	"maps"
	"slices"
	"strings"

	"github.com/clerksync/clerksync/pkg/svix"
)

// headerSet looks headers up by name, whatever its case. Its keys are lower case.
type headerSet map[string][]string

func newHeaderSet(in map[string][]string) headerSet {
	h := headerSet{}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		lower := strings.ToLower(strings.TrimSpace(name))
		h[lower] = append(h[lower], in[name]...)
	}
	return h
}

// get joins repeated headers as gateways do; "" is a header that is absent.
func (h headerSet) get(name string) string { return strings.Join(h[name], ",") }

// fields are the three headers of a signature, less their family's prefix svix- or webhook-.
func fields() [3]string { return [3]string{"id", "timestamp", "signature"} }

func families() [2]string { return [2]string{"svix-", "webhook-"} }

func isComplete(h svix.Headers) bool { return h.ID != "" && h.Timestamp != "" && h.Signature != "" }

// undoRenaming adds headers under their own names that a proxy or a framework has changed (svix_id, HTTP_SVIX_ID,
// X-Svix-Id), and returns the changed names too.
func (h headerSet) undoRenaming() (out headerSet, renamed []string) {
	out = maps.Clone(h)
	for _, name := range slices.Sorted(maps.Keys(h)) {
		plain := strings.ReplaceAll(name, "_", "-")
		for _, p := range []string{"http-", "x-", "x-forwarded-", "x-original-"} {
			plain = strings.TrimPrefix(plain, p)
		}
		if plain != name && isSignatureHeader(plain) && out.get(plain) == "" {
			out[plain] = h[name]
			renamed = append(renamed, name)
		}
	}
	return out, renamed
}

func isSignatureHeader(name string) bool {
	for _, family := range families() {
		for _, field := range fields() {
			if name == family+field {
				return true
			}
		}
	}
	return false
}

// missingHeaders names the headers that are absent where neither family is complete: those of the family of which the
// most are there.
func missingHeaders(h headerSet) []Finding {
	if isComplete(svix.FromHeader(h.get)) {
		return nil
	}
	var fewest []string
	for _, family := range families() {
		var names []string
		for _, field := range fields() {
			if h.get(family+field) == "" {
				names = append(names, family+field)
			}
		}
		if fewest == nil || len(names) < len(fewest) {
			fewest = names
		}
	}
	return []Finding{proven(HeaderMissing, "not there or empty: %s", strings.Join(fewest, ", "))}
}
