package bench_test

import (
	"cmp"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"
)

// clock is what is measured: the wall's time or the process's own CPU time. round is how long one round of one side
// takes. CPU time drifts with what else the machine does: many short rounds, side by side, see less of it than few long
// ones.
type clock struct {
	now    func() time.Duration
	round  time.Duration
	rounds int
}

func wallClock(round time.Duration) clock {
	now := func() time.Duration { return time.Duration(time.Now().UnixNano()) }
	return clock{now: now, round: round, rounds: 21}
}

// cpuClock is the process's user and system time on all its threads.
func cpuClock() clock {
	now := func() time.Duration {
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it cannot fail for the calling process
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return clock{now: now, round: 20 * time.Millisecond, rounds: 151}
}

// compare runs both sides in turn, round by round, so that whatever else the machine does hits them alike, and reports
// each one's median time and the median of the rounds' ratios with the target.
func compare(b *testing.B, c clock, target float64, floor, subject func()) {
	b.Helper()
	var times [2][]float64
	var ratios []float64
	sides := []func(){floor, subject}
	calls := [2]int{callsPerRound(floor, c.round), callsPerRound(subject, c.round)}
	for round := range c.rounds {
		var took [2]float64
		for _, side := range []int{round % 2, 1 - round%2} {
			began := c.now()
			for range calls[side] {
				sides[side]()
			}
			took[side] = float64(c.now()-began) / float64(calls[side])
			times[side] = append(times[side], took[side])
		}
		ratios = append(ratios, took[1]/took[0])
	}
	b.ReportMetric(median(times[1]), "ns/op")
	b.ReportMetric(median(times[0]), "floor-ns/op")
	b.ReportMetric(median(ratios), fmt.Sprintf("x-floor(target:%.3g)", target))
}

// callsPerRound is how often f fits into one round. Its first call warms caches and connections up.
func callsPerRound(f func(), round time.Duration) int {
	f()
	for n := 1; ; n *= 2 {
		began := time.Now()
		for range n {
			f()
		}
		if took := time.Since(began); took > round/4 {
			return max(1, int(float64(n)*float64(round)/float64(took)))
		}
	}
}

// median sorts the values.
func median[T cmp.Ordered](values []T) T {
	slices.Sort(values)
	return values[len(values)/2]
}
