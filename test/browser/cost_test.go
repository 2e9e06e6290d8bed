package browser_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// BenchmarkConsole is what the console costs the pipeline: the median time from a signed POST to its row, with the
// console open in two browsers and without one, in turns, so that both see the same machine.
func BenchmarkConsole(b *testing.B) {
	const n, maxRatio = 300, 1.3
	s := newSuite(b)
	off, on := s.start(b, "--console-addr", "off"), s.start(b)
	for range 2 {
		s.open(b, on.ready.ConsoleURL, "/").has(`#live[data-state=live]`)
	}
	took := map[*dev][]time.Duration{}
	for i := range n {
		for _, d := range []*dev{off, on} {
			took[d] = append(took[d], d.toRow(b, user(i)))
		}
	}
	median := func(d *dev) float64 {
		slices.Sort(took[d])
		return took[d][n/2].Seconds() * 1000
	}
	without, with := median(off), median(on)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(without, "ms-without")
	b.ReportMetric(with, "ms-with")
	b.ReportMetric(with/without, "ratio")
	if with/without > maxRatio {
		b.Errorf("the median is %.2f ms with the console and %.2f ms without it, want %.1f times as long at most",
			with, without, maxRatio)
	}
}

// toRow posts a message and waits until dev reports its row. A dev without a console can be asked by its output alone.
func (d *dev) toRow(tb testing.TB, m message) time.Duration {
	tb.Helper()
	output, err := os.Open(d.Output)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = output.Close() }()
	if _, err := output.Seek(0, io.SeekEnd); err != nil {
		tb.Fatal(err)
	}
	began := time.Now()
	id, status := d.post(tb, m)
	if status != http.StatusOK {
		tb.Fatalf("POST = %d", status)
	}
	var text []byte
	for time.Since(began) < patience {
		more, err := io.ReadAll(output)
		if err != nil {
			tb.Fatal(err)
		}
		text = append(text, more...)
		if bytes.Contains(text, []byte(`"stage":"applied","svix_id":"`+id)) {
			return time.Since(began)
		}
		time.Sleep(100 * time.Microsecond)
	}
	tb.Fatalf("dev does not report an outcome of %s:\n%s", id, text)
	return 0
}

// TestMemory holds what the console keeps: after many messages a dev with one needs little more memory than one
// without. CONSOLE_MESSAGES sets how many; the bound is that for 100,000.
func TestMemory(t *testing.T) {
	t.Parallel()
	const bound = 150 << 20
	n := 1500
	if text := os.Getenv("CONSOLE_MESSAGES"); text != "" {
		n, _ = strconv.Atoi(text)
	}
	s := &suite{bin: commandFolder(t)}
	off, on := s.start(t, "--console-addr", "off"), s.start(t)
	for _, d := range []*dev{off, on} {
		d.postAll(t, n, func(i int) message { // few rows, so that what grows is the console
			return message{sample: "user.updated", set: map[string]any{"data.id": fmt.Sprintf("user_2few%022d", i%100)}}
		})
	}
	without, with := off.memory(t), on.memory(t)
	t.Logf("after %d messages: %d MB with the console, %d MB without", n, with>>20, without>>20)
	if with-without > bound {
		t.Errorf("the console needs %d MB, want %d MB at most", (with-without)>>20, bound>>20)
	}
}
