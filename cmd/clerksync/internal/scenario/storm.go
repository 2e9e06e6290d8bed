package scenario

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// How large the storm is. Its requests are 200: the organization, seven of each
// person, the deletions, the duplicates and the forged ones.
const (
	stormPeople     = 24
	stormUpdates    = 5 // of each person
	stormDeleted    = 8 // of the people
	stormDuplicates = 13
	stormForged     = 10
)

// stormLook is how many of each stormDeleted people are named at the end. The first
// of them are deleted.
const stormLook = 2

// storm is what people do in an organization at the same time, in any order.
func storm(now time.Time) Story {
	company := newCast()
	list := company.tell(now, occurrence{what: "the organization", sample: "organization.created"})
	looks := []Look{{
		Kind: "members", Name: company.id(organization), Rows: stormPeople - stormDeleted,
		Want: fmt.Sprintf("%d rows: the deleted ones left with their accounts", stormPeople-stormDeleted),
	}}
	for n := range stormPeople {
		person := company.colleague()
		occurrences, name := stormPerson(n)
		list = append(list, person.tell(now, occurrences...)...)
		look := Look{
			Kind: "user", Name: person.id(jonah), Want: "the last of the names, " + name, Rows: 1,
			Attributes: map[string]string{"first_name": name},
		}
		if n < stormDeleted {
			look.Deleted, look.Want, look.Attributes = true, "a tombstone, with deleted_at", nil
		}
		if n%stormDeleted < stormLook {
			looks = append(looks, look)
		}
	}
	// The ids are given before all is shuffled: the later one is the one that Clerk
	// made later.
	for range stormDuplicates {
		e := list[rand.IntN(len(list))] //nolint:gosec // any will do
		e.What = "the same webhook, sent twice"
		list = append(list, e)
	}
	forged := company.tell(now, slices.Repeat([]occurrence{{
		what: "a forged deletion of the organization", sample: "organization.deleted", forged: true,
	}}, stormForged)...)
	list = append(list, forged...)
	//nolint:gosec // any order will do
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return Story{Events: list, Looks: looks, Stops: []Stop{
		{From: len(list) / 5, To: len(list) * 3 / 10}, {From: len(list) * 3 / 5, To: len(list) * 7 / 10},
	}}
}

// stormPerson is what the n-th person does, and the name that is the last one.
func stormPerson(n int) (occurrences []occurrence, name string) {
	const begin = 1772543300655 // of the sample user.updated
	who := fmt.Sprintf("Jonah %d", n+1)
	occurrences = []occurrence{
		{what: who + " signs up", sample: "user.created"},
		{what: who + " joins", sample: "organizationMembership.created"},
	}
	for i := range stormUpdates {
		at := begin + i*1000
		name = fmt.Sprintf("Jonah %d.%d", n+1, i+1)
		occurrences = append(occurrences, occurrence{
			what: who + " changes the name", sample: "user.updated", edits: []string{
				"data.first_name=" + name, fmt.Sprintf("data.updated_at=%d", at), fmt.Sprintf("timestamp=%d", at),
			},
		})
	}
	if n < stormDeleted {
		occurrences = append(occurrences, occurrence{what: who + " deletes the account", sample: "user.deleted"})
	}
	return occurrences, name
}
