package backfill

import (
	"time"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// Verdict says what an object of Clerk's API means for the row that exists.
type Verdict string

// The verdicts. Only Missing and Different are written.
const (
	Missing   Verdict = "missing"   // no row, or one that a repair deleted before the object was read
	Different Verdict = "different" // a live row that differs, and is older than the object
	Equal     Verdict = "equal"
	Activity  Verdict = "activity" // a live row that differs only in what changes without news
	Older     Verdict = "older"    // a live row that differs, and is newer than the object
	Deleted   Verdict = "deleted"  // a tombstone, which an older object never takes back
)

// Object is one object as it was read from Clerk's API.
type Object struct {
	Kind  string // of its row
	Data  clerk.Object
	Began time.Time // before the request was sent
	// change is what the object means for its row.
	change projector.Change
}

// Existing is what the table holds in an object's place.
type Existing struct {
	Row     directory.Row // nil where there is none
	Pointer directory.Row // of the row, nil where there is none
}

// Decision is what becomes of an object.
type Decision struct {
	Verdict Verdict
	Members []string      // in which the row differs, sorted: Clerk's names, `pointer`, or `object` as a whole
	Row     directory.Row // as the row shall be; nil where it stays

	existing directory.Row // what the object was compared with
}

// decide compares an object with what the table holds. It is pure.
//
// That the row stays where nothing differs is what makes a second backfill free:
// each read has a greater revision than the one before. That a tombstone stays
// needs no flag: the event that made it is terminal in `rev`, and only a new
// incarnation of a membership is greater.
func (o Object) decide(e Existing, kept func(object string) string) Decision {
	// The row is compared as it would be written: what stays of the old row is then
	// no difference.
	row := o.merge(e.Row)
	isNewer := o.change.Revision > e.Row.Revision()
	switch {
	case e.Row == nil:
		return Decision{Verdict: Missing, Row: row}
	case e.Row.Gone():
		// A row that comes back this way may have a smaller revision than its tombstone
		// by absence. The object was read after it, so it has every change whose event
		// lost to the tombstone.
		if isNewer || o.refutes(e.Row) {
			return Decision{Verdict: Missing, Row: row}
		}
		return Decision{Verdict: Deleted}
	}
	c := comparison{kind: o.Kind, kept: kept}
	c.rows(row, e.Row)
	c.pointers(row, e)
	d := Decision{Members: c.different.sorted()}
	switch {
	case len(d.Members) == 0 && len(c.activity) == 0:
		d.Verdict = Equal
	case len(d.Members) == 0:
		d.Verdict, d.Members = Activity, c.activity.sorted()
	case !isNewer:
		// An event has brought a later state, or the answer came from a replica that lags.
		d.Verdict = Older
	default:
		d.Verdict, d.Row = Different, row
	}
	return d
}

// refutes says whether the object shows that a deletion by absence was wrong:
// Clerk had the object after it was said to be absent. An older membership of the
// same user shows nothing: a replica that lags has it although its own deletion
// is known.
func (o Object) refutes(tombstone directory.Row) bool {
	at, err := time.Parse(directory.TimeFormat, tombstone.Text(directory.AttrDeletedAt))
	return err == nil && tombstone.Text(directory.AttrDeletedBy) == directory.Absence && o.Began.After(at) &&
		o.change.Revision.Incarnation() >= tombstone.Revision().Incarnation()
}

// merge is the row as the object makes it, with what only events tell: a column
// whose member the API's object lacks stays as it is in the row, and so do such
// members of `object`.
func (o Object) merge(existing directory.Row) directory.Row {
	row := o.change.Row.Clone()
	if existing == nil || existing.Revision().Incarnation() != o.change.Revision.Incarnation() {
		return row
	}
	// A member that is null or empty is Clerk's word, and its column goes. One that
	// is not there at all says nothing.
	for name, value := range existing {
		if _, ok := row[name]; !ok && isColumn(name) && o.Data.Raw(memberOf(name)) == nil {
			row[name] = value
		}
	}
	if text := row.Text(directory.AttrObject); text != "" {
		old, _ := clerk.ParseObject([]byte(existing.Text(directory.AttrObject)))
		for _, name := range eventMembers(o.Kind) {
			if value := old.Raw(name); value != nil && o.Data.Raw(name) == nil {
				text = appendMember(text, name, value)
			}
		}
		row[directory.AttrObject] = text
	}
	return row
}

// eventMembers are the members that events have and the API never has.
func eventMembers(kind string) []string {
	switch kind {
	case directory.KindUser:
		return []string{"scim"}
	case directory.KindInvitation:
		return []string{"user_id"} // who has accepted it
	}
	return nil
}
