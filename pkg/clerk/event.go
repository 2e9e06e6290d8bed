// Package clerk reads what Clerk says happened: the envelope of a webhook and
// the objects in it. It keeps the text of every value, invents nothing and
// drops nothing, so that a field that Clerk adds tomorrow survives.
//
// The shapes are those of Clerk's published OpenAPI description of webhooks
// (https://github.com/clerk/openapi-specs) and https://clerk.com/docs/webhooks/overview.
package clerk

import (
	"errors"
	"unicode/utf8"
)

// ErrInvalidPayload says that a body is no event: empty, not one JSON object,
// not UTF-8, nested deeper than 10,000, or without a non-empty string `type`
// and an object `data`, each once.
var ErrInvalidPayload = errors.New("clerk: body is no event")

// Event is the envelope of one webhook.
type Event struct {
	Type       string // e.g. user.updated
	InstanceID string // ins_..., "" where Clerk sent none
	envelope   Object
}

// Decode reads a body. Its error is ErrInvalidPayload, without any of the body.
func Decode(body []byte) (Event, error) {
	if !utf8.Valid(body) {
		return Event{}, ErrInvalidPayload
	}
	envelope, ok := ParseObject(body)
	if !ok || envelope.Count("type") != 1 || envelope.Count("data") != 1 {
		return Event{}, ErrInvalidPayload
	}
	e := Event{envelope.Text("type"), envelope.Text("instance_id"), envelope}
	if e.Type == "" || envelope.Raw("data")[0] != '{' {
		return Event{}, ErrInvalidPayload
	}
	return e, nil
}

// Data is the object that the event is about. It is read anew on each call.
func (e Event) Data() Object { return e.envelope.Object("data") }

// Timestamp is when the event occurred by the envelope; 0 where it is absent.
func (e Event) Timestamp() (Millis, error) { return e.envelope.Time("timestamp") }
