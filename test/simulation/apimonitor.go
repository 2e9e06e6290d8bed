package simulation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
)

// readsSeen is what the monitor knows of readers of Clerk's API.
type readsSeen struct {
	instance *instance
	count    func(Fault)
	absent   map[directory.Key]bool // keys that were deleted by absence once
	byRev    map[string]*state      // what a reader has written, by key and revision
	atOnce   map[string]*state      // what was read, by key and ms
}

func newReadsSeen() readsSeen {
	return readsSeen{
		count:  func(Fault) {},
		absent: map[directory.Key]bool{},
		byRev:  map[string]*state{},
		atOnce: map[string]*state{},
	}
}

// byAbsence says whether a repair deleted the row, or with one that it deleted.
func byAbsence(r directory.Row) bool { return r.Gone() && r.Text("deleted_by") == "absence" }

// readFromClerk counts what is unusual about a state that a reader gets.
func (m *monitor) readFromClerk(o *state, now int64) {
	k := o.content.key
	if o.silent {
		m.reads.count(SilentChange)
	}
	if msg := m.byRev[k][m.memory.rows[k].Text("rev")]; msg != nil &&
		msg.state != o && msg.updated == o.content.updated {
		m.reads.count(TieWithEvent)
	}
	at := fmt.Sprint(k, now)
	if before := m.reads.atOnce[at]; before != nil && before != o {
		m.reads.count(SameMillisecond)
	}
	m.reads.atOnce[at] = o
}

// mayGoBack says whether a row's revision may become smaller: a deletion by absence
// may be taken back by what was read after it, and it takes along children that are
// newer than the first look.
func (m *monitor) mayGoBack(before, r directory.Row, by *invocation) bool {
	if r.Live() {
		return by.reader != nil && byAbsence(before)
	}
	return byAbsence(r) && !m.isLookedFor(by, r)
}

// isLookedFor says whether a tombstone by absence is that of the object that Clerk
// has denied, not of a child. The parent may be live again when its last child is
// deleted.
func (m *monitor) isLookedFor(by *invocation, r directory.Row) bool {
	if by.reader == nil || by.reader.looked[r.Key()] != r.Text("deleted_at") {
		return false
	}
	return !slices.ContainsFunc(m.parentsOf(r), func(k directory.Key) bool {
		p := m.memory.rows[k]
		return byAbsence(p) && p.Text("deleted_at") == r.Text("deleted_at")
	})
}

// parentsOf are all parents that the object at the row's key has ever had.
func (m *monitor) parentsOf(r directory.Row) (list []directory.Key) {
	if m.reads.instance == nil {
		return nil
	}
	for _, s := range m.reads.instance.states {
		if s.content.key == r.Key() {
			list = append(list, s.content.parents...)
		}
	}
	return list
}

// countAfterAbsence counts what becomes of a row that a repair has deleted.
func (m *monitor) countAfterAbsence(before, r directory.Row, byReader bool) {
	switch {
	case !byAbsence(before) || byAbsence(r):
	case r.Live() && byReader:
		m.reads.count(HealedByRead)
	case r.Live():
		m.reads.count(HealedByEvent)
	default:
		m.reads.count(DeletedAfterAbsence)
	}
}

// checkReaderWrite checks a row that a reader wrote.
func (m *monitor) checkReaderWrite(t *transaction, r directory.Row) {
	switch {
	case r.Live():
		m.checkReadRow(t, r)
	case !byAbsence(r): // the parent was deleted by an event
	case !m.isLookedFor(t.by, r):
		m.reads.count(ChildOfAbsence)
	default:
		m.checkAbsence(t, r)
	}
}

// checkAbsence checks that a repair deletes no row whose object Clerk has, unless
// Clerk has denied it twice.
func (m *monitor) checkAbsence(t *transaction, r directory.Row) {
	k := r.Key()
	o := m.reads.instance.has(m.reads.instance.position, k)
	switch {
	case t.before.Text("rev") != t.by.reader.lookedAt[k]:
		m.breaks("%v is deleted by an absence, and has changed since the first look", k)
	case t.before.Text("rev") == "": // a person may have put it there before it was at Clerk
	case o == nil || o.content.incarnationText() != string(t.before.Revision().Incarnation()):
		m.reads.count(TrueAbsence)
	case t.by.reader.lied[k]:
		m.reads.count(FalseAbsence)
	default:
		m.breaks("%v is deleted by absence, and Clerk has it", k)
	}
}

// checkReadRow checks a live row that a reader wrote.
func (m *monitor) checkReadRow(t *transaction, r directory.Row) {
	k, rev := r.Key(), r.Text("rev")
	o := t.by.reader.readings[k.PK+" "+k.SK+" "+r.Text("read_at")]
	if o == nil || r.Text("svix_id") != "" {
		m.breaks("a row %v of a read that never was, at %q", k, r.Text("read_at"))
		return
	}
	if before := m.reads.byRev[fmt.Sprint(k, rev)]; before != nil && before != o {
		m.breaks("two contents of %v have one rev: %s", k, rev)
	}
	m.reads.byRev[fmt.Sprint(k, rev)] = o
	if t.before == nil || string(t.before.Revision().Incarnation()) != o.content.incarnationText() {
		return
	}
	msg := m.byRev[k][t.before.Text("rev")]
	switch {
	case t.before.Gone() && !byAbsence(t.before):
		m.breaks("a read brings back %v, which an event deleted", k)
	case t.before.Live() && msg != nil && msg.state.index > o.index:
		m.breaks("a read of %v overwrites the later event %s", k, msg.svixID)
	case t.before.Live():
		m.checkKept(k, t.before, r)
	}
}

// checkKept checks that a row keeps what only events tell.
func (m *monitor) checkKept(k directory.Key, before, r directory.Row) {
	const scim = `"scim":`
	object := r.Text("object")
	switch {
	case object != "" && strings.Contains(before.Text("object"), scim) && !strings.Contains(object, scim),
		before.Text("kind") == directory.KindInvitation && before.Text("user_id") != r.Text("user_id") &&
			r.Text("user_id") == "":
		m.breaks("a read of %v loses what only events tell", k)
	case strings.Contains(object, scim):
		m.reads.count(KeptOfEvents)
	}
}

// checkStaleByAbsence checks that a deletion by absence lets later changes win, and
// every event of a deletion. A child may be newer than the absence of its parent and
// be deleted with it all the same, so nothing is said of children.
func (m *monitor) checkStaleByAbsence(msg *message, row directory.Row) {
	if !byAbsence(row) || len(m.parentsOf(row)) > 0 {
		return
	}
	at, err := time.Parse(directory.TimeFormat, row.Text("deleted_at"))
	if err != nil || msg.deletion || msg.updated > at.UnixMilli() {
		m.breaks("%s is stale because of an absence before it, at %s", msg.svixID, row.Text("deleted_at"))
	}
}
