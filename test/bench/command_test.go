package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/clerksync/clerksync/pkg/backfill"
	"github.com/clerksync/clerksync/test/program"
)

// run is what one process of the command did.
type run struct {
	took       time.Duration
	peakMB     float64
	pages      map[string]int // requests for pages, by list
	queries    map[string]int // the same, by list and query
	operations map[string]int // of DynamoDB
	stdout     []byte
	counts     map[string]backfill.Counts // of a backfill
}

// writes are the operations that change a row.
func (r run) writes() (n int) {
	for _, name := range []string{"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"} {
		n += r.operations[name]
	}
	return n
}

// requests are those for pages.
func (r run) requests() (n int) {
	for _, requests := range r.pages {
		n += requests
	}
	return n
}

// backfill runs the command to its end.
func (c *company) backfill(tb testing.TB, table string, flags ...string) run {
	tb.Helper()
	return c.backfillUntil(tb, 0, table, flags...)
}

// backfillUntil runs the command, and kills it after so many writes, unless that is none.
func (c *company) backfillUntil(tb testing.TB, writes int, table string, flags ...string) run {
	tb.Helper()
	r := c.run(tb, writes, "backfill", table, flags...)
	if writes > 0 {
		return r
	}
	var done struct {
		Kinds map[string]backfill.Counts `json:"kinds"`
	}
	if err := json.Unmarshal(r.stdout, &done); err != nil {
		tb.Fatalf("backfill printed %q: %v", r.stdout, err)
	}
	r.counts = done.Kinds
	return r
}

// run runs a command that compares the instance with a table, and kills it after so many writes, unless that is none.
func (c *company) run(tb testing.TB, killAfter int, name, table string, flags ...string) run {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, c.command, append([]string{
		name, "--json", "--rate", "1000", "--endpoint-url", aws.ToString(c.aws.BaseEndpoint),
		"--directory-table", table, "--deliveries-table", table + "-deliveries",
	}, flags...)...)
	cmd.Env = []string{"HOME=" + tb.TempDir(), "CLERK_API_URL=" + c.apiURL, "CLERK_SECRET_KEY=" + companyKey}
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	c.mu.Lock()
	c.current = run{pages: map[string]int{}, queries: map[string]int{}, operations: map[string]int{}}
	c.killAt, c.kill = killAfter, nil
	if killAfter > 0 {
		c.kill = cancel
	}
	c.mu.Unlock()
	began := time.Now()
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	peak := watchMemory(cmd.Process.Pid)
	err := cmd.Wait()
	took := time.Since(began)
	if failed := err != nil; failed != (killAfter > 0) {
		tb.Fatalf("%s %v = %v, want it killed: %t\n%s%s", name, flags, err, killAfter > 0, out.String(), words.String())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.current
	c.current, c.kill = run{}, nil
	r.took, r.peakMB, r.stdout = took, peak(), out.Bytes()
	return r
}

// watchMemory looks at a process's peak memory until it ends. The peak is the program's own: what wait4 reports would
// include this process, from which it was started.
func watchMemory(pid int) (peakMB func() float64) {
	result := make(chan float64, 1)
	go func() {
		peak := 0.0
		for {
			size, ok := program.Memory(pid, "VmHWM")
			if !ok {
				result <- peak
				return
			}
			peak = megabytes(size)
			time.Sleep(5 * time.Millisecond)
		}
	}()
	return func() float64 { return <-result }
}

// megabytes is a size in bytes in MB of 2^20.
func megabytes(size int64) float64 { return float64(size) / (1 << 20) }
