package simulation

import (
	"fmt"

	"github.com/clerksync/clerksync/pkg/directory"
)

// operations are what can be done at Clerk; each emits at least one event. A
// plan draws from this table by index, so what stands here twice happens twice
// as often, and rapid shrinks a step toward the first.
func operations() []func(*clerk, Step) {
	return []func(*clerk, Step){
		(*clerk).joinOrChangeRole,
		(*clerk).updateUser,
		(*clerk).updateOrganization,
		(*clerk).leave,
		(*clerk).rejoin,
		(*clerk).inviteAcceptOrRevoke,
		(*clerk).changeDomain,
		(*clerk).deleteUser,
		(*clerk).deleteOrganization,
		(*clerk).deleteDomain,
		(*clerk).joinOrChangeRole,
		(*clerk).changeRole,
		(*clerk).changePermission,
		(*clerk).emitAgain,
		(*clerk).emitInvalid,
		(*clerk).deleteRole,
		(*clerk).changeDomain,
		(*clerk).deleteDomain,
		(*clerk).deleteOrganization,
	}
}

// How many there are at once. They are few, so that operations meet.
const (
	mostUsers         = 3
	mostOrganizations = 2
	mostDomains       = 2
)

func (c *clerk) oneUser(which int) *object { return c.oneOf(directory.KindUser, which, mostUsers) }

func (c *clerk) oneOrganization(which int) *object {
	return c.oneOf(directory.KindOrganization, which, mostOrganizations)
}

func (c *clerk) updateUser(s Step) {
	before := c.made
	if o := c.oneUser(s.Which); c.made == before {
		c.update(o)
	}
}

func (c *clerk) updateOrganization(s Step) {
	before := c.made
	if o := c.oneOrganization(s.Which); c.made == before {
		c.update(o)
	}
}

func (c *clerk) joinOrChangeRole(s Step) {
	org, user := c.oneOrganization(s.How), c.oneUser(s.Which)
	for _, m := range c.living(directory.KindMembership) {
		if m.org == org.id && m.user == user.id {
			c.update(m)
			return
		}
	}
	c.create(directory.KindMembership, org.id, user.id)
}

func (c *clerk) leave(s Step) {
	if list := c.living(directory.KindMembership); len(list) > 0 {
		c.remove(list[s.Which%len(list)])
		return
	}
	c.joinOrChangeRole(s)
}

func (c *clerk) rejoin(s Step) {
	list := c.living(directory.KindMembership)
	if len(list) == 0 {
		c.joinOrChangeRole(s)
		return
	}
	m := list[s.Which%len(list)]
	c.remove(m)
	c.now += int64(s.How % 3)
	c.create(directory.KindMembership, m.org, m.user)
}

func (c *clerk) inviteAcceptOrRevoke(s Step) {
	list := c.living(directory.KindInvitation)
	if len(list) == 0 || s.How%3 == 0 {
		c.create(directory.KindInvitation, c.oneOrganization(s.Which).id, "")
		return
	}
	c.acceptOrRevoke(list[s.Which%len(list)], s)
}

// acceptOrRevoke ends a pending invitation in one of the two ways.
func (c *clerk) acceptOrRevoke(invitation *object, s Step) {
	if invitation.accepted = s.How%3 == 1; !invitation.accepted {
		c.updateAs(invitation, "revoked")
		return
	}
	invitation.user = c.oneUser(s.Which).id
	c.updateAs(invitation, "accepted")
}

// changeDomain makes a domain, updates it, or moves it to another
// organization or to none.
func (c *clerk) changeDomain(s Step) {
	org := ""
	if s.How%4 != 0 {
		org = c.oneOrganization(s.How / 4).id
	}
	list := c.living(directory.KindDomain)
	if i := s.Which % mostDomains; i < len(list) {
		if s.How%3 == 0 {
			list[i].org = org
		}
		c.update(list[i])
		return
	}
	c.create(directory.KindDomain, org, "")
}

func (c *clerk) deleteDomain(s Step) {
	if list := c.living(directory.KindDomain); len(list) > 0 {
		c.remove(list[s.Which%len(list)])
		return
	}
	c.changeDomain(s)
}

func (c *clerk) deleteUser(s Step) {
	user := c.oneUser(s.Which)
	c.deleteWithChildren(user, s, func(o *object) bool {
		return o.kind == directory.KindMembership && o.user == user.id
	})
}

func (c *clerk) deleteOrganization(s Step) {
	org := c.oneOrganization(s.Which)
	c.deleteWithChildren(org, s, func(o *object) bool { return o.org == org.id })
}

// deleteWithChildren deletes a parent and its children. Whether Clerk emits
// events about the children, and whether before or after the parent's, is not
// documented, so all of it happens.
func (c *clerk) deleteWithChildren(parent *object, s Step, isChild func(*object) bool) {
	if s.How%2 == 0 {
		c.remove(parent)
	}
	for _, o := range c.objects {
		if o.deleted || !isChild(o) {
			continue
		}
		if o.kind != directory.KindInvitation && s.How/2%3 != 0 && c.random.IntN(2) == 0 {
			c.remove(o)
		} else {
			o.deleted = true
		}
	}
	if s.How%2 != 0 {
		c.remove(parent)
	}
}

func (c *clerk) changeRole(s Step)       { c.changeOnly(directory.KindRole, s) }
func (c *clerk) changePermission(s Step) { c.changeOnly(directory.KindPermission, s) }

func (c *clerk) deleteRole(s Step) {
	s.How = 0
	c.changeRole(s)
}

// changeOnly makes, updates or deletes the only object of a kind.
func (c *clerk) changeOnly(kind string, s Step) {
	list := c.living(kind)
	switch {
	case len(list) == 0:
		c.create(kind, "", "")
	case s.How%4 == 0:
		c.remove(list[0])
	default:
		c.update(list[0])
	}
}

// createWide creates an organization or a user with many memberships, whose
// other ends are unknown. When it is deleted, Clerk emits no events about these.
func (c *clerk) createWide(kind string) *object {
	parent := c.create(kind, "", "")
	for range 10 {
		org, user := parent.id, fmt.Sprintf("user_%sw%d", c.idPart, c.made)
		if kind == directory.KindUser {
			org, user = fmt.Sprintf("organization_%sw%d", c.idPart, c.made), parent.id
		}
		c.create(directory.KindMembership, org, user).deleted = true
	}
	return parent
}
