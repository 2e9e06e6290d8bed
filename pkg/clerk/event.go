// Package clerk reads what Clerk says happened: the envelope of a webhook and
// the objects in it. It keeps the text of every value, adds nothing and leaves
// nothing out, so that a field that Clerk adds tomorrow survives.
//
// event.go decides whether a body is an event at all, object.go finds the
// members of an object, and time.go reads the numbers and times in them.
//
// The shapes are those of Clerk's published OpenAPI description of webhooks
// (https://github.com/clerk/openapi-specs) and https://clerk.com/docs/webhooks/overview.
package clerk

import (
	"errors"
	"unicode/utf8"
)

// ErrInvalidPayload says that a body is not an event. An event is one JSON
// object in UTF-8, nested at most 10,000 deep, with a non-empty string `type`
// and an object `data`, each exactly once.
var ErrInvalidPayload = errors.New("decode event: the body is not an event of Clerk's")

// Event is the envelope of one webhook.
type Event struct {
	Type       string // for example user.updated
	InstanceID string // ins_..., "" where Clerk sent none
	envelope   Object
}

// Decode reads the body of a webhook, whose bytes must not change afterwards.
// Its only error is ErrInvalidPayload, which quotes nothing of the body.
func Decode(body []byte) (Event, error) {
	// ParseObject leaves UTF-8 to its caller. SQS and DynamoDB hold only UTF-8,
	// so a body with other bytes could not be kept as it was signed.
	if !utf8.Valid(body) {
		return Event{}, ErrInvalidPayload
	}
	envelope, ok := ParseObject(body)
	// A second `type` or `data` makes the event ambiguous: another reader of the
	// same body might take the other one.
	if !ok || envelope.Count("type") != 1 || envelope.Count("data") != 1 {
		return Event{}, ErrInvalidPayload
	}
	e := Event{Type: envelope.Text("type"), InstanceID: envelope.Text("instance_id"), envelope: envelope}
	if e.Type == "" || envelope.Raw("data")[0] != '{' {
		return Event{}, ErrInvalidPayload
	}
	return e, nil
}

// Data is the object that the event is about. Each call parses it anew.
func (e Event) Data() Object { return e.envelope.Object("data") }

// Timestamp is when the event occurred by the envelope, 0 where the envelope
// does not say. Its error wraps ErrTime.
func (e Event) Timestamp() (Millis, error) { return e.envelope.Time("timestamp") }
