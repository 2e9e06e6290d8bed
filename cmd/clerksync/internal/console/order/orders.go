package order

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/clerksync/clerksync/pkg/consumer"
)

const (
	// maxOfAll is up to how many messages all orders are run: 720 for six.
	maxOfAll = 6
	// samples is how many orders are run of more messages.
	samples = 500
)

// seed makes the same sample of orders each time, so that two people who look at
// the same messages see the same.
const seed = 1

// Count is how many orders of n messages Compare runs, and whether these are all.
func Count(n int) (orders int, all bool) {
	if n > maxOfAll {
		return samples, false
	}
	orders = 1
	for i := 2; i <= n; i++ {
		orders *= i
	}
	return orders, true
}

// permutations are all orders of n things, or a sample of them where n is above
// maxOfAll, in lexicographic order. So the first is that in which they are given.
func permutations(n int) (orders [][]int) {
	given := make([]int, n)
	for i := range given {
		given[i] = i
	}
	if n > maxOfAll {
		return sampled(given)
	}
	var extend func(order, rest []int)
	extend = func(order, rest []int) {
		if len(rest) == 0 {
			orders = append(orders, slices.Clone(order))
		}
		for i, next := range rest {
			extend(append(order, next), slices.Concat(rest[:i], rest[i+1:]))
		}
	}
	extend(nil, given)
	return orders
}

// sampled are different orders, the given one among them. There are 5,040 of seven
// things, so that enough are found.
func sampled(given []int) [][]int {
	random := rand.New(rand.NewPCG(seed, uint64(len(given)))) //nolint:gosec // a sample, not a secret
	orders, seen := [][]int{given}, map[string]bool{fmt.Sprint(given): true}
	for len(orders) < samples {
		order := random.Perm(len(given))
		if key := fmt.Sprint(order); !seen[key] {
			seen[key] = true
			orders = append(orders, order)
		}
	}
	slices.SortFunc(orders, slices.Compare)
	return orders
}

// ending is what one order came to.
type ending struct {
	digest   string
	outcomes []consumer.Outcome // of its messages, in its order
}

// endings runs the orders, which are sorted, and returns what each came to, up to
// the first that there was no time for.
func (r *Runner) endings(ctx context.Context, messages []Message, orders [][]int) ([]ending, error) {
	t, err := newTables(ctx)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	run, cancel := withoutDeadline(limited)
	defer cancel()
	endings := make([]ending, len(orders))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for first := 0; first < len(orders); {
		last := first + alike(orders[first:], 0)
		branch, orders, endings := t.copy(), orders[first:last], endings[first:last]
		g.Go(func() error { return r.explore(run, branch, messages, orders, endings, nil) })
		first = last
	}
	err = g.Wait()
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("compare orders: %w", ctx.Err())
	case err != nil && limited.Err() == nil:
		return nil, err
	}
	if i := slices.IndexFunc(endings, func(e ending) bool { return e.digest == "" }); i >= 0 {
		endings = endings[:i]
	}
	return endings, nil
}

// explore runs orders that begin alike, by the messages that came out as done, where
// the tables are, and sets what each comes to. Orders that begin alike share what they
// have in common: each goes on with a copy of the tables, which hold the same whether
// they were copied or made again, for the consumer keeps nothing from one message to
// the next.
func (r *Runner) explore(
	ctx context.Context, t tables, messages []Message, orders [][]int, endings []ending, done []consumer.Outcome,
) error {
	if len(done) == len(messages) {
		rows, err := t.allRows(ctx)
		if err != nil {
			return err
		}
		endings[0] = ending{Digest(rows), slices.Clone(done)} // no two orders are the same
		return nil
	}
	for len(orders) > 0 {
		n, branch := alike(orders, len(done)), t
		if n < len(orders) {
			branch = t.copy()
		}
		next, err := r.handle(ctx, branch, messages[orders[0][len(done)]])
		if err != nil {
			return err
		}
		if err := r.explore(ctx, branch, messages, orders[:n], endings[:n], append(done, next.Outcome)); err != nil {
			return err
		}
		orders, endings = orders[n:], endings[n:]
	}
	return nil
}

// alike is how many of the orders have the first one's message at depth.
func alike(orders [][]int, depth int) int {
	n := slices.IndexFunc(orders, func(o []int) bool { return o[depth] != orders[0][depth] })
	if n < 0 {
		return len(orders)
	}
	return n
}
