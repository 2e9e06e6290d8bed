// Package sqstest is what this project relies on a queue for, as one suite
// that runs through the SDK's own client against any engine that speaks SQS:
// our emulator, another one, an AWS account.
//
// It holds an engine to what SQS documents and no further: messages may come
// more than once and in any order, a receive may find nothing although messages
// are there, numbers of messages are approximate. Waits are short, and real but for
// an engine in memory.
// Every check makes its own queues, under a name that starts with Prefix, and
// deletes them; on an AWS account a run is some hundreds of requests.
package sqstest

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Prefix starts the name of every queue that the suite makes.
const Prefix = "sqstest-"

// Options say how an engine is run.
type Options struct {
	// Skip maps the names of checks that an engine is known not to pass to the
	// reason. A name that is no check fails the run.
	Skip map[string]string
}

// Run runs every check as a parallel subtest of its name.
func Run(t *testing.T, c *sqs.Client, o Options) {
	t.Helper()
	known := make(map[string]bool)
	for _, check := range checks() {
		known[check.name] = true
		t.Run(check.name, func(t *testing.T) {
			t.Parallel()
			if reason, ok := o.Skip[check.name]; ok {
				t.Skip(reason)
			}
			check.run(newQueue(t, c, check.attributes))
		})
	}
	for name := range o.Skip {
		if !known[name] {
			t.Errorf("Options.Skip names %q, which is no check", name)
		}
	}
}

// RunInMemory is Run for an engine that open makes in memory, one for each check. A
// check is a bubble of testing/synctest: its waits cost nothing, and that the
// machine is busy shows in none of them.
func RunInMemory(t *testing.T, open func() *sqs.Client) {
	t.Helper()
	for _, check := range checks() {
		t.Run(check.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				check.run(newQueue(t, open(), check.attributes))
			})
		})
	}
}

// Names are those of all checks.
func Names() []string {
	var names []string
	for _, c := range checks() {
		names = append(names, c.name)
	}
	return names
}

// check is one thing that a queue must show. It runs with a queue of its own,
// made with the attributes.
type check struct {
	name       string
	attributes map[string]string
	run        func(q *queue)
}

func checks() []check {
	return slices.Concat(
		messageChecks(), refusalChecks(), batchChecks(), visibilityChecks(), deleteChecks(),
		waitChecks(), deadLetterChecks(), queueChecks(),
	)
}
