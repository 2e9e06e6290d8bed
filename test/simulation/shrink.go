package simulation

import (
	"flag"
	"fmt"
	"runtime"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// interleavings is under how many interleavings a shorter history is tried: it
// has others than the longer one had, in any case.
const interleavings = 40

// shrink logs a short history that breaks a promise as the seed's does.
func shrink(t *testing.T, seed uint64) {
	t.Helper()
	restore, err := setRapidFlags(map[string]string{
		"rapid.seed":       strconv.FormatUint(seed, 10),
		"rapid.checks":     "5",
		"rapid.nofailfile": "true",
		"rapid.shrinktime": "20s",
	})
	if err != nil {
		t.Logf("shrink: %v", err)
		return
	}
	defer restore()
	generator, trace := plans(), ""
	done := make(chan struct{})
	go func() { // rapid ends the goroutine of a test that failed
		defer close(done)
		rapid.Check(&quietTB{name: t.Name()}, func(rt *rapid.T) {
			if s := shortestTrace(t, generator.Draw(rt, "")); s != "" {
				trace = s
				rt.Fatalf("broken")
			}
		})
	}()
	<-done
	t.Logf("a short history that fails:\n%s", trace)
}

// shortestTrace is the shortest of the first three histories of a plan
// that break a promise, "" where none does.
func shortestTrace(t *testing.T, p Plan) (shortest string) {
	t.Helper()
	for tried, found := 0, 0; tried < interleavings && found < 3; tried++ {
		if s, err := traced(p).run(t, &Tally{}); err != nil {
			found++
			if text := s.describe() + err.Error(); shortest == "" || len(text) < len(shortest) {
				shortest = text
			}
		}
		p.Seed++
	}
	return shortest
}

// setRapidFlags sets flags, which are the only way to give rapid a seed. It
// returns what sets them back.
func setRapidFlags(values map[string]string) (restore func(), err error) {
	before := map[string]string{}
	restore = func() {
		for name, v := range before {
			_ = flag.Set(name, v) // it was there before
		}
	}
	for name, v := range values {
		f := flag.Lookup(name)
		if f == nil {
			restore()
			return nil, fmt.Errorf("rapid has no flag %s", name)
		}
		before[name] = f.Value.String()
		if err := flag.Set(name, v); err != nil {
			restore()
			return nil, fmt.Errorf("set the flag %s: %w", name, err)
		}
	}
	return restore, nil
}

// quietTB is the test that rapid sees while it shrinks: it logs nothing.
type quietTB struct {
	name   string
	failed bool
}

func (q *quietTB) Helper()               {}
func (q *quietTB) Name() string          { return q.name }
func (q *quietTB) Logf(string, ...any)   {}
func (q *quietTB) Log(...any)            {}
func (q *quietTB) Skipf(string, ...any)  { runtime.Goexit() }
func (q *quietTB) Skip(...any)           { runtime.Goexit() }
func (q *quietTB) SkipNow()              { runtime.Goexit() }
func (q *quietTB) Errorf(string, ...any) { q.failed = true }
func (q *quietTB) Error(...any)          { q.failed = true }
func (q *quietTB) Fatalf(string, ...any) { q.FailNow() }
func (q *quietTB) Fatal(...any)          { q.FailNow() }
func (q *quietTB) Fail()                 { q.failed = true }
func (q *quietTB) Failed() bool          { return q.failed }

func (q *quietTB) FailNow() {
	q.failed = true
	runtime.Goexit()
}
