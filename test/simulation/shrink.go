package simulation

import (
	"flag"
	"fmt"
	"runtime"
)

// rapidFlags sets flags, which are the only way to give rapid a seed, and
// returns what sets them back.
func rapidFlags(values map[string]string) (restore func(), err error) {
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

// quietTB is the test that rapid sees while it shrinks: nothing of what it
// says is printed.
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
