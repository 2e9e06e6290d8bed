package sqs_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	sqsemulator "github.com/clerksync/clerksync/internal/emulator/sqs"
	"github.com/clerksync/clerksync/internal/emulator/sqs/sqstest"
)

// A suite that can't fail shows nothing. Each engine here is the server with
// one fault put over it by an HTTP handler, and each check of the suite has to
// find at least one of them. A sound one is among them, so that a check that
// just runs out of time is not taken for one that finds something.
func TestSuiteFindsBrokenEngines(t *testing.T) {
	t.Parallel()
	checks := make(map[string]sqstest.Check)
	for _, check := range sqstest.Checks() {
		checks[check.Name] = check
	}
	all := append(brokenEngines(), soundEngine())
	var running []func()
	for _, engine := range all {
		c := client(t, engine.over(sqsemulator.New(sqsemulator.Options{})))
		for _, name := range engine.foundBy {
			check, ok := checks[name]
			if !ok {
				t.Fatalf("engine %q names %q, which is no check", engine.name, name)
			}
			found := make(chan error, 1)
			// All at once: nearly all of a check's time is waiting.
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
				defer cancel()
				found <- check.Run(ctx, c)
			}()
			running = append(running, func() {
				if err := <-found; (err == nil) != engine.sound {
					t.Errorf("engine that %s: check %q = %v, want an error: %v", engine.name, name, err, !engine.sound)
				}
			})
		}
	}
	for _, wait := range running {
		wait()
	}
}

func soundEngine() engine {
	sound := engine{name: "is sound", over: func(next http.Handler) http.Handler { return next }, sound: true}
	for _, check := range sqstest.Checks() {
		sound.foundBy = append(sound.foundBy, check.Name)
	}
	return sound
}

func TestEveryCheckCanFail(t *testing.T) {
	able := make(map[string]bool)
	for _, engine := range brokenEngines() {
		for _, name := range engine.foundBy {
			able[name] = true
		}
	}
	for _, check := range sqstest.Checks() {
		if !able[check.Name] {
			t.Errorf("no broken engine is found by check %q", check.Name)
		}
	}
}
