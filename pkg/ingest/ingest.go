// Package ingest turns a signed request into a message on the queue, or says
// precisely why not.
//
// It answers 200 for an event that is kept only when the queue holds exactly
// the bytes that were signed. Nothing unsigned is parsed. The same decision
// serves API Gateway (package lambdafn) and any net/http server: an Ingest is
// an http.Handler.
package ingest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/svix"
)

// Path is the route of the webhook.
const Path = "/webhooks/clerk"

// MaxBody is the largest body, in bytes.
const MaxBody = 1_000_000

// Queue takes messages. Send returns nil only when the queue holds the message.
type Queue interface {
	Send(ctx context.Context, m delivery.Message) error
}

// Request is what the decision needs of a request.
type Request struct {
	Method string
	Path   string
	Header func(name string) string // by lower-case name, repeated ones joined by commas, "" for none
	Body   []byte                   // raw bytes
	// TooLarge says that the body was not read to its end, for it is over MaxBody.
	TooLarge bool
	// Unreadable says that the gateway's base64 could not be undone: no
	// bytes are there that anybody can have signed.
	Unreadable bool
}

// Reply is the answer. All of its text is printable ASCII.
type Reply struct {
	Status int
	Header []Field
	Body   string // JSON
}

// Field is one header.
type Field struct{ Name, Value string } // the name in lower case

// Stage says how far a request came.
type Stage string

// A request is rejected, ignored (accepted, not kept) or queued.
const (
	Rejected Stage = "rejected"
	Ignored  Stage = "ignored"
	Queued   Stage = "queued"
)

// Report is what became of one request.
type Report struct {
	Stage     Stage
	Reason    string // the reply's error, or what the event was ignored for
	SvixID    string // "" where it is malformed; not proven for a rejected request
	EventType string // "" before it is known
	Known     clerk.Knowledge
	ChangedAt time.Time // Clerk's envelope time; zero where not known
	Err       error     // why the queue did not take it
}

// Config is what an Ingest is made of. All of it is needed but Instances.
type Config struct {
	Secrets     *Secrets
	Queue       Queue
	Instances   []string                               // CLERK_INSTANCE_ID; none: every instance's events are kept
	KnowledgeOf func(eventType string) clerk.Knowledge // what is kept: clerk.KnowledgeOf
	Now         func() time.Time
	Observe     func(context.Context, Report) // called concurrently by a server
}

// Ingest decides on requests. It is safe for concurrent use.
type Ingest struct{ Config }

// New makes an Ingest.
func New(c Config) *Ingest { return &Ingest{c} }

// The errors of replies.
const (
	notFound         = "not_found"
	methodNotAllowed = "method_not_allowed"
	notConfigured    = "not_configured"
	payloadTooLarge  = "payload_too_large"
	missingHeaders   = "missing_headers"
	invalidTimestamp = "invalid_timestamp"
	invalidSignature = "invalid_signature"
	invalidPayload   = "invalid_payload"
	unavailable      = "unavailable"
)

// Handle decides on a request: the first check that fails answers.
func (i *Ingest) Handle(ctx context.Context, r Request) Reply {
	reply, report := i.decide(ctx, r)
	i.Observe(ctx, report)
	return reply
}

func (i *Ingest) decide(ctx context.Context, r Request) (Reply, Report) {
	if r.Path != Path {
		return reject(http.StatusNotFound, notFound, "")
	}
	if r.Method != http.MethodPost {
		return reject(http.StatusMethodNotAllowed, methodNotAllowed, "")
	}
	secrets := i.Secrets.Current(ctx)
	if secrets == nil {
		return reject(http.StatusInternalServerError, notConfigured, "")
	}
	if r.TooLarge || len(r.Body) > MaxBody {
		return reject(http.StatusRequestEntityTooLarge, payloadTooLarge, "")
	}
	h := svix.FromHeader(r.Header)
	if code := i.authenticate(ctx, secrets, h, r); code != "" {
		id := h.ID
		if !svix.ValidID(id) {
			id = ""
		}
		return reject(http.StatusBadRequest, code, id)
	}
	return i.accept(ctx, h, r.Body)
}

// authenticate returns the error of the reply, "" for a message of ours.
func (i *Ingest) authenticate(ctx context.Context, secrets *svix.Secrets, h svix.Headers, r Request) string {
	switch err := h.Check(i.Now()); {
	case errors.Is(err, svix.ErrInvalidTimestamp):
		return invalidTimestamp
	case err != nil:
		return missingHeaders
	case r.Unreadable:
		return invalidSignature
	}
	if secrets.Verify(h, r.Body) == nil {
		return ""
	}
	// The secret may have been changed since it was read.
	if fresh := i.Secrets.Refresh(ctx, secrets); fresh != nil && fresh.Verify(h, r.Body) == nil {
		return ""
	}
	return invalidSignature
}

// accept decides on a message that was signed with one of our secrets.
func (i *Ingest) accept(ctx context.Context, h svix.Headers, body []byte) (Reply, Report) {
	e, err := clerk.Decode(body)
	if err != nil {
		reply, report := reject(http.StatusBadRequest, invalidPayload, h.ID)
		reply.Header = append(reply.Header, Field{"webhook-delivery", "abort-message"}) // Svix stops retrying
		return reply, report
	}
	report := Report{SvixID: h.ID, EventType: e.Type, Known: i.KnowledgeOf(e.Type)}
	if sent, err := e.Timestamp(); err == nil && sent > 0 {
		report.ChangedAt = time.UnixMilli(int64(sent))
	}
	if len(body) > delivery.MaxBase64Body && delivery.NeedsBase64(body) {
		return refuse(report, http.StatusRequestEntityTooLarge, payloadTooLarge)
	}
	switch {
	case report.Known != clerk.Kept:
		return received(report, Ignored, "type")
	case len(i.Instances) > 0 && !slices.Contains(i.Instances, e.InstanceID):
		return received(report, Ignored, "instance")
	}
	m := delivery.Delivery{
		SvixID: h.ID, SvixTimestamp: h.Timestamp, EventType: e.Type, ReceivedAt: i.Now(), Body: body,
	}.Encode()
	if report.Err = i.Queue.Send(ctx, m); report.Err != nil {
		return refuse(report, http.StatusServiceUnavailable, unavailable)
	}
	return received(report, Queued, "")
}

func reject(status int, code, id string) (Reply, Report) {
	return refuse(Report{SvixID: id}, status, code)
}

func refuse(report Report, status int, code string) (Reply, Report) {
	report.Stage, report.Reason = Rejected, code
	r := reply(status, `{"error":"`+code+`"}`)
	if status == http.StatusMethodNotAllowed {
		r.Header = append(r.Header, Field{"allow", http.MethodPost})
	}
	return r, report
}

func received(report Report, stage Stage, ignored string) (Reply, Report) {
	report.Stage, report.Reason = stage, ignored
	body := `{"received":true,"id":` + strconv.Quote(report.SvixID) // as JSON does, for it is ASCII from ! to ~
	if ignored != "" {
		body += `,"ignored":"` + ignored + `"`
	}
	return reply(http.StatusOK, body+"}"), report
}

func reply(status int, body string) Reply {
	return Reply{status, []Field{{"content-type", "application/json"}}, body}
}
