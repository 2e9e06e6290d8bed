package simulation

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// Scenario is a few events in two consumers, small enough to try every
// interleaving of their remote calls, and a death at each of these.
type Scenario struct {
	Name string
	Plan Plan // policy, storage and page
	// Events emits the events, in Clerk's order.
	Events func(c *clerk)
	// Consumers are the events that each consumer works on, one after the
	// other, by index.
	Consumers [2][]int
	// ItemByItem makes the items of each transaction visible one by one.
	ItemByItem bool
	// Death lets one consumer die once, before or after the effect of any
	// call; it then gets again what it had not finished.
	Death bool
	// Bug is planted, unless nil.
	Bug *Bug
	// Unreduced also tries what differs from another interleaving only in the
	// order of calls that do not touch the same rows.
	Unreduced bool
}

// EveryInterleaving runs all interleavings of the scenario. It returns how
// many there were, in how many different states they ended, and the first that
// broke a promise.
func (s Scenario) EveryInterleaving(t *testing.T) (runs, ends int, err error) {
	t.Helper()
	clerk := newClerk(s.Plan, "", 7)
	s.Events(clerk)
	finalStates := map[string]bool{}
	for p := (&exhaustivePolicy{scenario: s}); ; {
		run := p.newScheduler(clerk.messages)
		synctest.Test(t, func(*testing.T) {
			if err = run.run(); err == nil && !p.pruned {
				err = run.check(t.Context(), run.memory)
			}
		})
		if !p.pruned {
			runs++
			finalStates[run.memory.String()] = true
		}
		if err != nil {
			return runs, len(finalStates), fmt.Errorf("%w\nafter:\n  %s", err, strings.Join(p.chosen(), "\n  "))
		}
		if !p.backtrack() {
			return runs, len(finalStates), nil
		}
	}
}

// Scenarios are the races that the design is about, under both policies.
func Scenarios() (list []Scenario) {
	for _, policy := range []consumer.DeletionPolicy{consumer.Soft, consumer.Hard} {
		for _, s := range slices.Concat(membershipRaces(), otherRaces()) {
			s.Name += ", " + string(policy)
			s.Plan = Plan{Policy: policy, Storage: projector.StoreFull, Page: 1}
			s.Death = true
			list = append(list, s)
		}
	}
	return list
}

func membershipRaces() []Scenario {
	return []Scenario{
		{
			Name:       "a membership is created while its organization is deleted, item by item",
			ItemByItem: true,
			Events: func(c *clerk) {
				org, user := unknownParents()
				c.join(org, user)
				c.remove(org)
			},
			Consumers: [2][]int{{0}, {1}},
		},
		{
			Name:       "a membership is created while its user is deleted, item by item",
			ItemByItem: true,
			Events: func(c *clerk) {
				org, user := unknownParents()
				c.join(org, user)
				c.remove(user)
			},
			Consumers: [2][]int{{0}, {1}},
		},
		{
			Name: "the same messages in two consumers",
			Events: func(c *clerk) {
				user := c.create(directory.KindUser, "", "")
				c.now += 5
				c.update(user)
			},
			Consumers: [2][]int{{0, 1}, {1, 0}},
		},
		{
			Name: "a membership is deleted and created anew",
			Events: func(c *clerk) {
				org, user := unknownParents()
				c.remove(c.join(org, user))
				c.now += 5
				c.update(c.join(org, user))
			},
			Consumers: [2][]int{{0, 2}, {1, 3}},
		},
		{
			Name: "both parents of a membership are deleted",
			Events: func(c *clerk) {
				org, user := unknownParents()
				c.join(org, user)
				c.remove(user)
				c.remove(org)
			},
			Consumers: [2][]int{{1, 0}, {2}},
		},
	}
}

func otherRaces() []Scenario {
	return []Scenario{
		{
			Name: "the life of a membership in five events, the last of its organization",
			Events: func(c *clerk) {
				org := c.create(directory.KindOrganization, "", "")
				user := c.create(directory.KindUser, "", "")
				membership := c.join(org, user)
				c.now += 5
				c.update(membership)
				c.remove(org)
			},
			Consumers: [2][]int{{4, 1, 2}, {0, 3}},
		},
		{
			Name: "a domain moves while it is deleted",
			Events: func(c *clerk) {
				org, _ := unknownParents()
				domain := c.create(directory.KindDomain, org.id, "")
				domain.org = "organization_2"
				c.now += 5
				c.update(domain)
				c.remove(domain)
			},
			Consumers: [2][]int{{0, 1}, {2}},
		},
		{
			Name: "a domain is created while it and its organization are deleted",
			Events: func(c *clerk) {
				org, _ := unknownParents()
				domain := c.create(directory.KindDomain, org.id, "")
				c.remove(org)
				c.remove(domain)
			},
			Consumers: [2][]int{{0, 2}, {1}},
		},
		{
			Name: "an invitation is accepted while its organization is deleted",
			Events: func(c *clerk) {
				org, _ := unknownParents()
				invitation := c.create(directory.KindInvitation, org.id, "")
				c.now += 5
				c.updateAs(invitation, "accepted")
				c.remove(org)
			},
			Consumers: [2][]int{{1, 2}, {0, 1}},
		},
	}
}

// unknownParents are an organization and a user about which there was no event.
func unknownParents() (org, user *object) {
	return &object{kind: directory.KindOrganization, id: "organization_1"},
		&object{kind: directory.KindUser, id: "user_1"}
}

func (c *clerk) join(org, user *object) *object {
	c.now++
	return c.create(directory.KindMembership, org.id, user.id)
}
