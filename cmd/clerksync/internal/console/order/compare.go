package order

import (
	"cmp"
	"context"
	"slices"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
)

// The names of the handlers that are compared.
const (
	Clerksync = "clerksync"  // the real consumer
	Arrival   = "arrival"    // writes what arrives
	UpdatedAt = "updated_at" // writes unless the updated_at is older than the row's
)

// Comparison is what some orders of the same messages came to.
type Comparison struct {
	Orders   int  `json:"orders"`   // how many were run
	Distinct int  `json:"distinct"` // how many different ends clerksync had
	All      bool `json:"all"`      // no order was left out
	// Counts are how often a message came out so with clerksync, over all orders.
	Counts   map[consumer.Outcome]int `json:"outcome_counts"`
	Handlers []Handler                `json:"handlers"` // clerksync first
}

// Handler is what the orders came to with one handler.
type Handler struct {
	Name     string `json:"handler"`
	Orders   int    `json:"orders"`
	Distinct int    `json:"distinct"`
	Ends     []End  `json:"-"` // the most frequent first
}

// End is one state of the table in which orders end.
type End struct {
	Digest string
	Orders int             // how many end in it
	Order  []int           // the first that does, as indexes of the messages
	Rows   []directory.Row // of that order; nil with clerksync
}

// Compare runs the messages in all orders, or in some where they are more than
// six, unless it has done so before. The error is as that of Run.
func (r *Runner) Compare(ctx context.Context, messages []Message) (Comparison, error) {
	if c, ok := r.Known(messages); ok {
		return c, nil
	}
	end, err := r.begin(ctx, messages)
	if err != nil {
		return Comparison{}, err
	}
	defer end()
	orders := permutations(len(messages))
	endings, err := r.endings(ctx, messages, orders)
	if err != nil {
		return Comparison{}, err
	}
	c := Comparison{
		All:    len(messages) <= maxOfAll && len(endings) == len(orders),
		Counts: map[consumer.Outcome]int{},
	}
	orders = orders[:len(endings)]
	c.Orders = len(orders)
	digests := make([]string, len(endings))
	for i, e := range endings {
		digests[i] = e.digest
		for _, o := range e.outcomes {
			c.Counts[o]++
		}
	}
	c.Handlers = append(c.Handlers, newHandler(Clerksync, orders, digests, nil))
	changes := r.changesOf(messages)
	for _, name := range []string{Arrival, UpdatedAt} {
		run := func(order []int) []directory.Row { return runNaive(name == UpdatedAt, pick(changes, order)) }
		for i, order := range orders {
			digests[i] = digest(run(order))
		}
		c.Handlers = append(c.Handlers, newHandler(name, orders, digests, run))
	}
	c.Distinct = c.Handlers[0].Distinct
	if c.All { // a sample, or what there was time for, is not of the set alone
		r.known.keep(messages, c)
	}
	return c, nil
}

// newHandler counts the ends. The rows of each are those of run, unless it is nil.
func newHandler(name string, orders [][]int, digests []string, run func([]int) []directory.Row) Handler {
	h := Handler{Name: name, Orders: len(orders)}
	index := map[string]int{}
	for i, d := range digests {
		at, ok := index[d]
		if !ok {
			at = len(h.Ends)
			index[d] = at
			h.Ends = append(h.Ends, End{Digest: d, Order: orders[i]})
			if run != nil {
				h.Ends[at].Rows = run(orders[i])
			}
		}
		h.Ends[at].Orders++
	}
	h.Distinct = len(h.Ends)
	slices.SortStableFunc(h.Ends, func(x, y End) int { return cmp.Compare(y.Orders, x.Orders) })
	return h
}

// pick returns the things at these indexes.
func pick[T any](things []T, order []int) []T {
	picked := make([]T, len(order))
	for i, at := range order {
		picked[i] = things[at]
	}
	return picked
}
