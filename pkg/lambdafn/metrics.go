package lambdafn

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
)

// Namespace is that of the metrics in CloudWatch.
const Namespace = "clerksync"

// Names of the metrics. Each has the dimension FunctionName; Rejected also has
// Reason, the error of the reply.
const (
	MetricReceived         = "Received"         // requests
	MetricVerified         = "Verified"         // requests that Clerk signed: queued or ignored
	MetricQueued           = "Queued"           // messages that the queue has
	MetricIgnored          = "Ignored"          // verified, not kept
	MetricRejected         = "Rejected"         // requests answered with an error
	MetricSecretUnreadable = "SecretUnreadable" // reads of the signing secret that failed
	MetricApplied          = "Applied"
	MetricStale            = "Stale"
	MetricDuplicate        = "Duplicate"
	MetricFailed           = "Failed" // receives; the message comes again
	MetricDead             = "Dead"
	MetricDeletions        = "Deletions"     // deletion events that were applied
	MetricLag              = "Lag"           // ms from Clerk's change to the row
	MetricBatchSize        = "BatchSize"     // messages of an invocation
	MetricTableRequests    = "TableRequests" // HTTP requests to DynamoDB, repeated ones included
	MetricColdStart        = "ColdStart"
)

// Dimensions of the metrics.
const (
	DimensionFunction = "FunctionName"
	DimensionReason   = "Reason"
)

// Metrics counts what happens during an invocation and writes it as one line
// of CloudWatch's embedded metric format, which needs neither agent nor call:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
// It is safe for concurrent use.
type Metrics struct {
	w     io.Writer
	now   func() time.Time
	names []string // written by every invocation, be they 0
	// What every line has: the definitions of names, and the function's name.
	definitions, function []byte

	mu     sync.Mutex
	counts []int // of names
	lags   []int64
	reason string
	warm   bool
	line   []byte // used again
}

// IngestMetrics are those of the function behind the webhook.
func IngestMetrics(w io.Writer, function string, now func() time.Time) *Metrics {
	return newMetrics(w, function, now, MetricReceived, MetricVerified, MetricQueued, MetricIgnored, MetricRejected, MetricSecretUnreadable)
}

// SyncMetrics are those of the function behind the queue.
func SyncMetrics(w io.Writer, function string, now func() time.Time) *Metrics {
	return newMetrics(w, function, now, MetricApplied, MetricStale, MetricDuplicate, MetricFailed, MetricDead,
		MetricDeletions, MetricBatchSize, MetricTableRequests)
}

func newMetrics(w io.Writer, function string, now func() time.Time, names ...string) *Metrics {
	names = append(names, MetricColdStart)
	m := &Metrics{w: w, now: now, names: names, counts: make([]int, len(names)), function: appendText(nil, DimensionFunction, function)}
	for i, n := range names {
		if i > 0 {
			m.definitions = append(m.definitions, ',')
		}
		m.definitions = appendDefinition(m.definitions, n, "Count")
	}
	return m
}

func (m *Metrics) add(names ...string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count(names...)
}

func (m *Metrics) count(names ...string) {
	for _, n := range names {
		if i := slices.Index(m.names, n); i >= 0 {
			m.counts[i]++
		}
	}
}

// Request counts a request.
func (m *Metrics) Request(_ context.Context, r ingest.Report) {
	if m == nil {
		return
	}
	switch r.Stage {
	case ingest.Queued:
		m.add(MetricReceived, MetricVerified, MetricQueued)
	case ingest.Ignored:
		m.add(MetricReceived, MetricVerified, MetricIgnored)
	case ingest.Rejected:
		m.add(MetricReceived, MetricRejected)
		m.mu.Lock()
		m.reason = r.Reason
		m.mu.Unlock()
	}
}

// maxLags is how many values one line holds of a metric.
const maxLags = 100

// Message counts a message.
func (m *Metrics) Message(_ context.Context, r consumer.Report) {
	if m == nil {
		return
	}
	m.add(MetricBatchSize, map[consumer.Outcome]string{
		consumer.Applied: MetricApplied, consumer.Stale: MetricStale, consumer.Duplicate: MetricDuplicate,
		consumer.Failed: MetricFailed, consumer.Dead: MetricDead,
	}[r.Outcome])
	if r.Outcome != consumer.Applied {
		return
	}
	if r.Deletion {
		m.add(MetricDeletions)
	}
	if lag, ok := lag(r); ok {
		m.mu.Lock()
		defer m.mu.Unlock()
		if len(m.lags) < maxLags {
			m.lags = append(m.lags, lag)
		}
	}
}

// lag is the time in ms from Clerk's change to its end here, where it is known.
func lag(r consumer.Report) (int64, bool) {
	if r.ChangedAt.IsZero() {
		return 0, false
	}
	return max(0, r.EndedAt.Sub(r.ChangedAt).Milliseconds()), true
}

// SecretUnreadable counts a read of the signing secret that failed.
func (m *Metrics) SecretUnreadable() { m.add(MetricSecretUnreadable) }

// CountRequests counts the requests that go through a client, as TableRequests.
func (m *Metrics) CountRequests(c aws.HTTPClient) aws.HTTPClient { return counted{c, m} }

type counted struct {
	aws.HTTPClient
	m *Metrics
}

func (c counted) Do(r *http.Request) (*http.Response, error) {
	c.m.add(MetricTableRequests)
	return c.HTTPClient.Do(r)
}

// Flush writes what was counted since the last time. The line is put together
// by hand: encoding/json's way to it would be a twentieth of an invocation.
func (m *Metrics) Flush() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.warm {
		m.warm = true
		m.count(MetricColdStart)
	}
	b := append(m.line[:0], `{"_aws":{"Timestamp":`...)
	b = strconv.AppendInt(b, m.now().UnixMilli(), 10)
	b = append(b, `,"CloudWatchMetrics":[{"Namespace":"`+Namespace+`","Dimensions":[["`+DimensionFunction+`"]],"Metrics":[`...)
	b = append(b, m.definitions...)
	if len(m.lags) > 0 {
		b = appendDefinition(append(b, ','), MetricLag, "Milliseconds")
	}
	b = append(b, `]}`...)
	if m.reason != "" {
		b = append(b, `,{"Namespace":"`+Namespace+`","Dimensions":[["`+DimensionFunction+`","`+DimensionReason+`"]],"Metrics":[`...)
		b = append(appendDefinition(b, MetricRejected, "Count"), `]}`...)
	}
	b = append(b, `]}`...)
	b = append(b, m.function...)
	for i, n := range m.names {
		b = strconv.AppendInt(appendName(b, n), int64(m.counts[i]), 10)
	}
	if len(m.lags) > 0 {
		b = append(appendName(b, MetricLag), '[')
		for i, lag := range m.lags {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, lag, 10)
		}
		b = append(b, ']')
	}
	if m.reason != "" {
		b = appendText(b, DimensionReason, m.reason)
	}
	b = append(b, "}\n"...)
	_, _ = m.w.Write(b) // standard output, or nobody
	clear(m.counts)
	m.line, m.lags, m.reason = b, m.lags[:0], ""
}

func appendDefinition(b []byte, name, unit string) []byte {
	b = append(append(b, `{"Name":"`...), name...)
	return append(append(append(b, `","Unit":"`...), unit...), `"}`...)
}

// appendName begins another member.
func appendName(b []byte, name string) []byte {
	return append(append(append(b, `,"`...), name...), `":`...)
}

func appendText(b []byte, name, value string) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		text = []byte(`""`) // a string cannot fail
	}
	return append(appendName(b, name), text...)
}
