package simulation

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
)

// Options are for histories on tables that are not Memory.
type Options struct {
	// Table is the pair of tables; all histories share it, each with ids of
	// its own, so that it need not be empty of other runs' rows.
	Table directory.Table
	// Name is in all ids: letters and digits, another one for each run over
	// tables that are kept.
	Name      string
	Histories int
	AtOnce    int // histories, 1 unless set
}

// RunOn runs histories on a real table, through whatever lies between, and
// fails t at the first that breaks a promise.
func RunOn(t *testing.T, o Options) *Tally {
	t.Helper()
	tally := &Tally{}
	seed, err := eachHistory(max(o.AtOnce, 1), 1, o.Histories, func(seed uint64, r randomRun) error {
		messages := history(r.plan, o.Name+"s"+strconv.FormatUint(seed, 10)+"x").messages
		s := newRealTableScheduler(r.plan, messages, o.Table)
		defer tally.add(s)
		if err := s.run(); err != nil {
			return err
		}
		return s.check(t.Context(), realTables{o.Table})
	})
	if err != nil {
		t.Errorf("the history of seed %d: %v", seed, err)
	}
	return tally
}

// realTablePolicy is the random policy on a table that the scheduler does not
// control: it does not wait until all consumers are blocked, and calls to the
// table run at once with each other and with all the rest. A seed thus fixes
// the history, not the order of calls, and only faults that can be injected
// outside the table are used.
type realTablePolicy struct{ random randomPolicy }

// newRealTableScheduler prepares the run of a history. It must not run in a bubble of
// testing/synctest, which knows nothing of the network.
func newRealTableScheduler(p Plan, messages []*message, table directory.Table) *scheduler {
	s := newScheduler(p, messages, func() {})
	s.policy = realTablePolicy{randomPolicy{timeouts: []time.Duration{time.Minute}}}
	s.leaveToChance(newRandom(p.Seed, 3))
	s.table = table
	return s
}

func (p realTablePolicy) receives(s *scheduler) []choice { return p.random.receives(s) }

func (p realTablePolicy) choose(s *scheduler, possible []choice) (choice, bool) {
	return p.random.choose(s, possible)
}

// access starts the call; the scheduler answers it when it has come back.
func (p realTablePolicy) access(s *scheduler, c *call, failure error) {
	s.remote++
	go func() {
		err := c.run()
		s.harness.report(func() { s.harness.completed = append(s.harness.completed, completion{c, err, failure}) })
	}()
}

// realTables is what the final check reads of a real table.
type realTables struct{ directory.Table }

// recorded implements tables. A directory.Table cannot be asked for a ledger
// entry, so this tries to write one: the table says whether one was there.
func (t realTables) recorded(ctx context.Context, m *message) (bool, error) {
	now := time.Now()
	r, err := t.Write(ctx, directory.Write{LedgerEntry: &directory.LedgerEntry{
		SvixID:      m.svixID,
		EventType:   m.eventType,
		Entity:      m.entity,
		Outcome:     string(consumer.Stale),
		ReceivedAt:  now,
		ProcessedAt: now,
		ExpiresAt:   now.Add(time.Hour),
	}})
	if err != nil {
		return false, fmt.Errorf("look for the ledger entry of %s: %w", m.svixID, err)
	}
	return r == directory.AlreadyRecorded, nil
}

// unexpected implements tables. Other runs may share the table, so it looks
// only where known rows are, and sees live rows only.
func (t realTables) unexpected(ctx context.Context, known map[directory.Key]bool) (keys []directory.Key, err error) {
	seen := map[string]bool{}
	for k := range known {
		if seen[k.PK] {
			continue
		}
		seen[k.PK] = true
		for after, more := "", true; more; more = after != "" {
			var rows []directory.Row
			if rows, after, err = t.Live(ctx, k.PK, "", after); err != nil {
				return nil, fmt.Errorf("list the rows below %s: %w", k.PK, err)
			}
			for _, r := range rows {
				if !known[r.Key()] {
					keys = append(keys, r.Key())
				}
			}
		}
	}
	return keys, nil
}
