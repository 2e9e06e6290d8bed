package simulation

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/clerksync/clerksync/pkg/directory"
)

// thing is an object at Clerk.
type thing struct {
	kind             string
	id               string
	org, user        string // ids; a domain may have no organization
	created, updated int64  // ms
	version          int    // every change of it shows in its values
	accepted         bool   // an invitation
	gone             bool
	silent           bool // Clerk tells no updated_at of it
}

// clerk is the model of an instance: it does a plan's steps and tells of each
// by messages.
type clerk struct {
	plan     Plan
	name     string // in every id, so that histories can share a table
	random   *rand.Rand
	now      int64
	things   []*thing
	messages []*message
	born     int
}

// The start of the model's time: 2026-01-01.
const start int64 = 1767225600_000

// history makes the messages of a plan, in Clerk's order.
func history(p Plan, name string) []*message {
	c := &clerk{plan: p, name: name, now: start + 123, random: newRandom(p.Schedule, 1)}
	for _, s := range p.Steps {
		c.now += s.After
		deeds()[s.Kind](c, s)
	}
	return c.messages
}

// deeds are what can be done at Clerk. Each tells of at least one event.
func deeds() []func(*clerk, Step) {
	return []func(*clerk, Step){
		(*clerk).joinOrPromote, (*clerk).changeUser, (*clerk).changeOrganization, (*clerk).leave,
		(*clerk).rejoin, (*clerk).inviteOrSettle, (*clerk).changeDomain, (*clerk).deleteUser,
		(*clerk).deleteOrganization, (*clerk).deleteDomain, (*clerk).joinOrPromote, (*clerk).changeRole,
		(*clerk).changePermission, (*clerk).tellAgain, (*clerk).tellBroken, (*clerk).deleteRole,
		(*clerk).changeDomain, (*clerk).deleteDomain, (*clerk).deleteOrganization,
	}
}

// living are the things of a kind that are there, oldest first.
func (c *clerk) living(kind string) (list []*thing) {
	for _, t := range c.things {
		if t.kind == kind && !t.gone {
			list = append(list, t)
		}
	}
	return list
}

// some is one of those that are there, or a new one while they are few.
func (c *clerk) some(kind string, which, most int) *thing {
	list := c.living(kind)
	if i := which % most; i < len(list) {
		return list[i]
	}
	return c.create(kind, "", "")
}

func (c *clerk) create(kind, org, user string) *thing {
	c.born++
	// Ids come in no order, and some hold bytes that a revision escapes.
	id := fmt.Sprintf("%s_%s%s%d", kind, c.name, []string{"x", "a-", "m.", "Z"}[c.random.IntN(4)], c.born)
	t := &thing{kind: kind, id: id, org: org, user: user, created: c.now, updated: c.now, silent: c.random.IntN(6) == 0}
	c.things = append(c.things, t)
	c.tell(t, "created")
	return t
}

// change is an update; now and then it shares its ms with what was before.
func (c *clerk) change(t *thing) {
	t.version++
	t.updated = c.now
	c.tell(t, "updated")
}

// end deletes, and tells of it unless Clerk leaves that to the parent's event.
func (c *clerk) end(t *thing, told bool) {
	t.gone = true
	if told {
		c.tell(t, "deleted")
	}
}

// tellAgain is the same content under another message id.
func (c *clerk) tellAgain(s Step) {
	if len(c.messages) == 0 {
		c.changeUser(s)
		return
	}
	m := *c.messages[s.Which%len(c.messages)]
	m.svixID, m.again = c.messageID(), true
	if m.row != nil {
		m.row = signed(m.row, &m)
		if m.pointer != nil {
			m.pointer = signed(m.pointer, &m)
		}
	}
	c.messages = append(c.messages, &m)
}

func signed(r directory.Row, m *message) directory.Row {
	r = r.Clone()
	r["svix_id"], r["rev"] = m.svixID, m.rev()
	return r
}

// tellBroken is a membership's event without created_at, which can never work.
func (c *clerk) tellBroken(s Step) {
	c.joinOrPromote(s)
	m := *c.messages[len(c.messages)-1]
	if m.hopeless || m.incarnID == "" {
		return
	}
	m.svixID, m.hopeless, m.row = c.messageID(), true, nil
	at := strings.LastIndex(string(m.body), `"created_at":`)
	end := at + strings.IndexByte(string(m.body[at:]), ',') + 1
	m.body = []byte(string(m.body[:at]) + string(m.body[end:]))
	c.messages = append(c.messages, &m)
}

// messageID is a message's id; ids are in no order, as two of Svix's workers
// make them.
func (c *clerk) messageID() string {
	return fmt.Sprintf("msg_%s%06x%d", c.name, c.random.IntN(1<<24), len(c.messages))
}
