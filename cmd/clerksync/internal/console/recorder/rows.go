package recorder

import (
	"container/list"
	"reflect"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
)

// Outcomes of a Write. They are those of a message where that is meant, and so
// have its words.
const (
	WriteApplied = "applied" // the row is in the table
	WriteStale   = "stale"   // the row that was there is newer
	WriteFailed  = "failed"  // it is not known whether it took place
)

// Write is what a message did to one row, or would have done. Nobody may change
// the rows.
type Write struct {
	Seq     uint64 // in the order of arrival
	At      time.Time
	SvixID  string // the message; "" where none is behind it
	Key     directory.Key
	Outcome string
	Reason  string // why it is stale
	// Before is the row until then, nil where there was none. It is not known
	// without BeforeKnown. For a stale one it is the row that won.
	Before      directory.Row
	BeforeKnown bool
	// Between says that Before is not what an earlier write seen here has left: another
	// one, which did not come through this pipeline, came in between.
	Between bool
	// Wanted is the row as the message has it. Where the write is applied, it is the
	// row from then on. Nil where it is not known.
	Wanted directory.Row
	// Child says that the row was deleted because its parent is.
	Child bool
	Put   []directory.Row // pointers
	Drop  []directory.Key // likewise, deleted
	Gone  bool            // the rows of this write are no longer kept

	bytes int // of its rows, as they count in all
}

// rows are the histories of all rows, and what is known of each row now.
type rows struct {
	limits    Limits
	seq       uint64
	byKey     map[directory.Key][]*Write // in the order of arrival
	all       []*Write                   // likewise
	bytes     int
	known     map[directory.Key]*list.Element // of used
	used      *list.List                      // of knownRow, the least recently used first
	knownSize int
	// uncertain are writes whose answer was lost. What is seen later of the row, or
	// of its message, says whether they took place.
	uncertain map[directory.Key]*Write
}

type knownRow struct {
	key directory.Key
	row directory.Row // nil for none
}

func newRows(l Limits) rows {
	return rows{
		limits: l, byKey: map[directory.Key][]*Write{}, known: map[directory.Key]*list.Element{}, used: list.New(),
		uncertain: map[directory.Key]*Write{},
	}
}

// add records a write and forgets the oldest ones where there are too many.
func (s *rows) add(w *Write) {
	s.seq++
	w.Seq = s.seq
	s.all = append(s.all, w)
	s.byKey[w.Key] = append(s.byKey[w.Key], w)
	w.bytes = w.Before.Size() + w.Wanted.Size()
	s.bytes += w.bytes
	for len(s.all) > s.limits.Writes || s.bytes > s.limits.RowBytes && len(s.all) > 1 {
		old := s.all[0]
		s.all[0] = nil
		s.all = s.all[1:]
		s.bytes -= old.bytes
		old.Before, old.Wanted, old.Put, old.Gone = nil, nil, nil, true
		// The oldest of all is the oldest of its row.
		if rest := s.byKey[old.Key][1:]; len(rest) > 0 {
			s.byKey[old.Key] = rest
		} else {
			delete(s.byKey, old.Key)
		}
	}
}

// row is the last state of a row that was seen; ok is false where none was.
func (s *rows) row(k directory.Key) (r directory.Row, ok bool) {
	e := s.known[k]
	if e == nil {
		return nil, false
	}
	s.used.MoveToBack(e)
	return e.Value.(knownRow).row, true //nolint:forcetypeassert // nothing else is put there
}

// see remembers the state of a row. A write whose answer was lost is applied if
// this is what it wrote: no other write has its revision.
func (s *rows) see(k directory.Key, r directory.Row) {
	s.forget(k)
	s.known[k] = s.used.PushBack(knownRow{k, r})
	s.knownSize += r.Size()
	for s.used.Len() > s.limits.KnownRows || s.knownSize > s.limits.KnownBytes && s.used.Len() > 1 {
		s.forget(s.used.Front().Value.(knownRow).key) //nolint:forcetypeassert // as above
	}
	if w := s.uncertain[k]; w != nil && r != nil && w.Wanted.Revision() == r.Revision() {
		s.confirm(w)
	}
}

