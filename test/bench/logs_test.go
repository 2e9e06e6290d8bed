package bench_test

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/lambdafn/ingestfn"
	"github.com/clerksync/clerksync/pkg/lambdafn/syncfn"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// TestLogVolume holds how many lines and bytes the functions log: CloudWatch bills them by size. The requestId that
// Lambda's context adds is 50 bytes more.
func TestLogVolume(t *testing.T) {
	request := func(reason string, stage ingest.Stage, level slog.Level) []byte {
		var out bytes.Buffer
		m := ingestfn.NewMetrics(&out, "clerksync-IngestFunction-AbCdEfGhIjKl", time.Now)
		o := ingestfn.Observer{Log: lambdafn.NewLogger(&out, level), Metrics: m}
		o.Request(t.Context(), ingest.Report{
			Stage: stage, Reason: reason, SvixID: svixtest.ID, EventType: "user.updated",
		})
		m.Flush()
		return out.Bytes()
	}
	batch := func(n int) []byte {
		var out bytes.Buffer
		m := syncfn.NewMetrics(&out, "clerksync-SyncFunction-AbCdEfGhIjKl", time.Now)
		f := meteredSync(t, newMeter(), consumer.Soft)
		f.Metrics = m
		f.Consumer.Observe = syncfn.Observer{Log: lambdafn.NewLogger(&out, slog.LevelInfo), Metrics: m}.Message
		if _, err := f.Invoke(t.Context(), usersBatch(t, n)); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	const forged = "invalid_signature"
	for name, c := range map[string]struct {
		log         []byte
		lines, most int // lines exactly, bytes at most
	}{
		"request, queued":           {log: request("", ingest.Queued, slog.LevelInfo), lines: 2, most: 1100},
		"request, forged":           {log: request(forged, ingest.Rejected, slog.LevelInfo), lines: 1, most: 1100},
		"request, forged, at debug": {log: request(forged, ingest.Rejected, slog.LevelDebug), lines: 2, most: 1300},
		"batch of one":              {log: batch(1), lines: 2, most: 1300},
		"batch of ten":              {log: batch(10), lines: 11, most: 4000},
	} {
		lines := bytes.Count(c.log, []byte("\n"))
		t.Logf("%s: %d lines, %d bytes", name, lines, len(c.log))
		if lines != c.lines || len(c.log) > c.most {
			t.Errorf("log of %s = %d lines, %d bytes, want %d and at most %d", name, lines, len(c.log), c.lines, c.most)
		}
	}
}

// TestSizes holds how large the items are, as DynamoDB counts: their sizes decide the units.
func TestSizes(t *testing.T) {
	m := newMeter()
	f := meteredSync(t, m, consumer.Soft)
	for id, sample := range map[string]string{
		"1": "user.created",
		"2": "organization.created",
		"3": "organizationMembership.created",
		"4": "organizationInvitation.created",
	} {
		handle(t, f, event{id: id, sample: sample})
	}
	most := map[string]int{ // by kind; the ledger's rows have none
		"user": 5 << 10, "organization": 2 << 10, "membership": 2 << 10, "membership_of": 1 << 10,
		"invitation": 2 << 10, "": 1 << 10,
	}
	for table, items := range m.items {
		for _, it := range items {
			kind := it.text("kind")
			t.Logf("%s %s: %d bytes", table, kind, it.size())
			if it.size() > most[kind] {
				t.Errorf("size of a row of kind %q = %d bytes, want at most %d", kind, it.size(), most[kind])
			}
		}
	}
}
