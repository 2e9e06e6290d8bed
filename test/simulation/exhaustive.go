package simulation

import (
	"slices"
	"testing/synctest"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
)

// exhaustivePolicy tries every order, depth first: each run repeats the
// transitions of the run before up to the last decision for which another one is
// left to try, and takes that.
//
// Two interleavings that differ only in the order of neighbouring transitions
// that do not depend on each other end in the same state, so one of them is
// enough. The transitions that need not be tried for a decision, because the other
// order was tried, are asleep there; a run in which all are asleep is pruned
// (sleep sets: https://doi.org/10.1007/3-540-60761-7).
type exhaustivePolicy struct {
	scenario Scenario
	path     []*decision // of this run; at its start, what it repeats and the decision where it differs
	depth    int         // how many decisions of the path this run has come to
	pruned   bool        // this run ended where all transitions were asleep
	died     bool        // a consumer did, in this run
	batches  [2]int      // of each consumer, in this run
}

// decision is one of a run's choices among transitions.
type decision struct {
	transitions int                   // how many there are, asleep ones included
	asleep      map[string]transition // by id: tried here before, or inherited from the decision before
	chosen      transition
}

// newScheduler prepares the run of the next interleaving.
func (p *exhaustivePolicy) newScheduler(messages []*message) *scheduler {
	p.depth, p.pruned, p.died, p.batches = 0, false, false, [2]int{}
	s := newScheduler(p.scenario.Plan, messages, synctest.Wait)
	s.bug, s.policy = p.scenario.Bug, p
	s.running = make([]*invocation, len(p.scenario.Consumers))
	s.useMemory(NewMemory(p.scenario.Plan.Page))
	for _, list := range p.scenario.Consumers {
		for _, i := range list {
			s.queue.add(messages[i])
		}
	}
	return s
}

// receives gives each idle consumer the first of its messages that is left.
func (p *exhaustivePolicy) receives(s *scheduler) (list []choice) {
	first := 0 // of this consumer's messages on the queue
	for worker, own := range p.scenario.Consumers {
		messages := slices.Clone(s.queue.messages[first : first+len(own)])
		left := slices.DeleteFunc(messages, func(c *queued) bool { return c.deleted })
		first += len(own)
		if s.running[worker] == nil && len(left) > 0 {
			list = append(list, choice{anyOrder: true, do: func() {
				p.batches[worker]++
				// An id counts by consumer: a call's name must not depend on
				// the order of the calls of the other one.
				inv := &invocation{id: 100*worker + p.batches[worker], worker: worker}
				s.start(inv, left[:1], time.Hour, 0.5)
			}})
		}
	}
	return list
}

// access makes each item of a transaction a choice, if the scenario says so.
func (p *exhaustivePolicy) access(s *scheduler, c *call, failure error) {
	s.accessMemory(c, failure, func() bool { return p.scenario.ItemByItem })
}

// choose takes what the path says and, beyond its end, the first transition
// that is not asleep. It prunes the run where all of them are.
func (p *exhaustivePolicy) choose(s *scheduler, possible []choice) (choice, bool) {
	if i := slices.IndexFunc(possible, func(c choice) bool { return c.anyOrder }); i >= 0 {
		return possible[i], true
	}
	transitions := p.transitions(s, possible)
	if p.depth == len(p.path) {
		asleep := p.inherited()
		p.path = append(p.path, &decision{transitions: len(transitions) + missing(asleep, transitions), asleep: asleep})
	}
	at, repeats := p.path[p.depth], p.depth < len(p.path)-1
	p.depth++
	for _, t := range transitions {
		_, asleep := at.asleep[t.id]
		if repeats && t.id == at.chosen.id || !repeats && !asleep {
			at.chosen = t
			return choice{do: t.do}, true
		}
	}
	if repeats {
		s.monitor.breaks("a run differs from the one before it: %s is no longer possible", at.chosen.id)
	}
	p.path = p.path[:len(p.path)-1]
	p.pruned = true
	return choice{}, false
}