func (s *rows) forget(k directory.Key) {
	e := s.known[k]
	if e == nil {
		return
	}
	s.knownSize -= e.Value.(knownRow).row.Size() //nolint:forcetypeassert // as above
	s.used.Remove(e)
	delete(s.known, k)
}

// confirm says that a write took place whose answer was lost.
func (s *rows) confirm(w *Write) {
	delete(s.uncertain, w.Key)
	if w.Gone {
		return
	}
	w.Outcome = WriteApplied
	if s.adjoin(w) {
		s.see(w.Key, w.Wanted)
	}
}

// maxUncertain bounds what an outage of the table leaves behind.
const maxUncertain = 200

func (s *rows) doubt(w *Write) {
	if len(s.uncertain) >= maxUncertain {
		clear(s.uncertain)
	}
	s.uncertain[w.Key] = w
	s.forget(w.Key)
}

// adjoin sets what was there before a write that took place. Revisions of a row
// only grow, so they are the order in which writes were committed; answers may
// come in another one. It is therefore also the before of a later write whose
// answer was first.
func (s *rows) adjoin(w *Write) (newest bool) {
	newest = true
	if w.Before.Revision() >= w.Wanted.Revision() {
		w.Before, w.BeforeKnown = nil, false // what is known is already what came after
	}
	for _, other := range s.byKey[w.Key] {
		if other.Outcome != WriteApplied || other.Gone || other == w {
			continue
		}
		switch rev := other.Wanted.Revision(); {
		case rev < w.Wanted.Revision():
			if w.Before.Revision() < rev {
				w.Before, w.BeforeKnown = other.Wanted, true
			}
		default:
			newest = false
			if other.Before.Revision() < w.Wanted.Revision() {
				other.Before, other.BeforeKnown = w.Wanted, true
			}
		}
	}
	return newest
}

// History is what this process saw written to a row, in the order of arrival,
// what lost included. The oldest may be gone.
func (r *Recorder) History(k directory.Key) []Write {
	r.mu.Lock()
	defer r.mu.Unlock()
	history := make([]Write, 0, len(r.rows.byKey[k]))
	seen := r.rows.lefts(k)
	for _, w := range r.rows.byKey[k] {
		history = append(history, *w)
		history[len(history)-1].Between = seen.isBetween(*w)
	}
	return history
}

// FindBetween sets Between of a message's writes. It looks through all writes of their
// rows, so it is for the page of one message.
func (r *Recorder) FindBetween(m Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, w := range m.Writes {
		m.Writes[i].Between = r.rows.lefts(w.Key).isBetween(w)
	}
}

// left is what writes seen here have left of one row.
type left struct {
	rows   map[directory.Revision]*Write // that took place, by the revision of the row
	oldest directory.Revision
}

// lefts looks through the writes of a row once: there may be thousands.
func (s *rows) lefts(k directory.Key) left {
	l := left{rows: map[directory.Revision]*Write{}}
	for _, w := range s.byKey[k] {
		if w.Outcome != WriteApplied || w.Gone {
			continue
		}
		rev := w.Wanted.Revision()
		if len(l.rows) == 0 || rev < l.oldest {
			l.oldest = rev
		}
		l.rows[rev] = w // no two have the same
	}
	return l
}

// isBetween says whether a write that nobody saw here came before this one. Each row
// that was there before a write is one that an earlier write has left, unless none is
// known. It is decided when somebody looks, for an answer may be later than that of a
// write that came after.
func (l left) isBetween(w Write) bool {
	if w.Gone || !w.BeforeKnown || w.Before == nil || len(l.rows) == 0 {
		return false
	}
	rev := w.Before.Revision()
	if before := l.rows[rev]; before != nil {
		return !reflect.DeepEqual(before.Wanted, w.Before)
	}
	return l.oldest <= rev
}

// See tells the recorder how a row is that somebody has read. The state is old where a
// write came meanwhile, and is then no news.
func (r *Recorder) See(k directory.Key, row directory.Row) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known, ok := r.rows.row(k); !ok || known.Revision() <= row.Revision() {
		r.rows.see(k, row)
	}
}
