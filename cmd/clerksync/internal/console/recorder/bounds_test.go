package recorder_test

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
)

// The oldest messages go first, and no flood of forged ones makes a genuine one
// go.
func TestBoundedMemory(t *testing.T) {
	t.Parallel()
	limits := recorder.DefaultLimits()
	limits.Messages, limits.Rejected = 5, 3
	h := start(t, limits, nil)
	for i := range 8 {
		h.send("msg_"+strconv.Itoa(i), sample(t, "user.created"), recorder.WaitEnded)
	}
	for i := range 20 {
		h.post(forged("msg_forged"+strconv.Itoa(i), sample(t, "user.created")))
	}
	n := h.Counts()
	if n.Kept != 5 || n.Gone != 3 || n.Rejected != 3 || n.GoneRejected != 17 {
		t.Errorf("counts = %+v, want 5 kept, 3 gone, 3 rejected, 17 of these gone", n)
	}
	var ids []string
	for f := (recorder.Filter{}); ; {
		page := h.Messages(f, 3)
		for _, m := range page.Messages {
			ids = append(ids, m.ID)
		}
		if f.Before = page.Next; f.Before == 0 {
			break
		}
	}
	want := []string{"msg_forged19", "msg_forged18", "msg_forged17", "msg_7", "msg_6", "msg_5", "msg_4", "msg_3"}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if _, ok := h.Message("msg_0"); ok {
		t.Error("msg_0 is still there")
	}
}

// Bodies have a bound of their own.
func TestBoundedBodies(t *testing.T) {
	t.Parallel()
	body := sample(t, "user.created")
	limits := recorder.DefaultLimits()
	limits.BodyBytes, limits.RejectBytes = 3*len(body), len(body)-1
	h := start(t, limits, nil)
	for i := range 6 {
		h.send("msg_"+strconv.Itoa(i), body, recorder.WaitEnded)
	}
	if n := h.Counts(); n.Kept != 3 || n.Gone != 3 {
		t.Errorf("counts = %d kept, %d gone, want 3 and 3", n.Kept, n.Gone)
	}
	h.post(forged("msg_forged", body))
	if m := h.wait("msg_forged", "rejected"); m.Body != nil || m.Size != len(body) {
		t.Errorf("a long rejected body: %d bytes kept of %d", len(m.Body), m.Size)
	}
}

// Histories have a bound of their own, which lets the oldest writes go.
func TestBoundedHistory(t *testing.T) {
	t.Parallel()
	limits := recorder.DefaultLimits()
	limits.Writes = 3
	h := start(t, limits, nil)
	for i := range 5 {
		body := sample(t, "user.created", "1772447507139", strconv.Itoa(1772447507139+i))
		h.send("msg_"+strconv.Itoa(i), body, applied)
	}
	m, _ := h.Message("msg_0")
	if w := m.Writes[0]; !w.Gone || w.Wanted != nil {
		t.Errorf("the first write = %+v, want its rows gone", w)
	}
	m, _ = h.Message("msg_4")
	history := h.History(m.Writes[0].Key)
	if len(history) != 3 || history[0].SvixID != "msg_2" || history[2].Before.Text("svix_id") != "msg_3" {
		t.Errorf("history = %d writes, want the last three", len(history))
	}
	limits.Writes, limits.RowBytes = 100, 1
	if h = start(t, limits, nil); len(h.send("msg_a", sample(t, "user.created"), applied).Writes) != 1 {
		t.Error("a write that is larger than all that may be kept is not there")
	}
	m = h.send("msg_b", sample(t, "user.updated"), applied)
	if history := h.History(m.Writes[0].Key); len(history) != 1 || history[0].SvixID != "msg_b" {
		t.Errorf("history = %d writes, want the last alone", len(history))
	}
}
