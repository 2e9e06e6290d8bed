package simulation

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
)

// eventBuilder makes one event: the JSON that Clerk would send and, without
// reading that, the row that the tables should hold.
type eventBuilder struct {
	clerk *clerk
	data  jsonObject
	row   directory.Row
	// oversized says that the row is too large with the object.
	oversized bool
}

// emit makes the message of an event about the object and keeps it.
func (c *clerk) emit(o *object, event string) {
	m := &message{svixID: c.newMessageID(), deletion: event == "deleted", created: event == "created"}
	b := &eventBuilder{clerk: c, row: directory.Row{}}
	m.eventType = eventFamily(o.kind) + "." + event
	if m.deletion && o.kind != directory.KindMembership {
		b.addJSON("id", quoted(o.id))
		b.addJSON("object", quoted(o.kind))
		b.addJSON("deleted", "true")
	} else {
		b.addAttributes(o, m)
	}
	m.setKeys(o)
	envelope := b.envelope(m)
	if !m.deletion {
		b.completeRows(m, o)
	}
	m.body = []byte("{" + strings.Join(envelope, ",") + "}")
	c.makeUnreadable(m)
	c.makeRefused(m)
	c.keepState(m)
	c.messages = append(c.messages, m)
}

func eventFamily(kind string) string {
	switch kind {
	case directory.KindMembership, directory.KindInvitation, directory.KindDomain:
		return "organization" + strings.ToUpper(kind[:1]) + kind[1:]
	}
	return kind
}

// addJSON adds a member to the JSON only: the row has no such attribute, or
// the caller sets it.
func (b *eventBuilder) addJSON(name, text string) {
	b.data = append(b.data, jsonMember{name: name, text: text})
}

func (b *eventBuilder) addText(name, value string) {
	b.addJSON(name, quoted(value))
	b.row[name] = value
}

// addTime adds a time and returns it as the row has it, in ms.
func (b *eventBuilder) addTime(name string, ms int64) int64 {
	text, ms := b.clerk.writeTime(ms)
	b.addJSON(name, text)
	b.row[name] = directory.Number(strconv.FormatInt(ms, 10))
	return ms
}

// writeTime writes a time in data in one of the ways that mean the same, in
// the history's unit, and returns what it means in ms by the contract.
func (c *clerk) writeTime(ms int64) (text string, means int64) {
	way := c.random.IntN(8)
	if c.plan.Seconds {
		seconds := ms / 1000
		switch way {
		case 0:
			return fmt.Sprintf("%d.0004", seconds), seconds * 1000
		case 1:
			return fmt.Sprintf("%d.0", seconds), seconds * 1000
		case 2:
			return fmt.Sprintf("%d.%09de9", seconds/1e9, seconds%1e9), seconds * 1000
		}
		return strconv.FormatInt(seconds, 10), seconds * 1000
	}
	switch way {
	case 0:
		return fmt.Sprintf("%d.%012dE+12", ms/1e12, ms%1e12), ms
	case 1:
		return fmt.Sprintf("%d.0", ms), ms
	case 2:
		return fmt.Sprintf(`"%d"`, ms), ms
	case 3:
		return fmt.Sprintf("%d.9", ms), ms
	}
	return strconv.FormatInt(ms, 10), ms
}

// envelope makes the envelope's members. The event's time is in ms, in
// seconds, or absent.
func (b *eventBuilder) envelope(m *message) []string {
	c := b.clerk
	members := []string{
		`"data":` + b.data.text(nil, nil),
		`"object":"event"`,
		`"type":` + quoted(m.eventType),
	}
	m.sent, m.sentAsWritten = c.now, c.now
	switch c.random.IntN(6) {
	case 0, 1:
		m.sentAsWritten = c.now / 1000
		m.sent = m.sentAsWritten * 1000
	case 2:
		if !c.plan.Readers { // Clerk always says when; what was read is compared with that
			m.sent, m.sentAsWritten = 0, 0
		}
	}
	if m.sentAsWritten > 0 {
		members = append(members, `"timestamp":`+strconv.FormatInt(m.sentAsWritten, 10))
	}
	if c.random.IntN(4) > 0 {
		members = append(members, `"instance_id":"ins_example`+c.idPart+`"`)
		b.row["instance_id"] = "ins_example" + c.idPart
	}
	return members
}

