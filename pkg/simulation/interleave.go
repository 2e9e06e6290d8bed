package simulation

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// Scenario is a few events in two consumers, small enough to try every
// interleaving of their remote calls and every point at which one of the
// consumers may die.
type Scenario struct {
	Name string
	Plan Plan // policy, storage, page
	// Events are made by Make, in Clerk's order; each consumer works on its
	// own list of them, one after the other, by index.
	Make      func(c *clerk)
	Consumers [2][]int
	// ByItem makes the items of each transaction visible one by one.
	ByItem bool
	// Crash lets one consumer die once, before or after the effect of any
	// call; what it had not finished comes again.
	Crash bool
	// Bug is planted, unless nil.
	Bug *Bug
}

// choice is something that can happen next in a scenario.
type choice struct {
	id     string
	keys   []directory.Key
	reads  bool
	crash  bool
	worker int
	do     func()
}

// dependent says whether the order of two choices can matter.
func (a choice) dependent(b choice) bool {
	if a.crash && b.crash || (a.crash || b.crash) && a.worker == b.worker {
		return true
	}
	if a.reads && b.reads {
		return false
	}
	return slices.ContainsFunc(a.keys, func(k directory.Key) bool {
		return slices.ContainsFunc(b.keys, func(l directory.Key) bool {
			return k == l || k.PK == l.PK && (k.SK == "" || l.SK == "")
		})
	})
}

// node is a point of a run at which something was chosen.
type node struct {
	sleeping map[string]choice // need not be tried here: tried in another order already
	chosen   choice
}

// Every runs all interleavings of the scenario, less those that differ from
// another in nothing but the order of calls that do not meet (sleep sets:
// https://doi.org/10.1007/3-540-60761-7). It returns how many there were and
// the first that broke a promise.
func (s Scenario) Every(t *testing.T) (runs int, err error) {
	t.Helper()
	c := &clerk{plan: s.Plan, now: start + 123, random: newRandom(7, 1)}
	s.Make(c)
	var path []*node
	for {
		r := &rehearsal{Scenario: s, messages: c.messages, path: path}
		synctest.Test(t, func(*testing.T) { err = r.run() })
		if !r.pruned {
			runs++
		}
		if err != nil {
			return runs, fmt.Errorf("%w\nafter:\n  %s", err, strings.Join(r.story(), "\n  "))
		}
		// Back to the last point at which something else is left to try.
		path = r.path
		for len(path) > 0 {
			last := path[len(path)-1]
			last.sleeping[last.chosen.id] = last.chosen
			if r.open[len(path)-1] > len(last.sleeping) {
				break
			}
			path = path[:len(path)-1]
		}
		if len(path) == 0 {
			return runs, nil
		}
	}
}

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

// choose takes what the path says, and beyond its end the first choice that
// does not sleep; it reports false where all of them do.
func (r *rehearsal) choose(list []choice) (choice, bool) {
	if r.depth == len(r.path) {
		r.path = append(r.path, &node{sleeping: r.asleep()})
	}
	n := r.path[r.depth]
	r.open = append(r.open, len(list)+foreign(n.sleeping, list))
	replay := r.depth < len(r.path)-1
	r.depth++
	for _, c := range list {
		_, sleeps := n.sleeping[c.id]
		if replay && c.id == n.chosen.id || !replay && !sleeps {
			n.chosen = c
			return c, true
		}
	}
	if replay {
		r.judge.fault("the run differs from itself: %s is no more a choice", n.chosen.id)
	}
	r.path = r.path[:len(r.path)-1]
	r.open = r.open[:len(r.open)-1]
	return choice{}, false
}

// foreign counts the sleeping choices that are none here.
func foreign(sleeping map[string]choice, list []choice) (n int) {
	for id := range sleeping {
		if !slices.ContainsFunc(list, func(c choice) bool { return c.id == id }) {
			n++
		}
	}
	return n
}

// asleep are the choices that sleep at a new point: those of the point before
// which what was chosen there did not meet.
func (r *rehearsal) asleep() map[string]choice {
	sleeping := map[string]choice{}
	if r.depth == 0 {
		return sleeping
	}
	before := r.path[r.depth-1]
	for id, c := range before.sleeping {
		if !c.dependent(before.chosen) {
			sleeping[id] = c
		}
	}
	return sleeping
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
