// Package delivery says what crosses the queue between ingest and sync: the
// signed bytes as they were, and what only the request knew, as message
// attributes. The form is versioned, for ingest and sync are not deployed in the
// same instant.
//
// Ingest makes a Delivery of a request and encodes it (delivery.go); SQS hands
// it out as a Record, which sync reads back into a Delivery (record.go).
package delivery

import (
	"encoding/base64"
	"time"
	"unicode/utf8"
)

// Names of the message attributes. All hold text.
const (
	AttrSvixID        = "svix-id"
	AttrSvixTimestamp = "svix-timestamp"
	AttrEventType     = "event-type"
	AttrReceivedAt    = "received-at" // RFC 3339, ms
	AttrVersion       = "v"
	AttrEncoding      = "encoding" // base64, where the body is not the text itself
	AttrReason        = "reason"   // of a dead letter: why, at most 1 KB
	AttrPosition      = "position" // of a deletion that goes on: see Record.Position
)

// Version is the form that Encode writes.
const Version = "1"

const base64Encoding = "base64"

// MaxBase64Body is the largest body, in bytes, that fits a message of 1 MiB as
// base64 together with its attributes.
const MaxBase64Body = 750_000

// receivedAtFormat is RFC 3339 with milliseconds, in UTC.
const receivedAtFormat = "2006-01-02T15:04:05.000Z07:00"

// Delivery is a message of Svix that was accepted: its signature is right and
// its type is kept.
type Delivery struct {
	SvixID        string
	SvixTimestamp string // ten digits, Unix seconds: of the attempt that got through
	EventType     string
	ReceivedAt    time.Time
	Body          []byte // the signed bytes
}

// Message is a delivery as ingest sends it to SQS.
type Message struct {
	Body       string
	Attributes map[string]string
}

// Encode is the delivery's form on the queue: the body byte for byte where SQS
// can keep every character, so that people can read it there, else its base64.
func (d Delivery) Encode() Message {
	m := Message{Attributes: map[string]string{
		AttrSvixID:        d.SvixID,
		AttrSvixTimestamp: d.SvixTimestamp,
		AttrEventType:     d.EventType,
		AttrReceivedAt:    d.ReceivedAt.UTC().Format(receivedAtFormat),
		AttrVersion:       Version,
	}}
	if NeedsBase64(d.Body) {
		m.Body = base64.StdEncoding.EncodeToString(d.Body)
		m.Attributes[AttrEncoding] = base64Encoding
	} else {
		m.Body = string(d.Body)
	}
	return m
}

// NeedsBase64 says whether the body holds a character that SQS refuses. SQS
// keeps tab, line feed, carriage return, U+0020 to U+D7FF, U+E000 to U+FFFD
// and U+10000 to U+10FFFF:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
func NeedsBase64(body []byte) bool {
	for i := 0; i < len(body); {
		if c := body[i]; c >= ' ' && c < utf8.RuneSelf {
			i++ // nearly all are ASCII: only the others need decoding
			continue
		}
		r, size := utf8.DecodeRune(body[i:])
		switch {
		case r == utf8.RuneError && size == 1, r == 0xFFFE, r == 0xFFFF:
			return true
		case r < ' ' && r != '\t' && r != '\n' && r != '\r':
			return true
		}
		i += size
	}
	return false
}
