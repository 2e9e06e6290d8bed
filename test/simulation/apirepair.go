package simulation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/clerksync/clerksync/internal/emulator"
	clerkemulator "github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/backfill"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
)

// repairAll makes the tables what Clerk is, as `clerksync diff --repair` does: its own diff asks an emulated instance
// that has what the model has. It is a day later, so that no webhook can be on its way.
func (s *scheduler) repairAll(ctx context.Context, w *backfill.Writer) error {
	i := &s.readers.instance
	i.pass(24 * time.Hour)
	now := func() time.Time { return time.UnixMilli(i.now) }
	w.Consumer.Now = now
	instance := clerkemulator.New(clerkemulator.Options{ID: w.InstanceID, Now: now, Limit: -1})
	for _, o := range i.living(i.position) {
		if err := instance.Put(o.kind(), o.text(i.now)); err != nil {
			return fmt.Errorf("put %v into the emulated instance: %w", o.content.key, err)
		}
	}
	client, err := clerkapi.New(clerkapi.Options{
		Key: "sk_test_simulation", Rate: 1e9, Transport: emulator.HandlerClient{Handler: instance}, Now: now,
	})
	if err != nil {
		return fmt.Errorf("set up the client of Clerk's API: %w", err)
	}
	var failure error
	var unproven []directory.Row
	d := &backfill.Diff{Client: client, Writer: w, Rows: rowsOf{s.memory}, OnFailure: func(f backfill.Failure) {
		if r := s.withoutOrganization(f); r != nil {
			unproven = append(unproven, r)
			return
		}
		failure = fmt.Errorf("diff of %s %s: %w", f.Kind, f.ID, f.Err)
	}}
	report, err := d.Run(ctx)
	if err == nil {
		// Clerk's two answers lie as far apart as the caller says. Here nothing happens between them.
		err = d.Repair(ctx, report, backfill.RepairOptions{AllowDeletions: len(s.memory.rows)})
	}
	if err := errors.Join(err, failure); err != nil {
		return fmt.Errorf("repair the tables: %w", err)
	}
	for _, f := range report.Findings {
		if f.Repair != "" {
			s.count(Repaired)
		}
	}
	for _, r := range unproven { // as whoever reads that it was not compared
		if _, err := w.Consumer.DeleteAbsent(ctx, r, now()); err != nil {
			return fmt.Errorf("delete a membership without organization: %w", err)
		}
	}
	return nil
}

// withoutOrganization is the row of a membership or an invitation whose organization neither Clerk nor the table has,
// nil for any other. All events about that organization were lost. A repair must not delete such a row: of an
// organization that it denies Clerk says nothing more, and no tombstone says that it was right to deny it.
func (s *scheduler) withoutOrganization(f backfill.Failure) directory.Row {
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	i := &s.readers.instance
	for _, r := range s.memory.rows {
		org, id := directory.OrganizationKey(r.Text("org_id")), r.Text("id")
		if f.Kind == directory.KindMembership {
			id = r.Text("org_id") + "/" + r.Text("user_id")
		}
		isChild := f.Kind == directory.KindMembership || f.Kind == directory.KindInvitation
		if isChild && r.Text("kind") == f.Kind && id == f.ID &&
			s.memory.rows[org] == nil && i.has(i.position, org) == nil {
			return r
		}
	}
	return nil
}

// rowsOf lists the rows of a table as one page.
type rowsOf struct{ *Memory }

// Scan implements backfill.Lister.
func (r rowsOf) Scan(context.Context, directory.Key) (rows []directory.Row, next directory.Key, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range slices.SortedFunc(maps.Keys(r.rows), compareKeys) {
		rows = append(rows, r.rows[k])
	}
	return rows, next, nil
}
