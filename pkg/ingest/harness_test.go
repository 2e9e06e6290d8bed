package ingest_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/delivery/deliverytest"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn/ingestfn"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// harness is an Ingest with a clock and a queue of its own.
type harness struct {
	clock  *svixtest.Clock
	queue  *svixtest.Queue
	ingest *ingest.Ingest

	mu      sync.Mutex
	reports []ingest.Report
}

// newHarness makes a harness; change may alter the configuration.
func newHarness(t *testing.T, change ...func(*ingest.Config)) *harness {
	t.Helper()
	h := &harness{clock: svixtest.NewClock(), queue: &svixtest.Queue{}}
	c := ingest.Config{
		Queue: h.queue, KnowledgeOf: clerk.KnowledgeOf, Now: h.clock.Now,
		Observe: func(_ context.Context, r ingest.Report) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.reports = append(h.reports, r)
		},
	}
	configured(svixtest.Secret)(&c)
	for _, f := range change {
		f(&c)
	}
	h.ingest = ingest.New(c)
	return h
}

func (h *harness) lastReport() ingest.Report {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reports[len(h.reports)-1]
}

// answer is what a sender sees.
type answer struct {
	Status int
	Body   string
	Header map[string]string // the headers that Ingest sets
}

// overHTTP sends a request to the http.Handler.
func (h *harness) overHTTP(r svixtest.Request) answer {
	w := httptest.NewRecorder()
	h.ingest.ServeHTTP(w, r.HTTP())
	out := answer{Status: w.Code, Body: w.Body.String(), Header: map[string]string{}}
	for name := range w.Header() {
		out.Header[name] = w.Header().Get(name)
	}
	return out
}

// asFunction sends a request to the Lambda function. The names of the reply's
// headers are brought to the spelling of net/http.
func (h *harness) asFunction(t *testing.T, r svixtest.Request, asBase64 bool) answer {
	t.Helper()
	f := &ingestfn.Handler{Ingest: h.ingest, Log: slog.New(slog.DiscardHandler)}
	out, err := f.Invoke(t.Context(), r.Lambda(asBase64))
	if err != nil {
		t.Fatalf("Invoke = %v", err)
	}
	var reply struct {
		StatusCode int
		Headers    map[string]string
		Body       string
	}
	if err := json.Unmarshal(out, &reply); err != nil {
		t.Fatalf("Invoke replied %s: %v", out, err)
	}
	a := answer{Status: reply.StatusCode, Body: reply.Body, Header: map[string]string{}}
	for name, value := range reply.Headers {
		a.Header[http.CanonicalHeaderKey(name)] = value
	}
	return a
}

const event = `{"type":"user.updated","data":{"id":"user_a1"},"instance_id":"ins_a","timestamp":1767225600000}`

// contract is one row of the HTTP contract: a request, its answer, and how many
// messages are on the queue afterwards.
type contract struct {
	r      svixtest.Request
	want   answer
	queued int
	change func(*ingest.Config) // nil leaves the configuration as it is
}

// when returns the row with a change of the configuration.
func (c contract) when(change func(*ingest.Config)) contract {
	c.change = change
	return c
}

func replyOf(status int, body string) answer {
	return answer{Status: status, Body: body, Header: map[string]string{"Content-Type": "application/json"}}
}

// queued is the row of a request with the usual id that is queued.
func queued(r svixtest.Request) contract {
	return contract{r: r, want: accepted(svixtest.ID), queued: 1}
}

func accepted(id string) answer { return replyOf(200, `{"received":true,"id":"`+id+`"}`) }

// ignored is the row of a request that is accepted and not kept.
func ignored(r svixtest.Request, reason string) contract {
	return contract{r: r, want: replyOf(200, `{"received":true,"id":"`+svixtest.ID+`","ignored":"`+reason+`"}`)}
}

// refused is the row of a request that is answered with an error.
func refused(r svixtest.Request, code string) contract { return contract{r: r, want: refusal(code)} }

func refusal(code string) answer {
	status := map[string]int{
		"not_found": 404, "method_not_allowed": 405, "not_configured": 500, "payload_too_large": 413,
		"missing_headers": 400, "invalid_timestamp": 400, "invalid_signature": 400, "invalid_payload": 400,
		"unavailable": 503,
	}[code]
	a := replyOf(status, `{"error":"`+code+`"}`)
	switch code {
	case "method_not_allowed":
		a.Header["Allow"] = "POST"
	case "invalid_payload":
		a.Header["Webhook-Delivery"] = "abort-message"
	}
	return a
}

func instances(ids ...string) func(*ingest.Config) {
	return func(c *ingest.Config) { c.Instances = ids }
}

func configured(secrets string) func(*ingest.Config) {
	return func(c *ingest.Config) {
		s, err := svix.ParseSecrets(secrets)
		if err != nil {
			panic(err)
		}
		c.Secrets = ingest.FixedSecrets(s)
	}
}

func unconfigured(c *ingest.Config) { c.Secrets = ingest.FixedSecrets(nil) }

func signed(body string) svixtest.Request { return svixtest.Signed(svixtest.Epoch(), body) }

func signedWith(id, timestamp string) svixtest.Request {
	return svixtest.SignedBy(svixtest.Secret, id, timestamp, event)
}

// at is a timestamp of Svix, d after the clock's beginning.
func at(d time.Duration) string {
	return strconv.FormatInt(svixtest.Epoch().Add(d).Unix(), 10)
}

// sized is an event of exactly n bytes, which consists mostly of one character.
func sized(n int, character string) string {
	const head, tail = `{"type":"user.updated","data":{"x":"`, `"}}`
	room := n - len(head) - len(tail)
	return head + strings.Repeat(character, room/len(character)) + strings.Repeat("a", room%len(character)) + tail
}

// run holds each row against both ways in. The function gets the body in base64
// and, where it is UTF-8, as text.
func run(t *testing.T, rows map[string]contract) {
	t.Helper()
	for name, c := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.change == nil {
				c.change = func(*ingest.Config) {}
			}
			c.check(t, "http.Handler", func(h *harness) answer { return h.overHTTP(c.r) })
			c.check(t, "function, base64", func(h *harness) answer { return h.asFunction(t, c.r, true) })
			if len(c.r.Body) < 500_000 && utf8.Valid(c.r.Body) { // JSON of large text is slow with -race
				c.check(t, "function, text", func(h *harness) answer { return h.asFunction(t, c.r, false) })
			}
		})
	}
}

func (c contract) check(t *testing.T, way string, send func(h *harness) answer) {
	t.Helper()
	h := newHarness(t, c.change)
	if diff := cmp.Diff(c.want, send(h)); diff != "" {
		t.Errorf("answer by %s (-want +got):\n%s", way, diff)
	}
	m := h.queue.Messages()
	if len(m) != c.queued {
		t.Fatalf("%s: %d messages are on the queue, want %d", way, len(m), c.queued)
	}
	if c.queued == 0 {
		return
	}
	if d, err := deliverytest.RecordOf(m[0]).Delivery(); err != nil || string(d.Body) != string(c.r.Body) {
		t.Errorf("%s: the queue has %.80q, %v, want the signed bytes %.80q", way, d.Body, err, c.r.Body)
	}
}
