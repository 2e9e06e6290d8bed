package order_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/order"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/settings"
)

// Above six messages it is a sample, the same each time, which says so.
func TestCompareOfSevenMessages(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("500 orders take seconds")
	}
	messages := slices.Concat(story(t, "edits"), story(t, "edits")[:2]) // two of them come twice
	first, err := newRunner().Compare(t.Context(), messages)
	if err != nil {
		t.Fatal(err)
	}
	if first.Orders != 500 || first.All || first.Distinct != 1 {
		t.Errorf("Compare = %d orders, %d ends, all %v, want 500, 1, false", first.Orders, first.Distinct, first.All)
	}
}

// An order is bounded, and ends with its context.
func TestRunsAreBounded(t *testing.T) {
	t.Parallel()
	r, one := newRunner(), story(t, "edits")[:1]
	many := slices.Repeat(one, order.MaxMessages+1)
	large := []order.Message{{SvixID: "msg_a", EventType: "user.created", Body: make([]byte, 5<<20)}}
	for name, messages := range map[string][]order.Message{"none": nil, "too many": many, "too large": large} {
		if _, err := r.Run(t.Context(), messages); !errors.Is(err, order.ErrUnfit) {
			t.Errorf("Run of %s = %v, want ErrUnfit", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Compare(ctx, story(t, "life")); !errors.Is(err, context.Canceled) {
		t.Errorf("Compare after the end of its context = %v, want its error", err)
	}
	if _, err := r.Run(t.Context(), one); err != nil {
		t.Errorf("Run after those that failed = %v, want its turn", err)
	}
}

// A deadline ends an order and changes no outcome before that. The consumer would
// stop three seconds before one, and report messages as failed.
func TestDeadlineChangesNoOutcome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), consumer.Margin-time.Millisecond)
		defer cancel()
		r, err := newRunner().Run(ctx, story(t, "edits")[:1])
		if err != nil || r.Outcomes[0].Outcome != consumer.Applied {
			t.Errorf("Run before a deadline = %+v, %v, want applied", r.Outcomes, err)
		}
	})
}

// A comparison that has no time for all orders has those that it had time for.
func TestCompareOutOfTime(t *testing.T) {
	t.Parallel()
	r := order.New(settings.Storage{DeletionPolicy: "soft", ObjectStorage: "full"}, time.Nanosecond)
	c, err := r.Compare(t.Context(), story(t, "life"))
	if err != nil || c.All || c.Orders > 100 || len(c.Handlers) != 3 {
		t.Errorf("Compare without time = %+v, %v, want hardly any orders, and no error", c, err)
	}
}
