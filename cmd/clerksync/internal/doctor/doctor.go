// Package doctor checks this machine and a deployment, and says how to mend what
// is wrong. Examine runs the checks in the order in which a message meets what
// they look at: the stack and its tables (tables.go), the queue and its function
// (queue.go), the traffic so far (traffic.go), what Clerk itself says (probe.go),
// the secret and the webhook (endpoint.go), and at last events of its own (roundtrip.go).
//
// A check is a function of what it needs. It returns a verdict, and a few return
// a result that later checks are given.
package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// DefaultMaxSilence is the longest time without an event that is well, unless
// the options or the stack say otherwise.
const DefaultMaxSilence = 24 * time.Hour

// Options say what to examine, and how.
type Options struct {
	Names      deployment.Names
	Getenv     func(string) string
	Now        func() time.Time
	Secret     string         // to sign with; "" for one of SSM, the environment or dev
	Parameter  string         // name of the SSM parameter with the secret; "" for the stack's
	Instance   string         // of the test event; "" for the endpoint's own
	MaxSilence *time.Duration // without an event, 0 for any; nil for the stack's own alarm, or DefaultMaxSilence
	Wait       time.Duration  // for the test event to come through
	NoSend     bool           // send nothing to the webhook
	// NoParameters reads no parameter of SSM: for a reader who should not have a right
	// to the secret.
	NoParameters bool
}

// Verdict is the result of a check, as `doctor --json` prints it.
type Verdict struct {
	Check  string `json:"check"`
	Status Status `json:"status"`
	Detail string `json:"detail"`
	Mend   string `json:"mend,omitempty"` // how to mend a warning or a failure
	// StackOnly says that it was skipped because only a stack has what it looks at:
	// of clerksync dev there is nothing to know of it.
	StackOnly bool `json:"-"`
}

// Status is what a verdict amounts to.
type Status string

// The statuses.
const (
	Pass Status = "pass"
	Warn Status = "warn"
	Fail Status = "fail"
	Skip Status = "skip"
)

func pass(format string, args ...any) Verdict {
	return Verdict{Status: Pass, Detail: fmt.Sprintf(format, args...)}
}

func skip(format string, args ...any) Verdict {
	return Verdict{Status: Skip, Detail: fmt.Sprintf(format, args...)}
}

// skipStackOnly is for a check of what only a stack has.
func skipStackOnly(reason string) Verdict {
	return Verdict{Status: Skip, Detail: reason, StackOnly: true}
}

func warn(mend, format string, args ...any) Verdict {
	return Verdict{Status: Warn, Detail: fmt.Sprintf(format, args...), Mend: mend}
}

func fail(mend, format string, args ...any) Verdict {
	return Verdict{Status: Fail, Detail: fmt.Sprintf(format, args...), Mend: mend}
}

// Examine runs all checks and reports each verdict as soon as it is known. Its
// one error is terminal.ErrInterrupted, where ctx ended: then nothing more is
// reported.
func Examine(ctx context.Context, o Options, report func(Verdict)) error {
	say := func(name string, v Verdict) {
		if ctx.Err() == nil { // else the verdict is about the interruption
			v.Check = name
			report(v)
		}
	}
	cfg, cfgErr := o.Names.LoadConfig(ctx, o.Getenv)
	say("credentials", checkCredentials(ctx, cfg, cfgErr))
	d, v := checkStack(ctx, cfg, cfgErr, o.Names)
	say("stack", v)
	// The traffic is looked at before our own events are part of it.
	for _, check := range deploymentChecks() {
		v := notFound()
		if d != nil {
			v = check.run(ctx, d, o)
		}
		say(check.name, v)
	}
	secret, v := findSecret(ctx, o, cfg, d)
	say("secret", v)
	url := o.Names.Webhook()
	if d != nil {
		url = d.WebhookURL
	}
	endpoint, v := checkEndpoint(ctx, o, url)
	say("endpoint", v)
	say("clock", checkClock(endpoint))
	webhook := prober{url: url, names: o.Names, endpoint: endpoint, secret: secret, now: o.Now}
	accepted, v := checkSignature(ctx, o, webhook)
	say("signature", v)
	say("way-through", checkWayThrough(ctx, o, d, webhook, accepted))
	if ctx.Err() != nil {
		return terminal.ErrInterrupted
	}
	return nil
}

func notFound() Verdict { return skip("the tables and the queues were not found") }

// deploymentCheck is a check that needs to know the tables and the queues.
type deploymentCheck struct {
	name string
	run  func(context.Context, *deployment.Deployment, Options) Verdict
}

func deploymentChecks() []deploymentCheck {
	return []deploymentCheck{
		{"tables", checkTables},
		{"ttl", checkExpiry},
		{"backups", checkBackups},
		{"queue", checkQueue},
		{"event-source", checkEventSource},
		{"dead-letters", checkDeadLetters},
		{"instances", checkInstances},
		{"silence", checkSilence},
		{"rejections", checkRejections},
		{"concurrency", checkConcurrency},
		{"clerk-key", checkClerkKey},
		{"probe", checkProbe},
	}
}

// couldNotRead is the verdict where a check could not read what it looks at: an
// emulator may lack it, and AWS refuses it to who lacks the permission.
func couldNotRead(d *deployment.Deployment, err error, action string) Verdict {
	if d.Emulated() {
		return skip("%s does not say: %s", aws.ToString(d.AWS.BaseEndpoint), firstLine(err))
	}
	return fail("ask for the permission "+action, "cannot tell: %s", firstLine(err))
}

// firstLine is an error without the advice that other commands give with it, and
// without the SDK's words where no server was reached.
func firstLine(err error) string {
	line, _, _ := strings.Cut(terminal.Shorten(err).Error(), "\n")
	return line
}
