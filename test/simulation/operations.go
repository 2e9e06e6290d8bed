package simulation

import (
	"github.com/clerksync/clerksync/pkg/directory"
)

const (
	most    = 3 // users
	fewOrgs = 2
)

func (c *clerk) changeUser(s Step) {
	before := c.born
	if t := c.some(directory.KindUser, s.Which, most); c.born == before {
		c.change(t)
	}
}

func (c *clerk) changeOrganization(s Step) {
	before := c.born
	if t := c.some(directory.KindOrganization, s.Which, fewOrgs); c.born == before {
		c.change(t)
	}
}

func (c *clerk) membership(org, user *thing) *thing {
	for _, t := range c.living(directory.KindMembership) {
		if t.org == org.id && t.user == user.id {
			return t
		}
	}
	return nil
}

func (c *clerk) joinOrPromote(s Step) {
	org, user := c.some(directory.KindOrganization, s.How, fewOrgs), c.some(directory.KindUser, s.Which, most)
	if t := c.membership(org, user); t != nil {
		c.change(t)
		return
	}
	c.create(directory.KindMembership, org.id, user.id)
}

func (c *clerk) leave(s Step) {
	if list := c.living(directory.KindMembership); len(list) > 0 {
		c.end(list[s.Which%len(list)], true)
		return
	}
	c.joinOrPromote(s)
}

func (c *clerk) rejoin(s Step) {
	list := c.living(directory.KindMembership)
	if len(list) == 0 {
		c.joinOrPromote(s)
		return
	}
	t := list[s.Which%len(list)]
	c.end(t, true)
	c.now += int64(s.How % 3)
	c.create(directory.KindMembership, t.org, t.user)
}

func (c *clerk) inviteOrSettle(s Step) {
	list := c.living(directory.KindInvitation)
	if len(list) == 0 || s.How%3 == 0 {
		c.create(directory.KindInvitation, c.some(directory.KindOrganization, s.Which, fewOrgs).id, "")
		return
	}
	t := list[s.Which%len(list)]
	t.version++
	t.updated = c.now
	if t.accepted = s.How%3 == 1; t.accepted {
		t.user = c.some(directory.KindUser, s.Which, most).id
		c.tell(t, "accepted")
		return
	}
	c.tell(t, "revoked")
}

// changeDomain makes a domain, changes it, or moves it to another
// organization or to none.
func (c *clerk) changeDomain(s Step) {
	org := ""
	if s.How%4 != 0 {
		org = c.some(directory.KindOrganization, s.How/4, fewOrgs).id
	}
	list := c.living(directory.KindDomain)
	if i := s.Which % 2; i < len(list) {
		if s.How%3 == 0 {
			list[i].org = org
		}
		c.change(list[i])
		return
	}
	c.create(directory.KindDomain, org, "")
}

func (c *clerk) deleteDomain(s Step) {
	if list := c.living(directory.KindDomain); len(list) > 0 {
		c.end(list[s.Which%len(list)], true)
		return
	}
	c.changeDomain(s)
}

// deleteUser ends the memberships with the user; whether Clerk tells of
// these, before or after, is not documented, so all of it happens.
func (c *clerk) deleteUser(s Step) {
	u := c.some(directory.KindUser, s.Which, most)
	c.endWith(u, s, func(t *thing) bool { return t.kind == directory.KindMembership && t.user == u.id })
}

func (c *clerk) deleteOrganization(s Step) {
	o := c.some(directory.KindOrganization, s.Which, fewOrgs)
	c.endWith(o, s, func(t *thing) bool { return t.org == o.id })
}

func (c *clerk) endWith(parent *thing, s Step, hangsOn func(*thing) bool) {
	if s.How%2 == 0 {
		c.end(parent, true)
	}
	for _, t := range c.things {
		if !t.gone && hangsOn(t) {
			c.end(t, t.kind != directory.KindInvitation && s.How/2%3 != 0 && c.random.IntN(2) == 0)
		}
	}
	if s.How%2 != 0 {
		c.end(parent, true)
	}
}

func (c *clerk) changeRole(s Step)       { c.changeAny(directory.KindRole, s) }
func (c *clerk) changePermission(s Step) { c.changeAny(directory.KindPermission, s) }

func (c *clerk) changeAny(kind string, s Step) {
	if list := c.living(kind); len(list) > 0 {
		if s.How%4 == 0 {
			c.end(list[0], true)
			return
		}
		c.change(list[0])
		return
	}
	c.create(kind, "", "")
}

func (c *clerk) deleteRole(s Step) { s.How = 0; c.changeAny(directory.KindRole, s) }
