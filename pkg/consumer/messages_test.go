package consumer_test

import (
	"fmt"
	"time"

	"github.com/clerksync/clerksync/pkg/delivery"
)

// message is a record of that svix id; its SQS message id is another.
func message(svixID, body string) delivery.Record {
	d := delivery.Delivery{SvixID: svixID, SvixTimestamp: "1772449375", EventType: "as.said", ReceivedAt: time.UnixMilli(1_772_449_376_000), Body: []byte(body)}
	m := d.Encode()
	r := delivery.Record{MessageID: "sqs-" + svixID, Receipt: "receipt-" + svixID, Receives: 1, Body: m.Body, Attributes: map[string]delivery.Attribute{}}
	for name, text := range m.Attributes {
		r.Attributes[name] = delivery.Attribute{DataType: "String", Text: text}
	}
	return r
}

// event is a body; sent is the envelope's time.
func event(eventType string, sent int64, data string) string {
	return fmt.Sprintf(`{"type":%q,"object":"event","timestamp":%d,"instance_id":"ins_a1","data":%s}`, eventType, sent, data)
}

// base is where small times of tests begin: they count milliseconds from here.
const base = 1_772_000_000_000

func user(what, id string, updated int64, more string) string {
	return event("user."+what, base+updated, fmt.Sprintf(`{"id":%q,"updated_at":%d%s}`, id, base+updated, more))
}

func organization(what, id string, updated int64, more string) string {
	return event("organization."+what, base+updated, fmt.Sprintf(`{"id":%q,"updated_at":%d%s}`, id, base+updated, more))
}

// deleted is a stub's deletion.
func deleted(family, id string, sent int64) string {
	return event(family+".deleted", base+sent, fmt.Sprintf(`{"id":%q,"deleted":true}`, id))
}

func membership(what, org, user string, created, updated int64, role string) string {
	return event("organizationMembership."+what, base+updated, fmt.Sprintf(
		`{"id":"orgmem_%s_%s_%d","created_at":%d,"updated_at":%d,"role":%q,"organization":{"id":%q},"public_user_data":{"user_id":%q}}`,
		org, user, created, base+created, base+updated, role, org, user))
}

func invitation(what, org, id string, updated int64) string {
	return event("organizationInvitation."+what, base+updated, fmt.Sprintf(
		`{"id":%q,"organization_id":%q,"email_address":"x@example.com","status":%q,"url":"https://example.com/SECRET","updated_at":%d}`, id, org, what, base+updated))
}

func domain(what, org, id string, updated int64) string {
	return event("organizationDomain."+what, base+updated, fmt.Sprintf(`{"id":%q,"organization_id":%q,"name":"example.com","updated_at":%d}`, id, org, base+updated))
}
