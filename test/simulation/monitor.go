package simulation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
)

// monitor checks, while a history goes on, what must hold at every moment:
// after each transaction, each report and each acknowledgement.
type monitor struct {
	memory   *Memory             // nil on a real table, whose rows it does not see
	messages map[string]*message // by svix id
	byRev    map[directory.Key]map[string]*message
	recorded map[string][]consumer.Outcome // the ledger entries of each svix id, expired ones included
	expired  map[string]bool               // svix ids whose ledger entry expired
	dead     map[string]bool               // svix ids among the dead letters
	broken   error                         // the first promise that was broken
	reads    readsSeen
}

func newMonitor(messages []*message) *monitor {
	m := &monitor{
		messages: map[string]*message{},
		byRev:    map[directory.Key]map[string]*message{},
		recorded: map[string][]consumer.Outcome{},
		expired:  map[string]bool{},
		dead:     map[string]bool{},
		reads:    newReadsSeen(),
	}
	for _, msg := range messages {
		m.messages[msg.svixID] = msg
		if msg.invalid {
			continue
		}
		if m.byRev[msg.key] == nil {
			m.byRev[msg.key] = map[string]*message{}
		}
		m.byRev[msg.key][msg.rev()] = msg
	}
	return m
}

// breaks says that a promise is broken.
func (m *monitor) breaks(format string, args ...any) {
	if m.broken == nil {
		m.broken = fmt.Errorf(format, args...)
	}
}

// written checks a transaction all of whose items are visible.
func (m *monitor) written(t *transaction) {
	var cause *message
	if r := t.write.Row; r != nil {
		cause = m.checkRow(t, r)
	}
	if e := t.write.LedgerEntry; e != nil {
		m.checkLedgerEntry(t, e, cause)
	} else if cause != nil {
		m.breaks("%s had its effect without its Deliveries row", cause.svixID)
	}
	if t.write.Row != nil {
		m.checkPointers(t.write.Row)
	}
	for _, k := range t.write.Drop {
		m.checkDropped(k)
	}
}

// checkRow checks a row that was written and returns the message whose effect
// it is, nil where a parent's deletion deleted it.
func (m *monitor) checkRow(t *transaction, r directory.Row) *message {
	k, rev := r.Key(), r.Text("rev")
	byReader := t.by != nil && t.by.reader != nil
	if byReader {
		m.checkReaderWrite(t, r)
	}
	if byAbsence(r) { // by a reader, or by the consumer whose row has a parent that was deleted so
		m.reads.absent[k] = true
	}
	m.countAfterAbsence(t.before, r, byReader)
	if t.before != nil && t.before.Text("rev") >= rev && !m.mayGoBack(t.before, r, t.by) {
		m.breaks("rev went back at %v: from %s to %s", k, t.before.Text("rev"), rev)
	}
	cause := m.byRev[k][rev]
	switch {
	case cause == nil && r.Live() && byReader: // checkReaderWrite has checked it
	case cause == nil && r.Live():
		m.breaks("a live row at %v with a rev of no message: %s", k, rev)
	case cause == nil && t.before == nil:
		m.breaks("a tombstone at %v for what was never there", k)
	}
	return cause
}

// checkLedgerEntry checks an entry against what its transaction did.
func (m *monitor) checkLedgerEntry(t *transaction, e *directory.LedgerEntry, cause *message) {
	msg := m.messages[e.SvixID]
	switch {
	case msg == nil || msg.invalid:
		m.breaks("a Deliveries row for %s, which is a permanent error", e.SvixID)
		return
	case t.entryBefore != nil:
		m.breaks("%s was recorded twice, as %s and %s", e.SvixID, t.entryBefore.Outcome, e.Outcome)
	case e.Entity != msg.entity || e.EventType != msg.eventType:
		m.breaks("%s is recorded as %s of %s, want %s of %s",
			e.SvixID, e.EventType, e.Entity, msg.eventType, msg.entity)
	}
	row := m.memory.rows[msg.key]
	switch outcome := consumer.Outcome(e.Outcome); outcome {
	case consumer.Applied:
		if cause != msg {
			m.breaks("%s is recorded as applied without its effect", msg.svixID)
		}
	case consumer.Stale:
		m.checkStaleByAbsence(msg, row)
		// A tombstone that was newer may have been healed since by an older row. A row
		// that was newer may have been deleted since with a parent that Clerk denies, by a
		// transaction of which perhaps only this item is visible yet.
		replayed := m.expired[msg.svixID] && row.Text("rev") == msg.rev() ||
			m.reads.absent[msg.key] || byAbsence(row)
		if cause != nil || row == nil || row.Text("rev") <= msg.rev() && !replayed {
			m.breaks("%s is recorded as stale and nothing newer was there", msg.svixID)
		}
	default:
		m.breaks("%s is recorded as %s", msg.svixID, outcome)
	}
	m.record(e)
}

func (m *monitor) record(e *directory.LedgerEntry) {
	m.recorded[e.SvixID] = append(m.recorded[e.SvixID], consumer.Outcome(e.Outcome))
}

