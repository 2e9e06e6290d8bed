package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/svix"
)

func (e program) sendCommand() *cli.Command {
	return &cli.Command{
		Name:      "send",
		Usage:     "sign events as Svix does and post them",
		ArgsUsage: "<file | - | event name>...",
		Description: `An event is a file, - for standard input, or the name of a sample; --all sends
every sample. It goes to clerksync dev unless --to says otherwise, signed with
dev's kept secret unless --secret or CLERK_WEBHOOK_SIGNING_SECRET says otherwise.
The exit status is 1 unless every answer is 2xx.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "to", Value: defaultURL, Usage: "post to `URL`"},
			&cli.StringFlag{Name: "secret", Usage: "sign with `whsec_...`"},
			&cli.StringFlag{Name: "id", Usage: "send as message `msg_...` (default: a new id each)"},
			&cli.StringSliceFlag{Name: "set", Usage: "set a field: `path=value`, the path dotted from the envelope, the value JSON or text; repeatable"},
			&cli.BoolFlag{Name: "all", Usage: "send every sample"},
			&cli.IntFlag{Name: "repeat", Value: 1, Usage: "send `N` messages of each, with new ids"},
			&cli.BoolFlag{Name: "duplicate", Usage: "send each twice with one id"},
			&cli.BoolFlag{Name: "tamper", Usage: "change the body after signing"},
			&cli.DurationFlag{Name: "skew", Usage: "sign with a clock that is `DURATION` ahead (-10m: behind)"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object a line: svix_id, event_type, status, body"},
		},
		DisableSliceFlagSeparator: true,
		Action:                    e.send,
		Metadata: terminal.Examples(
			"clerksync send user.created",
			"clerksync send user.updated --set data.first_name=Ada --set data.updated_at=1772650000000",
			"clerksync send --duplicate organization.created",
			"clerksync send --tamper user.deleted            # 400 invalid_signature",
			"clerksync send --skew -10m user.created         # 400 invalid_timestamp",
			"jq -c . event.json | clerksync send - --to https://example.com/webhooks/clerk --secret whsec_..."),
	}
}

func (e program) send(ctx context.Context, c *cli.Command) error {
	bodies, err := e.bodies(c)
	if err != nil {
		return err
	}
	secret, err := e.secret(c.String("secret"))
	if err != nil {
		return err
	}
	secrets, err := secret.parse()
	if err != nil {
		return err
	}
	p := poster{url: c.String("to"), secrets: secrets, now: e.now}
	refused := false
	for _, body := range bodies {
		for range c.Int("repeat") {
			id := c.String("id")
			if id == "" {
				id = newID()
			}
			copies := 1
			if c.Bool("duplicate") {
				copies = 2
			}
			for range copies {
				a, err := p.post(ctx, request{id, body, c.Bool("tamper"), c.Duration("skew")})
				if err != nil {
					return err
				}
				e.answered(a, c.Bool("json"))
				refused = refused || a.Status < 200 || a.Status > 299
			}
		}
	}
	if refused {
		return terminal.ErrReported
	}
	return nil
}

func (e program) answered(a answer, asJSON bool) {
	if asJSON {
		e.term.PrintJSON(a)
		return
	}
	style := terminal.Style(terminal.Good)
	if a.Status < 200 || a.Status > 299 {
		style = terminal.Bad
	}
	e.term.Print("%s  %-30s  %s  %s", style(a.Status), a.EventType, terminal.Dim(a.SvixID), a.Body)
}

// bodies are those of the arguments, each with the fields that are set.
func (e program) bodies(c *cli.Command) ([][]byte, error) {
	names := terminal.Files(c)
	if c.Bool("all") {
		names = append(names, events.Names()...)
	}
	if len(names) == 0 {
		return nil, terminal.Usagef("send needs an event: a file, - or one of\n  %s", strings.Join(events.Names(), "\n  "))
	}
	if n := c.Int("repeat"); n < 1 {
		return nil, terminal.Usagef("--repeat %d: at least 1", n)
	}
	if id := c.String("id"); id != "" {
		if len(names) > 1 || c.Int("repeat") > 1 {
			return nil, terminal.Usagef("--id names one message; send one event with it (--duplicate sends it twice)")
		}
		if !svix.ValidID(id) {
			e.term.Note("%s", terminal.Warn("note: "+id+" is no message id, so it will be refused"))
		}
	}
	if d := c.Duration("skew"); d.Abs() > 200*365*24*time.Hour {
		return nil, terminal.Usagef("--skew %s is too far", d)
	}
	bodies := make([][]byte, len(names))
	for i, name := range names {
		body, err := e.body(name)
		if err != nil {
			return nil, err
		}
		if bodies[i], err = setAll(body, c.StringSlice("set")); err != nil {
			return nil, err
		}
	}
	return bodies, nil
}

// body reads standard input, a file, or a sample, byte for byte.
func (e program) body(name string) ([]byte, error) {
	b, err := e.term.ReadFile(name)
	if err == nil {
		return b, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	b, sampleErr := events.Body(name)
	if sampleErr != nil {
		return nil, terminal.Usagef("%q is no file, and %w", name, sampleErr)
	}
	return b, nil
}
