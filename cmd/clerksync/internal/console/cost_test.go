package console_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// BenchmarkConsole is what watching costs: the median time from a signed POST to its
// row with two pages open, over that without recorder and console. Both run in turns,
// so that what else the machine does counts for both. Go's own test of it: `go test
// -run '^$' -bench Console ./cmd/clerksync/internal/console`.
func BenchmarkConsole(b *testing.B) {
	const n = 400
	applied := make(chan time.Time, 1)
	w := newWorldWith(b, recorder.Limits{}, func(consumer.Report) { applied <- time.Now() })
	for range 2 {
		w.watch()
	}
	bare := startBare(b, applied)
	body, err := events.Body("user.created")
	if err != nil {
		b.Fatal(err)
	}
	measure := func(url string, i int) time.Duration {
		id := fmt.Sprintf("user_%027d", i)
		h, sent := w.signer.Sign(webhook.Request{
			ID:   fmt.Sprintf("msg_%027d", i),
			Body: []byte(strings.ReplaceAll(string(body), "user_2exampleJonahAdeyemi0000000", id)),
		})
		began := time.Now()
		if a, err := webhook.Post(b.Context(), url, h, sent); err != nil || !a.Accepted() {
			b.Fatalf("post: %+v, %v", a, err)
		}
		return (<-applied).Sub(began)
	}
	var with, without []time.Duration
	for i := range n {
		with = append(with, measure(w.Pipeline.WebhookURL, i))
		without = append(without, measure(bare.WebhookURL, i))
	}
	slices.Sort(with)
	slices.Sort(without)
	ratio := with[n/2].Seconds() / without[n/2].Seconds()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(with[n/2].Microseconds())/1000, "ms-watched")
	b.ReportMetric(float64(without[n/2].Microseconds())/1000, "ms-alone")
	b.ReportMetric(ratio, "x")
	if ratio > 1.3 {
		b.Errorf("a message takes %.2f times as long while two pages watch, want at most 1.3", ratio)
	}
}

// startBare runs a pipeline without recorder.
func startBare(b *testing.B, applied chan<- time.Time) *pipeline.Pipeline {
	b.Helper()
	secrets, err := svix.ParseSecrets(svixtest.Secret)
	if err != nil {
		b.Fatal(err)
	}
	p, err := pipeline.Start(b.Context(), pipeline.Options{
		Addr: "127.0.0.1:0", AWSAddr: "127.0.0.1:0", Secrets: secrets, Storage: testStorage(), Warn: ignoreWarning,
		OnRequest: func(context.Context, ingest.Report) {},
		OnMessage: func(context.Context, consumer.Report) { applied <- time.Now() },
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { p.Stop(context.WithoutCancel(b.Context())) })
	return p
}

// watch does what an open page does: it hears of each change, and fetches the page
// anew at most three times a second.
func (w *world) watch() {
	w.t.Helper()
	hears := w.listen("/api/v1/events")
	go func() {
		for e := range hears {
			if e.kind == "counts" {
				continue
			}
			time.Sleep(300 * time.Millisecond)
			for waiting := true; waiting; { // what came meanwhile is fetched with it
				select {
				case _, waiting = <-hears:
				default:
					waiting = false
				}
			}
			r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.Console.URL+"/", http.NoBody)
			if err != nil {
				return
			}
			if resp, err := http.DefaultClient.Do(r); err == nil {
				_ = resp.Body.Close()
			}
		}
	}()
}