// checkPointers checks that the row's pointer is there exactly while the row
// is live.
func (m *monitor) checkPointers(r directory.Row) {
	k := r.Key()
	switch r.Text("kind") {
	case "membership":
		org, user := strings.TrimPrefix(k.PK, "ORG#"), strings.TrimPrefix(k.SK, "MEMBER#")
		m.checkPointer(r, directory.Key{PK: "USER#" + user, SK: "MEMBERSHIP#" + org})
	case "domain":
		m.checkOnlyPointer(r, "ORG#", r.Text("org_id"))
	case "role":
		m.checkOnlyPointer(r, "ROLE_KEY#", r.Text("key"))
	}
}

// checkOnlyPointer checks the pointer of a row that has it below a value which
// may change, "" for none: none may be left below a former value.
func (m *monitor) checkOnlyPointer(r directory.Row, prefix, value string) {
	k := r.Key()
	at := directory.Key{PK: prefix + value, SK: k.PK}
	for p := range m.memory.rows {
		if p.SK == k.PK && (r.Gone() || p != at) {
			m.breaks("a pointer %v is left of %v", p, k)
		}
	}
	if value != "" {
		m.checkPointer(r, at)
	}
}

func (m *monitor) checkPointer(r directory.Row, at directory.Key) {
	p := m.memory.rows[at]
	switch {
	case r.Live() && p == nil:
		m.breaks("no pointer %v for the live row %v", at, r.Key())
	case r.Live() && p.Text("rev") != r.Text("rev"):
		m.breaks("the pointer %v is not of the live row %v", at, r.Key())
	case r.Gone() && p != nil:
		m.breaks("a pointer %v for the deleted row %v", at, r.Key())
	}
}

// checkDropped checks that no pointer was deleted whose row is live.
func (m *monitor) checkDropped(pointer directory.Key) {
	k := directory.Key{PK: pointer.SK, SK: "DOMAIN"}
	if strings.HasPrefix(pointer.SK, "ROLE#") {
		k.SK = "ROLE"
	}
	if org, ok := strings.CutPrefix(pointer.SK, "MEMBERSHIP#"); ok {
		k = directory.Key{PK: "ORG#" + org, SK: "MEMBER#" + strings.TrimPrefix(pointer.PK, "USER#")}
	}
	if r := m.memory.rows[k]; r != nil && !m.memory.underWay(k) {
		m.checkPointers(r)
	}
}

// unknownOutcome stands for an outcome that a real table does not show.
const unknownOutcome = "unknown"

// cameBack notes what a write to a real table has recorded. Where the table
// says that another write had recorded it, the outcome is not known.
func (m *monitor) cameBack(c *call, err error) {
	if c.write == nil || c.write.LedgerEntry == nil || err != nil {
		return
	}
	e := *c.write.LedgerEntry
	switch c.result {
	case directory.Written:
		if slices.ContainsFunc(m.recorded[e.SvixID], func(o consumer.Outcome) bool { return o != unknownOutcome }) {
			m.breaks("%s was recorded twice, as %v and %s", e.SvixID, m.recorded[e.SvixID], e.Outcome)
		}
		m.record(&e)
	case directory.AlreadyRecorded:
		e.Outcome = unknownOutcome
		m.record(&e)
	case directory.ConditionFailed:
	}
}

// finished checks a batch whose consumer returned: what it reports, and the message ids
// that it returns as failed. It returns the ids of the others, which are done.
func (m *monitor) finished(inv *invocation, failed []string) (done []string) {
	for _, r := range inv.reports {
		msg := inv.messages[r.MessageID]
		m.checkReport(r, msg)
		if inv.unreadable[r.MessageID] && r.Outcome != consumer.Failed {
			m.breaks("%s cannot be read by this version and is %s", msg.svixID, r.Outcome)
		}
		listed := slices.Contains(failed, r.MessageID)
		if listed != (r.Outcome == consumer.Failed) && !inv.goesOn[r.MessageID] {
			m.breaks("%s is reported %s and returned as failed: %v", msg.svixID, r.Outcome, listed)
		}
	}
	if len(inv.reports) != len(inv.records) {
		m.breaks("%d reports for %d messages", len(inv.reports), len(inv.records))
	}
	for _, r := range inv.records {
		if !slices.Contains(failed, r.MessageID) {
			done = append(done, r.MessageID)
		}
	}
	return done
}

// checkReport checks that the outcome which the consumer reports is the one
// that is recorded.
func (m *monitor) checkReport(r consumer.Report, msg *message) {
	recorded, ok := m.recorded[msg.svixID], true
	switch r.Outcome {
	case consumer.Failed:
	case consumer.Dead:
		if !m.dead[msg.svixID] {
			m.breaks("%s is reported dead and not among the dead letters", msg.svixID)
		}
	case consumer.Duplicate:
		ok = len(recorded) > 0
	default:
		ok = slices.Contains(recorded, r.Outcome)
	}
	if !ok {
		m.breaks("%s is reported as %s and recorded as %v", msg.svixID, r.Outcome, recorded)
	}
}

// acknowledged checks that a message which leaves the queue is done.
func (m *monitor) acknowledged(svixID string) {
	if len(m.recorded[svixID]) == 0 && !m.dead[svixID] {
		m.breaks("%s was acknowledged and is neither recorded nor dead", svixID)
	}
}
