package lambdafn

import (
	"encoding/json/v2"
	"io"
	"slices"
	"sync"
	"time"
)

// Namespace is that of the metrics in CloudWatch.
const Namespace = "clerksync"

// The names of the metrics. Each has the dimension FunctionName; Rejected also
// has Reason, the error of the reply.
const (
	MetricReceived         = "Received"         // requests
	MetricVerified         = "Verified"         // requests that Clerk signed: queued or ignored
	MetricQueued           = "Queued"           // messages that the queue holds
	MetricIgnored          = "Ignored"          // verified and not kept
	MetricRejected         = "Rejected"         // requests answered with an error
	MetricSecretUnreadable = "SecretUnreadable" // reads of the signing secret that failed
	MetricApplied          = "Applied"
	MetricStale            = "Stale"
	MetricDuplicate        = "Duplicate"
	MetricFailed           = "Failed" // receives after which the message is delivered again
	MetricDead             = "Dead"
	MetricDeletions        = "Deletions"       // deletion events that were applied
	MetricLag              = "Lag"             // milliseconds from Clerk's change to the row
	MetricBatchSize        = "BatchSize"       // messages of an invocation
	MetricTableRequests    = "TableRequests"   // HTTP requests to DynamoDB, repeated ones included
	MetricTableThrottles   = "TableThrottles"  // of these, those that DynamoDB throttled
	MetricTableErrors      = "TableErrors"     // of these, those without an answer, or answered 5xx
	MetricProbeChecked     = "ProbeChecked"    // objects of Clerk whose rows were looked for
	MetricProbeMissing     = "ProbeMissing"    // of these, those that have no row
	MetricProbeFailed      = "ProbeFailed"     // probes that say nothing about the table
	MetricProbeAge         = "ProbeAgeSeconds" // seconds since the oldest of the missing was created
	MetricColdStart        = "ColdStart"
)

// The dimensions of the metrics.
const (
	DimensionFunction = "FunctionName"
	DimensionReason   = "Reason"
)

// Units of metrics, as CloudWatch names them.
const (
	unitCount        = "Count"
	unitMilliseconds = "Milliseconds"
	unitSeconds      = "Seconds"
)

// maxValues is how many values of a metric one line may hold.
const maxValues = 100

// Metrics counts what happens during an invocation and writes it as one line of
// CloudWatch's embedded metric format, which needs neither an agent nor a call:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
// It is safe for concurrent use. A nil *Metrics counts nothing.
type Metrics struct {
	w        io.Writer
	now      func() time.Time
	counters []definition

	mu   sync.Mutex
	line line
	warm bool // a line has been written
}

// line is a line in the embedded metric format.
type line struct {
	AWS          metadata       `json:"_aws"`
	FunctionName string         // the dimension that every metric has
	Counts       map[string]int `json:",embed"` // each counter is a member of the line
	Lag          []int64        `json:",omitempty"`
	Reason       string         `json:",omitempty"` // of the last rejected request
}

// metadata says which members of a line are metrics.
type metadata struct {
	Timestamp         int64 // milliseconds since 1970
	CloudWatchMetrics []directive
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []definition
}

type definition struct{ Name, Unit string }

// NewMetrics makes the metrics of a function. Every line holds all its counters,
// zeros too: an alarm on a sum needs data points to return to OK. ColdStart is
// one of them without being named.
func NewMetrics(w io.Writer, function string, now func() time.Time, counters ...string) *Metrics {
	m := &Metrics{w: w, now: now, line: line{FunctionName: function, Counts: map[string]int{}}}
	for _, name := range append(counters, MetricColdStart) {
		unit := unitCount
		if name == MetricProbeAge {
			unit = unitSeconds
		}
		m.counters = append(m.counters, definition{name, unit})
		m.line.Counts[name] = 0
	}
	return m
}

// Count adds one to each of these counters of the function.
func (m *Metrics) Count(counters ...string) {
	for _, name := range counters {
		m.Add(name, 1)
	}
}

// Add adds n to one of the counters of the function.
func (m *Metrics) Add(counter string, n int) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.line.Counts[counter] += n
}

// CountRejected counts a rejected request, also by the reason.
func (m *Metrics) CountRejected(reason string) {
	if m == nil {
		return
	}
	m.Count(MetricRejected)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.line.Reason = reason
}

// RecordLag records the time in milliseconds from Clerk's change to the row. An
// invocation keeps the first 100, which is ten times a batch.
func (m *Metrics) RecordLag(milliseconds int64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.line.Lag) < maxValues {
		m.line.Lag = append(m.line.Lag, milliseconds)
	}
}

// Flush writes what was counted since the last time, and counts from zero again.
func (m *Metrics) Flush() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.warm {
		m.warm = true
		m.line.Counts[MetricColdStart]++
	}
	m.line.AWS = metadata{Timestamp: m.now().UnixMilli(), CloudWatchMetrics: m.directives()}
	// A failure to write to standard output can be reported to no one.
	if text, err := json.Marshal(&m.line); err == nil {
		_, _ = m.w.Write(append(text, '\n')) // at once, so that no other line comes between
	}
	for name := range m.line.Counts {
		m.line.Counts[name] = 0
	}
	m.line.Lag, m.line.Reason = m.line.Lag[:0], ""
}

// directives define the counters of the line, and the lag and the reason where
// it has them: CloudWatch refuses a definition without a value.
func (m *Metrics) directives() []directive {
	all := directive{Namespace: Namespace, Dimensions: [][]string{{DimensionFunction}}, Metrics: m.counters}
	if len(m.line.Lag) > 0 {
		all.Metrics = append(slices.Clip(all.Metrics), definition{MetricLag, unitMilliseconds})
	}
	if m.line.Reason == "" {
		return []directive{all}
	}
	return []directive{all, {
		Namespace:  Namespace,
		Dimensions: [][]string{{DimensionFunction, DimensionReason}},
		Metrics:    []definition{{MetricRejected, unitCount}},
	}}
}
