package simulation

import (
	"github.com/clerksync/clerksync/pkg/directory"
)

// putByHand lets a person put a row into the table before the first message
// about it has come. It has no `rev`, so that each of the messages wins.
func (s *scheduler) putByHand() {
	done := map[directory.Key]bool{} // keys of which a message had its effect
	for id := range s.monitor.recorded {
		done[s.monitor.messages[id].key] = true
	}
	var possible []*message
	for _, m := range s.messages {
		if m.row != nil && !done[m.key] && s.memory.rows[m.key] == nil && !s.memory.underWay(m.key) {
			possible = append(possible, m)
		}
	}
	if len(possible) > 0 {
		m := oneOf(s.random, possible)
		s.count(PutByHand)
		s.logf("hand   %v is put without rev", m.key)
		s.putWithoutRev(m)
	}
}

// putBack follows the runbook, "Put a row back by hand": a deleted row becomes
// live again, without `rev`; the Deliveries rows of the object are deleted, and
// its messages replayed. Nothing else is in work meanwhile. A deletion is among
// the messages, so in the end the row is what it was.
func (s *scheduler) putBack() {
	var possible []*message
	for _, m := range s.messages {
		if m.row != nil && s.memory.rows[m.key].Gone() {
			possible = append(possible, m)
		}
	}
	if len(possible) == 0 {
		return
	}
	m := oneOf(s.random, possible)
	s.count(PutBack)
	s.logf("hand   %v is put back", m.key)
	rev := s.memory.rows[m.key]["rev"]
	s.putWithoutRev(m)
	if s.mistake(revKept) {
		s.memory.rows[m.key]["rev"] = rev
	}
	for _, o := range s.messages {
		if o.entity != m.entity || o.invalid {
			continue
		}
		if !s.mistake(deliveriesKept) && s.memory.expireLedgerEntry(o.svixID) {
			s.monitor.expired[o.svixID] = true
		}
		s.arrivals = append(s.arrivals, o)
	}
	s.random.Shuffle(len(s.arrivals), func(i, j int) { s.arrivals[i], s.arrivals[j] = s.arrivals[j], s.arrivals[i] })
}

// putWithoutRev puts the row of a message and its pointer, where it has one.
func (s *scheduler) putWithoutRev(m *message) {
	for _, r := range []directory.Row{m.row, m.pointer} {
		if r == nil {
			continue
		}
		r = r.Clone()
		delete(r, "rev")
		r["synced_at"] = s.queue.now().UTC().Format(directory.TimeFormat)
		s.memory.put(r)
	}
}

// mistake is one that an operator makes in following the runbook.
type mistake string

const (
	redriveDeletesFirst mistake = "a dead letter deleted before it is sent again"

	revKept        mistake = "a row that is put back keeps its `rev`"
	deliveriesKept mistake = "a row is put back and its Deliveries rows stay"

	sameSecond            mistake = "the Deliveries are restored to the same second"
	recentRowsKept        mistake = "the restored rows of the last five minutes stay"
	recentPointersKept    mistake = "the pointers of the last five minutes stay"
	pointersNotWritten    mistake = "the missing pointers are not written"
	replayedTooLate       mistake = "the replay begins at the second"
	lateMessagesForgotten mistake = "the replay begins after a message that was late"
)

// mistake says whether the operator makes it.
func (s *scheduler) mistake(m mistake) bool {
	return s.bug != nil && s.bug.mistake == m
}
