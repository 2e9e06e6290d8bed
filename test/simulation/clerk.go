package simulation

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/clerksync/clerksync/pkg/directory"
)

// object is a user, an organization and so on at Clerk.
type object struct {
	kind             string // directory.KindUser and so on
	id               string
	org, user        string // ids; a domain may have no organization
	created, updated int64  // ms
	version          int    // counts the changes; every value that can change holds it
	accepted         bool   // of an invitation
	deleted          bool
	omitsUpdatedAt   bool // no event of it has an updated_at
}

// clerk is the model of a Clerk instance: it carries out the steps of a plan
// and emits messages about each.
type clerk struct {
	plan     Plan
	idPart   string // is in every id, so that histories can share a table
	random   *rand.Rand
	reach    *rand.Rand // of unusual messages, nil where there are none
	now      int64      // ms
	objects  []*object
	messages []*message
	made     int // objects so far

	states []*state   // of all objects, for readers of the API
	silent *rand.Rand // of changes without an event, nil where there are no readers
}

// epoch is when the model's time begins: 2026-01-01, in ms.
const epoch int64 = 1767225600_000

func newClerk(p Plan, idPart string, seed uint64) *clerk {
	return &clerk{plan: p, idPart: idPart, now: epoch + 123, random: newRandom(seed, 1)}
}

// history carries out a plan: it makes the messages, in Clerk's order, and the
// states that Clerk's API shows.
func history(p Plan, idPart string) *clerk {
	c := newClerk(p, idPart, p.Seed)
	c.reach = newRandom(p.Seed, 4)
	if p.Readers {
		c.silent = newRandom(p.Seed, 5)
	}
	var wide []*object
	for i, s := range p.Steps {
		c.now += p.after(s)
		c.changeSilently()
		if c.silent != nil && c.silent.IntN(8) == 0 {
			c.rejoin(s)
		}
		operations()[s.Operation](c, s)
		if p.Wide && i == len(p.Steps)/3 {
			wide = []*object{c.createWide(directory.KindOrganization), c.createWide(directory.KindUser)}
		}
	}
	for _, parent := range wide {
		if c.now++; !parent.deleted {
			c.remove(parent)
		}
	}
	return c
}

// living lists the objects of a kind that are not deleted, oldest first.
func (c *clerk) living(kind string) (list []*object) {
	for _, o := range c.objects {
		if o.kind == kind && !o.deleted {
			list = append(list, o)
		}
	}
	return list
}

// oneOf is a living object of the kind, or a new one while there are fewer
// than most.
func (c *clerk) oneOf(kind string, which, most int) *object {
	list := c.living(kind)
	if i := which % most; i < len(list) {
		return list[i]
	}
	return c.create(kind, "", "")
}

func (c *clerk) create(kind, org, user string) *object {
	c.made++
	if c.plan.Readers && kind == directory.KindMembership {
		c.now += 1000 // two memberships of one key and one created_at have no order that Clerk knows
	}
	// Ids are in no order, and some hold bytes that a revision escapes.
	infix := oneOf(c.random, []string{"x", "a-", "m.", "Z"})
	if c.plan.Readers { // a repair trusts no denial of an id that Clerk cannot have made
		infix = strings.Replace(infix, ".", "-", 1)
	}
	o := &object{
		kind:           kind,
		id:             fmt.Sprintf("%s_%s%s%d", kind, c.idPart, infix, c.made),
		org:            org,
		user:           user,
		created:        c.now,
		updated:        c.now,
		omitsUpdatedAt: c.random.IntN(6) == 0,
	}
	c.objects = append(c.objects, o)
	c.emit(o, "created")
	return o
}

// update changes the object. It may happen in the same ms as the change before.
func (c *clerk) update(o *object) { c.updateAs(o, "updated") }

// updateAs changes the object and emits the event that Clerk has for the change.
func (c *clerk) updateAs(o *object, event string) {
	o.version++
	o.updated = c.now
	c.emit(o, event)
}

func (c *clerk) remove(o *object) {
	o.deleted = true
	c.emit(o, "deleted")
}

// emitAgain emits the content of an earlier message under another message id.
func (c *clerk) emitAgain(s Step) {
	if len(c.messages) == 0 {
		c.updateUser(s)
		return
	}
	m := *c.messages[s.Which%len(c.messages)]
	m.svixID, m.repeated = c.newMessageID(), true
	for _, row := range []*directory.Row{&m.row, &m.pointer} {
		if *row != nil {
			*row = row.Clone()
			(*row)["svix_id"], (*row)["rev"] = m.svixID, m.rev()
		}
	}
	c.messages = append(c.messages, &m)
}

// randomText and messageNumber are in every message id.
func (c *clerk) randomText() string    { return fmt.Sprintf("%06x", c.random.IntN(1<<24)) }
func (c *clerk) messageNumber() string { return strconv.Itoa(len(c.messages)) }
