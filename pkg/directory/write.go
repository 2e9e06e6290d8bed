package directory

import "time"

// LedgerEntry is a row of the Deliveries table: one for each message that had
// its effect, or whose effect something newer made needless.
type LedgerEntry struct {
	SvixID      string
	EventType   string
	Entity      string // e.g. user/<id>
	Outcome     string // consumer.Applied or consumer.Stale
	ReceivedAt  time.Time
	ProcessedAt time.Time
	ExpiresAt   time.Time // TTL
}

// Condition is what a write asks of the row that is there. The zero value
// asks that none is.
type Condition struct {
	kind condition
	rev  Revision
}

type condition int

const (
	absent condition = iota
	newer
	unchanged
)

// IfAbsent asks that no row is there.
func IfAbsent() Condition { return Condition{} }

// IfNewer asks that no row is there or its revision is smaller than rev.
func IfNewer(rev Revision) Condition { return Condition{newer, rev} }

// IfUnchanged asks that the row is there with the revision that was read. A
// revision belongs to one content, so the row is also as live as it was.
func IfUnchanged(rev Revision) Condition { return Condition{unchanged, rev} }

// Newer is the revision of IfNewer.
func (c Condition) Newer() (Revision, bool) { return c.rev, c.kind == newer }

// Unchanged is the revision of IfUnchanged.
func (c Condition) Unchanged() (Revision, bool) { return c.rev, c.kind == unchanged }

// Holds says whether the condition holds for the row that is there, nil for
// none. It is the definition that engines are held to.
func (c Condition) Holds(there Row) bool {
	switch c.kind {
	case newer:
		return there == nil || there.Revision() < c.rev
	case unchanged:
		return there != nil && there.Revision() == c.rev
	default:
		return there == nil
	}
}

// Write is one transaction: all of it takes place, or nothing.
type Write struct {
	// LedgerEntry, unless nil, is put on the condition that it does not exist.
	LedgerEntry *LedgerEntry
	// Row, unless nil, is put whole where If holds.
	Row Row
	If  Condition
	// Put are pointer rows, written as they are; Drop are keys of pointer
	// rows that go. The condition on Row guards them.
	Put  []Row
	Drop []Key
}

// Result is how a write that the table decided on came out.
type Result int

// The results of a write.
const (
	Written         Result = iota // all of it took place
	AlreadyRecorded               // nothing did: the Deliveries row exists
	ConditionFailed               // nothing did: the row is not as If asks
)
