package simulation

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// telling is one event in the making: body and row side by side.
type telling struct {
	c    *clerk
	data object
	row  directory.Row
}

func (w *telling) text(name, value string) {
	w.data = append(w.data, member{name: name, text: quoted(value)})
	w.row[name] = value
}

// hidden is in data and no attribute.
func (w *telling) hidden(name, text string) {
	w.data = append(w.data, member{name: name, text: text})
}

func (w *telling) time(name string, ms int64) int64 {
	text, ms := w.c.spell(ms)
	w.data = append(w.data, member{name: name, text: text})
	w.row[name] = directory.Number(strconv.FormatInt(ms, 10))
	return ms
}

// spell writes a time of data in one of the ways that mean the same, in the
// history's unit, and says what it is in ms by the contract.
func (c *clerk) spell(ms int64) (text string, means int64) {
	way := c.random.IntN(8)
	if c.plan.Seconds {
		whole := ms / 1000
		switch way {
		case 0:
			return fmt.Sprintf("%d.0004", whole), whole * 1000
		case 1:
			return fmt.Sprintf("%d.0", whole), whole * 1000
		case 2:
			return fmt.Sprintf("%d.%09de9", whole/1e9, whole%1e9), whole * 1000
		}
		return strconv.FormatInt(whole, 10), whole * 1000
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

// tell makes the message of an event and keeps it.
func (c *clerk) tell(t *thing, event string) {
	m := &message{svixID: c.messageID(), deletion: event == "deleted", created: event == "created"}
	w := &telling{c: c, row: directory.Row{}}
	m.eventType = family(t.kind) + "." + event
	if m.deletion && t.kind != directory.KindMembership {
		w.data = object{
			{name: "id", text: quoted(t.id)},
			{name: "object", text: quoted(t.kind)},
			{name: "deleted", text: "true"},
		}
	} else {
		w.describe(t, m)
	}
	c.place(t, m)
	envelope := c.envelope(w, m)
	if !m.deletion {
		w.finish(m, t)
	}
	m.body = []byte("{" + strings.Join(envelope, ",") + "}")
	c.messages = append(c.messages, m)
}

func family(kind string) string {
	switch kind {
	case directory.KindMembership, directory.KindInvitation, directory.KindDomain:
		return "organization" + strings.ToUpper(kind[:1]) + kind[1:]
	}
	return kind
}

// envelope tells the event's time in ms, in seconds, or not at all.
func (c *clerk) envelope(w *telling, m *message) []string {
	parts := []string{
		`"data":` + w.data.text(nil, nil),
		`"object":"event"`,
		`"type":` + quoted(m.eventType),
	}
	m.sent, m.rawSent = c.now, c.now
	switch c.random.IntN(6) {
	case 0, 1:
		m.rawSent = c.now / 1000
		m.sent = m.rawSent * 1000
	case 2:
		m.sent, m.rawSent = 0, 0
	}
	if m.rawSent > 0 {
		parts = append(parts, `"timestamp":`+strconv.FormatInt(m.rawSent, 10))
	}
	if c.random.IntN(4) > 0 {
		parts = append(parts, `"instance_id":"ins_example`+c.name+`"`)
		w.row["instance_id"] = "ins_example" + c.name
	}
	return parts
}

// place says where the row lies and what it hangs on.
func (c *clerk) place(t *thing, m *message) {
	m.entity = t.kind + "/" + t.id
	switch t.kind {
	case directory.KindUser:
		m.key = directory.Key{PK: "USER#" + t.id, SK: "USER"}
	case directory.KindOrganization:
		m.key = directory.Key{PK: "ORG#" + t.id, SK: "ORG"}
	case directory.KindMembership:
		m.entity = "membership/" + t.org + "/" + t.user
		m.key = directory.Key{PK: "ORG#" + t.org, SK: "MEMBER#" + t.user}
		m.parents = []directory.Key{{PK: "ORG#" + t.org, SK: "ORG"}, {PK: "USER#" + t.user, SK: "USER"}}
	case directory.KindInvitation:
		m.key = directory.Key{PK: "ORG#" + t.org, SK: "INVITATION#" + t.id}
		m.parents = []directory.Key{{PK: "ORG#" + t.org, SK: "ORG"}}
	case directory.KindDomain:
		m.key = directory.Key{PK: "DOMAIN#" + t.id, SK: "DOMAIN"}
		if t.org != "" && !m.deletion {
			m.parents = []directory.Key{{PK: "ORG#" + t.org, SK: "ORG"}}
		}
	case directory.KindRole:
		m.key = directory.Key{PK: "ROLE#" + t.id, SK: "ROLE"}
	case directory.KindPermission:
		m.key = directory.Key{PK: "PERMISSION#" + t.id, SK: "PERMISSION"}
	}
}

// finish completes the row and its pointer.
func (w *telling) finish(m *message, t *thing) {
	r := w.row
	r["pk"], r["sk"], r["kind"], r["id"] = m.key.PK, m.key.SK, t.kind, t.id
	r["rev"], r["svix_id"] = m.rev(), m.svixID
	switch w.c.plan.Storage {
	case projector.StoreFull:
		r["object"] = w.data.text([]string{"url"}, nil)
	case projector.StoreNone:
	case projector.StorePublic:
		private := []string{"private_metadata"}
		r["object"] = w.data.text([]string{"url", "private_metadata"}, private)
	}
	m.row = r
	switch {
	case t.kind == directory.KindMembership:
		m.pointer = pick(r, "id", "org_id", "user_id", "role", "role_name", "permissions", "created_at", "updated_at")
		m.pointer["pk"], m.pointer["sk"], m.pointer["kind"] = "USER#"+t.user, "MEMBERSHIP#"+t.org, "membership_of"
	case t.kind == directory.KindDomain && t.org != "":
		m.pointer = pick(r, "id", "org_id", "name", "enrollment_mode")
		m.pointer["pk"], m.pointer["sk"], m.pointer["kind"] = "ORG#"+t.org, "DOMAIN#"+t.id, "domain_of"
	}
}

func pick(r directory.Row, names ...string) directory.Row {
	p := directory.Row{}
	for _, n := range append(names, "rev", "svix_id", "instance_id") {
		if v, ok := r[n]; ok {
			p[n] = v
		}
	}
	return p
}

// deletedAt is what a tombstone of this deletion says.
func (m *message) deletedAt() string {
	return time.UnixMilli(m.sent).UTC().Format("2006-01-02T15:04:05.000Z")
}
