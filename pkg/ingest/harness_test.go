package ingest_test

import (
	"context"
	"encoding/json"
	"log/slog"
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

// bench is an Ingest with everything around it.
type bench struct {
	clock   *svixtest.Clock
	queue   *svixtest.Queue
	handler *ingest.Ingest

	mu      sync.Mutex
	reports []ingest.Report
}

// newBench makes one; change may alter its configuration.
func newBench(t *testing.T, change ...func(*ingest.Config)) *bench {
	t.Helper()
	secrets, err := svix.ParseSecrets(svixtest.Secret)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{clock: svixtest.NewClock(), queue: &svixtest.Queue{}}
	c := ingest.Config{
		Secrets: ingest.FixedSecrets(secrets), Queue: b.queue, KnowledgeOf: clerk.KnowledgeOf, Now: b.clock.Now,
		Observe: func(_ context.Context, r ingest.Report) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.reports = append(b.reports, r)
		},
	}
	for _, f := range change {
		f(&c)
	}
	b.handler = ingest.New(c)
	return b
}

func (b *bench) last() ingest.Report {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reports[len(b.reports)-1]
}

// answer is what a sender sees.
type answer struct {
	Status int
	Body   string
	Header map[string]string // our own
}

func plain(status int, body string) answer {
	return answer{status, body, map[string]string{"Content-Type": "application/json"}}
}

func refusal(status int, code string) answer { return plain(status, `{"error":"`+code+`"}`) }

func (a answer) with(name, value string) answer {
	a.Header[name] = value
	return a
}

// overHTTP asks the http.Handler.
func (b *bench) overHTTP(r svixtest.Request) answer {
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r.HTTP())
	out := answer{w.Code, w.Body.String(), map[string]string{}}
	for name := range w.Header() {
		out.Header[name] = w.Header().Get(name)
	}
	return out
}

// asFunction asks the way Lambda does.
func (b *bench) asFunction(t *testing.T, r svixtest.Request, asBase64 bool) answer {
	t.Helper()
	return invoke(t, &ingestfn.Handler{Ingest: b.handler, Log: slog.New(slog.DiscardHandler)}, r.Lambda(asBase64))
}

const event = `{"type":"user.updated","data":{"id":"user_a1"},"instance_id":"ins_a","timestamp":1767225600000}`

// contract is one row of the HTTP contract.
type contract struct {
	r      svixtest.Request
	want   answer
	queued int
	change func(*ingest.Config)
}

func ok(ignored string) answer {
	if ignored == "" {
		return plain(200, `{"received":true,"id":"`+svixtest.ID+`"}`)
	}
	return plain(200, `{"received":true,"id":"`+svixtest.ID+`","ignored":"`+ignored+`"}`)
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

func signed(body string) svixtest.Request { return svixtest.Signed(svixtest.Epoch(), body) }

func signedWith(id, timestamp string) svixtest.Request {
	return svixtest.SignedBy(svixtest.Secret, id, timestamp, event)
}

func at(d time.Duration) string {
	return strconv.FormatInt(svixtest.Epoch().Add(d).Unix(), 10)
}

// sized is an event of exactly n bytes.
func sized(n int, fill string) string {
	const head, tail = `{"type":"user.updated","data":{"x":"`, `"}}`
	room := n - len(head) - len(tail)
	return head + strings.Repeat(fill, room/len(fill)) + strings.Repeat("a", room%len(fill)) + tail
}

// run holds each row against both forms of the way in; the function gets the
// body as text, where it is UTF-8, and in base64.
func run(t *testing.T, rows map[string]contract) {
	t.Helper()
	for name, c := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var change []func(*ingest.Config)
			if c.change != nil {
				change = append(change, c.change)
			}
			check := func(form string, ask func(b *bench) answer) {
				b := newBench(t, change...)
				if diff := cmp.Diff(c.want, ask(b)); diff != "" {
					t.Errorf("answer, %s: %s", form, diff)
				}
				m := b.queue.Messages()
				if len(m) != c.queued {
					t.Fatalf("%s: %d messages are on the queue, want %d", form, len(m), c.queued)
				}
				if c.queued == 0 {
					return
				}
				d, err := deliverytest.RecordOf(m[0]).Delivery()
				if err != nil || string(d.Body) != string(c.r.Body) {
					t.Errorf("%s: the queue has %.80q, %v, want the signed bytes %.80q", form, d.Body, err, c.r.Body)
				}
			}
			check("http.Handler", func(b *bench) answer { return b.overHTTP(c.r) })
			check("function, base64", func(b *bench) answer { return b.asFunction(t, c.r, true) })
			if len(c.r.Body) < 500_000 && utf8.Valid(c.r.Body) { // JSON of large text is slow with -race
				check("function, text", func(b *bench) answer { return b.asFunction(t, c.r, false) })
			}
		})
	}
}

// invoke hands a payload to the function and reads its reply, whose header
// names are brought to net/http's spelling.
func invoke(t *testing.T, h *ingestfn.Handler, payload []byte) answer {
	t.Helper()
	out, err := h.Invoke(t.Context(), payload)
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
	a := answer{reply.StatusCode, reply.Body, map[string]string{}}
	names := map[string]string{"content-type": "Content-Type", "allow": "Allow", "webhook-delivery": "Webhook-Delivery"}
	for name, value := range reply.Headers {
		a.Header[names[name]] = value
	}
	return a
}