// transition is a choice with all that its order among others depends on.
type transition struct {
	do     func()
	id     string          // the same in every run, and no two at a decision have the same
	keys   []directory.Key // that it touches
	reads  bool            // and does not change
	worker int             // whose call it is, -1 for none
	death  bool            // the worker's invocation dies
}

// dependsOn says whether the order of two transitions can matter.
func (t transition) dependsOn(o transition) bool {
	switch {
	case t.death && o.death, (t.death || o.death) && t.worker == o.worker:
		return true
	case t.reads && o.reads:
		return false
	}
	return slices.ContainsFunc(t.keys, func(k directory.Key) bool {
		return slices.ContainsFunc(o.keys, func(l directory.Key) bool {
			return k == l || k.PK == l.PK && (k.SK == "" || l.SK == "")
		})
	})
}

// transitions splits the choices: each item of a transaction by itself, each
// call that succeeds, and each death at that call.
func (p *exhaustivePolicy) transitions(s *scheduler, possible []choice) (list []transition) {
	for _, c := range possible {
		switch {
		case c.transaction != nil:
			for i, it := range c.transaction.invisible {
				list = append(list, transition{
					id: "show " + it.key.PK + " " + it.key.SK, keys: []directory.Key{it.key}, worker: -1,
					do: func() { s.show(c.transaction, i) },
				})
			}
		case c.call.write != nil && slices.ContainsFunc(c.call.keys, s.memory.underWay):
			// DynamoDB would answer with a conflict, and the caller try again.
		default:
			list = append(list, transition{
				do: c.do, id: c.call.name, keys: c.call.keys, reads: c.call.reads, worker: c.call.by.worker,
			})
			if p.scenario.Death && !p.died {
				list = append(list, p.deaths(s, c.call)...)
			}
		}
	}
	return list
}

// deaths are the deaths of the call's invocation before the call takes effect
// and after. A death after a read is one before the next call.
func (p *exhaustivePolicy) deaths(s *scheduler, c *call) []transition {
	list := []transition{{
		id: c.name + " not done: death", worker: c.by.worker, death: true,
		do: func() { p.die(s, c) },
	}}
	if c.reads {
		return list
	}
	return append(list, transition{
		id: c.name + " done: death", keys: c.keys, worker: c.by.worker, death: true,
		do: func() {
			s.harness.removeCall(c)
			s.perform(c, errBroken)
			p.die(s, c)
		},
	})
}

// die kills the call's invocation; what else it had under way never happens.
func (p *exhaustivePolicy) die(s *scheduler, c *call) {
	p.died = true
	s.harness.kill(c.by)
	s.harness.dropCalls(c.by)
}

// inherited are the transitions that are asleep at a new decision: those of the
// decision before that do not depend on what was chosen there.
func (p *exhaustivePolicy) inherited() map[string]transition {
	asleep := map[string]transition{}
	if p.depth == 0 || p.scenario.Unreduced {
		return asleep
	}
	before := p.path[p.depth-1]
	for id, t := range before.asleep {
		if !t.dependsOn(before.chosen) {
			asleep[id] = t
		}
	}
	return asleep
}

// missing counts the transitions that are asleep and not possible at a decision.
func missing(asleep map[string]transition, possible []transition) (n int) {
	for id := range asleep {
		if !slices.ContainsFunc(possible, func(t transition) bool { return t.id == id }) {
			n++
		}
	}
	return n
}

// backtrack puts what was chosen last to sleep and shortens the path to the
// last decision at which another transition is left. It reports false where none is.
func (p *exhaustivePolicy) backtrack() bool {
	for len(p.path) > 0 {
		last := p.path[len(p.path)-1]
		last.asleep[last.chosen.id] = last.chosen
		if last.transitions > len(last.asleep) {
			return true
		}
		p.path = p.path[:len(p.path)-1]
	}
	return false
}

// chosen are the ids of this run's transitions.
func (p *exhaustivePolicy) chosen() (ids []string) {
	for _, at := range p.path {
		ids = append(ids, at.chosen.id)
	}
	return ids
}
