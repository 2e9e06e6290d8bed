package consumer_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/delivery/deliverytest"
)

// message is the record of a webhook with that body. Its attribute event-type
// says another type than the body, for the signed bytes count.
func message(svixID, body string) delivery.Record {
	return deliverytest.Record(svixID, "as.said", body)
}

// messages are the records of msg_1, msg_2 and so on.
func messages(bodies ...string) (records []delivery.Record) {
	for i, body := range bodies {
		records = append(records, message(fmt.Sprint("msg_", i+1), body))
	}
	return records
}

// users are n messages about users of their own, msg_00 about u00 and so on.
func users(n int) (records []delivery.Record) {
	for i := range n {
		body := user("created", fmt.Sprintf("u%02d", i), 1, "")
		records = append(records, message(fmt.Sprintf("msg_%02d", i), body))
	}
	return records
}

// received sets how often the records were handed out.
func received(times int, records ...delivery.Record) []delivery.Record {
	for i := range records {
		records[i].Receives = times
	}
	return records
}

func setAttribute(r delivery.Record, name, text string) {
	r.Attributes[name] = delivery.Attribute{DataType: "String", Text: text}
}

// event is a body; sent is the envelope's time.
func event(eventType string, sent int64, data string) string {
	return fmt.Sprintf(
		`{"type":%q,"object":"event","timestamp":%d,"instance_id":"ins_a1","data":%s}`, eventType, sent, data)
}

// base is where small times of tests begin: they count milliseconds from here.
const base = 1_772_000_000_000

func user(what, id string, updated int64, more string) string {
	return event("user."+what, base+updated, fmt.Sprintf(`{"id":%q,"updated_at":%d%s}`, id, base+updated, more))
}

func organization(what, id string, updated int64, more string) string {
	return event("organization."+what, base+updated, fmt.Sprintf(`{"id":%q,"updated_at":%d%s}`, id, base+updated, more))
}

// deleted is a deletion whose data is a stub: all but memberships'.
func deleted(family, id string, sent int64) string {
	return event(family+".deleted", base+sent, fmt.Sprintf(`{"id":%q,"deleted":true}`, id))
}

// membership is an event of the incarnation that was created at that time.
func membership(what, org, user string, created, updated int64, role string) string {
	return event("organizationMembership."+what, base+updated, fmt.Sprintf(
		`{"id":"orgmem_%s_%s_%d","created_at":%d,"updated_at":%d,"role":%q,`+
			`"organization":{"id":%q},"public_user_data":{"user_id":%q}}`,
		org, user, created, base+created, base+updated, role, org, user))
}

func invitation(what, org, id string, updated int64) string {
	return event("organizationInvitation."+what, base+updated, fmt.Sprintf(
		`{"id":%q,"organization_id":%q,"email_address":"x@example.com","status":%q,`+
			`"url":"https://example.com/SECRET","updated_at":%d}`,
		id, org, what, base+updated))
}

func domain(what, org, id string, updated int64) string {
	return event("organizationDomain."+what, base+updated, fmt.Sprintf(
		`{"id":%q,"organization_id":%q,"name":"example.com","updated_at":%d}`, id, org, base+updated))
}

// ids are the svix ids of the records.
func ids(records []delivery.Record) (out []string) {
	for _, r := range records {
		out = append(out, strings.TrimPrefix(r.MessageID, "sqs-"))
	}
	return out
}

// permutations are all orders of the records, by Heap's algorithm.
func permutations(records []delivery.Record) (all [][]delivery.Record) {
	var permute func(n int)
	permute = func(n int) {
		if n <= 1 {
			all = append(all, slices.Clone(records))
			return
		}
		for i := range n {
			permute(n - 1)
			j := 0
			if n%2 == 0 {
				j = i
			}
			records[j], records[n-1] = records[n-1], records[j]
		}
	}
	records = slices.Clone(records)
	permute(len(records))
	return all
}
