package simulation

import (
	"cmp"
	"slices"

	"github.com/clerksync/clerksync/pkg/directory"
)

// release carries out calls of one name, all in the same way: as they should
// be, or with a fault. Where the caller has given up or died, the request may or
// may not have left before that; if it has, it takes effect late.
func (s *scheduler) release(group []*call) {
	awaited := true
	for _, c := range group {
		awaited = s.harness.removeCall(c) && awaited
	}
	if !awaited {
		if s.random.IntN(2) == 0 {
			s.lateEffects = append(s.lateEffects, group...)
		}
		return
	}
	if s.faultDue() {
		s.injectCallFault(group)
		return
	}
	s.takeTime()
	for _, c := range group {
		s.logf("call   %s", c.name)
		s.perform(c, nil)
	}
}

// perform carries out a call and answers it, with failure unless that is nil.
func (s *scheduler) perform(c *call, failure error) {
	switch {
	case s.refuses(c):
		s.logf("       is refused")
		s.answer(c, directory.ErrWriteRefused)
	case c.onTables():
		s.policy.access(s, c, failure)
	case c.runPart != nil:
		c.runPart(func(int) bool { return true })
		s.answer(c, failure)
	default:
		s.answer(c, cmp.Or(failure, c.run()))
	}
}

// answer ends the caller's wait. The caller of a late effect was answered
// before, and nothing changes for it.
func (s *scheduler) answer(c *call, err error) {
	if c.answered {
		return
	}
	c.answered, c.err = true, err
	close(c.answer)
}

// giveUp ends the wait for an answer that never comes.
func (s *scheduler) giveUp(c *call) {
	s.unanswered = without(s.unanswered, c)
	s.logf("       no answer to %s", c.name)
	s.answer(c, errTimeout)
	if c.lateEffect {
		s.lateEffects = append(s.lateEffects, c)
	}
}

// applyLateEffect carries out a call whose caller has given up.
func (s *scheduler) applyLateEffect(c *call) {
	s.lateEffects = without(s.lateEffects, c)
	s.logf("late   %s", c.name)
	s.perform(c, nil)
}

// accessMemory carries out a call to the tables in memory. itemByItem says
// whether the items of a transaction become visible each by a choice of its
// own, in any order, or all at once. The write is answered only when all of them
// are visible: what DynamoDB has acknowledged, every later read sees.
func (s *scheduler) accessMemory(c *call, failure error, itemByItem func() bool) {
	s.countMeanwhile(c)
	if c.write == nil {
		s.countAnomalies(c)
		err := c.run()
		s.answer(c, cmp.Or(failure, err))
		return
	}
	t, result, err := s.memory.begin(*c.write, c.rules)
	c.result = result
	if t == nil {
		if err == errConflict { //nolint:errorlint // begin never wraps it
			s.count(TransactionConflict)
			s.logf("       conflicts")
		}
		failure = cmp.Or(failure, err)
		s.logf("       result %d %v", result, failure)
		s.answer(c, failure)
		return
	}
	t.by = c.by
	t.done = func() { s.answer(c, failure) }
	if !itemByItem() {
		for len(t.invisible) > 0 {
			s.show(t, 0)
		}
	}
}

// complete answers a call that came back from a real table.
func (s *scheduler) complete(c completion) {
	s.remote--
	s.monitor.cameBack(c.call, c.err)
	s.answer(c.call, cmp.Or(c.failure, c.err))
}

// show makes one item of a transaction visible. With the last one the
// transaction is checked, and the write is answered.
func (s *scheduler) show(t *transaction, i int) {
	if !s.memory.show(t, i) {
		s.logf("       an item of a transaction becomes visible")
		return
	}
	s.monitor.written(t)
	s.countBeforePosition(t.write)
	s.logf("       written")
	t.done()
}

// countAnomalies counts the faults of the tables that a read meets.
func (s *scheduler) countAnomalies(c *call) {
	for _, k := range c.keys {
		lists := k.SK == ""
		meets := func(o directory.Key) bool { return o == k || lists && o.PK == k.PK }
		if lists && slices.ContainsFunc(s.memory.unindexed, meets) {
			s.count(LaggingIndex)
		}
		for _, t := range s.memory.transactions {
			if t.partly && slices.ContainsFunc(t.keys, meets) {
				s.count(VisibleItemByItem)
			}
		}
	}
}
