package view

import (
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
)

// Counts are totals since the start, or since all was cleared.
type Counts struct {
	Since        time.Time      `json:"since"`
	Requests     int            `json:"requests"`
	Steps        map[string]int `json:"steps"` // by stage, as dev --json names them
	Kept         int            `json:"kept"`
	Gone         int            `json:"gone"` // messages that are no longer kept
	Rejected     int            `json:"rejected"`
	GoneRejected int            `json:"gone_rejected"`
	P50MS        float64        `json:"p50_ms"` // from receipt to row
	P99MS        float64        `json:"p99_ms"`
	Lag          []Bucket       `json:"lag"`
	Minute       []Second       `json:"minute"` // the last 60 seconds, the present one last
}

// Bucket counts the applied messages that took at most UpToMS, and longer than
// those before.
type Bucket struct {
	UpToMS float64 `json:"up_to_ms,omitempty"` // absent in the last, which has no end
	Count  int     `json:"count"`
}

// Second is what happened in a second.
type Second struct {
	At    time.Time      `json:"at"`
	Steps map[string]int `json:"steps,omitempty"`
}

// CountsOf are the counts of a recorder.
func CountsOf(c recorder.Counts) Counts {
	v := Counts{
		Since: clean(c.Since), Requests: c.Requests, Steps: c.Steps, Kept: c.Kept, Gone: c.Gone, Rejected: c.Rejected,
		GoneRejected: c.GoneRejected, P50MS: millis(c.P50), P99MS: millis(c.P99),
	}
	for _, b := range c.Lag {
		v.Lag = append(v.Lag, Bucket{UpToMS: millis(b.UpTo), Count: b.Count})
	}
	for _, s := range c.Minute {
		v.Minute = append(v.Minute, Second{At: s.At.UTC(), Steps: s.Steps})
	}
	return v
}
