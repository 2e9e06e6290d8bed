package simulation

import (
	"slices"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
)

// callTime is what each call takes in a history with wide deletions, so that an
// invocation's time is over before all children are deleted.
const callTime = 4 * time.Millisecond

func (s *scheduler) takeTime() {
	if s.plan.Wide && s.memory != nil {
		time.Sleep(callTime)
		s.harness.waitUntilBlocked() // the time of some invocations may be over now
	}
}

// goOn puts a copy of a deletion that is not done on the queue.
func (s *scheduler) goOn(inv *invocation, messageID, position string) {
	m := s.queue.get(messageID).message
	if s.bug != nil && s.bug.position != nil {
		position = s.bug.position(s, inv, m, position)
	}
	c := s.queue.add(m)
	c.position = position
	inv.goesOn[messageID] = true
	s.count(Continued)
	s.logf("sqs    %s goes on as %s from %s", messageID, c.id, position)
}

// goesOn says whether a deletion of the row with that key goes on, and has
// listed the rows up to sk already.
func (s *scheduler) goesOn(parent directory.Key, sk string) bool {
	return slices.ContainsFunc(s.queue.messages, func(c *queued) bool {
		return !c.deleted && c.position >= sk && c.message.key == parent
	})
}

// countBeforePosition counts a child that is written where its parent's deletion
// will not look again: its own writer must delete it.
func (s *scheduler) countBeforePosition(w directory.Write) {
	if w.LedgerEntry == nil || !w.Row.Live() {
		return
	}
	for _, parent := range s.monitor.messages[w.LedgerEntry.SvixID].parents {
		for _, r := range append([]directory.Row{w.Row}, w.Put...) {
			if k := r.Key(); k.PK == parent.PK && s.goesOn(parent, k.SK) {
				s.count(WrittenBeforePosition)
			}
		}
	}
}

// endOfListing takes for done what is listed and not yet deleted.
func endOfListing(_ *scheduler, inv *invocation, m *message, position string) string {
	return max(position, inv.listed[m.key.PK])
}

// positionOfAnother mixes the positions of two messages up.
func positionOfAnother(s *scheduler, _ *invocation, m *message, position string) string {
	for _, c := range s.queue.messages {
		if c.message != m && c.position != "" {
			return c.position
		}
	}
	return position
}

// withOneParent is the batch with one deletion of a parent at most: two of them
// would run out of time at one instant and go on in any order, but a seed must
// be one interleaving.
func withOneParent(batch []*queued) []*queued {
	found := false
	return slices.DeleteFunc(batch, func(c *queued) bool {
		k := c.message.key
		ofParent := c.message.deletion && (k.SK == "USER" || k.SK == "ORG")
		second := ofParent && found
		found = found || ofParent
		return second
	})
}
