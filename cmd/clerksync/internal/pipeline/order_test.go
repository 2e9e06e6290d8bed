package pipeline_test

import (
	"testing"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/pkg/ingest"
)

// That a message is queued is reported before what becomes of it, however long
// ingest takes to say so.
// https://github.com/expressjs/morgan/issues/58
func TestQueuedIsReportedFirst(t *testing.T) {
	t.Parallel()
	h := start(t, pipeline.Options{})
	h.slowRequests.Store(true)
	for _, id := range []string{"msg_a", "msg_b", "msg_a"} {
		h.post(signed(id, sample(t, "user.created")))
	}
	for _, id := range []string{"msg_a", "msg_b"} {
		h.until("an outcome of "+id, func() bool { return len(h.outcomes(id)) > 0 })
		if got := h.stages(id); got[0] != string(ingest.Queued) {
			t.Errorf("stages of %s = %q, want queued first", id, got)
		}
	}
}
