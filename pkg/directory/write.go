package directory

import "time"

// LedgerEntry is a row of the Deliveries table: one for each message that had
// its effect, or that had none because its row was newer.
type LedgerEntry struct {
	SvixID      string // hash key
	EventType   string
	Entity      string // e.g. user/<id>
	Outcome     string // applied or stale: consumer.Outcome
	ReceivedAt  time.Time
	ProcessedAt time.Time
	ExpiresAt   time.Time // DynamoDB's time to live
}

// Condition is what a write asks of the row that exists. The zero value asks
// that none does.
type Condition struct {
	kind conditionKind
	rev  Revision
}

type conditionKind int

const (
	absent conditionKind = iota
	newer
	unchanged
)

// IfAbsent asks that no row exists.
func IfAbsent() Condition { return Condition{} }

// IfNewer asks that no row exists or that its revision is smaller than rev. A
// row without a revision, which somebody put there by hand, loses to every rev.
func IfNewer(rev Revision) Condition { return Condition{newer, rev} }

// IfUnchanged asks that the row exists with the revision that was read. A
// revision belongs to one content, so the row is also as live as it was. The
// empty rev asks for a row without one.
func IfUnchanged(rev Revision) Condition { return Condition{unchanged, rev} }

// Newer is the revision of IfNewer.
func (c Condition) Newer() (Revision, bool) { return c.rev, c.kind == newer }

// Unchanged is the revision of IfUnchanged.
func (c Condition) Unchanged() (Revision, bool) { return c.rev, c.kind == unchanged }

// Holds says whether the condition holds for the row that exists, nil for none.
// It is the definition that every implementation of Table is held to.
func (c Condition) Holds(existing Row) bool {
	switch c.kind {
	case newer:
		return existing == nil || existing.Revision() < c.rev
	case unchanged:
		return existing != nil && existing.Revision() == c.rev
	default:
		return existing == nil
	}
}

// Write is one transaction: all of it takes place, or nothing.
type Write struct {
	// LedgerEntry, unless nil, is put on the condition that it does not exist.
	LedgerEntry *LedgerEntry
	// Row, unless nil, replaces the whole row where If holds.
	Row Row
	If  Condition
	// Existing, unless nil, is set by a write that loses: it says to what. It costs
	// no request and no capacity.
	Existing *Existing
	// Put are pointers, written as they are; Drop are the keys of pointers that
	// are deleted. They have no condition of their own: that on Row guards them.
	Put  []Row
	Drop []Key
}

// ShowExisting sets Existing for whoever asks for it. It is for implementations
// of Table.
func (w Write) ShowExisting(e Existing) {
	if w.Existing != nil {
		*w.Existing = e
	}
}

// Result says how the table decided a write. That another write was first is
// no error: the caller knows what it means.
type Result int

// The results of a write.
const (
	Written         Result = iota // all of it took place
	AlreadyRecorded               // nothing did, because the ledger entry exists
	ConditionFailed               // nothing did, because the row is not as If asks
)
