package recorder

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/ingest"
)

// KeepsHeader says whether a header's value is kept: of the three that are signed,
// in either family. The others may be a proxy's credentials or a stranger's cookies,
// so of them only the name is.
func KeepsHeader(name string) bool {
	switch strings.ToLower(name) {
	case "svix-id", "svix-timestamp", "svix-signature", "webhook-id", "webhook-timestamp", "webhook-signature":
		return true
	}
	return false
}

// captureKey is the key under which a request's context has its capture: ingest
// reports with that context, and so the report finds its bytes.
type captureKey struct{}

// capture is a request on its way through ingest.
type capture struct {
	request Request
	body    bytes.Buffer
	kept    *Request // as it is recorded; nil before the report
}

// Handler records what next is asked and answers.
func (r *Recorder) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		c := &capture{request: Request{At: r.now(), Method: q.Method, Path: q.URL.EscapedPath(), Header: http.Header{}}}
		for name, values := range q.Header {
			if KeepsHeader(name) {
				c.request.Header[name] = values
			} else {
				c.request.Hidden = append(c.request.Hidden, name)
			}
		}
		slices.Sort(c.request.Hidden)
		if q.ContentLength > 0 {
			c.body.Grow(int(min(q.ContentLength, ingest.MaxBody) + bytes.MinRead))
		}
		q = q.WithContext(context.WithValue(q.Context(), captureKey{}, c))
		q.Body = &tee{ReadCloser: q.Body, to: &c.body}
		a := &answer{ResponseWriter: w}
		next.ServeHTTP(a, q)
		r.answered(c, a)
	})
}

// tee copies what is read, up to the largest body that ingest takes.
type tee struct {
	io.ReadCloser
	to *bytes.Buffer
}

func (t *tee) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.to.Write(p[:min(n, ingest.MaxBody+1-min(t.to.Len(), ingest.MaxBody+1))])
	return n, err //nolint:wrapcheck // a reader passes its reader's errors on
}

// answer copies what is answered, which is a line of JSON.
type answer struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

const maxAnswer = 1 << 10

func (a *answer) Write(p []byte) (int, error) {
	a.body.Write(p[:min(len(p), maxAnswer-a.body.Len())])
	return a.ResponseWriter.Write(p) //nolint:wrapcheck // as above
}

// answered notes the answer. A request that broke off has none.
func (r *Recorder) answered(c *capture, a *answer) {
	if c.kept == nil {
		return
	}
	at := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	c.kept.AnsweredAt, c.kept.Status, c.kept.Answer = at, a.status, a.body.String()
}

// OnRequest is for pipeline.Options.
func (r *Recorder) OnRequest(ctx context.Context, report ingest.Report) {
	c, ok := ctx.Value(captureKey{}).(*capture)
	if !ok {
		c = &capture{request: Request{At: r.now()}} // nobody has put Handler round the webhook
	}
	q := &c.request
	c.kept = q
	eventType := r.complete(q, report, c.body.Bytes())
	defer r.completeEarly(report.SvixID) // without the lock
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts.requests++
	r.counts.add(q.DecidedAt, q.Stage)
	var m *message
	if q.Proven {
		m = r.genuine(report.SvixID, q.At)
		if m.EventType == "" {
			m.EventType = report.EventType
		}
		r.keepBody(m, q)
		m.addRequest(q)
		m.decide(q)
	} else {
		m = r.unproven(report.SvixID, q.At)
		m.addRequest(q)
		if !m.Proven {
			m.EventType, m.Size, m.Body = eventType, q.Size, q.Body
			m.Outcome, m.Reason, m.EndedAt = q.Stage, q.Reason, q.DecidedAt
		}
	}
	r.publish(Event{Kind: EventMessage, ID: m.ID, Step: Step{
		Stage: q.Stage, SvixID: report.SvixID, EventType: report.EventType, Reason: q.Reason,
	}})
}

// complete fills in what the report says and keeps the body if it may be kept. It
// returns the event's type, as the body has it where nothing is proven.
func (r *Recorder) complete(q *Request, report ingest.Report, body []byte) (eventType string) {
	q.DecidedAt, q.Stage, q.Reason, q.Size = r.now(), string(report.Stage), report.Reason, len(body)
	if report.Err != nil {
		q.Err = report.Err.Error()
	}
	// Ingest reads the type only of what is signed; the reason says the same of what
	// is signed and is no event.
	q.Proven = report.EventType != "" || report.Reason == ingest.ReasonInvalidPayload
	eventType = report.EventType
	if eventType == "" {
		if e, err := clerk.Decode(body); err == nil {
			eventType = e.Type
		}
	}
	kept := report.Stage != ingest.Ignored && clerk.KnowledgeOf(eventType) == clerk.Kept
	if kept && (q.Proven || len(body) <= r.limits.RejectBytes) {
		q.Body = slices.Clip(body)
	}
	return eventType
}

// keepBody counts a genuine request's body. A message that is sent again has the
// same bytes again, which are held once.
func (r *Recorder) keepBody(m *message, q *Request) {
	if m.Size == 0 {
		m.Size = q.Size
	}
	if q.Body == nil || len(m.requests) >= maxRequests {
		return
	}
	if bytes.Equal(m.Body, q.Body) {
		q.Body = m.Body
		return
	}
	if m.Body == nil {
		m.Body, m.Size = q.Body, q.Size
	}
	m.bodyBytes += len(q.Body)
	r.bodies += len(q.Body)
	for r.bodies > r.limits.BodyBytes && r.kept[0] != m {
		r.evict()
	}
}
