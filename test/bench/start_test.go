package bench_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/test/program"
)

// lambdaShare is the CPU that a function of 256 MB gets: Lambda gives one CPU at 1,769 MB and in proportion below.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
const lambdaShare = 256.0 / 1769

// contender is a function as it is started.
type contender struct {
	name    string
	process process
	want    string          // in its response
	against *contender      // whose time it is compared with; nil for a textbook
	target  string          // of x-faster with a whole CPU in init, in the metric's name
	first   []time.Duration // from exec to the first response
	cpu     []time.Duration // of the process meanwhile
}

// BenchmarkStart is the time from exec to the first response over TLS at the CPU share of a Lambda function of 256 MB,
// all contenders in turn: with that share from exec, and with a whole CPU during init, as Lambda gives it. Only the
// second has targets.
func BenchmarkStart(b *testing.B) {
	group := limitCPU(b, lambdaShare)
	b.Run("share", func(b *testing.B) { benchmarkStart(b, group, false) })
	b.Run("init-boosted", func(b *testing.B) { benchmarkStart(b, group, true) })
}

// benchmarkStart starts the contenders in turn, so that whatever else the machine does hits them alike.
func benchmarkStart(b *testing.B, group string, unlimitedInit bool) {
	b.Helper()
	api := newRuntimeAPI(b)
	url, systemRoots, root := startTLSStub(b)
	start := func(path string, env ...string) process {
		return process{
			path: path, env: environment(api.address(), url, env...),
			group: group, unlimitedInit: unlimitedInit, event: requestEvent(b, 2<<10), responses: 1,
		}
	}
	roots := "SSL_CERT_FILE=" + systemRoots
	tuned := []string{"SSL_CERT_DIR=/nonexistent", "GOMAXPROCS=1"} // the template's
	ingest := buildTrusting(b, "./functions/ingest", root)
	const received = `"statusCode":200`
	textbook := &contender{
		name: "textbook", want: received, process: start(program.Build(b, "./test/bench/testdata/textbook"), roots),
	}
	withSSM := &contender{
		name: "textbook-ssm", want: received,
		process: start(program.Build(b, "./test/bench/testdata/textbook-ssm"), secretInSSM, roots),
	}
	contenders := []*contender{
		textbook, withSSM,
		{
			name: "ingest", want: received, process: start(ingest, append(tuned, secret)...),
			against: textbook, target: "(target:8)",
		},
		{
			name: "ingest-ssm", want: received, process: start(ingest, append(tuned, secretInSSM)...),
			against: withSSM, target: "(target:3)",
		},
		{name: "empty", process: start(program.Build(b, "./test/bench/testdata/empty")), against: textbook},
	}
	const rounds = 15
	for range rounds {
		for _, c := range contenders {
			t := c.process.run(b, api)
			if !strings.Contains(t.last, c.want) { // one that rejects the event is faster and no match
				b.Fatalf("%s answered %s", c.name, t.last)
			}
			c.first, c.cpu = append(c.first, t.first), append(c.cpu, t.cpu)
		}
	}
	for _, c := range contenders {
		b.Run(c.name, func(b *testing.B) { // measured above, in turn
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(milliseconds(median(c.cpu)), "cpu-ms")
			b.ReportMetric(milliseconds(median(c.first)), "ms")
			if c.against != nil {
				b.ReportMetric(milliseconds(median(c.against.first)), c.against.name+"-ms")
				unit := "x-faster"
				if unlimitedInit {
					unit += c.target
				}
				b.ReportMetric(float64(median(c.against.first))/float64(median(c.first)), unit)
			}
		})
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// requireGate skips what builds binaries unless it is asked for.
func requireGate(t *testing.T) {
	t.Helper()
	if os.Getenv("START_GATE") == "" {
		t.Skip("START_GATE=1 builds the functions and counts what their start costs")
	}
}

// TestStartInstructions counts the instructions up to the first /next, with nothing warmed up. They repeat within a
// hundredth, so that they can be held.
func TestStartInstructions(t *testing.T) {
	requireGate(t)
	if _, err := exec.LookPath("valgrind"); err != nil {
		t.Skip("valgrind is not installed")
	}
	floor := countInstructions(t, program.Build(t, "./test/bench/testdata/empty"))
	for function, most := range map[string]float64{"ingest": 3, "sync": 5, "probe": 5} { // times the floor
		t.Run(function, func(t *testing.T) {
			got := countInstructions(t, program.Build(t, "./functions/"+function))
			ratio := float64(got) / float64(floor)
			t.Logf("%d instructions, %.2f times an empty function's %d (at most %v)", got, ratio, floor, most)
			if ratio > most {
				t.Errorf("start = %.2f times the instructions of an empty function, want at most %v", ratio, most)
			}
		})
	}
}

// countInstructions runs a function until it asks for its first event. Its address for that refuses connections.
func countInstructions(tb testing.TB, path string) int {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", path)
	// Port 1 refuses the connection, so that the process exits with an error at its first /next.
	c.Env = environment("127.0.0.1:1", "", secret, keyInSSM, "WARM_UP=off", "GOMAXPROCS=1")
	out, _ := c.CombinedOutput()
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

// TestStartMemory holds the peak memory of ten invocations of 2 KB, and of three probes.
func TestStartMemory(t *testing.T) {
	requireGate(t)
	api := newRuntimeAPI(t)
	url, _, root := startTLSStub(t)
	start := func(path string, responses int, event []byte, env ...string) timing {
		p := process{path: path, env: environment(api.address(), url, env...), event: event, responses: responses}
		return p.run(t, api)
	}
	floor := start(program.Build(t, "./test/bench/testdata/empty"), 10, requestEvent(t, 2<<10))
	instance := httptest.NewServer(sampleInstance(t))
	t.Cleanup(instance.Close)
	for function, c := range map[string]struct {
		env       []string
		responses int
		event     []byte
		want      string  // in the last response
		most      float64 // MB
	}{
		"ingest": {
			env:   []string{secretInSSM, "GOMEMLIMIT=200MiB", "GOMAXPROCS=1"},
			event: requestEvent(t, 2<<10), responses: 10,
			want: `received`, most: 12,
		},
		"sync": {
			env:   []string{"GOMEMLIMIT=400MiB", "GOMAXPROCS=1"},
			event: usersBatch(t, 1), responses: 10,
			want: `{"batchItemFailures":[]}`, most: 12,
		},
		"probe": {
			env: []string{
				keyInSSM, "CLERK_API_URL=" + instance.URL + "/v1", "PROBE_SECOND_LOOK_SECONDS=0",
				"GOMEMLIMIT=100MiB", "GOMAXPROCS=1",
			},
			event: []byte(`{"source":"aws.events"}`), responses: 3, // it makes no more than 2.5 requests a second
			// The stub has no rows, so that each look is made twice. The lists of Clerk are some 300 KB in all, and the
			// garbage collector does not run before the heap has 16 MB: so none of them may be copied.
			want: `{"checked":40,"missing":40}`, most: 12,
		},
	} {
		t.Run(function, func(t *testing.T) {
			path := buildTrusting(t, "./functions/"+function, root)
			env := append(c.env, "SSL_CERT_DIR=/nonexistent")
			got := start(path, c.responses, c.event, env...)
			for range 2 { // the least of three: threads start and stop by chance
				if again := start(path, c.responses, c.event, env...); again.peakMB < got.peakMB {
					got = again
				}
			}
			t.Logf("%.1f MB, an empty function %.1f MB (at most %v)", got.peakMB, floor.peakMB, c.most)
			if !strings.Contains(got.last, c.want) {
				t.Errorf("last response = %s, want %s in it", got.last, c.want)
			}
			if got.peakMB > c.most {
				t.Errorf("peak memory of %s = %.1f MB, want at most %v", filepath.Base(path), got.peakMB, c.most)
			}
		})
	}
}

// sampleInstance is an instance of Clerk with as many users and organizations, each of 4 KB, as a probe asks for.
func sampleInstance(tb testing.TB) *clerk.Instance {
	tb.Helper()
	instance := clerk.New(clerk.Options{Limit: -1})
	for n := range 30 {
		for _, kind := range []string{directory.KindUser, directory.KindOrganization} {
			data := fmt.Appendf(nil, `{"id":"%s_%d","created_at":%d,"public_metadata":{"text":%q}}`,
				kind, n, 1767225600000+n, strings.Repeat("x", 4<<10))
			if err := instance.Put(kind, data); err != nil {
				tb.Fatal(err)
			}
		}
	}
	return instance
}
