package recorder

import (
	"maps"
	"slices"
	"time"
)

// Counts are totals since the start or the last Clear, and figures of the last
// minute.
type Counts struct {
	Since    time.Time
	Requests int            // of all kinds
	Steps    map[string]int // by stage: ingest.Stage or consumer.Outcome
	// Kept and Gone are genuine messages that are here, and that no longer are;
	// Rejected and GoneRejected those that only rejected requests know.
	Kept, Gone, Rejected, GoneRejected int

	// Minute are the last 60 seconds, oldest first, the present one last.
	Minute []Second
	// Lag has the times from receipt to row, of all applied messages; P50 and P99 are
	// of the last thousand of them, 0 where there is none.
	Lag      []Bucket
	P50, P99 time.Duration
}

// Second is what happened in a second.
type Second struct {
	At    time.Time
	Steps map[string]int // by stage
}

// Bucket counts what took at most UpTo, and longer than the bucket before.
type Bucket struct {
	UpTo  time.Duration // 0 in the last: longer than all
	Count int
}

const (
	seconds     = 60
	lagSamples  = 1000
	lagBuckets  = 18 // the last but one is 65 s
	firstBucket = time.Millisecond / 2
)

type counts struct {
	since              time.Time
	requests           int
	steps              map[string]int
	gone, goneRejected int
	minute             [seconds]Second
	buckets            [lagBuckets]int
	lags               []time.Duration // the last ones, in no order
	lagged             int             // all that there were
}

func (c *counts) reset(now time.Time) { *c = counts{since: now, steps: map[string]int{}} }

func (c *counts) add(at time.Time, stage string) {
	c.steps[stage]++
	at = at.Truncate(time.Second)
	s := &c.minute[at.Unix()%seconds]
	if !s.At.Equal(at) {
		if at.Before(s.At) {
			return // a minute late
		}
		*s = Second{At: at, Steps: map[string]int{}}
	}
	s.Steps[stage]++
}

func (c *counts) addLag(d time.Duration) {
	i, limit := 0, firstBucket
	for i < lagBuckets-1 && d > limit {
		i, limit = i+1, 2*limit
	}
	c.buckets[i]++
	if len(c.lags) < lagSamples {
		c.lags = append(c.lags, d)
	} else {
		c.lags[c.lagged%lagSamples] = d
	}
	c.lagged++
}

// Counts copies the counts.
func (r *Recorder) Counts() Counts {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	n := Counts{
		Since: r.counts.since, Requests: r.counts.requests, Steps: maps.Clone(r.counts.steps),
		Kept: len(r.kept), Gone: r.counts.gone, Rejected: len(r.rejected), GoneRejected: r.counts.goneRejected,
	}
	for i := seconds - 1; i >= 0; i-- {
		at := now.Add(-time.Duration(i) * time.Second).Truncate(time.Second)
		s := r.counts.minute[at.Unix()%seconds]
		if !s.At.Equal(at) {
			s.Steps = nil
		}
		n.Minute = append(n.Minute, Second{At: at, Steps: maps.Clone(s.Steps)})
	}
	limit := firstBucket
	for _, count := range r.counts.buckets {
		n.Lag = append(n.Lag, Bucket{limit, count})
		limit *= 2
	}
	n.Lag[lagBuckets-1].UpTo = 0
	if lags := slices.Sorted(slices.Values(r.counts.lags)); len(lags) > 0 {
		n.P50, n.P99 = lags[len(lags)/2], lags[len(lags)*99/100]
	}
	return n
}
