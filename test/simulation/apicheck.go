package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/backfill"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
)

// countingTable counts the writes that take effect.
type countingTable struct {
	directory.Table
	written atomic.Int64
}

// Write implements directory.Table.
func (t *countingTable) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	r, err := t.Table.Write(ctx, w)
	if r == directory.Written && err == nil {
		t.written.Add(1)
	}
	return r, err
}

// checkReaders is the end of a history with readers of Clerk's API, when nothing is
// in flight: a backfill and a repair then make the tables what Clerk is, and
// a second backfill finds nothing to write.
func (s *scheduler) checkReaders(ctx context.Context) error {
	if err := checkMessages(ctx, s.memory, s.messages, s.monitor); err != nil {
		return err
	}
	if err := s.checkNoOrphans(); err != nil {
		return err
	}
	// The runbook deletes what a reader wrote shortly before a backup: an older
	// membership may be there again, until the repair.
	if s.faults[Restored] == 0 {
		if err := s.checkDeletions(); err != nil {
			return err
		}
	}
	i := &s.readers.instance
	i.position = len(i.states)
	i.now = max(i.now, i.states[i.position-1].at)
	table := &countingTable{Table: s.memory}
	inv := &invocation{id: s.started + 1, reader: &reader{}}
	config := s.consumerConfig(inv, 0.5)
	config.Table = table
	if s.bug != nil && s.bug.reads != nil {
		config.Table = s.bug.reads(table)
	}
	w := s.newWriter(config)
	if err := s.backfillAll(ctx, w); err != nil {
		return err
	}
	if s.faults[Restored] > 0 && table.written.Load() > 0 {
		s.count(RestoredThenBackfill)
	}
	if err := s.repairAll(ctx, w); err != nil {
		return err
	}
	if err := s.checkClerk(); err != nil {
		return err
	}
	table.written.Store(0)
	if err := s.backfillAll(ctx, w); err != nil {
		return err
	}
	if table.written.Load() > 0 {
		return fmt.Errorf("a second backfill of a still instance has %d writes", table.written.Load())
	}
	return s.checkDeletions()
}

// backfillAll reads the instance kind by kind, hours after all that has happened.
func (s *scheduler) backfillAll(ctx context.Context, w *backfill.Writer) error {
	i := &s.readers.instance
	i.pass(time.Hour)
	at, r := time.UnixMilli(i.now), &reader{}
	list := i.living(i.position)
	for _, kind := range backfill.Kinds() {
		page := pageOf{read: clerkapi.Read{Began: at, Date: at}}
		for _, o := range list {
			if o.kind() == kind {
				page.states = append(page.states, o)
			}
		}
		if err := r.write(ctx, w, page); err != nil {
			return err
		}
	}
	return nil
}

// checkNoOrphans checks that no row outlives a parent that an event deleted, whoever
// wrote it. A repair that was killed may leave children of what it deleted, and a
// backfill rows of the page that it had in hand; the next repair asks for each of
// them.
func (s *scheduler) checkNoOrphans() error {
	for _, o := range s.readers.instance.states {
		m := o.content
		r := s.memory.rows[m.key]
		if !r.Live() || m.deletion || s.readers.unfinished[m.key] || r.Text("org_id") != m.row.Text("org_id") {
			continue
		}
		for _, p := range m.parents {
			if r := s.memory.rows[p]; r.Gone() && !byAbsence(r) {
				return fmt.Errorf("%v is live under the deleted %v", m.key, p)
			}
		}
	}
	return nil
}

// checkDeletions checks that nothing that an event deleted is there. After a
// restoration a membership that was created anew may be lost, and one that was
// deleted before it may have been deleted again by the repair.
func (s *scheduler) checkDeletions() error {
	for _, m := range s.messages {
		r := s.memory.rows[m.key]
		if m.invalid || !m.deletion {
			continue
		}
		incarnation := string(r.Revision().Incarnation())
		if r == nil && m.incarnationID == "" || r.Live() && incarnation <= m.incarnationText() ||
			byAbsence(r) && incarnation == m.incarnationText() && s.faults[Restored] == 0 {
			return fmt.Errorf("%v is not as its deletion by %s left it: %s", m.key, m.svixID, r.Text("rev"))
		}
	}
	return nil
}

// checkClerk checks that the live rows are Clerk's objects, each with its pointer,
// and that there are no others.
func (s *scheduler) checkClerk() error {
	i := &s.readers.instance
	known := map[directory.Key]bool{}
	for _, o := range i.living(i.position) {
		m := o.content
		known[m.key] = true
		if s.isUndecided(m.key) {
			if r := s.memory.rows[m.key]; !r.Live() {
				continue
			}
		}
		if err := s.checkObject(o); err != nil {
			return err
		}
		if m.pointer == nil {
			continue
		}
		known[m.pointer.Key()] = true
		if err := s.compareColumns(m.pointer); err != nil {
			return err
		}
	}
	for k, r := range s.memory.rows {
		if r.Live() && !known[k] {
			return fmt.Errorf("%v is live, and Clerk does not have it", k)
		}
	}
	return nil
}

// isUndecided says whether a domain has ever been of an organization that is
// deleted: a deletion that arrived before the move has deleted it.
func (s *scheduler) isUndecided(k directory.Key) bool {
	return k.SK == "DOMAIN" && slices.ContainsFunc(s.monitor.parentsOf(directory.Row{"pk": k.PK, "sk": k.SK}),
		func(p directory.Key) bool { return s.memory.rows[p].Gone() })
}

// checkObject compares a row with an object of Clerk.
func (s *scheduler) checkObject(o *state) error {
	m := o.content
	if err := s.compareColumns(m.row); err != nil {
		return err
	}
	want := objectOf(m.rowIn(s.plan.Storage), o.kind())
	got := objectOf(s.memory.rows[m.key], o.kind())
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("the object of %v differs from Clerk's (-want +got):\n%s", m.key, diff)
	}
	return nil
}

// compareColumns compares a row, or a pointer, in what Clerk says.
func (s *scheduler) compareColumns(want directory.Row) error {
	k := want.Key()
	row := s.memory.rows[k]
	if !row.Live() {
		return fmt.Errorf("%v is not live, and Clerk has it", k)
	}
	want, row = want.Clone(), row.Clone()
	for _, r := range []directory.Row{want, row} {
		for _, name := range []string{"rev", "svix_id", "read_at", "synced_at", "instance_id", "object", "omitted"} {
			delete(r, name)
		}
		if r.Text("kind") == directory.KindInvitation { // the event of its acceptance may be lost
			delete(r, "user_id")
		}
	}
	if diff := cmp.Diff(want, row); diff != "" {
		return fmt.Errorf("%v differs from Clerk's object (-want +got):\n%s", k, diff)
	}
	return nil
}

// objectOf is the object in a row, without what moves without news and what only
// events tell.
func objectOf(r directory.Row, kind string) map[string]string {
	var members map[string]json.RawMessage
	_ = json.Unmarshal([]byte(r.Text("object")), &members) // none is an empty object
	texts := map[string]string{}
	for name, text := range members {
		if name != "last_active_at" && !slices.Contains(onlyInEvents(kind), name) {
			texts[name] = string(text)
		}
	}
	return texts
}