// setKeys sets the message's entity, key and parents. It spells the keys out:
// the expectation must not follow a change of pkg/directory.
func (m *message) setKeys(o *object) {
	organization := directory.Key{PK: "ORG#" + o.org, SK: "ORG"}
	m.entity = o.kind + "/" + o.id
	switch o.kind {
	case directory.KindUser:
		m.key = directory.Key{PK: "USER#" + o.id, SK: "USER"}
	case directory.KindOrganization:
		m.key = directory.Key{PK: "ORG#" + o.id, SK: "ORG"}
	case directory.KindMembership:
		m.entity = "membership/" + o.org + "/" + o.user
		m.key = directory.Key{PK: "ORG#" + o.org, SK: "MEMBER#" + o.user}
		m.parents = []directory.Key{organization, {PK: "USER#" + o.user, SK: "USER"}}
	case directory.KindInvitation:
		m.key = directory.Key{PK: "ORG#" + o.org, SK: "INVITATION#" + o.id}
		m.parents = []directory.Key{organization}
	case directory.KindDomain:
		m.key = directory.Key{PK: "DOMAIN#" + o.id, SK: "DOMAIN"}
		if o.org != "" && !m.deletion {
			m.parents = []directory.Key{organization}
		}
	case directory.KindRole:
		m.key = directory.Key{PK: "ROLE#" + o.id, SK: "ROLE"}
	case directory.KindPermission:
		m.key = directory.Key{PK: "PERMISSION#" + o.id, SK: "PERMISSION"}
	}
}

// completeRows gives the message its row and, where there is one, its pointer.
func (b *eventBuilder) completeRows(m *message, o *object) {
	r := b.row
	r["pk"], r["sk"], r["kind"], r["id"] = m.key.PK, m.key.SK, o.kind, o.id
	r["rev"], r["svix_id"] = m.rev(), m.svixID
	m.data, m.oversized = b.data, b.oversized
	m.row = r
	switch {
	case o.kind == directory.KindMembership:
		m.pointer = rowWith(r,
			"id", "org_id", "user_id", "role", "role_name", "permissions", "created_at", "updated_at")
		m.pointer["pk"], m.pointer["sk"], m.pointer["kind"] = "USER#"+o.user, "MEMBERSHIP#"+o.org, "membership_of"
	case o.kind == directory.KindDomain && o.org != "":
		m.pointer = rowWith(r, "id", "org_id", "name", "enrollment_mode")
		m.pointer["pk"], m.pointer["sk"], m.pointer["kind"] = "ORG#"+o.org, "DOMAIN#"+o.id, "domain_of"
	case o.kind == directory.KindRole && r["key"] != nil:
		m.pointer = rowWith(r, "id", "key", "name", "permissions", "is_creator_eligible")
		m.pointer["pk"], m.pointer["sk"], m.pointer["kind"] = "ROLE_KEY#"+r.Text("key"), "ROLE#"+o.id, "role_key"
	}
}

// rowWith is a row with those attributes of r that are named or that every
// pointer has.
func rowWith(r directory.Row, names ...string) directory.Row {
	p := directory.Row{}
	for _, n := range append(names, "rev", "svix_id", "instance_id") {
		if v, ok := r[n]; ok {
			p[n] = v
		}
	}
	return p
}

// deletedAt is the deleted_at of the tombstone that this deletion leaves.
func (m *message) deletedAt() string {
	return time.UnixMilli(m.sent).UTC().Format("2006-01-02T15:04:05.000Z")
}
