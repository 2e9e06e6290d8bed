package consumer_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
)

// The numbers that operators, the template and docs/operations.md count on.
func TestConstants(t *testing.T) {
	t.Parallel()
	want := map[string]any{
		"first delay": 30 * time.Second, "longest delay": 15 * time.Minute,
		"first suspect receive": 3, "max refused receives": 3,
		"margin": 3 * time.Second, "requeue margin": 2 * time.Second, "answer margin": time.Second,
		"tries in place": 4, "first wait": 50 * time.Millisecond, "longest wait": 2 * time.Second,
		"concurrent rows": 16, "concurrent deletes": 24, "reason": 1024,
	}
	if diff := cmp.Diff(want, consumer.Constants()); diff != "" {
		t.Errorf("constants differ (-want +got):\n%s", diff)
	}
}
