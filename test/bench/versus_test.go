package bench_test

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"
)

// clock is what is measured: the wall's time or the process's own CPU time.
// block is what one round of one side takes. CPU time drifts with what else the
// machine does: many short rounds, side by side, see less of it than few long ones.
type clock struct {
	now    func() time.Duration
	block  time.Duration
	rounds int
}

func wall() clock {
	return clock{func() time.Duration { return time.Duration(time.Now().UnixNano()) }, 10 * time.Millisecond, 21}
}

// cpu is the process's user and system time on all its threads.
func cpu() clock {
	return clock{func() time.Duration {
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail for oneself
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}, 20 * time.Millisecond, 151}
}

// versus runs both sides in turn, round by round, so that whatever else the
// machine does hits them alike, and reports each one's median time and the
// median of the rounds' ratios beside the target.
func versus(b *testing.B, c clock, target float64, floor, subject func()) {
	b.Helper()
	var times [2][]float64
	var ratios []float64
	sides := []func(){floor, subject}
	n := [2]int{calibrate(floor, c.block), calibrate(subject, c.block)}
	for round := range c.rounds {
		var took [2]float64
		for _, side := range []int{round % 2, 1 - round%2} {
			began := c.now()
			for range n[side] {
				sides[side]()
			}
			took[side] = float64(c.now()-began) / float64(n[side])
			times[side] = append(times[side], took[side])
		}
		ratios = append(ratios, took[1]/took[0])
	}
	b.ReportMetric(middle(times[1]), "ns/op")
	b.ReportMetric(middle(times[0]), "floor-ns/op")
	b.ReportMetric(middle(ratios), fmt.Sprintf("x-floor(target:%.3g)", target))
}

// calibrate is how often f fits into one round.
func calibrate(f func(), block time.Duration) int {
	f() // warm
	for n := 1; ; n *= 2 {
		began := time.Now()
		for range n {
			f()
		}
		if took := time.Since(began); took > block/4 {
			return max(1, int(float64(n)*float64(block)/float64(took)))
		}
	}
}

func middle(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}
