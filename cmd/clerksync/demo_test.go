package main_test

import (
	"bytes"
	"regexp"
	"testing"

	main "github.com/clerksync/clerksync/cmd/clerksync"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// An event of the demo that comes out otherwise than it should is named, and the
// exit status is 1: here it runs over tables that it has filled before, in which
// what it deleted stays deleted.
func TestDemoOverOldTables(t *testing.T) {
	t.Parallel()
	cfg := emulatortest.Start(t, emulator.New(emulator.Options{}))
	line := []string{
		"clerksync", "dev", "--demo", "--once", "--addr", "127.0.0.1:0", "--secret", svixtest.Secret,
		"--endpoint-url", *cfg.BaseEndpoint,
	}
	var data, words bytes.Buffer
	if got := main.Run(t.Context(), &data, &words, line); got != terminal.ExitDone {
		t.Fatalf("%s exits %d, want 0:\n%s%s", line, got, data.String(), words.String())
	}
	data.Reset()
	words.Reset()
	if got := main.Run(t.Context(), &data, &words, line); got != terminal.ExitFailed {
		t.Errorf("%s the second time exits %d, want 1", line, got)
	}
	for _, want := range []string{
		`(?m)^Mon +Mara signs up +user\.created +applied +ok *$`,
		`(?m)^\w+ +Jonah .* +user\.created +stale +expected applied *$`,
		`(?m)^Thu +a forged deletion of his account .* ok *$`,
	} {
		if !regexp.MustCompile(want).MatchString(data.String()) {
			t.Errorf("%s the second time prints no line like %q:\n%s", line, want, data.String())
		}
	}
	if !regexp.MustCompile(`\d+ of 20 events did not come out as they should\n$`).MatchString(words.String()) {
		t.Errorf("%s the second time says %q", line, words.String())
	}
}
