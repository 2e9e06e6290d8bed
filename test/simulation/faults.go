package simulation

import (
	"slices"
)

// Fault is a kind of fault, by its name.
type Fault string

// The kinds of faults. A run must have met each of them (Tally.Missing).
const (
	ErrorWithoutEffect    Fault = "error without effect"
	EffectWithError       Fault = "effect with error"
	Timeout               Fault = "timeout" // with the effect, without it, or with it after the caller has given up
	Throttle              Fault = "throttle"
	TransactionConflict   Fault = "TransactionConflict"
	PartialBatch          Fault = "partial batch" // a call about several messages is carried out for some of them
	Death                 Fault = "death at any step"
	LaggingIndex          Fault = "lagging index" // a listing while an index would have shown something else
	Panic                 Fault = "panic in a call, before its effect or after"
	RedrivenBySQS         Fault = "dead letter of too many receives, redriven"
	RedrivenBySync        Fault = "dead letter of a permanent error, redriven"
	RedrivenRefused       Fault = "dead letter of a write that the table refused, redriven"
	Continued             Fault = "deletion that goes on at another receive"
	WrittenBeforePosition Fault = "child written before the position of a deletion that goes on"
	PutByHand             Fault = "row put in by hand, without rev"
	Restored              Fault = "tables restored from a torn backup by the runbook"
	PutBack               Fault = "deleted row put back by the runbook"
	ReadItemByItem        Fault = "several rows read one after the other"
	PageRowByRow          Fault = "page of a listing read row by row"
	VisibleItemByItem     Fault = "transaction visible item by item"
	ExpiredLedgerRow      Fault = "expired ledger row"
	EarlyRedelivery       Fault = "early redelivery while the first is still running"
)

// faultKind says how the scheduler injects a fault. A kind with neither
// function is not injected: the tables in memory have it by themselves, and it
// is counted where a read meets it.
type faultKind struct {
	fault Fault
	// atCall takes the place of a call's ordinary course. seed is the same for
	// all calls of the group.
	atCall func(s *scheduler, c *call, seed uint64)
	// fits says which calls it can happen to; nil is all.
	fits func(c *call) bool
	// betweenSteps does what goes wrong between two steps. It counts the fault
	// by itself, for there may be nothing that it could happen to.
	betweenSteps func(s *scheduler)
	// needsMemory says that a real table cannot be brought to it.
	needsMemory bool
	weight      int // how often it happens, compared with others of its sort; 0 is 1
}

// faultKinds is the table of all faults.
func faultKinds() []faultKind {
	return []faultKind{
		{fault: ErrorWithoutEffect, atCall: answerWith(errBroken)},
		{fault: EffectWithError, atCall: performAndFail},
		{fault: Timeout, atCall: timeOut},
		{fault: Throttle, atCall: answerWith(errThrottled)},
		{fault: TransactionConflict, atCall: answerWith(errConflict), fits: isWrite},
		{fault: PartialBatch, atCall: performPartly, fits: isBatch},
		{fault: Panic, atCall: performAndPanic, fits: mayPanic},
		{fault: Death, betweenSteps: (*scheduler).killOne, weight: 2},
		{fault: ExpiredLedgerRow, betweenSteps: (*scheduler).expireLedgerRow, needsMemory: true},
		{fault: EarlyRedelivery, betweenSteps: (*scheduler).redeliverEarly},
		{fault: PutByHand, betweenSteps: (*scheduler).putByHand, needsMemory: true},
		{fault: PutBack, needsMemory: true},
		{fault: Restored, needsMemory: true},
		{fault: Continued, needsMemory: true},
		{fault: WrittenBeforePosition, needsMemory: true},
		{fault: RedrivenBySQS},
		{fault: RedrivenBySync},
		{fault: RedrivenRefused},
		{fault: ReadItemByItem, needsMemory: true},
		{fault: PageRowByRow, needsMemory: true},
		{fault: LaggingIndex, needsMemory: true},
		{fault: VisibleItemByItem, needsMemory: true},
	}
}

