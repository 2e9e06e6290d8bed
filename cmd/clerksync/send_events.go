package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/signature"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/svix"
)

// eventsToSend returns the events that the arguments name, each with the fields
// that --set sets, and with the id under which it goes if that is known. It refuses
// flags that contradict each other before anything is sent: half a sequence of
// events would be hard to repeat. An id that Svix would never give is sent all the
// same, for that is worth a test.
func (p program) eventsToSend(c *cli.Command) (list []signature.Delivery, err error) {
	names := terminal.Files(c)
	if c.Bool("all") {
		names = append(names, events.Names()...)
	}
	if len(names) == 0 {
		samples := strings.Join(events.Names(), "\n  ")
		return nil, terminal.Usagef("send needs an event: a file, - or one of\n  %s", samples)
	}
	for _, name := range names {
		deliveries, err := p.readDeliveries(name)
		if err != nil {
			return nil, err
		}
		list = append(list, deliveries...)
	}
	if err := p.checkSend(c, len(list)); err != nil {
		return nil, err
	}
	for i := range list {
		if id := c.String("id"); id != "" {
			list[i].ID = id
		} else if c.Int("repeat") > 1 {
			list[i].ID = "" // a new one for each
		}
		list[i].Body, err = webhook.Edit(list[i].Body, c.StringSlice("set"), c.StringSlice("set-string")...)
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// checkSend checks the flags for so many events.
func (p program) checkSend(c *cli.Command, count int) error {
	if n := c.Int("repeat"); n < 1 {
		return terminal.Usagef("--repeat %d: at least 1", n)
	}
	if id := c.String("id"); id != "" {
		if count > 1 || c.Int("repeat") > 1 || c.Bool("new-ids") {
			return terminal.Usagef("--id names one message; send one event with it (--duplicate sends it twice)")
		}
		if !svix.ValidID(id) {
			p.term.Note("%s", terminal.Warn("note: "+id+" cannot be a message id, so it will be refused"))
		}
	}
	if d := c.Duration("skew"); d.Abs() > 200*365*24*time.Hour {
		return terminal.Usagef("--skew %s is too far", d)
	}
	return nil
}

// readDeliveries returns the events of a recording, or one event of any other file
// or sample.
func (p program) readDeliveries(name string) ([]signature.Delivery, error) {
	body, err := p.readEvent(name)
	if err != nil {
		return nil, err
	}
	if list := signature.ParseDeliveries(body); len(list) > 0 {
		return list, nil
	}
	return []signature.Delivery{{Body: body}}, nil
}

// readEvent returns standard input, a file or a sample, byte for byte. A file
// comes before a sample of the same name, and a folder does not: it cannot be
// meant. Anything else that is there and cannot be read is an error of its own.
//
// A file in UTF-16 or with a byte order mark, as PowerShell's > writes it, becomes
// plain UTF-8: Clerk sends nothing else, so every endpoint would refuse it.
func (p program) readEvent(name string) ([]byte, error) {
	body, err := p.term.ReadFile(name)
	info, statErr := os.Stat(name)
	isFolder := statErr == nil && info.IsDir()
	if errors.Is(err, fs.ErrNotExist) || err != nil && isFolder {
		if body, sampleErr := events.Body(name); sampleErr == nil {
			return body, nil
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, terminal.Usagef("%q is neither a file nor a sample%s; clerksync send without arguments lists them",
			name, terminal.Suggest(events.Names(), name))
	}
	if err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	body, was := signature.DecodeText(body)
	if was != "" {
		p.term.Note("%s", terminal.Warn("note: "+name+" is "+was+"; it is read as plain UTF-8"))
	}
	return body, nil
}
