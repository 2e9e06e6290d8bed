package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing/synctest"
	"time"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// rehearsal is one interleaving.
type rehearsal struct {
	Scenario
	*stage
	messages []*message
	path     []*node
	open     []int // choices at each point, by depth; sleeping ones of other ids included
	depth    int
	pruned   bool
	crashed  bool
	todo     [2][]int
	running  [2]*invocation
	batches  [2]int
}

func (r *rehearsal) acknowledge(ids []string) {
	for _, id := range ids {
		n, _ := strconv.Atoi(id)
		r.judge.acknowledged(r.messages[n].svixID)
	}
}

func (r *rehearsal) delay(string, time.Duration) {}

func (r *rehearsal) run() error {
	r.stage = newStage(r.Plan, r.Bug, r.messages)
	r.queueOps = r
	for i, list := range r.Consumers {
		r.todo[i] = slices.Clone(list)
	}
	defer r.stop()
	for r.judge.verdict == nil {
		synctest.Wait()
		if r.turn() {
			continue
		}
		list := r.choices()
		if len(list) == 0 {
			if r.running == [2]*invocation{} {
				break
			}
			<-r.wake // a timer of a consumer's
			continue
		}
		c, ok := r.choose(list)
		if !ok {
			r.pruned = true
			return nil
		}
		c.do()
	}
	if r.judge.verdict != nil {
		return r.judge.verdict
	}
	e, err := expect(r.Plan, r.messages)
	if err != nil {
		return err
	}
	return e.checkAll(r.messages, memoryView{&day{stage: r.stage}})
}

func (r *rehearsal) stop() {
	for _, inv := range r.running {
		if inv != nil {
			r.kill(inv)
		}
	}
	synctest.Wait()
}

// turn settles what ended and starts what comes next. It reports whether
// there was any of that.
func (r *rehearsal) turn() (turned bool) {
	for _, inv := range r.ended() {
		r.settle(inv)
		r.running[inv.worker] = nil
		turned = true
		if inv.killed {
			continue // comes again
		}
		done := r.outcome(inv)
		r.acknowledge(done)
		if len(done) > 0 {
			r.todo[inv.worker] = r.todo[inv.worker][1:]
		}
	}
	for i := range r.running {
		if r.running[i] != nil || len(r.todo[i]) == 0 {
			continue
		}
		turned = true
		r.batches[i]++
		n := r.todo[i][0]
		p := &parcel{id: strconv.Itoa(n), message: r.messages[n], receives: 1}
		inv := &invocation{id: 100*i + r.batches[i], worker: i, records: []delivery.Record{record(p)}}
		r.running[i] = inv
		r.start(inv, time.Hour, 0.5)
	}
	return turned
}

// choices are all that can happen next.
func (r *rehearsal) choices() (list []choice) {
	for _, f := range r.memory.flights {
		for i, one := range f.items {
			list = append(list, choice{
				id: "show " + one.key.PK + " " + one.key.SK, keys: []directory.Key{one.key}, worker: -1,
				do: func() { r.show(f, i) },
			})
		}
	}
	for _, c := range r.waiting() {
		busy := slices.ContainsFunc(r.memory.flights, func(f *flight) bool { return c.write != nil && slices.ContainsFunc(c.keys, f.touches) })
		if busy || c.by.killed {
			continue // DynamoDB would say that they conflict, and the caller try again
		}
		one := choice{id: c.name, keys: c.keys, reads: c.reads, worker: c.by.worker}
		one.do = func() { r.effect(c, nil) }
		list = append(list, one)
		if r.Crash && !r.crashed {
			before := choice{id: c.name + " not done: death", crash: true, worker: c.by.worker}
			before.do = func() { r.die(c) }
			after := choice{id: c.name + " done: death", keys: c.keys, reads: c.reads, crash: true, worker: c.by.worker}
			after.do = func() {
				r.effect(c, errBroken)
				r.die(c)
			}
			list = append(list, before)
			if !c.reads {
				list = append(list, after)
			}
		}
	}
	return list
}

func (r *rehearsal) die(c *call) {
	r.crashed = true
	r.remove(c)
	r.kill(c.by)
}

// end is all that the tables hold, our clock aside.
func (r *rehearsal) end() string {
	var b strings.Builder
	for _, k := range slices.SortedFunc(maps.Keys(r.memory.rows), compareKeys) {
		row := own(r.memory.rows[k])
		delete(row, "synced_at")
		fmt.Fprintln(&b, row)
	}
	for _, id := range slices.Sorted(maps.Keys(r.memory.deliveries)) {
		fmt.Fprintln(&b, id, r.memory.deliveries[id].Outcome)
	}
	return b.String()
}

func (r *rehearsal) story() (lines []string) {
	for _, n := range r.path {
		lines = append(lines, n.chosen.id)
	}
	return lines
}

// effect does what a call asks. A group of calls of one name is one call here:
// the consumers make none at once.
func (r *rehearsal) effect(c *call, err error) {
	r.remove(c)
	switch {
	case c.write != nil:
		f, result, refused := r.memory.begin(*c.write, c.rules)
		c.result, c.err = result, err
		if f == nil {
			if err == nil {
				c.err = refused
			}
			break
		}
		f.done = func() { close(c.reply) }
		for !r.ByItem && len(f.items) > 0 {
			r.show(f, 0)
		}
		return
	case c.part != nil:
		c.part(func(int) bool { return true })
	default:
		c.run()
	}
	if c.err == nil {
		c.err = err
	}
	close(c.reply)
}

func (r *rehearsal) show(f *flight, i int) {
	f.items[i].show()
	f.items = slices.Delete(f.items, i, i+1)
	if len(f.items) == 0 {
		r.memory.land(f)
		r.judge.landed(f)
		f.done()
	}
}
