package order

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"
)

// maxKnown is how many comparisons are kept, the newest: as many as somebody goes
// back and forth between. Each has the rows of its ends, some 100 KB.
const maxKnown = 8

// comparisons are those that were made of all orders. They are of a set of messages,
// in whichever order it is given, so whoever moves a message need not wait again.
type comparisons struct {
	mu   sync.Mutex
	list []known
}

// known is a comparison, and the sums of its messages in the order to which its
// indexes belong.
type known struct {
	sums       []string
	comparison Comparison
}

// sumsOf names each message by what is in it: an id may come with another body after
// a reset.
func sumsOf(messages []Message) []string {
	sums := make([]string, len(messages))
	for i, m := range messages {
		sum := sha256.Sum256(append([]byte(m.SvixID+"\n"), m.Body...))
		sums[i] = hex.EncodeToString(sum[:])
	}
	return sums
}

// keep remembers a comparison.
func (k *comparisons) keep(messages []Message, c Comparison) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.list) == maxKnown {
		k.list = slices.Clone(k.list[1:]) // the old array is let go
	}
	k.list = append(k.list, known{sumsOf(messages), c})
}

// find returns the comparison of these messages, with indexes that belong to the
// order in which they are given now.
func (k *comparisons) find(messages []Message) (Comparison, bool) {
	sums := sumsOf(messages)
	k.mu.Lock()
	i := slices.IndexFunc(k.list, func(old known) bool {
		return slices.Equal(slices.Sorted(slices.Values(old.sums)), slices.Sorted(slices.Values(sums)))
	})
	if i < 0 {
		k.mu.Unlock()
		return Comparison{}, false
	}
	old := k.list[i]
	k.mu.Unlock()
	places := make([]int, len(sums))
	for i, sum := range old.sums {
		places[i] = slices.Index(sums, sum)
		sums[places[i]] = "" // one that is there twice has two places
	}
	c := old.comparison
	c.Handlers = slices.Clone(c.Handlers)
	for i := range c.Handlers {
		h := &c.Handlers[i]
		h.Ends = slices.Clone(h.Ends)
		for j := range h.Ends {
			h.Ends[j].Order = pick(places, h.Ends[j].Order)
		}
	}
	return c, true
}

// Known returns the comparison of all orders of these messages where it was made
// before, in whichever order they were given then. It costs next to nothing.
func (r *Runner) Known(messages []Message) (Comparison, bool) { return r.known.find(messages) }
