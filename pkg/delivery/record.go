package delivery

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/clerksync/clerksync/pkg/svix"
)

// Record is a message as SQS handed it out: one entry of the Records of an SQS
// event, https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html.
type Record struct {
	MessageID  string // given by SQS, not Svix's
	Receipt    string // with which this receive is acknowledged or delayed
	Receives   int    // how often it was handed out, this time included
	Body       string
	Attributes map[string]Attribute
}

// Record is the record in which a queue first hands out the message, for queues that
// are not SQS. Its ids are the svix id.
func (m Message) Record() Record {
	id := m.Attributes[AttrSvixID]
	r := Record{MessageID: id, Receipt: id, Receives: 1, Body: m.Body, Attributes: map[string]Attribute{}}
	for name, text := range m.Attributes {
		r.Attributes[name] = Attribute{DataType: "String", Text: text}
	}
	return r
}

// Attribute is a message attribute as SQS types it.
type Attribute struct {
	DataType string // String, Number or Binary, each perhaps with a suffix such as .png
	Text     string // of a String or a Number
	Binary   []byte // of a Binary
}

// IsBinary says which of the two values counts.
func (a Attribute) IsBinary() bool { return strings.HasPrefix(a.DataType, "Binary") }

// The two reasons why a record holds no delivery that can be processed.
var (
	// ErrPermanent says that no program will ever read the record: it belongs
	// into the dead-letter queue.
	ErrPermanent = errors.New("delivery: message cannot be read")
	// ErrUnknownVersion says that a newer program wrote the record. It is
	// retried, for during a deployment ingest may be newer than sync.
	ErrUnknownVersion = errors.New("delivery: unknown version")
)

// Delivery reads the record. A record without a version was put into the queue
// by hand and is read as version 1 if the rest is there.
//
// The errors wrap ErrPermanent or ErrUnknownVersion and hold no part of the
// body. With an error, the delivery holds at most a SvixID, for reports: that
// of the attribute, which was not checked.
func (r Record) Delivery() (Delivery, error) {
	d := Delivery{SvixID: r.text(AttrSvixID)}
	if v, ok := r.Attributes[AttrVersion]; ok && v.text() != Version {
		return d, ErrUnknownVersion
	}
	for _, name := range []string{AttrSvixID, AttrSvixTimestamp, AttrEventType, AttrReceivedAt} {
		if r.text(name) == "" {
			return d, fmt.Errorf("%w: attribute %s is missing", ErrPermanent, name)
		}
	}
	timestamp := r.text(AttrSvixTimestamp)
	receivedAt, err := time.Parse(time.RFC3339, r.text(AttrReceivedAt))
	switch {
	case !svix.ValidID(d.SvixID):
		return d, fmt.Errorf("%w: attribute %s is not a message id", ErrPermanent, AttrSvixID)
	case !svix.ValidTimestamp(timestamp):
		return d, fmt.Errorf("%w: attribute %s is not a time of ten digits", ErrPermanent, AttrSvixTimestamp)
	case err != nil:
		return d, fmt.Errorf("%w: attribute %s is not an RFC 3339 time", ErrPermanent, AttrReceivedAt)
	}
	body := []byte(r.Body)
	if encoding, ok := r.Attributes[AttrEncoding]; ok {
		if encoding.text() != base64Encoding {
			return d, fmt.Errorf("%w: attribute %s is unknown", ErrPermanent, AttrEncoding)
		}
		if body, err = base64.StdEncoding.Strict().DecodeString(r.Body); err != nil {
			return d, fmt.Errorf("%w: body is not base64 as attribute %s says", ErrPermanent, AttrEncoding)
		}
	}
	return Delivery{
		SvixID:        d.SvixID,
		SvixTimestamp: timestamp,
		EventType:     r.text(AttrEventType),
		ReceivedAt:    receivedAt,
		Body:          body,
	}, nil
}

// EncodePosition is a position as the attribute of that name holds it: base64,
// because a sort key may hold characters that SQS refuses.
func EncodePosition(sortKey string) string { return base64.StdEncoding.EncodeToString([]byte(sortKey)) }

// Position is the sort key up to which earlier receives of a deletion have
// deleted the children, "" for a deletion that begins, or where it cannot be read:
// to begin again is always right.
func (r Record) Position() string {
	sortKey, err := base64.StdEncoding.DecodeString(r.text(AttrPosition))
	if err != nil {
		return ""
	}
	return string(sortKey)
}

func (r Record) text(name string) string { return r.Attributes[name].text() }

// text is the attribute as text. Ingest sends text alone; bytes that were sent
// by hand are read as the text that they are.
func (a Attribute) text() string {
	if a.IsBinary() {
		return string(a.Binary)
	}
	return a.Text
}

// Delay says how long SQS hides a record that failed, from now on.
type Delay struct {
	Record Record
	For    time.Duration
}
