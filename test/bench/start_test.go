package bench_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/test/program"
)

// lambdaShare is the CPU that a function of 256 MB gets: Lambda gives one CPU
// at 1,769 MB and in proportion below.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
const lambdaShare = 256.0 / 1769

// throttled makes a control group with a CPU quota and returns its task file.
// It skips where that is not allowed.
func throttled(tb testing.TB, share float64) string {
	tb.Helper()
	const period = 20000 // µs, as Lambda's own
	quota := strconv.Itoa(int(share * period))
	dir, files, tasks := "/sys/fs/cgroup/cpu/clerksync-bench", [][2]string{
		{"cpu.cfs_period_us", strconv.Itoa(period)}, {"cpu.cfs_quota_us", quota},
	}, "tasks"
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil { // version 2
		dir, files, tasks = "/sys/fs/cgroup/clerksync-bench", [][2]string{{"cpu.max", fmt.Sprintf("%s %d", quota, period)}}, "cgroup.procs"
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !os.IsExist(err) {
		tb.Skip("a CPU quota needs root and control groups: ", err)
	}
	tb.Cleanup(func() { _ = os.Remove(dir) })
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f[0]), []byte(f[1]), 0o600); err != nil {
			tb.Skip("a CPU quota needs root and control groups: ", err)
		}
	}
	return filepath.Join(dir, tasks)
}

