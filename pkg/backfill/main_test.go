package backfill_test

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain lets garbage grow: each test has a company of its own, which is soon gone, and a fifth of the time would go
// into collecting it.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
