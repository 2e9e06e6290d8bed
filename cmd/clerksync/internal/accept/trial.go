package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/doctor"
)

// result is what a verdict amounts to.
type result string

const (
	passes  result = "pass"
	fails   result = "fail"
	untried result = "not tried"
)

// pad makes all results as wide as the longest.
func pad(r result) string { return fmt.Sprintf("%-9s", r) }

// verdict is the result of a check, in words for people.
type verdict struct {
	result result
	detail string
}

func pass(format string, args ...any) verdict { return verdict{passes, fmt.Sprintf(format, args...)} }

func fail(format string, args ...any) verdict { return verdict{fails, fmt.Sprintf(format, args...)} }

func notTried(format string, args ...any) verdict {
	return verdict{untried, fmt.Sprintf(format, args...)}
}

// trial is one run on one stack.
type trial struct {
	deployment *deployment.Deployment
	redriver   *deployment.Deployment // the same, with the rights of RedriveRole
	doctor     doctor.Options
	wait       time.Duration // the longest, for what AWS does later
	poll       time.Duration // between two looks
	began      time.Time
	undos      []undo
	poison     poison
	resetQueue func(context.Context) error // puts the queue's redrive policy back
	restored   []restored
	restoreErr error // of the start of the restorations
}

// undo puts one thing back.
type undo struct {
	what string // in words for people: what is left if it fails
	run  func(context.Context) error
}

func newTrial(
	ctx context.Context, getenv func(string) string, names deployment.Names, wait time.Duration,
) (*trial, error) {
	// Find, not guess: where a name cannot be found, nothing of this stack must be touched.
	d, err := deployment.Open(ctx, getenv, names)
	if err != nil {
		return nil, fmt.Errorf("find the stack: %w", err)
	}
	if err := d.FindAll(ctx); err != nil {
		return nil, fmt.Errorf("find the stack's functions and queues: %w", err)
	}
	return &trial{
		deployment: d, redriver: d.AsRedriver(), wait: wait, poll: min(5*time.Second, wait/10), began: time.Now(),
		doctor: doctor.Options{
			Names: names, Getenv: getenv, Now: time.Now, Wait: min(time.Minute, wait),
			MaxSilence: new(time.Duration), // a new stack had no event yet
		},
	}, nil
}

// check tries one thing, once. It has all that it changes put back with later.
type check struct {
	name string
	run  func(context.Context) verdict
}

// checks are what is tried, in an order in which each finds what the ones before it have left: counts, log lines, the
// message in the dead-letter queue, functions that start anew.
func (t *trial) checks() []check {
	return []check{
		{"doctor", t.checkDoctor},
		{"metrics", t.checkMetrics},
		{"access-log", t.checkAccessLog},
		{"give-up", t.checkGiveUp},
		{"foreign-redrive", t.checkForeignRedrive},
		{"redrive", t.checkRedrive},
		{"tracing", t.checkTracing},
		{"cold-start", t.checkColdStart},
		{"alarm-ends", t.checkAlarmEnds},
		{"alarm-mail", t.checkAlarmMail},
		{"restore", t.checkRestore},
		{"adopt", t.checkAdopt},
	}
}

// undoTime is how long the cleanup may take altogether, after an interruption too.
const undoTime = 10 * time.Minute

// runAll runs the checks, then puts everything back, the last change first. A change that could not be put back is a
// failure of its own.
func (t *trial) runAll(ctx context.Context, checks []check, report func(name string, v verdict)) map[result]int {
	tally := map[result]int{}
	say := func(name string, v verdict) {
		tally[v.result]++
		report(name, v)
	}
	t.startRestore(ctx) // it takes a quarter of an hour, in which the other things are tried
	for _, c := range checks {
		v := notTried("interrupted")
		if ctx.Err() == nil {
			v = c.run(ctx)
		}
		say(c.name, v)
	}
	// Ctrl-C ends the trial, not the clean-up: a queue that gives up at once must not stay so.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	clean := pass("all that was changed is as before, and what was made is deleted")
	for _, u := range slices.Backward(t.undos) {
		if err := u.run(ctx); err != nil {
			clean = fail("%s: %v", u.what, err)
			say("clean-up", clean)
		}
	}
	if clean.result == passes {
		say("clean-up", clean)
	}
	return tally
}

// later has a change put back at the end. It is called before the change is made: a change whose answer was lost may
// have been made.
func (t *trial) later(what string, run func(context.Context) error) {
	t.undos = append(t.undos, undo{what, run})
}

// cannot is the verdict where AWS refused what is part of the trial. An emulator may lack it.
func (t *trial) cannot(err error) verdict {
	if t.deployment.Emulated() {
		return notTried("%s does not do this: %v", aws.ToString(t.deployment.AWS.BaseEndpoint), err)
	}
	return fail("%v", err)
}

// unbroken is the context of a request that changes something. Ctrl-C must not break it off: AWS may have it already,
// and would make the change after the clean-up has put back what was before.
func unbroken(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), changeTime)
}

// changeTime bounds such a request with its retries: after Ctrl-C people wait for it.
const changeTime = 30 * time.Second

var errTooLate = errors.New("it did not happen in time")

// until calls done until it is true or fails, or the longest wait is over.
func (t *trial) until(ctx context.Context, done func() (bool, error)) error {
	for end := time.Now().Add(t.wait); ; {
		switch ok, err := done(); {
		case err != nil || ok:
			return err
		case time.Now().After(end):
			return fmt.Errorf("%w: waited %s", errTooLate, t.wait)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(t.poll):
		}
	}
}

// checkDoctor runs `clerksync doctor`: events go the whole way through the stack, and it deletes their rows.
func (t *trial) checkDoctor(ctx context.Context) verdict {
	// Warnings are advice, and checks that doctor skips say why in its own output.
	passed, failed := 0, ""
	err := doctor.Examine(ctx, t.doctor, func(v doctor.Verdict) {
		switch v.Status {
		case doctor.Pass:
			passed++
		case doctor.Fail:
			failed += fmt.Sprintf("%s: %s. %s. ", v.Check, v.Detail, v.Mend)
		case doctor.Warn, doctor.Skip:
		}
	})
	switch {
	case err != nil:
		return fail("%v", err)
	case failed != "":
		return t.cannot(errors.New(failed))
	}
	return pass("%d checks; an event went from the webhook to its rows, and they are deleted again", passed)
}
