package simulation

import (
	"math/rand/v2"
	"slices"
	"testing/synctest"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
)

// day directs one history: it is Svix, SQS, Lambda and whatever goes wrong.
// Everything that it does, it picks by its seed.
type day struct {
	*stage
	random   *rand.Rand
	tally    *Tally
	budget   int
	messages []*message
	arrivals []*message // copies that Svix is about to deliver, in this order
	late     []*message // hours after all the rest
	queue    []*parcel
	workers  []*invocation // by worker, nil while idle
	hung     []*hanging
	ghosts   []*call // effects that come after their caller has given up
	started  int
	steps    int
}

// parcel is a message on the queue.
type parcel struct {
	id       string
	message  *message
	visible  time.Time
	receives int
	holders  int // invocations that work on it
	deleted  bool
}

// hanging is a call whose answer never comes.
type hanging struct {
	call  *call
	later bool // its effect comes all the same
}

const tooManySteps = 100_000

func newDay(p Plan, messages []*message, bug *Bug, tally *Tally) *day {
	d := &day{
		stage:    newStage(p, bug, messages),
		random:   newRandom(p.Schedule, 2),
		tally:    tally,
		budget:   p.Budget,
		messages: messages,
		workers:  make([]*invocation, p.Workers),
	}
	d.queueOps = d
	d.post()
	return d
}

// post makes Svix's deliveries: each message once or more, out of order, some
// of the copies late.
func (d *day) post() {
	type copied struct {
		m     *message
		place float64
	}
	var all []copied
	spread := []float64{2, 8, float64(4 * len(d.messages))}[d.plan.Mix]
	for i, m := range d.messages {
		copies := 1
		for d.random.IntN(4) == 0 && copies < 4 {
			copies++
		}
		for range copies {
			all = append(all, copied{m, float64(i) + d.random.Float64()*spread})
		}
		if d.random.IntN(12) == 0 {
			d.late = append(d.late, m)
		}
	}
	slices.SortStableFunc(all, func(a, b copied) int {
		if a.place < b.place {
			return -1
		}
		return 1
	})
	for _, c := range all {
		d.arrivals = append(d.arrivals, c.m)
	}
	d.random.Shuffle(len(d.late), func(i, j int) { d.late[i], d.late[j] = d.late[j], d.late[i] })
}

// run directs until nothing is left to do or something is wrong.
func (d *day) run() error {
	for d.judge.verdict == nil {
		synctest.Wait()
		acts := d.acts()
		if len(acts) == 0 {
			if !d.pass() {
				break
			}
			continue
		}
		if d.steps++; d.steps > tooManySteps {
			d.judge.fault("it never comes to an end")
			break
		}
		acts[d.random.IntN(len(acts))]()
		d.strike()
	}
	d.stop()
	d.tally.steps.Add(int64(d.steps))
	d.tally.invocations.Add(int64(d.started))
	return d.judge.verdict
}

// stop ends whatever still runs, so that the bubble can end.
func (d *day) stop() {
	for _, inv := range d.workers {
		if inv != nil {
			d.kill(inv)
		}
	}
	synctest.Wait()
}

// acts are all that can happen next.
func (d *day) acts() (acts []func()) {
	calls := d.waiting()
	for i := 0; i < len(calls); {
		// Calls of one name are the same call made twice by one invocation:
		// they go on together, so that it does not matter which is which.
		j := i + 1
		for j < len(calls) && calls[j].name == calls[i].name {
			j++
		}
		group := calls[i:j]
		acts = append(acts, func() { d.grant(group) })
		i = j
	}
	for _, f := range d.memory.flights {
		acts = append(acts, func() { d.show(f) })
	}
	for _, h := range d.hung {
		acts = append(acts, func() { d.giveUp(h) })
	}
	for _, c := range d.ghosts {
		acts = append(acts, func() { d.haunt(c) })
	}
	for _, inv := range d.ended() {
		acts = append(acts, func() { d.finish(inv) })
	}
	if len(d.arrivals) > 0 {
		acts = append(acts, d.arrive)
	}
	if len(d.memory.behind) > 0 {
		acts = append(acts, d.memory.catchUp)
	}
	if slices.Contains(d.workers, nil) && len(d.visible()) > 0 {
		acts = append(acts, d.receive)
	}
	return acts
}

// pass lets time go by until something can happen. It reports false when
// nothing ever will.
func (d *day) pass() bool {
	wait := time.Hour
	waiting := false
	for _, p := range d.queue {
		if !p.deleted {
			waiting = true
			wait = min(wait, max(time.Until(p.visible), time.Millisecond))
		}
	}
	busy := slices.ContainsFunc(d.workers, func(inv *invocation) bool { return inv != nil })
	if !waiting && !busy {
		if len(d.late) == 0 {
			return false
		}
		d.arrivals, d.late = append(d.arrivals, d.late[0]), d.late[1:]
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-d.wake:
	case <-t.C:
	}
	return true
}

// check is the end: all rows, pointers and records.
func (d *day) check() error {
	e, err := expect(d.plan, d.messages)
	if err != nil {
		return err
	}
	return e.checkAll(d.messages, memoryView{d})
}

// memoryView is what checkAll sees of the tables in memory.
type memoryView struct{ *day }

func (v memoryView) row(k directory.Key) (directory.Row, error) { return v.memory.rows[k], nil }

func (v memoryView) recorded(m *message) (bool, error) {
	_, ok := v.memory.deliveries[m.svixID]
	return ok || v.judge.expired[m.svixID], nil
}

func (v memoryView) dead(m *message) bool { return v.judge.dead[m.svixID] }

func (v memoryView) others(known map[directory.Key]bool) (list []directory.Key) {
	for k := range v.memory.rows {
		if !known[k] {
			list = append(list, k)
		}
	}
	return list
}
