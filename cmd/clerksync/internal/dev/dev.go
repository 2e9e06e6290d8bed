// Package dev is what `clerksync dev` shows: it runs the pipeline, prints each
// step of each message for people or programs (screen.go, line.go), once where it
// repeats (repeat.go), with advice where a message did not get through,
// says what to type (next.go), and shows the pipeline at work with
// the events of a made-up company's first week (demo.go). It records what the webhook
// takes, to be sent again (recording.go).
package dev

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/faults"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/order"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/projector"
)

// Options say what to run and how to show it.
type Options struct {
	Pipeline pipeline.Options // Run sets the callbacks and the secret
	Secret   webhook.Secret   // shown unless it is the user's
	Demo     bool             // send the first week through at the start
	Once     bool             // and stop after it
	JSON     bool             // print JSON lines instead of words
	Marks    bool             // a terminal takes marks beside words
	// ConsoleAddr is where the console listens, "" for no console. Any port may take
	// the place of one that is taken and that nobody asked for.
	ConsoleAddr    string
	ConsoleAnyPort bool
	Open           bool   // open the console in a browser
	Record         string // file to append to what the webhook takes, "" for none
	Now            func() time.Time
}

// Run runs the pipeline until ctx ends, which is terminal.ErrInterrupted, or
// until the demo is over where the options want it once.
func Run(ctx context.Context, term *terminal.Terminal, o Options) (err error) {
	secrets, err := o.Secret.Parse()
	if err != nil {
		return err
	}
	o.Pipeline.Secrets = secrets
	if o.Secret.Ours() {
		o.Pipeline.KeptSecret = o.Secret.Text
	}
	screen := newScreen(term, o)
	demo := newDemo(screen)
	o.Pipeline.OnRequest, o.Pipeline.OnMessage, o.Pipeline.Warn = demo.onRequest, demo.onMessage, screen.warn
	o.Pipeline.Describe = func(p *pipeline.Pipeline) any { return screen.describe(p) }
	if err := screen.checkAddresses(o); err != nil {
		return err
	}
	var show *console.Dev
	if o.ConsoleAddr != "" {
		show = &console.Dev{Recorder: recordPassing(&o)}
		if o.Pipeline.AWS == nil {
			show.Faults = faults.New(pipeline.QueueName, o.Now, rand.Float64)
			o.Pipeline.WrapClient = show.Faults.Wrap
		}
	}
	if o.Record != "" {
		r, openErr := openRecording(term, o)
		if openErr != nil {
			return openErr
		}
		defer func() { err = r.end(err) }()
		o.Pipeline = r.hook(o.Pipeline)
	}
	p, err := pipeline.Start(ctx, o.Pipeline)
	if err != nil {
		return fmt.Errorf("start %w\n%s", err, screen.startAdvice(ctx, o, err))
	}
	watch, err := startConsole(ctx, screen, p, o, show)
	if err != nil {
		p.Stop(ctx)
		return fmt.Errorf("start %w\n%s", err, screen.startAdvice(ctx, o, err))
	}
	defer watch.Close() //nolint:contextcheck // it ends at once
	screen.showReady(p)
	if o.Open {
		term.OpenBrowser(screen.console())
	}
	if o.Demo {
		if err := demo.run(ctx, p, webhook.Signer{Secrets: secrets, Now: o.Now}); err != nil || o.Once {
			p.Stop(ctx)
			screen.showCounts()
			return err
		}
	}
	screen.showNext(p)
	err = wait(ctx, term)
	screen.note("Finishing what is in flight. Ctrl-C again ends at once.")
	p.Stop(ctx)
	screen.showCounts()
	return err
}

// wait returns why dev ends: ctx has, or nobody can read what it prints.
func wait(ctx context.Context, term *terminal.Terminal) error {
	select {
	case <-ctx.Done():
		return terminal.ErrInterrupted
	case <-term.Lost():
		// A program that reads the steps would wait for ever, so dev does not go on
		// without it. Report says why.
		return terminal.ErrReported
	}
}

// startConsole serves the console of a pipeline, which shows what hooks on it; nil,
// which can be closed, where nothing does.
func startConsole(
	ctx context.Context, s *screen, p *pipeline.Pipeline, o Options, show *console.Dev,
) (*console.Console, error) {
	if show == nil {
		return nil, nil //nolint:nilnil // a nil Console is none
	}
	show.Describe = func() deployment.Ready { return s.describe(p) }
	show.Signer = webhook.Signer{Secrets: o.Pipeline.Secrets, Now: o.Now}
	show.Secret, show.SecretIsKept = o.Secret.Text, o.Secret.Kept
	show.Instances, show.Storage = o.Pipeline.Instances, o.Pipeline.Storage
	if p.Embedded() {
		show.Recorder.ReadBy(p.LocalTable())
		show.Reset = p.Reset
		show.DeadLetters = func() ([]deployment.DeadLetter, error) { return deployment.DeadLettersOf(p) }
		show.Retry = p.RetryWaiting
	}
	c, err := console.Start(ctx, console.Options{
		Addr: o.ConsoleAddr, AnyPort: o.ConsoleAnyPort, Now: o.Now, Deployment: deployment.OfPipeline(p), Dev: show,
		Order: order.New(o.Pipeline.Storage, order.PageLimit),
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what is wrong with the console
	}
	if s.consoleURL.Store(&c.URL); o.ConsoleAnyPort && c.URL != "http://"+o.ConsoleAddr {
		s.consoleTaken = o.ConsoleAddr
	}
	return c, nil
}

// recordPassing hooks a recorder on the pipeline, for the console.
func recordPassing(o *Options) *recorder.Recorder {
	r := recorder.New(recorder.Options{
		Now: o.Now, Projector: projector.New(projector.ObjectStorage(o.Pipeline.Storage.ObjectStorage)),
	})
	onRequest, onMessage := o.Pipeline.OnRequest, o.Pipeline.OnMessage
	o.Pipeline.WrapWebhook, o.Pipeline.WrapTable = r.Handler, r.Table
	// First what is kept, then what is printed: who reads a line finds its message.
	o.Pipeline.OnRequest = func(ctx context.Context, report ingest.Report) {
		r.OnRequest(ctx, report)
		onRequest(ctx, report)
	}
	o.Pipeline.OnMessage = func(ctx context.Context, report consumer.Report) {
		r.OnMessage(ctx, report)
		onMessage(ctx, report)
	}
	return r
}
