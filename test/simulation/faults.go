package simulation

import (
	"fmt"
	"strings"
	"sync/atomic"
)

// Fault is a kind of what goes wrong.
type Fault int

// The kinds of faults.
const (
	ErrorWithoutEffect Fault = iota
	EffectWithError
	Timeout // with its effect, without it, or with it after the caller has given up
	Throttle
	TransactionConflict
	PartialBatch // a call about several messages, done for some of them
	Death        // an invocation ends between any two of its steps
	LaggingIndex // a listing while an index would have shown something else
	VisibleItemByItem
	ExpiredLedgerRow
	EarlyRedelivery // a message handed out again while its first receiver works on it
	faultKinds
)

// String is the kind's name.
func (f Fault) String() string {
	return [...]string{
		"error without effect", "effect with error", "timeout", "throttle", "TransactionConflict", "partial batch",
		"death at any step", "lagging index", "transaction visible item by item", "expired ledger row",
		"early redelivery while the first is still running",
	}[f]
}

// Tally counts what happened in all histories. It is safe for concurrent use.
type Tally struct {
	histories, events, invocations, steps atomic.Int64
	faults                                [faultKinds]atomic.Int64
}

func (t *Tally) count(f Fault) { t.faults[f].Add(1) }

// Missing are the kinds of faults that never happened.
func (t *Tally) Missing() (list []Fault) {
	for f := range faultKinds {
		if t.faults[f].Load() == 0 {
			list = append(list, f)
		}
	}
	return list
}

// Histories is how many were run.
func (t *Tally) Histories() int { return int(t.histories.Load()) }

// String says how many histories there were and how often each fault struck.
func (t *Tally) String() string {
	var b strings.Builder
	n := max(t.histories.Load(), 1)
	fmt.Fprintf(&b, "%d histories\n", t.histories.Load())
	fmt.Fprintf(&b, "%10d events, %.1f in a history\n", t.events.Load(), float64(t.events.Load())/float64(n))
	fmt.Fprintf(&b, "%10d batches in 4 to 6 consumers at once, %.1f in a history\n", t.invocations.Load(), float64(t.invocations.Load())/float64(n))
	fmt.Fprintf(&b, "%10d steps\n", t.steps.Load())
	for f := range faultKinds {
		fmt.Fprintf(&b, "%10d x %s\n", t.faults[f].Load(), f)
	}
	return b.String()
}
