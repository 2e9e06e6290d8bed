package sqs_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain lets more tests run at once than there are processors, for nearly
// all of the suite's time is waiting.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
