// Package ingest turns a signed request into a message on the queue, or says
// exactly why not.
//
// It answers 200 for an event that is kept only when the queue holds the very
// bytes that were signed. Nothing unsigned is parsed. The same decision serves
// API Gateway (package ingestfn) and any net/http server: an Ingest is an
// http.Handler.
//
//   - ingest.go: the checks in their order, which is the contract's
//   - reply.go: what the sender is answered
//   - secrets.go: the signing secrets, when they are read and read again
//   - http.go: the http.Handler
package ingest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/svix"
)

// Path is the route of the webhook.
const Path = "/webhooks/clerk"

// MaxBody is the size of the largest body that is accepted, in bytes.
const MaxBody = 1_000_000

// Queue takes messages.
type Queue interface {
	// Send returns nil only when the queue holds the message.
	Send(ctx context.Context, m delivery.Message) error
}

// Request holds the parts of a request that the decision needs.
type Request struct {
	Method string
	Path   string
	Header func(name string) string // by lower-case name; repeated ones joined by commas, "" for none
	Body   []byte                   // the bytes that were signed
	// TooLarge says that the body was not read to its end because it is larger
	// than MaxBody.
	TooLarge bool
	// Unreadable says that the body is not valid base64, or broke off, so there
	// is nothing to verify.
	Unreadable bool
}

// Stage says how far a request came.
type Stage string

// A request is rejected, ignored (accepted and not kept) or queued.
const (
	Rejected Stage = "rejected"
	Ignored  Stage = "ignored"
	Queued   Stage = "queued"
)

// Report says how one request was decided, and why.
type Report struct {
	Stage     Stage
	Reason    string // rejected: the reply's error; ignored: type or instance
	SvixID    string // "" where it is malformed; not authenticated for a rejected request
	EventType string // "" before the body is decoded
	Knowledge clerk.Knowledge
	ChangedAt time.Time // Clerk's envelope time; zero where it is not known
	Err       error     // why the queue did not take the message
}

// Config is what an Ingest is made of. Everything but Instances is required.
type Config struct {
	Secrets     *Secrets
	Queue       Queue
	Instances   []string                               // ids (ins_...) whose events are kept; none keeps all
	KnowledgeOf func(eventType string) clerk.Knowledge // clerk.KnowledgeOf
	Now         func() time.Time
	Observe     func(context.Context, Report) // a server calls it concurrently
}

// Ingest decides on requests. It is safe for concurrent use.
type Ingest struct{ config Config }

// New makes an Ingest.
func New(c Config) *Ingest { return &Ingest{c} }

// Handle decides on one request, reports the decision and returns the answer.
func (i *Ingest) Handle(ctx context.Context, r Request) Reply {
	report := i.decide(ctx, r)
	i.config.Observe(ctx, report)
	return respond(report)
}

// decide makes the checks in the contract's order: the first that fails
// answers. Nothing that the sender wrote is parsed before its signature is
// verified.
func (i *Ingest) decide(ctx context.Context, r Request) Report {
	var report Report
	if r.Path != Path {
		return report.conclude(Rejected, ReasonNotFound)
	}
	if r.Method != http.MethodPost {
		return report.conclude(Rejected, ReasonMethodNotAllowed)
	}
	secrets := i.config.Secrets.Current(ctx)
	if secrets == nil {
		return report.conclude(Rejected, ReasonNotConfigured)
	}
	if r.TooLarge || len(r.Body) > MaxBody {
		return report.conclude(Rejected, ReasonPayloadTooLarge)
	}
	h := svix.FromHeader(r.Header)
	if svix.ValidID(h.ID) { // any other text may hold anything and is not logged
		report.SvixID = h.ID
	}
	if reason := i.authenticate(ctx, secrets, h, r); reason != "" {
		return report.conclude(Rejected, reason)
	}
	return i.accept(ctx, report, h, r.Body)
}

// authenticate returns the error of the reply, or "" for a message that was
// signed with one of the secrets within the tolerance of time.
func (i *Ingest) authenticate(ctx context.Context, secrets *svix.Secrets, h svix.Headers, r Request) (reason string) {
	switch err := h.Check(i.config.Now()); {
	case errors.Is(err, svix.ErrInvalidTimestamp):
		return ReasonInvalidTimestamp
	case err != nil:
		return ReasonMissingHeaders
	case r.Unreadable:
		return ReasonInvalidSignature
	}
	if secrets.Verify(h, r.Body) == nil {
		return ""
	}
	// The secret may have been rotated since it was read. Without this second
	// look a new secret would be refused for up to MaxAge.
	if fresh := i.config.Secrets.Refresh(ctx, secrets); fresh != nil && fresh.Verify(h, r.Body) == nil {
		return ""
	}
	return ReasonInvalidSignature
}

// accept decides on a message that was signed with one of the secrets.
func (i *Ingest) accept(ctx context.Context, report Report, h svix.Headers, body []byte) Report {
	e, err := clerk.Decode(body)
	if err != nil {
		return report.conclude(Rejected, ReasonInvalidPayload)
	}
	report.EventType, report.Knowledge = e.Type, i.config.KnowledgeOf(e.Type)
	if sent, err := e.Timestamp(); err == nil && sent > 0 {
		report.ChangedAt = time.UnixMilli(int64(sent))
	}
	switch {
	case len(body) > delivery.MaxBase64Body && delivery.NeedsBase64(body):
		return report.conclude(Rejected, ReasonPayloadTooLarge)
	case report.Knowledge != clerk.Kept:
		return report.conclude(Ignored, ReasonType)
	case len(i.config.Instances) > 0 && !slices.Contains(i.config.Instances, e.InstanceID):
		return report.conclude(Ignored, ReasonInstance)
	}
	m := delivery.Delivery{
		SvixID: h.ID, SvixTimestamp: h.Timestamp, EventType: e.Type, ReceivedAt: i.config.Now(), Body: body,
	}.Encode()
	// After an error the queue may hold the message all the same. Svix sends it
	// again under the same id, and sync recognizes the duplicate.
	if report.Err = i.config.Queue.Send(ctx, m); report.Err != nil {
		return report.conclude(Rejected, ReasonUnavailable)
	}
	return report.conclude(Queued, "")
}

// conclude returns the report with the decision in it.
func (r Report) conclude(stage Stage, reason string) Report {
	r.Stage, r.Reason = stage, reason
	return r
}
