package preview_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
)

// failing is a table that cannot be read.
type failing struct{ directory.Table }

var errDown = errors.New("the table is down")

func (failing) Read(context.Context, ...directory.Key) ([]directory.Row, error) { return nil, errDown }

// endless is a table in which a listing has no end.
type endless struct{ directory.Table }

func (endless) Live(ctx context.Context, _, _, after string) ([]directory.Row, string, error) {
	return nil, after + "x", ctx.Err()
}

// A table that does not answer is the preview's error, not one of the message.
func TestPreviewFails(t *testing.T) {
	t.Parallel()
	h := start(t)
	table := h.Table
	h.Table = failing{table}
	if _, err := h.Preview(t.Context(), sample(t, "organizationMembership.created")); !errors.Is(err, errDown) {
		t.Errorf("Preview() without a table = %v, want its error", err)
	}
	h.Table = endless{table}
	began := time.Now()
	_, err := h.Preview(t.Context(), sample(t, "organization.deleted"))
	if err == nil || time.Since(began) > time.Minute {
		t.Errorf("Preview() of a deletion without end = %v after %s, want an error after 5 s", err, time.Since(began))
	}
}
