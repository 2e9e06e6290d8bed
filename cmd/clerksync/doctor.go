package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/svix"
)

func (e program) doctorCommand() *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "check this machine and a stack, and say how to mend what is wrong",
		UsageText: `clerksync doctor [flags]
  clerksync doctor signature --headers FILE --body FILE [flags]`,
		Description: `Each check passes, warns, fails with how to mend it, or is skipped with the
reason. Three requests go to the webhook: one without a signature, which it must
refuse; one signed, of type clerksync.test, which is ignored; and one that says
that a role which never was is deleted. That one goes the whole way and leaves a
row in each table, which doctor then deletes (left behind, they do no harm: no
query for live rows sees them). --no-send sends none of the three: use it on a
schedule, for the events of doctor count as traffic, and an alarm that waits for
silence would never go off.

The exit status is 1 if a check fails; a warning is none.`,
		Flags: append(placeFlags(),
			&cli.StringFlag{Name: "secret", Usage: "sign with `whsec_...` (default: the one in SSM, the environment's, or clerksync dev's)"},
			&cli.StringFlag{Name: "parameter", Usage: "`NAME` of the SSM parameter with the secret (default: the stack's)"},
			&cli.StringFlag{Name: "instance", Usage: "`ins_...` of the test event, where the endpoint takes one instance only (default: the stack's, or CLERK_INSTANCE_ID)"},
			&cli.DurationFlag{Name: "max-silence", Value: 24 * time.Hour, Usage: "the longest `DURATION` without an event that is well, 0 for any (the stack's NoEventsHours, where it has one)"},
			&cli.DurationFlag{Name: "wait", Value: 30 * time.Second, Usage: "wait `DURATION` for the test event to come through"},
			&cli.BoolFlag{Name: "no-send", Usage: "send nothing to the webhook"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object a line: check, status, detail, mend"}),
		Action:   e.doctor,
		Commands: []*cli.Command{e.doctorSignatureCommand()},
		Metadata: terminal.Examples(
			"clerksync doctor --stack clerksync-prod",
			"clerksync doctor                                   # of clerksync dev",
			"clerksync doctor --stack clerksync-prod --no-send --json | jq 'select(.status==\"fail\")'",
			"clerksync doctor signature --headers headers.txt --body body.json"),
	}
}

// verdict is what came of a check.
type verdict struct {
	Check  string `json:"check"`
	Status string `json:"status"` // pass, warn, fail or skip
	Detail string `json:"detail"`
	Mend   string `json:"mend,omitempty"`
}

const (
	statusPass = "pass"
	statusWarn = "warn"
	statusFail = "fail"
	statusSkip = "skip"
)

func pass(format string, a ...any) verdict {
	return verdict{Status: statusPass, Detail: fmt.Sprintf(format, a...)}
}

func skip(format string, a ...any) verdict {
	return verdict{Status: statusSkip, Detail: fmt.Sprintf(format, a...)}
}

func warn(mend, format string, a ...any) verdict {
	return verdict{Status: statusWarn, Detail: fmt.Sprintf(format, a...), Mend: mend}
}

func fail(mend, format string, a ...any) verdict {
	return verdict{Status: statusFail, Detail: fmt.Sprintf(format, a...), Mend: mend}
}

// doctor is one examination.
type doctor struct {
	program
	*place
	c       *cli.Command
	found   bool          // the stores are located
	secrets *svix.Secrets // nil until the check of the secret finds them
	from    string        // where they come from
	skew    time.Duration // how far the endpoint's clock is ahead of ours
	date    bool          // whether skew is known
	touched bool          // the endpoint refused what is not signed, as it should
	signed  bool          // and took what is
}

// check is one of the checks, by its name.
type check struct {
	name string
	run  func(context.Context) verdict
}

// checks are all, in the order in which a message meets what they look at;
// the traffic is looked at before our own events are part of it.
func (d *doctor) checks() []check {
	return []check{
		{"credentials", d.credentials},
		{"stack", d.checkStack},
		{"tables", d.located(d.tables)},
		{"ttl", d.located(d.ttl)},
		{"backups", d.located(d.backups)},
		{"queue", d.located(d.checkQueue)},
		{"event-source", d.located(d.eventSource)},
		{"dead-letters", d.located(d.deadLetters)},
		{"instances", d.located(d.instances)},
		{"silence", d.located(d.silence)},
		{"rejections", d.located(d.rejections)},
		{"concurrency", d.located(d.concurrency)},
		{"secret", d.secret},
		{"endpoint", d.endpoint},
		{"clock", d.clock},
		{"signature", d.signature},
		{"way-through", d.located(d.wayThrough)},
	}
}

// located is a check that needs to know the tables and the queues.
func (d *doctor) located(run func(context.Context) verdict) func(context.Context) verdict {
	return func(ctx context.Context) verdict {
		if !d.found {
			return skip("the tables and the queues were not found")
		}
		return run(ctx)
	}
}

func (e program) doctor(ctx context.Context, c *cli.Command) error {
	if err := terminal.TakeNothing(c); err != nil {
		return err
	}
	d := &doctor{program: e, place: e.unplaced(c), c: c}
	tally := map[string]int{}
	for _, check := range d.checks() {
		v := check.run(ctx)
		if ctx.Err() != nil {
			return terminal.ErrInterrupted
		}
		v.Check = check.name
		tally[v.Status]++
		e.showVerdict(v, c.Bool("json"))
	}
	e.term.Note("%d passed, %d warnings, %d failed, %d skipped.", tally[statusPass], tally[statusWarn], tally[statusFail], tally[statusSkip])
	if tally[statusFail] > 0 {
		return terminal.ErrReported
	}
	return nil
}

func (e program) showVerdict(v verdict, asJSON bool) {
	if asJSON {
		e.term.PrintJSON(v)
		return
	}
	style := map[string]terminal.Style{
		statusPass: terminal.Good, statusWarn: terminal.Warn, statusFail: terminal.Bad, statusSkip: terminal.Dim,
	}[v.Status]
	e.term.Print("%s  %-12s  %s", style(v.Status), v.Check, v.Detail)
	if v.Mend != "" {
		e.term.Print("%18s  %s", "", v.Mend)
	}
}
