// Package probefn is the function that looks, every few minutes, whether what
// Clerk has is in the table. It sees what no other part can: an event that never
// came, or that was lost.
//
// It asks Clerk for the objects that were created last and reads their rows. A
// creation always has an event, so an object that is old enough has a row, or a
// tombstone where it was deleted since. It writes nothing. What it can't see:
// a lost update, a lost deletion, and what was lost before the newest objects
// were created; `clerksync diff` compares everything.
//
//   - probefn.go: one probe, and what is logged and counted of it
//   - look.go: which rows the newest objects must have, and which are missing
package probefn

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/lambdafn"
)

// Clerk reads one instance. *clerkapi.Client implements it.
type Clerk interface {
	// Instance says whose key it is.
	Instance(ctx context.Context) (clerkapi.Instance, error)
	// Newest reads the n objects of a kind that were created last.
	Newest(ctx context.Context, kind string, n int) (clerkapi.Page, error)
}

// Table reads rows consistently, as directory.Table does.
type Table interface {
	// Read reads one row for each key, nil where there is none.
	Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error)
}

// Config is what a probe needs. All of it is required, except Instances.
type Config struct {
	// Connect reads the secret key and returns its instance. It is called for each
	// probe, so that a key that was replaced is used at once.
	Connect    func(ctx context.Context) (Clerk, error)
	Table      Table
	Instances  []string // the key must belong to one of these; to any if there are none
	Age        time.Duration
	SecondLook time.Duration
	Now        func() time.Time
}

// Handler serves a schedule. It is a lambda.Handler.
type Handler struct {
	Config  *Config // nil where the function is not configured: every probe fails
	Log     *slog.Logger
	Metrics *lambdafn.Metrics // nil writes none
}

// NewMetrics makes the metrics of the function, which it writes to w under the
// function's name.
func NewMetrics(w io.Writer, function string, now func() time.Time) *lambdafn.Metrics {
	return lambdafn.NewMetrics(w, function, now, lambdafn.MetricProbeChecked, lambdafn.MetricProbeMissing,
		lambdafn.MetricProbeFailed, lambdafn.MetricProbeAge)
}

// maxLogged bounds the lines about missing rows: where all are missing, more
// of them say no more.
const maxLogged = 10

// reportMargin is what is kept of an invocation to log and count its failure.
const reportMargin = 2 * time.Second

// Invoke makes one probe, whatever the event. It returns no error: Lambda would
// call it again at once, and the next probe comes by itself.
func (h *Handler) Invoke(ctx context.Context, _ []byte) ([]byte, error) {
	// Lambda freezes the process after the answer: the metrics go before it.
	defer h.Metrics.Flush()
	if h.Config == nil {
		h.Metrics.Count(lambdafn.MetricProbeFailed)
		return []byte(`{"failed":true}`), nil
	}
	if deadline, ok := ctx.Deadline(); ok {
		// Lambda ends the process at the deadline: what is left is for the report.
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-reportMargin))
		defer cancel()
	}
	checked, missing, err := h.Config.probe(ctx)
	if err != nil {
		// A failure is not a finding: nothing that was seen so far counts.
		h.Metrics.Count(lambdafn.MetricProbeFailed)
		h.Log.LogAttrs(ctx, slog.LevelError, "probe failed", lambdafn.Error(err))
		return []byte(`{"failed":true}`), nil
	}
	h.Metrics.Add(lambdafn.MetricProbeChecked, checked)
	h.Metrics.Add(lambdafn.MetricProbeMissing, len(missing))
	now := h.Config.Now()
	for i, o := range missing {
		age := int(now.Sub(o.created).Seconds())
		if i == 0 { // the oldest is the first
			h.Metrics.Add(lambdafn.MetricProbeAge, age)
		}
		if i < maxLogged {
			h.Log.LogAttrs(ctx, slog.LevelError, "missing in the table",
				slog.String("entity", o.entity), slog.Int("age_seconds", age))
		}
	}
	h.Log.LogAttrs(ctx, slog.LevelInfo, "probe", slog.Int("checked", checked), slog.Int("missing", len(missing)))
	return fmt.Appendf(nil, `{"checked":%d,"missing":%d}`, checked, len(missing)), nil
}

// probe returns how many objects were looked for, and those that have no row,
// the oldest first.
func (c *Config) probe(ctx context.Context) (checked int, missing []object, err error) {
	clerk, err := c.Connect(ctx)
	if err != nil {
		return 0, nil, fmt.Errorf("connect to Clerk: %w", err)
	}
	instance, err := clerk.Instance(ctx)
	if err != nil {
		return 0, nil, fmt.Errorf("read the instance of the secret key: %w", err)
	}
	// The objects of another instance would all be missing, and no event was lost.
	if len(c.Instances) > 0 && !slices.Contains(c.Instances, instance.ID) {
		return 0, nil, fmt.Errorf("the secret key belongs to %s, CLERK_INSTANCE_ID names %v", instance.ID, c.Instances)
	}
	objects, err := c.newest(ctx, clerk)
	if err != nil {
		return 0, nil, err
	}
	if missing, err = c.withoutRow(ctx, objects, instance.ID); err != nil || len(missing) == 0 {
		return len(objects), nil, err
	}
	// The second look is at the table alone. Sync may have been about to write the
	// row, or have written it while the lists were read; it had a minute since.
	if err := wait(ctx, c.SecondLook); err != nil {
		return 0, nil, fmt.Errorf("wait for the second look: %w", err)
	}
	missing, err = c.withoutRow(ctx, missing, instance.ID)
	return len(objects), missing, err
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
