package simulation

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

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
	// Whole tries even what differs from another interleaving in nothing but
	// the order of calls that do not meet.
	Whole bool
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
// https://doi.org/10.1007/3-540-60761-7). It returns how many there were in
// how many ways they ended, and the first that broke a promise.
func (s Scenario) Every(t *testing.T) (runs, ends int, err error) {
	t.Helper()
	ended := map[string]bool{}
	c := &clerk{plan: s.Plan, now: start + 123, random: newRandom(7, 1)}
	s.Make(c)
	var path []*node
	for {
		r := &rehearsal{Scenario: s, messages: c.messages, path: path}
		synctest.Test(t, func(*testing.T) { err = r.run() })
		if !r.pruned {
			runs++
			ended[r.end()] = true
		}
		if err != nil {
			return runs, len(ended), fmt.Errorf("%w\nafter:\n  %s", err, strings.Join(r.story(), "\n  "))
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
			return runs, len(ended), nil
		}
	}
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
	if r.depth == 0 || r.Whole {
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
