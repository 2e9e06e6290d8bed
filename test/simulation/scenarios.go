package simulation

import (
	"math/rand/v2"
	"slices"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// newRandom is the dice of a seed: the same seed must throw the same.
func newRandom(seed, stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, stream)) //nolint:gosec // it must be predictable
}

// Scenarios are the races that the design is about.
func Scenarios() (list []Scenario) {
	for _, policy := range []consumer.DeletionPolicy{consumer.Soft, consumer.Hard} {
		for _, s := range slices.Concat(membershipRaces(), otherRaces()) {
			s.Name += ", " + string(policy)
			s.Plan = Plan{Policy: policy, Storage: projector.StoreFull, Page: 1}
			list = append(list, s)
		}
	}
	return list
}

func membershipRaces() []Scenario {
	return []Scenario{
		{
			Name: "a membership is made while its organization goes, item by item", ByItem: true, Crash: true,
			Make:      func(c *clerk) { o, u := c.unheard(); c.join(o, u); c.end(o, true) },
			Consumers: [2][]int{{0}, {1}},
		},
		{
			Name: "a membership is made while its user goes, item by item", ByItem: true, Crash: true,
			Make:      func(c *clerk) { o, u := c.unheard(); c.join(o, u); c.end(u, true) },
			Consumers: [2][]int{{0}, {1}},
		},
		{
			Name: "one message in two consumers", Crash: true,
			Make: func(c *clerk) {
				u := c.create(directory.KindUser, "", "")
				c.now += 5
				c.change(u)
			},
			Consumers: [2][]int{{0, 1}, {1, 0}},
		},
		{
			Name: "a membership that is removed and made again", Crash: true,
			Make: func(c *clerk) {
				o, u := c.unheard()
				m := c.join(o, u)
				c.end(m, true)
				c.now += 5
				c.change(c.join(o, u))
			},
			Consumers: [2][]int{{0, 2}, {1, 3}},
		},
		{
			Name: "both parents of a membership go", Crash: true,
			Make: func(c *clerk) {
				o, u := c.unheard()
				c.join(o, u)
				c.end(u, true)
				c.end(o, true)
			},
			Consumers: [2][]int{{1, 0}, {2}},
		},
		{
			Name: "the life of a membership in five events, its organization's last",
			Make: func(c *clerk) {
				o := c.create(directory.KindOrganization, "", "")
				u := c.create(directory.KindUser, "", "")
				m := c.join(o, u)
				c.now += 5
				c.change(m)
				c.end(o, true)
			},
			Consumers: [2][]int{{4, 1, 2}, {0, 3}}, Crash: true,
		},
	}
}

func otherRaces() []Scenario {
	return []Scenario{
		{
			Name: "a domain moves while it goes", Crash: true,
			Make: func(c *clerk) {
				o, _ := c.unheard()
				d := c.create(directory.KindDomain, o.id, "")
				d.org = "organization_2"
				c.now += 5
				c.change(d)
				c.end(d, true)
			},
			Consumers: [2][]int{{0, 1}, {2}},
		},
		{
			Name: "a domain is made while it and its organization go", Crash: true,
			Make: func(c *clerk) {
				o, _ := c.unheard()
				d := c.create(directory.KindDomain, o.id, "")
				c.end(o, true)
				c.end(d, true)
			},
			Consumers: [2][]int{{0, 2}, {1}},
		},
		{
			Name: "an invitation is accepted while its organization goes", Crash: true,
			Make: func(c *clerk) {
				o, _ := c.unheard()
				i := c.create(directory.KindInvitation, o.id, "")
				c.now += 5
				i.version++
				i.updated = c.now
				c.tell(i, "accepted")
				c.end(o, true)
			},
			Consumers: [2][]int{{1, 2}, {0, 1}},
		},
	}
}

// unheard are an organization and a user that no event has told of.
func (c *clerk) unheard() (org, user *thing) {
	return &thing{kind: directory.KindOrganization, id: "organization_1"}, &thing{kind: directory.KindUser, id: "user_1"}
}

func (c *clerk) join(org, user *thing) *thing {
	c.now++
	return c.create(directory.KindMembership, org.id, user.id)
}
