package simulation

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
)

// state is an object at Clerk from one change of it on.
type state struct {
	index   int
	at      int64    // ms
	content *message // that tells the change; a silent one was never emitted
	silent  bool
}

// apiStep is how much slower time goes by at Clerk where its API is read, so that
// the two looks of a repair lie between the changes.
const apiStep = 20

// after is the time between the step before and this one, in ms.
func (p Plan) after(s Step) int64 {
	if p.Readers {
		return s.After * apiStep
	}
	return s.After
}

// keepState keeps what the message tells as a state of its object.
func (c *clerk) keepState(m *message) {
	if c.silent != nil {
		m.state = &state{index: len(c.states), at: c.now, content: m}
		c.states = append(c.states, m.state)
	}
}

// changeSilently changes some objects without an event and without a new
// updated_at, as the permissions of a membership change with those of its role.
func (c *clerk) changeSilently() {
	if c.silent == nil || c.silent.IntN(3) > 0 {
		return
	}
	var possible []*object
	for _, kind := range []string{directory.KindMembership, directory.KindUser, directory.KindRole} {
		possible = append(possible, c.living(kind)...)
	}
	if len(possible) == 0 {
		return
	}
	o := oneOf(c.silent, possible)
	o.version++
	m := &message{}
	b := &eventBuilder{clerk: c, row: directory.Row{}}
	b.addAttributes(o, m)
	m.setKeys(o)
	b.completeRows(m, o)
	c.keepState(m)
	m.state.silent = true
}

// onlyInEvents are the members that only events have, or the API if it is asked for them.
func onlyInEvents(kind string) []string {
	switch kind {
	case directory.KindUser:
		return []string{"scim"}
	case directory.KindOrganization:
		return []string{"members_count"}
	case directory.KindInvitation:
		return []string{"user_id"}
	}
	return nil
}

func (s *state) kind() string { return s.content.row.Text("kind") }

// incarnationText is the first field of the revisions of the object's row.
func (m *message) incarnationText() string {
	if m.incarnationID == "" {
		return "000000000000000-0"
	}
	return fmt.Sprintf("%015d-%s", m.incarnation, escaped(m.incarnationID))
}

// text is the object as the API shows it at that time. A member that moves
// without news is in it.
func (s *state) text(now int64) []byte {
	data := slices.Clone(s.content.data)
	data = append(data, jsonMember{name: "last_active_at", text: strconv.FormatInt(now, 10)})
	return []byte(data.text(onlyInEvents(s.kind()), nil))
}

// instance is what Clerk's API knows: the states of its objects up to a position
// in time.
type instance struct {
	states   []*state
	now      int64 // ms, by Clerk's own clock
	position int   // the states before it are of the past
}

// pass lets time go by at Clerk.
func (i *instance) pass(d time.Duration) {
	i.now += d.Milliseconds()
	for i.position < len(i.states) && i.states[i.position].at <= i.now {
		i.position++
	}
}

// sent brings the time at Clerk to that of an event that is under way.
func (i *instance) sent(m *message) {
	i.now = max(i.now, m.state.at)
	i.position = max(i.position, m.state.index+1)
}

// maxLag is how far a replica of Clerk's may lag. The time of a read is set back by
// five minutes because of it.
const maxLag = 4 * time.Minute

// lagging is the position of a replica that has not seen the last states, as far
// as it may lag.
func (i *instance) lagging(states int) int {
	p := i.position
	for ; states > 0 && p > 0 && i.states[p-1].at >= i.now-maxLag.Milliseconds(); states-- {
		p--
	}
	return p
}

// beforeDeletion is the position just before the last deletion of a user or an
// organization that a replica may not have seen yet, p where there is none.
func (i *instance) beforeDeletion(p int) int {
	for n := i.lagging(len(i.states)); n < i.position; n++ {
		if m := i.states[n].content; m.deletion && (m.key.SK == "USER" || m.key.SK == "ORG") {
			p = n
		}
	}
	return p
}

// living are the objects that a position knows, oldest first. With a parent its
// children are gone, whether there was an event about them or not.
func (i *instance) living(position int) (list []*state) {
	var keys []directory.Key
	last, gone := map[directory.Key]*state{}, map[directory.Key]bool{}
	for _, s := range i.states[:position] {
		k := s.content.key
		if last[k] == nil {
			keys = append(keys, k)
		}
		last[k] = s
		gone[k] = s.content.deletion
	}
	for _, k := range keys {
		m := last[k].content
		if !m.deletion && !slices.ContainsFunc(m.parents, func(p directory.Key) bool { return gone[p] }) {
			list = append(list, last[k])
		}
	}
	return list
}

// has is the object at that key, nil where it is gone or was never there.
func (i *instance) has(position int, k directory.Key) *state {
	list := i.living(position)
	n := slices.IndexFunc(list, func(s *state) bool { return s.content.key == k })
	if n < 0 {
		return nil
	}
	return list[n]
}
