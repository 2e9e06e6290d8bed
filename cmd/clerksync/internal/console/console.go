// Package console is the page on which people watch webhooks become rows: that of
// `clerksync dev`, with all that passed through its pipeline, and that of a
// deployed stack.
//
// Start serves it (console.go) behind its guard (guard.go). Every page and every
// answer for scripts is a line of one list (routes.go). Pages are HTML that the
// server makes (render.go, templates/), whole for a plain GET, in parts for htmx;
// static/ holds what the browser loads beside them. What passed through a
// pipeline is in package recorder, what pages and scripts are shown in package
// view.
//
// The console of a stack (stack.go) is opened by a token (token.go). Its messages are
// made of what the functions log (stacklog.go, stackview.go, stackmessages.go), its
// traffic of their metrics (stacktraffic.go).
package console

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/segmentio/ksuid"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/faults"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/order"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/internal/emulator/guard"
	"github.com/clerksync/clerksync/pkg/settings"
)

// Options say what a console shows and what it may do. What is not set cannot be
// done, and is then not shown.
type Options struct {
	Addr string // loopback HOST:PORT
	// AnyPort lets another port take the place of one that is taken: the address is
	// the default, and nobody asked for it.
	AnyPort bool
	// Deployment is where rows and dead letters are.
	Deployment *deployment.Deployment
	// Write says that the console of a stack may change what is there.
	Write bool
	// Order runs messages in other orders.
	Order *order.Runner
	// Dev is what the console of `clerksync dev` has beyond that, nil for a stack's.
	Dev *Dev
	// Stack is what the console of a deployment has, nil for dev's.
	Stack *Stack
	Now   func() time.Time
}

// Dev is the pipeline in this process.
type Dev struct {
	// Describe says where all is, without a secret.
	Describe func() deployment.Ready
	// Recorder has what passed through the pipeline.
	Recorder *recorder.Recorder
	// Signer signs what is sent from here. Its secret is shown nowhere.
	Signer webhook.Signer
	// Secret is the text of the secret that the webhook verifies with, to find out why
	// a signature does not match. It is shown nowhere, either.
	Secret string
	// SecretIsKept says that `clerksync send` finds the secret by itself.
	SecretIsKept bool
	// Reset empties tables and queues; nil where they are not in this process.
	Reset func(context.Context) error
	// Instances and Storage are the pipeline's own settings, for previews.
	Instances []string
	Storage   settings.Storage
	// DeadLetters looks at the dead letters without receiving them; nil where their
	// queue is not in this process.
	DeadLetters func() ([]deployment.DeadLetter, error)
	// Faults break what the functions reach, and Retry makes what waits for another
	// attempt visible at once and says how much; nil where the engines are not in this
	// process.
	Faults *faults.Switches
	Retry  func() (int, error)
}

// Console is a running console.
type Console struct {
	URL string // http://HOST:PORT

	options Options
	run     string // a random id: what an earlier process showed is gone
	pages   pages
	server  *http.Server
	stop    context.CancelCauseFunc // of the streams
	streams streams
	log     *logWatch // of a stack; nil where there is none
	pasted  held      // events that were pasted into the Order page
	letters held      // dead letters that were looked at, where a look is not free
	// sample is the one that was last sent or previewed from the Send page, a string.
	sample atomic.Value
}

// errClosed ends the streams when the console does.
var errClosed = errors.New("the console has ended")

// ErrNotLoopback is the error of Start for an address that others could reach.
var ErrNotLoopback = errors.New("the console listens on this machine alone")

// CheckAddr returns an error for an address at which a console must not listen. It
// is ErrNotLoopback for one that others could reach.
func CheckAddr(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("the console's address: %w", err)
	}
	if !guard.LoopbackHosts(host) {
		if port == "" || port == "0" {
			_, port, _ = net.SplitHostPort(deployment.DefaultConsoleAddr)
		}
		return fmt.Errorf("%w: %q is no address of loopback; from another machine, "+
			"use: ssh -L %[3]s:127.0.0.1:%[3]s HOST", ErrNotLoopback, host, port)
	}
	return nil
}

// Start serves a console until Close.
func Start(ctx context.Context, o Options) (*Console, error) {
	if err := CheckAddr(o.Addr); err != nil {
		return nil, err
	}
	p, err := parsePages()
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Addr)
	if err != nil && o.AnyPort {
		host, _, _ := net.SplitHostPort(o.Addr) // CheckAddr has seen it
		l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return nil, fmt.Errorf("the console: cannot listen on %s: %w", o.Addr, err)
	}
	run, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	c := &Console{
		URL: "http://" + l.Addr().String(), options: o, run: ksuid.New().String(), pages: p, stop: stop,
		pasted: held{limit: maxPasted}, letters: held{limit: maxDeadLetters},
	}
	if o.Stack != nil && o.Deployment.Stack != nil {
		c.log = newLogWatch(o.Deployment, c.now, o.Stack.LogEvery)
	}
	c.server = guard.NewServer(c.protect(c.mux()))
	c.server.MaxHeaderBytes = maxHeader
	c.server.BaseContext = func(net.Listener) context.Context { return run }
	go func() { _ = c.server.Serve(l) }() // returns when Close is called
	return c, nil
}

// closeTimeout is for the streams to say that they end.
const closeTimeout = 200 * time.Millisecond

// Close ends the console and its streams: what it shows is in this process alone,
// and ends with it. Pages that are open hear of it. A nil Console is none.
func (c *Console) Close() {
	if c == nil {
		return
	}
	c.stop(errClosed)
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = c.server.Shutdown(ctx) // what does not end by itself is cut off
	_ = c.server.Close()
}

// now is the time of the options.
func (c *Console) now() time.Time {
	if c.options.Now == nil {
		return time.Now()
	}
	return c.options.Now()
}