// faultDue says whether a fault happens now, and takes it from the budget.
func (s *scheduler) faultDue() bool {
	if s.budget == 0 || s.random.IntN(1000) >= s.plan.FaultRate {
		return false
	}
	s.budget--
	return true
}

// injectCallFault releases calls of one name with a fault.
func (s *scheduler) injectCallFault(group []*call) {
	kind, seed := drawFault(s, func(k faultKind) bool { return k.atCall != nil }), s.random.Uint64()
	if kind.fits != nil && !kind.fits(group[0]) {
		kind = faultKinds()[0]
	}
	for _, c := range group {
		s.count(kind.fault)
		s.logf("call   %s: %s", c.name, kind.fault)
		kind.atCall(s, c, seed)
	}
}

// injectFault lets something go wrong between two steps, if it is due.
func (s *scheduler) injectFault() {
	if s.faultDue() {
		drawFault(s, func(k faultKind) bool { return k.betweenSteps != nil }).betweenSteps(s)
	}
}

func drawFault(s *scheduler, among func(faultKind) bool) faultKind {
	var kinds []faultKind
	for _, k := range faultKinds() {
		if among(k) && (s.memory != nil || !k.needsMemory) {
			kinds = append(kinds, slices.Repeat([]faultKind{k}, max(k.weight, 1))...)
		}
	}
	return oneOf(s.random, kinds)
}

func isWrite(c *call) bool { return c.write != nil }
func isBatch(c *call) bool { return c.runPart != nil }

// mayPanic says whether a panic of the call ends one message only. In a reader of
// Clerk's API it ends the process, as a death does.
func mayPanic(c *call) bool { return c.onTables() && c.by.reader == nil }

func answerWith(err error) func(*scheduler, *call, uint64) {
	return func(s *scheduler, c *call, _ uint64) { s.answer(c, err) }
}

func performAndFail(s *scheduler, c *call, _ uint64) { s.perform(c, errBroken) }

func performAndPanic(s *scheduler, c *call, seed uint64) {
	if seed%2 == 0 {
		s.answer(c, errPanic)
		return
	}
	s.perform(c, errPanic)
}

func performPartly(s *scheduler, c *call, seed uint64) {
	c.runPart(func(i int) bool { return seed>>(i%64)&1 == 1 })
	s.answer(c, errBroken)
}

func timeOut(s *scheduler, c *call, seed uint64) {
	if seed%3 == 1 {
		s.perform(c, errTimeout)
		return
	}
	c.lateEffect = seed%3 == 0
	s.unanswered = append(s.unanswered, c)
}

func (s *scheduler) killOne() {
	var alive []*invocation
	for _, inv := range s.running {
		if inv != nil && !inv.killed {
			alive = append(alive, inv)
		}
	}
	if len(alive) > 0 {
		inv := oneOf(s.random, alive)
		s.count(Death)
		s.logf("death  of batch %d", inv.id)
		s.harness.kill(inv)
	}
}

// expireLedgerRow deletes a row of the Deliveries table, as its time to live
// does, before its message comes once more.
func (s *scheduler) expireLedgerRow() {
	ids := s.memory.ledgerIDs()
	if len(ids) == 0 {
		return
	}
	id := oneOf(s.random, ids)
	if !s.memory.expireLedgerEntry(id) {
		return
	}
	s.count(ExpiredLedgerRow)
	s.logf("ttl    the ledger row of %s expires", id)
	s.monitor.expired[id] = true
	s.late = append(s.late, s.monitor.messages[id])
	if s.random.IntN(2) == 0 {
		s.arrivals = append(s.arrivals, s.monitor.messages[id])
	}
}

// redeliverEarly makes a message visible while an invocation works on it. It
// is counted when it is received.
func (s *scheduler) redeliverEarly() {
	var held []*queued
	for _, c := range s.queue.left() {
		if c.holders > 0 {
			held = append(held, c)
		}
	}
	if len(held) > 0 {
		oneOf(s.random, held).visible = s.queue.now()
	}
}
