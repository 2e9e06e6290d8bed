// Package delivery says what crosses the queue between ingest and sync: the
// signed bytes as they were, and what only the request knew, as message
// attributes. The form is versioned, for both ends are not deployed in the
// same instant.
package delivery

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/clerksync/clerksync/pkg/svix"
)

// Names of the message attributes. All hold text.
const (
	AttrSvixID        = "svix-id"
	AttrSvixTimestamp = "svix-timestamp"
	AttrEventType     = "event-type"
	AttrReceivedAt    = "received-at" // RFC 3339, ms
	AttrVersion       = "v"
	AttrEncoding      = "encoding" // base64, where the body is not the text itself
	AttrReason        = "reason"   // on dead letters: why, at most 1 KB
)

// Version is the form that Encode writes.
const Version = "1"

const base64Encoding = "base64"

// MaxBase64Body is the largest body, in bytes, that fits a message of 1 MiB as
// base64 beside its attributes.
const MaxBase64Body = 750_000

// TimeFormat is RFC 3339 with milliseconds, in UTC.
const TimeFormat = "2006-01-02T15:04:05.000Z07:00"

// The two ways in which a message cannot be read.
var (
	// ErrHopeless says that the message can never be read.
	ErrHopeless = errors.New("delivery: message cannot be read")
	// ErrUnknownVersion says that a newer program may read it.
	ErrUnknownVersion = errors.New("delivery: unknown version")
)

// Delivery is a message of Svix that was accepted.
type Delivery struct {
	SvixID        string
	SvixTimestamp string // ten digits, Unix seconds: of the attempt that got through
	EventType     string
	ReceivedAt    time.Time
	Body          []byte // the signed bytes
}

// Message is a delivery as SQS holds it.
type Message struct {
	Body       string
	Attributes map[string]string
}

// Encode is the delivery's form on the queue: the body byte for byte where SQS
// can keep every character, else its base64.
func (d Delivery) Encode() Message {
	m := Message{Attributes: map[string]string{
		AttrSvixID:        d.SvixID,
		AttrSvixTimestamp: d.SvixTimestamp,
		AttrEventType:     d.EventType,
		AttrReceivedAt:    d.ReceivedAt.UTC().Format(TimeFormat),
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

// Decode reads a message. A message without version is one put there by hand
// and is taken as version 1 if the rest is there. Its errors wrap ErrHopeless
// or ErrUnknownVersion and hold no part of the body.
func (m Message) Decode() (Delivery, error) {
	if v, ok := m.Attributes[AttrVersion]; ok && v != Version {
		return Delivery{}, ErrUnknownVersion
	}
	for _, name := range []string{AttrSvixID, AttrSvixTimestamp, AttrEventType, AttrReceivedAt} {
		if m.Attributes[name] == "" {
			return Delivery{}, fmt.Errorf("%w: attribute %s is missing", ErrHopeless, name)
		}
	}
	d := Delivery{
		SvixID:        m.Attributes[AttrSvixID],
		SvixTimestamp: m.Attributes[AttrSvixTimestamp],
		EventType:     m.Attributes[AttrEventType],
		Body:          []byte(m.Body),
	}
	if !svix.ValidID(d.SvixID) {
		return Delivery{}, fmt.Errorf("%w: attribute %s is no message id", ErrHopeless, AttrSvixID)
	}
	if !svix.ValidTimestamp(d.SvixTimestamp) {
		return Delivery{}, fmt.Errorf("%w: attribute %s is no time of ten digits", ErrHopeless, AttrSvixTimestamp)
	}
	var err error
	if d.ReceivedAt, err = time.Parse(time.RFC3339, m.Attributes[AttrReceivedAt]); err != nil {
		return Delivery{}, fmt.Errorf("%w: attribute %s is no RFC 3339 time", ErrHopeless, AttrReceivedAt)
	}
	switch encoding, ok := m.Attributes[AttrEncoding]; {
	case !ok:
	case encoding != base64Encoding:
		return Delivery{}, fmt.Errorf("%w: attribute %s is unknown", ErrHopeless, AttrEncoding)
	default:
		if d.Body, err = base64.StdEncoding.Strict().DecodeString(m.Body); err != nil {
			return Delivery{}, fmt.Errorf("%w: body is not base64 as attribute %s says", ErrHopeless, AttrEncoding)
		}
	}
	return d, nil
}

// NeedsBase64 says whether the body holds a character that SQS refuses. It
// keeps tab, line feed, carriage return, U+0020 to U+D7FF, U+E000 to U+FFFD
// and U+10000 to U+10FFFF:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
func NeedsBase64(body []byte) bool {
	for i := 0; i < len(body); {
		if i+8 <= len(body) && printable(binary.LittleEndian.Uint64(body[i:])) {
			i += 8
			continue
		}
		c := body[i]
		if c >= ' ' && c < utf8.RuneSelf || c == '\t' || c == '\n' || c == '\r' {
			i++
			continue
		}
		r, n := utf8.DecodeRune(body[i:])
		if r < ' ' || r == utf8.RuneError && n == 1 || r == 0xFFFE || r == 0xFFFF {
			return true
		}
		i += n
	}
	return false
}

// printable says whether eight bytes are all ASCII from the blank on
// (https://graphics.stanford.edu/~seander/bithacks.html).
func printable(x uint64) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	return (x|(x-' '*ones))&high == 0
}
