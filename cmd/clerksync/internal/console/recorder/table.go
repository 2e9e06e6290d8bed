package recorder

import (
	"context"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
)

// Table records what is read from next and written to it.
//
// A write says which message is behind it: by its ledger entry, or else by the
// svix_id of its row, which a cascade sets to that of the deletion.
func (r *Recorder) Table(next directory.Table) directory.Table { return &table{next, r} }

// ReadBy makes the recorder read by another way to the same rows than the table that
// it is put round. Where they are in this process, that costs next to nothing, and
// the recorder sees what is there while the functions cannot reach it.
func (r *Recorder) ReadBy(reader directory.Table) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reader = reader
}

type table struct {
	next     directory.Table
	recorder *Recorder
}

// Read is next's.
func (t *table) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	rows, err := t.next.Read(ctx, keys...)
	if err == nil {
		t.recorder.see(keys, rows)
	}
	return rows, err //nolint:wrapcheck // the table's own error, by which the consumer decides
}

// Live is next's. Its rows are remembered because a cascade writes them without
// another read.
func (t *table) Live(ctx context.Context, pk, prefix, after string) (rows []directory.Row, next string, err error) {
	rows, next, err = t.next.Live(ctx, pk, prefix, after)
	if err == nil {
		keys := make([]directory.Key, len(rows))
		for i, row := range rows {
			keys[i] = row.Key()
		}
		t.recorder.see(keys, rows)
	}
	return rows, next, err //nolint:wrapcheck // as above
}

// Write is next's. Where a row's state is not known, it is read first: a write on
// the condition that it is newer does not say what it replaces. That is one read
// for each row that this process meets for the first time.
func (t *table) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	r := t.recorder
	r.begin(w)
	if w.Row != nil && !r.knows(w.Row.Key()) {
		t.look(ctx, w.Row.Key())
	}
	var existing directory.Existing
	if w.Existing == nil {
		w.Existing = &existing
	}
	result, err := t.next.Write(ctx, w)
	r.wrote(w, result, err)
	// The row that won is shown beside what lost.
	if err == nil && result == directory.Written && w.Row == nil {
		t.completeStale(ctx, w)
	}
	return result, err //nolint:wrapcheck // as above
}

// completeStale records what a message wanted that lost. The consumer has two
// ways to find that it lost: a write that is refused, which has been seen here, or
// a read, after which it tries none. Then the projector says what it wanted.
func (t *table) completeStale(ctx context.Context, w directory.Write) {
	if w.LedgerEntry == nil || w.LedgerEntry.Outcome != string(consumer.Stale) {
		return
	}
	r := t.recorder
	wanted := r.wanted(w.LedgerEntry.SvixID)
	if wanted == nil {
		return
	}
	if !r.knows(wanted.Key()) {
		t.look(ctx, wanted.Key())
	}
	r.lost(w.LedgerEntry.SvixID, wanted)
}

// look reads a row for the recorder. After an error it is not known, which shows.
func (t *table) look(ctx context.Context, k directory.Key) {
	r := t.recorder
	r.mu.Lock()
	reader := r.reader
	r.mu.Unlock()
	if reader == nil {
		reader = t.next
	}
	if rows, err := reader.Read(ctx, k); err == nil {
		r.see([]directory.Key{k}, rows)
	}
}

// see remembers rows that were read, nil for those that do not exist.
func (r *Recorder) see(keys []directory.Key, rows []directory.Row) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, k := range keys {
		r.rows.see(k, rows[i])
	}
}

func (r *Recorder) knows(k directory.Key) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.rows.row(k)
	return ok
}

// begin notes when an attempt of a message began. The message may be one that
// came by the queue alone, or one whose request is not reported yet.
func (r *Recorder) begin(w directory.Write) {
	if w.LedgerEntry == nil {
		return
	}
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.genuine(w.LedgerEntry.SvixID, w.LedgerEntry.ReceivedAt)
	if m.started.IsZero() {
		m.started = now
	}
	m.Entity = w.LedgerEntry.Entity
	if m.EventType == "" {
		m.EventType = w.LedgerEntry.EventType
	}
}

// wrote records how a write came out.
func (r *Recorder) wrote(w directory.Write, result directory.Result, err error) {
	if w.Row == nil {
		return
	}
	record := r.newWrite(w)
	r.mu.Lock()
	defer r.mu.Unlock()
	record.Before, record.BeforeKnown = r.rows.row(record.Key)
	switch {
	case err != nil:
		record.Outcome = WriteFailed
		r.record(record)
		r.rows.doubt(record)
	case result == directory.Written:
		record.Outcome = WriteApplied
		if r.rows.adjoin(record) {
			r.rows.see(record.Key, w.Row)
		}
		r.record(record)
	case result == directory.AlreadyRecorded:
		// The message was applied before, by a write that is in the history unless its
		// answer was lost. Then the row was read before this write, and see has found it.
	default:
		// Another write was first, so what is known of the row is old.
		r.rows.forget(record.Key)
		// Of those on this condition the consumer tries none again: this one has lost.
		if _, newer := w.If.Newer(); newer {
			if m := r.messages[record.SvixID]; m != nil {
				m.lost = w.Row
			}
		}
	}
}

// newWrite is the record of a write, before its outcome.
func (r *Recorder) newWrite(w directory.Write) *Write {
	record := &Write{
		At: r.now(), SvixID: w.Row.Text(directory.AttrSvixID), Key: w.Row.Key(), Wanted: w.Row,
		Put: w.Put, Drop: w.Drop, Child: w.LedgerEntry == nil && w.Row.Gone(),
	}
	if w.LedgerEntry != nil {
		record.SvixID = w.LedgerEntry.SvixID
	}
	return record
}

// record puts a write into the history of its row and under its message.
func (r *Recorder) record(w *Write) {
	r.rows.add(w)
	if m := r.messages[w.SvixID]; m != nil && m.Proven {
		m.addWrite(w)
	}
	r.publish(Event{Kind: EventRow, ID: w.SvixID, Key: w.Key, Step: Step{Stage: w.Outcome, SvixID: w.SvixID}})
}

// wanted is the row that a message would have written, nil where it is not known.
func (r *Recorder) wanted(id string) directory.Row {
	r.mu.Lock()
	var row directory.Row
	var body []byte
	if m := r.messages[id]; m != nil && m.Proven {
		row, body = m.lost, m.Body
		m.lost = nil
		m.lostEarly = row == nil && body == nil
	}
	r.mu.Unlock()
	if row != nil || body == nil || r.projector == nil {
		return row
	}
	e, err := clerk.Decode(body)
	if err != nil {
		return nil
	}
	change, err := r.projector.Project(e, id)
	if err != nil {
		return nil
	}
	return change.Row
}

// completeEarly records what a message wanted that lost before its request was
// reported: sync may be done with it before ingest has answered.
func (r *Recorder) completeEarly(id string) {
	r.mu.Lock()
	m := r.messages[id]
	early := m != nil && m.lostEarly && m.Body != nil
	r.mu.Unlock()
	if !early {
		return
	}
	if wanted := r.wanted(id); wanted != nil {
		r.lost(id, wanted)
	}
}

// lost records what a message wanted that lost to the row that is known.
func (r *Recorder) lost(id string, wanted directory.Row) {
	r.mu.Lock()
	defer r.mu.Unlock()
	row, known := r.rows.row(wanted.Key())
	r.record(&Write{
		At: r.now(), SvixID: id, Key: wanted.Key(), Outcome: WriteStale, Wanted: wanted,
		Before: row, BeforeKnown: known,
		Reason: directory.WhyStale(row.Revision(), wanted.Revision()),
	})
}
