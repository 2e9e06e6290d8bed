package order_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/order"
	"github.com/clerksync/clerksync/pkg/settings"
)

// inOrder are the ids of messages in one of their orders.
func inOrder(messages []order.Message, indexes []int) (ids []string) {
	for _, at := range indexes {
		ids = append(ids, messages[at].SvixID)
	}
	return ids
}

// What all orders of some messages come to is known from then on, in whichever order
// they are given: the ends are the same, and so are the orders that lead there.
func TestComparisonIsKnownInEveryOrder(t *testing.T) {
	t.Parallel()
	r, messages := newRunner(), story(t, "rejoin")
	messages = append(messages[:2:2], messages[1]) // one of them comes twice
	if _, known := r.Known(messages); known {
		t.Fatal("a comparison is known that was never made")
	}
	first, err := r.Compare(t.Context(), messages)
	if err != nil {
		t.Fatal(err)
	}
	moved := slices.Clone(messages)
	slices.Reverse(moved)
	second, known := r.Known(moved)
	if !known {
		t.Fatal("the comparison is not known for another order of its messages")
	}
	for i, h := range first.Handlers {
		if other := second.Handlers[i]; h.Orders != other.Orders || h.Distinct != other.Distinct {
			t.Errorf("%s: %d orders, %d ends, want %d, %d", h.Name, other.Orders, other.Distinct, h.Orders, h.Distinct)
		}
		for j, e := range h.Ends {
			other := second.Handlers[i].Ends[j]
			diff := cmp.Diff(inOrder(messages, e.Order), inOrder(moved, other.Order))
			if diff != "" || e.Digest != other.Digest {
				t.Errorf("%s, end %d: the order that leads there (-first +second): %s", h.Name, j, diff)
			}
		}
	}
	moved[0].Body = append(slices.Clone(moved[0].Body), ' ')
	if _, known := r.Known(moved); known {
		t.Error("a message with another body under its id is taken for the one that was compared")
	}
}

// The newest comparisons are kept, and no more than that.
func TestKnownComparisonsAreBounded(t *testing.T) {
	t.Parallel()
	r, one := newRunner(), story(t, "edits")[0]
	sets := make([][]order.Message, 12)
	for i := range sets {
		one.SvixID += "x"
		sets[i] = []order.Message{one}
		if _, err := r.Compare(t.Context(), sets[i]); err != nil {
			t.Fatal(err)
		}
	}
	var known []int
	for i, set := range sets {
		if _, ok := r.Known(set); ok {
			known = append(known, i)
		}
	}
	if diff := cmp.Diff([]int{4, 5, 6, 7, 8, 9, 10, 11}, known); diff != "" {
		t.Errorf("known sets (-want +got): %s", diff)
	}
}

// Whoever does not wait finds the comparison later. One that had no time for all orders
// is not begun again.
func TestCompareSoon(t *testing.T) {
	t.Parallel()
	r, messages := newRunner(), story(t, "rejoin")
	if _, known, pending := r.CompareSoon(t.Context(), messages, 0); known || !pending {
		t.Errorf("without patience: known %t, pending %t, want it pending", known, pending)
	}
	slices.Reverse(messages)
	c, known, pending := r.CompareSoon(t.Context(), messages, time.Minute)
	if !known || pending || c.Orders != 24 {
		t.Errorf("with patience: known %t, pending %t, %d orders, want 24", known, pending, c.Orders)
	}
	r = order.New(settings.Storage{DeletionPolicy: "soft", ObjectStorage: "full"}, time.Nanosecond)
	for range 2 {
		if _, known, pending := r.CompareSoon(t.Context(), messages, time.Minute); known || pending {
			t.Errorf("out of time: known %t, pending %t, want neither", known, pending)
		}
	}
}
