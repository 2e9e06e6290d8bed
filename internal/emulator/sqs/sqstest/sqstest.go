// Package sqstest is what this project relies on a queue for, as one suite
// that runs through the SDK's own client against any engine that speaks SQS:
// the embedded server, an emulator, an AWS account.
//
// It holds an engine to what SQS documents and no further: messages may come
// more than once and in any order, a receive may find nothing although messages
// are there, numbers of messages are approximate. Waits are real and short.
// Every check makes its own queues, under a name that starts with Prefix, and
// deletes them; on an AWS account a run is some hundreds of requests.
package sqstest

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Prefix starts the name of every queue that the suite makes.
const Prefix = "sqstest-"

// limit is how long one check may take; SQS itself may need 60 seconds for a
// purge and for a changed attribute.
const limit = 90 * time.Second

// Check is one thing that a queue must show.
type Check struct {
	Name string
	// Run returns nil if the engine behind the client shows it, else what it
	// did instead. It gives up at the context's deadline.
	Run func(ctx context.Context, c *sqs.Client) error
}

// Options says how an engine is run.
type Options struct {
	// Skip maps the names of checks that an engine is known not to pass to the
	// reason. A name that is no check fails the run.
	Skip map[string]string
}

// Run runs every check as a parallel subtest of its name.
func Run(t *testing.T, c *sqs.Client, o Options) {
	t.Helper()
	known := make(map[string]bool)
	for _, check := range Checks() {
		known[check.Name] = true
		t.Run(check.Name, func(t *testing.T) {
			t.Parallel()
			if reason, ok := o.Skip[check.Name]; ok {
				t.Skip(reason)
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			if err := check.Run(ctx, c); err != nil {
				t.Error(err)
			}
		})
	}
	for name := range o.Skip {
		if !known[name] {
			t.Errorf("Options.Skip names %q, which is no check", name)
		}
	}
}

// Checks lists the suite.
func Checks() []Check {
	var all []Check
	for _, part := range [][]Check{
		messageChecks(), refusalChecks(), batchChecks(), batchSettleChecks(), visibilityChecks(), deleteChecks(),
		waitChecks(), deadLetterChecks(), queueChecks(),
	} {
		all = append(all, part...)
	}
	return all
}
