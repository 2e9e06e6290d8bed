package simulation

import (
	"bytes"
	"strings"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// permanentError is a way in which a message can never work: it must become a
// dead letter at once, and nothing of it may be recorded.
type permanentError struct {
	fault Fault
	// fits says which messages it can happen to; nil is all.
	fits func(m *message) bool
	// body spoils the signed bytes; nil leaves them.
	body func(body []byte) []byte
	// record spoils what lies on the queue; nil leaves it.
	record func(r *delivery.Record)
}

// permanentErrors is the table of all of them. The order of a membership needs
// its created_at, which is why that stands first: rapid shrinks toward it.
func permanentErrors() []permanentError {
	return []permanentError{
		{
			fault: "membership without created_at", fits: isMembership,
			body: replace(`"created_at":`, `"no_created_at":`),
		},
		{fault: "membership without id", fits: isMembership, body: replace(`{"data":{"id":`, `{"data":{"no_id":`)},
		{
			fault: "membership without organization", fits: isMembership,
			body: replace(`"organization":{"id":`, `"organization":{"no_id":`),
		},
		{
			fault: "membership without user", fits: isMembership,
			body: replace(`"public_user_data":{"user_id":`, `"public_user_data":{"no_id":`),
		},
		{fault: "object without id", fits: not(isMembership), body: replace(`{"data":{"id":`, `{"data":{"no_id":`)},
		{
			fault: "id too long for a key", fits: not(isMembership),
			body: replace(`{"data":{"id":"`, `{"data":{"id":"`+strings.Repeat("x", directory.MaxPK)),
		},
		{fault: "body that ends early", body: func(b []byte) []byte { return b[:len(b)-1] }},
		{fault: "body without data", body: replace(`{"data":`, `{"no_data":`)},
		{fault: "body without type", body: replace(envelopeType, `"object":"event","no_type":"`)},
		{
			fault: "updated_at that is no time", fits: has(updatedAt),
			body: replace(updatedAt, `"updated_at":"soon","was":`),
		},
		{
			fault: "updated_at from 2100 on", fits: has(updatedAt),
			body: replace(updatedAt, `"updated_at":4102444800000,"was":`),
		},
		{fault: "timestamp that is no time", fits: has(sentAt), body: replace(sentAt, `"timestamp":"soon","was":`)},
		{fault: "no svix id", record: withoutAttribute(delivery.AttrSvixID)},
		{fault: "no svix timestamp", record: withoutAttribute(delivery.AttrSvixTimestamp)},
		{fault: "no event type", record: withoutAttribute(delivery.AttrEventType)},
		{fault: "no time of receipt", record: withoutAttribute(delivery.AttrReceivedAt)},
		{fault: "svix id with a dot", record: withAttribute(delivery.AttrSvixID, "msg_a.b")},
		{fault: "svix id too long", record: withAttribute(delivery.AttrSvixID, strings.Repeat("x", 257))},
		{fault: "svix timestamp that is no time", record: withAttribute(delivery.AttrSvixTimestamp, "176722560")},
		{fault: "time of receipt that is no time", record: withAttribute(delivery.AttrReceivedAt, "yesterday")},
		{fault: "unknown encoding", record: withAttribute(delivery.AttrEncoding, "zip")},
		{
			fault:  "body that is not the base64 that it should be",
			record: withAttribute(delivery.AttrEncoding, "base64"), body: plain,
		},
	}
}

// Beginnings of members in the bodies that the event builder writes.
const (
	envelopeType = `"object":"event","type":"`
	updatedAt    = `"updated_at":`
	sentAt       = `"timestamp":`
)

func isMembership(m *message) bool { return m.incarnationID != "" }

func not(f func(*message) bool) func(*message) bool { return func(m *message) bool { return !f(m) } }

func has(text string) func(*message) bool {
	return func(m *message) bool { return bytes.Contains(m.body, []byte(text)) }
}

func replace(before, after string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(before), []byte(after), 1) }
}

// plain is the body without the character for which it would be sent as base64.
func plain(b []byte) []byte { return bytes.ReplaceAll(b, []byte(unkeepable), nil) }

func withoutAttribute(name string) func(*delivery.Record) {
	return func(r *delivery.Record) { delete(r.Attributes, name) }
}

func withAttribute(name, text string) func(*delivery.Record) {
	return func(r *delivery.Record) { r.Attributes[name] = delivery.Attribute{DataType: "String", Text: text} }
}

// emitInvalid emits a copy of a message, with a permanent error, under an id of
// its own.
func (c *clerk) emitInvalid(s Step) {
	kind := permanentErrors()[s.Which%len(permanentErrors())]
	original := c.lastValid(kind)
	if original == nil {
		c.joinOrChangeRole(s)
		if original = c.lastValid(kind); original == nil {
			return
		}
	}
	m := *original
	m.svixID, m.invalid, m.row, m.pointer = c.newMessageID(), true, nil, nil
	m.spoil, m.readableFrom, m.refusals, m.reach = kind.record, 0, 0, []Fault{kind.fault}
	if kind.body != nil {
		m.body = kind.body(m.body)
	}
	c.messages = append(c.messages, &m)
}

// lastValid is the last message that the error can happen to, nil for none.
func (c *clerk) lastValid(kind permanentError) *message {
	for i := len(c.messages) - 1; i >= 0; i-- {
		if m := c.messages[i]; !m.invalid && (kind.fits == nil || kind.fits(m)) {
			return m
		}
	}
	return nil
}
