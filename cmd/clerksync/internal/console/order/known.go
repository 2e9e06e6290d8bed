package order

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"
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

// begun are comparisons that somebody did not wait for, by the sums of their messages:
// each is closed when it has ended.
type begun struct {
	mu   sync.Mutex
	ends map[string]chan struct{}
}

// maxBegun bounds what is remembered of comparisons that had no time for all orders.
const maxBegun = 64

// CompareSoon is Compare, but waits no longer than the patience: then the comparison
// goes on, pending is true, and Known has it once it has ended. Where it has ended
// without all orders before, it is not begun again.
func (r *Runner) CompareSoon(
	ctx context.Context, messages []Message, patience time.Duration,
) (c Comparison, known, pending bool) {
	sums := sumsOf(messages)
	slices.Sort(sums)
	set := strings.Join(sums, " ")
	r.begun.mu.Lock()
	end, ok := r.begun.ends[set]
	if !ok {
		if len(r.begun.ends) >= maxBegun || r.begun.ends == nil {
			r.begun.ends = map[string]chan struct{}{}
		}
		end = make(chan struct{})
		r.begun.ends[set] = end
		kept := slices.Clone(messages) // the caller may bring them into another order meanwhile
		go func() {
			defer close(end)
			// It outlives the page that asked, and ends by the runner's own limit.
			if c, err := r.Compare(context.WithoutCancel(ctx), kept); err == nil && c.All {
				r.begun.mu.Lock()
				defer r.begun.mu.Unlock()
				delete(r.begun.ends, set) // should it be forgotten, it can be begun again
			}
		}()
	}
	r.begun.mu.Unlock()
	select {
	case <-end:
	case <-ctx.Done():
	case <-time.After(patience):
		pending = true
	}
	c, known = r.Known(messages)
	return c, known, pending && !known
}

// Known returns the comparison of all orders of these messages where it was made
// before, in whichever order they were given then. It costs next to nothing.
func (r *Runner) Known(messages []Message) (Comparison, bool) { return r.known.find(messages) }
