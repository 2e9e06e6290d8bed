package simulation

import (
	"fmt"
	"strings"
	"sync"
)

// Tally counts what happened in all histories of a run. It is safe for
// concurrent use.
type Tally struct {
	mu                                    sync.Mutex
	histories, events, invocations, steps int
	faults                                map[Fault]int
}

// add counts a history that is over.
func (t *Tally) add(s *scheduler) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.histories++
	t.events += len(s.messages)
	t.invocations += s.started
	t.steps += s.steps
	if t.faults == nil {
		t.faults = map[Fault]int{}
	}
	for f, n := range s.faults {
		t.faults[f] += n
	}
}

// Missing are the kinds of faults that no history met.
func (t *Tally) Missing() (list []Fault) {
	for _, f := range allFaults() {
		if t.faults[f] == 0 {
			list = append(list, f)
		}
	}
	return list
}

// String says how many histories there were and how often they met each fault.
func (t *Tally) String() string {
	var b strings.Builder
	n := float64(max(t.histories, 1))
	fmt.Fprintf(&b, "%d histories\n", t.histories)
	fmt.Fprintf(&b, "%10d events, %.1f in a history\n", t.events, float64(t.events)/n)
	fmt.Fprintf(&b, "%10d batches in 4 to 6 consumers at once, %.1f in a history\n",
		t.invocations, float64(t.invocations)/n)
	fmt.Fprintf(&b, "%10d steps\n", t.steps)
	for _, f := range allFaults() {
		fmt.Fprintf(&b, "%10d x %s\n", t.faults[f], f)
	}
	return b.String()
}

// allFaults are the faults and the unusual conditions that a run must meet.
func allFaults() (list []Fault) {
	for _, k := range faultKinds() {
		list = append(list, k.fault)
	}
	return append(append(list, reachKinds()...), readerKinds()...)
}
