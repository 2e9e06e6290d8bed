package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/scenario"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
)

// scenarioList is a line for each story, for the help.
func scenarioList() string {
	var b strings.Builder
	for _, name := range scenario.Names() {
		fmt.Fprintf(&b, "\n  %-14s %s", name, scenario.Point(name))
	}
	return b.String()
}

// sendScenario tells a story: it posts its events in the order in which the story
// has them arrive, and says where to look for what has become of them. Answers tell
// nothing of that, for an event has its effect after it was answered.
func (p program) sendScenario(ctx context.Context, c *cli.Command) error {
	if len(terminal.Files(c)) > 0 {
		return terminal.Usagef("--scenario sends its own events; leave out the others")
	}
	for _, flag := range []string{
		"all", "id", "set", "set-string", "repeat", "new-ids", "duplicate", "tamper", "skew",
	} {
		if c.IsSet(flag) {
			return terminal.Usagef("--%s is for events that you name, and --scenario sends its own", flag)
		}
	}
	story, err := scenario.Tell(c.String("scenario"), p.now())
	if err != nil {
		return terminal.Usagef("--scenario: %w%s", err, terminal.Suggest(scenario.Names(), c.String("scenario")))
	}
	to, signer, err := p.findWebhook(ctx, c)
	if err != nil {
		return err
	}
	p.term.Note("%s\n", story.Point)
	wrong := 0
	err = story.Play(ctx, func(e scenario.Event) error {
		a, err := post(ctx, to, signer, e.Request)
		if err == nil {
			p.printEvent(e, a, c.Bool("json"))
		}
		if err == nil && !e.Expects(a) {
			wrong++
		}
		return err
	}, p.stopsOf(ctx, c, to))
	if err != nil {
		if ctx.Err() != nil {
			return terminal.ErrInterrupted
		}
		return err //nolint:wrapcheck // it says what failed
	}
	p.printLooks(story, lookFlag(ctx, c, p.getenv, to))
	if wrong > 0 {
		text := fmt.Sprintf("%d of %d answers are not as they should be", wrong, len(story.Events))
		p.term.Note("%s", terminal.Bad(text))
		return terminal.ErrReported
	}
	return nil
}

// printEvent prints the line of one request: for people with what it stands for,
// and with the answer where that is not as it should be.
func (p program) printEvent(e scenario.Event, a webhook.Answer, asJSON bool) {
	if asJSON {
		p.term.PrintJSON(a)
		return
	}
	style, words := terminal.Good, terminal.Plain(e.What)
	switch {
	case !e.Expects(a):
		style, words = terminal.Bad, terminal.Bad(e.What+": "+a.Body)
	case e.Forged():
		style = terminal.Warn
	}
	p.term.Print("%s  %-30s  %s  %s", style(a.Status), a.EventType, terminal.Dim(a.SvixID), words)
}

// lookFlag is the flag by which other commands find the tables behind the webhook,
// as far as that is known.
func lookFlag(ctx context.Context, c *cli.Command, getenv func(string) string, to string) []string {
	if endpoint := c.String("endpoint-url"); endpoint != "" {
		return []string{"--endpoint-url " + terminal.Quote(endpoint)}
	}
	if of, err := names(c).FindWebhook(ctx, getenv); err == nil && of == to {
		return nil
	}
	return []string{"--stack NAME"}
}

// printLooks says which rows to look at, by commands that work as they are printed.
func (p program) printLooks(s scenario.Story, flag []string) {
	var b strings.Builder
	for _, l := range s.Looks {
		words := append([]string{terminal.Program() + "get " + l.Kind, terminal.Quote(l.Name)}, flag...)
		fmt.Fprintf(&b, "%s\n      %s\n", terminal.Command(p.term.NoteWidth(), words...), l.Want)
	}
	p.term.Note("\nOnce all has had its effect, the rows show:\n\n%s", terminal.Styled(b.String()))
}
