package recorder_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// Nobody takes the id of a message without its signature, before it or after.
func TestForgedRequestClaimsNoID(t *testing.T) {
	t.Parallel()
	h := start(t, recorder.Limits{}, nil)
	body := sample(t, "user.created")
	h.post(forged("msg_a", body))
	if m := h.wait("msg_a", "rejected"); m.Proven || m.Reason != "invalid_signature" || m.EventType != "user.created" {
		t.Errorf("forged = %+v, want it rejected and not proven", m)
	}
	m := h.send("msg_a", body, applied)
	if !m.Proven || len(m.Requests) != 2 || m.Requests[0].Proven || !m.Requests[1].Proven {
		t.Errorf("genuine after forged = %+v, want both requests below it", m)
	}
	h.post(forged("msg_a", body+" "))
	m, _ = h.Message("msg_a")
	if m.Outcome != applied || len(m.Requests) != 3 || m.Requests[2].Proven || string(m.Body) != body {
		t.Errorf("forged after genuine: %s with %d requests, want the message as it was", m.Outcome, len(m.Requests))
	}
	if n := h.Counts(); n.Kept != 1 || n.Rejected != 0 {
		t.Errorf("counts = %d kept, %d rejected, want one message", n.Kept, n.Rejected)
	}
	h.post(svixtest.Request{})
	h.wait("req_1", "rejected")
}

// Of what is ignored nothing is kept but type and size: it may hold codes. That
// goes for what nobody has signed, too, and for what cannot be read.
func TestIgnoredBodiesAreNotKept(t *testing.T) {
	t.Parallel()
	h := start(t, recorder.Limits{}, nil)
	const code = `{"type":"email.created","data":{"otp_code":"428913"},"object":"event"}`
	h.post(signed("msg_mail", code))
	h.post(forged("msg_forged", code))
	h.post(signed("msg_cut", code[:len(code)-5]))
	for id, outcome := range map[string]string{"msg_mail": "ignored", "msg_forged": "rejected", "msg_cut": "rejected"} {
		m := h.wait(id, outcome)
		if m.Body != nil || m.Requests[0].Body != nil || m.Size == 0 {
			t.Errorf("%s: body %q of size %d, want the size alone", id, m.Body, m.Size)
		}
	}
	if m, _ := h.Message("msg_mail"); m.EventType != "email.created" || m.Reason != "type" {
		t.Errorf("ignored = %s, %s, want its type and the reason", m.EventType, m.Reason)
	}
	for _, text := range []string{"428913", "otp"} {
		if page := h.Messages(recorder.Filter{Text: text}, 10); page.Matching != 0 {
			t.Errorf("%q is found in %d bodies", text, page.Matching)
		}
	}
}

// An invitation's url lets whoever has it in.
func TestMaskedInvitation(t *testing.T) {
	t.Parallel()
	const head = `{"type":"organizationInvitation.created", "data" :{"id":"i","n":1e400,`
	const tail = `"z":[{"url":"kept"}]}}`
	const users = `{"type":"user.created","data":{"url":"mine"}}`
	for name, row := range map[string]struct{ in, want string }{
		"one":     {in: head + `"url":"https://s",` + tail, want: head + `"url":` + recorder.Masked + "," + tail},
		"escaped": {in: head + `"\u0075rl" : "s",` + tail, want: head + `"\u0075rl" : ` + recorder.Masked + "," + tail},
		"doubled": {
			in:   head + `"url":"s","url":{"a":"s"},` + tail,
			want: head + `"url":` + recorder.Masked + `,"url":` + recorder.Masked + "," + tail,
		},
		"none":       {in: head + tail, want: head + tail},
		"no url":     {in: users, want: users},
		"no event":   {in: `{"data":{"url":"mine"}}`, want: `{"data":{"url":"mine"}}`},
		"not JSON":   {in: `{"url":`, want: `{"url":`},
		"of no size": {in: ``, want: ``},
	} {
		if got := string(recorder.Mask([]byte(row.in))); got != row.want {
			t.Errorf("%s: Mask(%s) = %s, want %s", name, row.in, got, row.want)
		}
	}
	h := start(t, recorder.Limits{}, nil)
	body := sample(t, "organizationInvitation.created")
	m := h.send("msg_a", body, applied)
	if string(m.Body) != body {
		t.Error("the bytes are not as they were sent: they could not be sent again")
	}
	if bytes.Contains(recorder.Mask(m.Body), []byte("FAKE-TICKET")) || !strings.Contains(body, "FAKE-TICKET") {
		t.Error("the ticket is shown")
	}
	if page := h.Messages(recorder.Filter{Text: "FAKE-TICKET"}, 10); page.Matching != 0 {
		t.Error("the ticket can be searched for")
	}
}