// contender is a function as it is started.
type contender struct {
	name, path string
	env        []string
	answer     string          // in its response
	against    *contender      // whose time it is to beat; nil for a textbook
	target     string          // of x-faster, in the metric's name
	first      []time.Duration // from exec to the first response
	cpu        []time.Duration // of the process meanwhile
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

// BenchmarkStart is the time from exec to the first response over TLS at the
// CPU share of a Lambda function of 256 MB, all contenders in turn: with that
// share from the start, and with a whole CPU during init, as Lambda gives it.
func BenchmarkStart(b *testing.B) {
	group := throttled(b, lambdaShare)
	b.Run("share", func(b *testing.B) { starts(b, group) })
	b.Run("init-boosted", func(b *testing.B) { starts(b, afterInit+group) })
}

func starts(b *testing.B, group string) {
	b.Helper()
	api := newRuntimeAPI(b)
	url, systemBundle, amazonBundle := tlsAWS(b)
	tuned := []string{"SSL_CERT_FILE=" + amazonBundle, "SSL_CERT_DIR=/nonexistent", "GOMAXPROCS=1"} // the template's
	ingest := program.Build(b, "./functions/ingest")
	const received = `"statusCode":200`
	textbook := &contender{name: "textbook", answer: received, path: program.Build(b, "./test/bench/testdata/textbook"), env: environment(api.address(), url, "SSL_CERT_FILE="+systemBundle)}
	withSSM := &contender{name: "textbook-ssm", answer: received, path: program.Build(b, "./test/bench/testdata/textbook-ssm"), env: environment(api.address(), url, secretInSSM, "SSL_CERT_FILE="+systemBundle)}
	contenders := []*contender{
		textbook, withSSM,
		{name: "ingest", answer: received, path: ingest, env: environment(api.address(), url, append(tuned, secret)...), against: textbook, target: "(target:5)"},
		{name: "ingest-ssm", answer: received, path: ingest, env: environment(api.address(), url, append(tuned, secretInSSM)...), against: withSSM, target: "(target:5)"},
		{name: "empty", path: program.Build(b, "./test/bench/testdata/empty"), env: environment(api.address(), url), against: textbook},
	}
	event := sample(b, 2<<10)
	const rounds = 15
	for range rounds {
		for _, c := range contenders {
			t := run(b, api, c.path, c.env, group, event, 1)
			if !strings.Contains(t.last, c.answer) { // what turns the event away is no match
				b.Fatalf("%s answered %s", c.name, t.last)
			}
			c.first, c.cpu = append(c.first, t.first), append(c.cpu, t.cpu)
		}
	}
	for _, c := range contenders {
		b.Run(c.name, func(b *testing.B) { // measured above, in turn
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ms(median(c.cpu)), "cpu-ms")
			b.ReportMetric(ms(median(c.first)), "ms")
			if c.against != nil {
				b.ReportMetric(ms(median(c.against.first)), c.against.name+"-ms")
				b.ReportMetric(float64(median(c.against.first))/float64(median(c.first)), "x-faster"+c.target)
			}
		})
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// gate skips what builds binaries unless it is asked for.
func gate(t *testing.T) {
	t.Helper()
	if os.Getenv("START_GATE") == "" {
		t.Skip("START_GATE=1 builds the functions and counts what their start costs")
	}
}

// TestStartInstructions counts the instructions up to the first /next, nothing
// warmed up. They repeat within a hundredth, so they can be held.
func TestStartInstructions(t *testing.T) {
	gate(t)
	if _, err := exec.LookPath("valgrind"); err != nil {
		t.Skip("valgrind is not installed")
	}
	floor := instructions(t, program.Build(t, "./test/bench/testdata/empty"))
	for _, c := range []struct {
		dir  string
		most float64 // times the floor
	}{{"./functions/ingest", 3}, {"./functions/sync", 5}} {
		t.Run(filepath.Base(c.dir), func(t *testing.T) {
			got := instructions(t, program.Build(t, c.dir))
			ratio := float64(got) / float64(floor)
			t.Logf("%d instructions, %.2f times an empty function's %d (at most %v)", got, ratio, floor, c.most)
			if ratio > c.most {
				t.Errorf("start of %s = %.2f times the instructions of an empty function, want at most %v", c.dir, ratio, c.most)
			}
		})
	}
}

func instructions(tb testing.TB, path string) int {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", path)
	// Port 1 refuses, so the process ends at its first /next.
	c.Env = environment("127.0.0.1:1", "", secret, "WARM_UP=off", "GOMAXPROCS=1")
	out, _ := c.CombinedOutput() // it ends with an error
	m := regexp.MustCompile(`Collected : (\d+)`).FindSubmatch(out)
	if m == nil || !strings.Contains(string(out), "failed to get the next invoke") {
		tb.Fatalf("callgrind %s counted nothing:\n%s", path, out)
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// TestStartMemory holds the peak memory of ten invocations of 2 KB.
func TestStartMemory(t *testing.T) {
	gate(t)
	const most = 12 // MB
	api := newRuntimeAPI(t)
	url, _, amazonBundle := tlsAWS(t)
	tuned := []string{"SSL_CERT_FILE=" + amazonBundle, "SSL_CERT_DIR=/nonexistent"}
	floor := run(t, api, program.Build(t, "./test/bench/testdata/empty"), environment(api.address(), url), "", sample(t, 2<<10), 10)
	for _, c := range []struct {
		dir   string
		env   []string
		event []byte
		want  string // in the last response
	}{
		{"./functions/ingest", []string{secretInSSM, "GOMEMLIMIT=200MiB", "GOMAXPROCS=1"}, sample(t, 2<<10), `received`},
		{"./functions/sync", []string{"GOMEMLIMIT=400MiB"}, batchEvent(t, 1), `{"batchItemFailures":[]}`},
	} {
		t.Run(filepath.Base(c.dir), func(t *testing.T) {
			path := program.Build(t, c.dir)
			var got timing
			for range 3 { // the least: threads come and go by chance
				env := environment(api.address(), url, append(tuned, c.env...)...)
				if r := run(t, api, path, env, "", c.event, 10); got.peakMB == 0 || r.peakMB < got.peakMB {
					got = r
				}
			}
			t.Logf("%.1f MB, an empty function %.1f MB (at most %d)", got.peakMB, floor.peakMB, most)
			if !strings.Contains(got.last, c.want) {
				t.Errorf("last response = %s, want %s in it", got.last, c.want)
			}
			if got.peakMB > most {
				t.Errorf("peak memory of %s = %.1f MB, want at most %d", c.dir, got.peakMB, most)
			}
		})
	}
}
