package order_test

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain lets garbage grow: each order has tables of its own, which are soon gone, and a quarter of the time would
// go into collecting it.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
