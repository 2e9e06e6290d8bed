package bench_test

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// TestLogVolume holds how many lines and bytes the functions log: CloudWatch
// bills them by size. Of the requestId that Lambda's context adds, 50 bytes
// come on top.
func TestLogVolume(t *testing.T) {
	type volume struct{ lines, bytes int }
	request := func(reason string, stage ingest.Stage, level slog.Level) []byte {
		var out bytes.Buffer
		m := lambdafn.IngestMetrics(&out, "clerksync-IngestFunction-AbCdEfGhIjKl", time.Now)
		o := lambdafn.Observer{Log: lambdafn.NewLogger(&out, level), Metrics: m}
		o.Request(t.Context(), ingest.Report{Stage: stage, Reason: reason, SvixID: svixtest.ID, EventType: "user.updated"})
		m.Flush()
		return out.Bytes()
	}
	batch := func(n int) []byte {
		var out bytes.Buffer
		m := lambdafn.SyncMetrics(&out, "clerksync-SyncFunction-AbCdEfGhIjKl", time.Now)
		f := syncFunction(t, newMeter(), consumer.Soft)
		f.Metrics = m
		f.Consumer.Observe = lambdafn.Observer{Log: lambdafn.NewLogger(&out, slog.LevelInfo), Metrics: m}.Message
		if _, err := f.Invoke(t.Context(), batchEvent(t, n)); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	for _, c := range []struct {
		name string
		out  []byte
		want volume // lines, and bytes at most
	}{
		{"request, queued", request("", ingest.Queued, slog.LevelInfo), volume{2, 1100}},
		{"request, forged", request("invalid_signature", ingest.Rejected, slog.LevelInfo), volume{1, 1100}},
		{"request, forged, at debug", request("invalid_signature", ingest.Rejected, slog.LevelDebug), volume{2, 1300}},
		{"batch of one", batch(1), volume{2, 1300}},
		{"batch of ten", batch(10), volume{11, 4000}},
	} {
		got := volume{bytes.Count(c.out, []byte("\n")), len(c.out)}
		t.Logf("%s: %d lines, %d bytes", c.name, got.lines, got.bytes)
		if got.lines != c.want.lines || got.bytes > c.want.bytes {
			t.Errorf("log of %s = %+v, want %d lines and at most %d bytes", c.name, got, c.want.lines, c.want.bytes)
		}
	}
}

// TestSizes holds how large the items are, as DynamoDB counts: they decide the
// units.
func TestSizes(t *testing.T) {
	m := newMeter()
	f := syncFunction(t, m, consumer.Soft)
	for _, s := range []step{at("1", "user.created"), at("2", "organization.created"), at("3", "organizationMembership.created"), at("4", "organizationInvitation.created")} {
		handle(t, f, s)
	}
	most := map[string]int{"user": 5 << 10, "organization": 2 << 10, "membership": 2 << 10, "membership_of": 1 << 10, "invitation": 2 << 10, "": 1 << 10}
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
