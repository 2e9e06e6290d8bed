package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/doctor"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// doctorCommand checks all that status would show, and more. Below it stands the
// one diagnosis that looks at a recorded request instead of a deployment.
func (p program) doctorCommand() *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "check this machine and a stack, and say how to mend what is wrong",
		UsageText: `clerksync doctor [flags]
  clerksync doctor signature --headers FILE --body FILE [flags]`,
		Description: `Each check passes, warns, fails with how to mend it, or is skipped with the
reason. Three requests go to the webhook: one without a signature, which it must
refuse; one signed, of type clerksync.test, which is ignored; and the deletion of a
role that never existed. That one goes the whole way and leaves a row in each
table, which doctor then deletes (left behind, they do no harm: no query for live
rows sees them). --no-send sends none of the three: use it on a
schedule, for the events of doctor count as traffic, and an alarm that waits for
silence would never go off.

The exit status is 1 if a check fails; a warning does not count.`,
		Flags: placeFlags(
			text("secret", "sign with `whsec_...` (default: the one in SSM, the environment's, or clerksync dev's)"),
			text("parameter", "`NAME` of the SSM parameter with the secret (default: the stack's)"),
			text("instance", "`ins_...` of the test event, where the endpoint takes one instance only "+
				"(default: the stack's, or CLERK_INSTANCE_ID)"),
			&cli.DurationFlag{
				Name: "max-silence", Value: doctor.DefaultMaxSilence,
				Usage: "the longest `DURATION` without an event that is well, 0 for any " +
					"(the stack's NoEventsHours, where it has one)",
			},
			&cli.DurationFlag{
				Name: "wait", Value: 30 * time.Second, Usage: "wait `DURATION` for the test event to come through",
			},
			toggle("no-send", "send nothing to the webhook"),
			&cli.BoolFlag{
				Name: "verbose", Aliases: []string{"v"},
				Usage: "print each check that only a stack has, also where there is none; --json does, too",
			},
			toggle("json", "print one JSON object a line: check, status, detail, mend")),
		Action:   p.doctor,
		Commands: []*cli.Command{p.doctorSignatureCommand()},
		Metadata: terminal.Examples(
			"clerksync doctor --stack clerksync-prod",
			"clerksync doctor                                   # of clerksync dev",
			"clerksync doctor --stack clerksync-prod --no-send --json | jq 'select(.status==\"fail\")'",
			"clerksync doctor signature --headers headers.txt --body body.json"),
	}
}

// doctor prints each verdict as soon as it is known, for a check may take half a
// minute, and counts them at the end. The flag --max-silence counts only where it
// is given, so that the stack's own alarm comes before the flag's default.
func (p program) doctor(ctx context.Context, c *cli.Command) error {
	o := doctor.Options{
		Names: names(c), Getenv: p.getenv, Now: p.now, Wait: c.Duration("wait"), NoSend: c.Bool("no-send"),
		Secret: c.String("secret"), Parameter: c.String("parameter"), Instance: c.String("instance"),
	}
	if limit := c.Duration("max-silence"); c.IsSet("max-silence") {
		o.MaxSilence = &limit
	}
	tally, forStacks := map[doctor.Status]int{}, 0
	err := doctor.Examine(ctx, o, func(v doctor.Verdict) {
		tally[v.Status]++
		if v.StackOnly && !c.Bool("json") && !c.Bool("verbose") {
			forStacks++
			return
		}
		p.printVerdict(v, c.Bool("json"))
	})
	if err != nil {
		return err
	}
	if forStacks > 0 {
		p.term.Print("%s  %d checks are for stacks (-v shows them)", terminal.Dim(string(doctor.Skip)), forStacks)
	}
	p.term.Note("%d passed, %d warnings, %d failed, %d skipped.",
		tally[doctor.Pass], tally[doctor.Warn], tally[doctor.Fail], tally[doctor.Skip])
	if tally[doctor.Fail] > 0 {
		return terminal.ErrReported
	}
	return nil
}

// printVerdict prints a verdict, for people with how to mend it on a line below.
func (p program) printVerdict(v doctor.Verdict, asJSON bool) {
	if asJSON {
		p.term.PrintJSON(v)
		return
	}
	style := map[doctor.Status]terminal.Style{
		doctor.Pass: terminal.Good, doctor.Warn: terminal.Warn, doctor.Fail: terminal.Bad, doctor.Skip: terminal.Dim,
	}[v.Status]
	p.term.Print("%s  %-12s  %s", style(string(v.Status)), v.Check, v.Detail)
	if v.Mend != "" {
		p.term.Print("%18s  %s", "", v.Mend)
	}
}
