package bench_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/svix/svixtest"
	"github.com/clerksync/clerksync/test/program"
)

// BenchmarkDev is how many events a second go all the way through `clerksync dev`: posted and signed one by one,
// queued, written in one transaction each. Its emulators are in the same process and keep everything in memory, so
// this is the code's own limit, not that of a deployed stack. Senders and pipeline share the machine.
func BenchmarkDev(b *testing.B) {
	const n, senders = 2000, 8
	url, lines := startDev(b)
	requests := make([]svixtest.Request, n)
	for i := range requests {
		id := fmt.Sprintf("2bench%024d", i)
		body := eventBody(b, "user.created", 0, map[string]any{"id": "user_" + id})
		requests[i] = svixtest.SignedBy(svixtest.Secret, "msg_"+id, strconv.FormatInt(time.Now().Unix(), 10), body)
	}
	began := time.Now()
	var g sync.WaitGroup
	for s := range senders {
		g.Go(func() {
			for i := s; i < n; i += senders {
				if err := post(b.Context(), url, requests[i]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	for done := 0; done < n && !b.Failed(); {
		line, err := lines.ReadString('\n')
		if err != nil {
			b.Fatal(err)
		}
		if strings.Contains(line, `"stage":"applied"`) {
			done++
		}
	}
	took := time.Since(began)
	g.Wait()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(n/took.Seconds(), "events/s")
}

// startDev starts `clerksync dev` on free ports. lines is its output, which must be read: a full pipe would stop it.
func startDev(b *testing.B) (webhook string, lines *bufio.Reader) {
	b.Helper()
	c := exec.CommandContext(context.WithoutCancel(b.Context()), program.Build(b, "./cmd/clerksync"),
		"dev", "--addr", "127.0.0.1:0", "--aws-addr", "127.0.0.1:0", "--json")
	c.Env = append(os.Environ(), "CLERK_WEBHOOK_SIGNING_SECRET="+svixtest.Secret)
	out, err := c.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait() // it was killed
	})
	lines = bufio.NewReaderSize(out, 1<<20)
	first, err := lines.ReadBytes('\n')
	var ready struct {
		URL string `json:"webhook_url"`
	}
	if err != nil || json.Unmarshal(first, &ready) != nil {
		b.Fatalf("clerksync dev began with %q, %v", first, err)
	}
	return ready.URL, lines
}

func post(ctx context.Context, url string, r svixtest.Request) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(string(r.Body)))
	if err != nil {
		return err
	}
	for name, value := range r.Header {
		q.Header.Set(name, value)
	}
	out, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer func() { _ = out.Body.Close() }()
	body, err := io.ReadAll(out.Body)
	if err == nil && out.StatusCode != http.StatusOK {
		err = fmt.Errorf("POST %s = %d %s", url, out.StatusCode, body)
	}
	return err
}
