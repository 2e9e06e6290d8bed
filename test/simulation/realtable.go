package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// Options are for histories on tables that are not Memory.
type Options struct {
	// Table is the pair of tables; all histories share it, each with ids of
	// its own, so that it need not be empty of other runs' rows.
	Table directory.Table
	// Name is in all ids: letters and digits, another one for each run over
	// tables that are kept.
	Name      string
	First     uint64 // seed of the first history
	Histories int
	AtOnce    int // histories, 1 unless set
}

// RunOn runs histories on other tables, through whatever lies between. The
// interleaving is the machine's own, so that a seed fixes the history and the
// faults' dice, not the order of calls; faults are those that can be had
// outside the tables; and what is judged is how it ends.
func RunOn(t *testing.T, o Options) *Tally {
	t.Helper()
	var (
		tally   Tally
		begun   atomic.Int64
		seeds   atomic.Uint64
		workers sync.WaitGroup
		plan    = plans()
	)
	seeds.Store(max(o.First, 1) - 1)
	for range max(o.AtOnce, 1) {
		workers.Go(func() {
			for begun.Add(1) <= int64(o.Histories) && !t.Failed() {
				seed, p := nextPlan(plan, &seeds)
				messages := history(p, o.Name+"s"+strconv.FormatUint(seed, 10)+"x")
				s := &street{Options: o, plan: p, tally: &tally, random: newRandom(seed, 3), messages: messages, isDead: map[string]bool{}}
				if err := s.run(t.Context()); err != nil {
					t.Errorf("the history of seed %d: %v", seed, err)
				}
				tally.histories.Add(1)
				tally.events.Add(int64(len(messages)))
			}
		})
	}
	workers.Wait()
	return &tally
}

// street is one history on other tables: what day is in a bubble, with the
// machine's own concurrency.
type street struct {
	Options
	plan     Plan
	tally    *Tally
	messages []*message

	mu      sync.Mutex
	random  *rand.Rand
	waiting []*parcel
	all     int
	held    int // parcels in a consumer
	budget  int
	isDead  map[string]bool
	verdict error
}

func (s *street) run(ctx context.Context) error {
	s.budget = s.plan.Budget
	for _, m := range s.messages {
		for range 1 + s.random.IntN(2) {
			s.waiting = append(s.waiting, &parcel{id: strconv.Itoa(s.all), message: m})
			s.all++
		}
	}
	if s.plan.Mix > 0 {
		s.random.Shuffle(len(s.waiting), func(i, j int) { s.waiting[i], s.waiting[j] = s.waiting[j], s.waiting[i] })
	}
	var consumers sync.WaitGroup
	for range s.plan.Workers {
		consumers.Go(func() {
			for s.work(ctx) {
			}
		})
	}
	consumers.Wait()
	if s.verdict != nil {
		return s.verdict
	}
	e, err := expect(s.plan, s.messages)
	if err != nil {
		return err
	}
	return e.checkAll(s.messages, tableView{ctx, s})
}

// work handles one batch; it reports false when nothing is left.
func (s *street) work(ctx context.Context) bool {
	batch, more := s.take()
	if len(batch) == 0 {
		if more {
			time.Sleep(time.Millisecond)
		}
		return more
	}
	s.tally.invocations.Add(1)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	inv := &invocation{cancel: cancel}
	for _, p := range batch {
		inv.records = append(inv.records, record(p))
	}
	c := consumer.New(consumer.Config{
		Table:     &faultyTable{s, inv},
		Queue:     &faultyQueue{s, inv},
		Projector: projector.New(s.plan.Storage),
		Policy:    s.plan.Policy,
		Retention: 90 * 24 * time.Hour,
		Now:       time.Now,
		Random:    func() float64 { return 0 },
		Observe:   func(context.Context, consumer.Report) {},
		Warn:      func(context.Context, string, error) {},
	})
	failed := c.Handle(ctx, inv.records)
	s.give(inv, batch, failed)
	return true
}

func (s *street) take() (batch []*parcel, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.waiting), 1+s.random.IntN(10))
	batch = slices.Clone(s.waiting[:n])
	s.waiting = s.waiting[n:]
	s.held += n
	for _, p := range batch {
		p.receives++
		if s.luckyLocked() {
			s.tally.count(EarlyRedelivery)
			s.waiting = append(s.waiting, &parcel{id: p.id, message: p.message, receives: p.receives})
		}
	}
	return batch, s.held > 0 || len(s.waiting) > 0
}

// give ends a batch: what failed, or what a dead consumer had, comes again.
func (s *street) give(inv *invocation, batch []*parcel, failed []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held -= len(batch)
	partial := len(batch) > 1 && s.luckyLocked()
	if partial {
		s.tally.count(PartialBatch)
	}
	for i, p := range batch {
		if inv.killed || slices.Contains(failed, p.id) || partial && i%2 == 0 {
			if p.receives > 60 && s.verdict == nil {
				s.verdict = fmt.Errorf("%s was received more than 60 times", p.message.svixID)
			}
			if s.verdict == nil {
				s.waiting = append(s.waiting, p)
			}
		}
	}
}

func (s *street) luckyLocked() bool {
	if s.budget == 0 || s.random.IntN(1000) >= 2*s.plan.Faults {
		return false
	}
	s.budget--
	return true
}

// dice says how a call goes: whether it is done, and the error that its
// caller sees.
func (s *street) dice(inv *invocation) (done bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tally.steps.Add(1)
	if inv.killed {
		return false, errKilled
	}
	if !s.luckyLocked() {
		return true, nil
	}
	half := s.random.IntN(2) == 0
	switch s.random.IntN(6) {
	case 0:
		s.tally.count(ErrorWithoutEffect)
		return false, errBroken
	case 1:
		s.tally.count(EffectWithError)
		return true, errBroken
	case 2:
		s.tally.count(Timeout)
		return half, errTimeout
	case 3:
		s.tally.count(Throttle)
		return false, errThrottled
	case 4:
		s.tally.count(TransactionConflict)
		return false, errConflict
	}
	s.tally.count(Death)
	inv.killed = true
	inv.cancel()
	return half, errKilled
}
