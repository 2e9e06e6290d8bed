package main

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
)

// What shall happen has long enough for a busy machine. What shall not happen is waited for in vain, so briefly.
const patience, inVain = 30 * time.Second, 300 * time.Millisecond

// try runs the checks with these names, all where there are none, and returns the results. The checks with names in
// fail shall fail. All that was changed must be as before.
func (c *cloud) try(ctx context.Context, t *testing.T, fail []string, names ...string) map[string]result {
	t.Helper()
	a, err := newTrial(t.Context(), os.Getenv, c.stack.Names(), patience)
	if err != nil {
		t.Fatal(err)
	}
	a.poll = 50 * time.Millisecond
	wait := func(name string) {
		a.wait = patience
		if slices.Contains(fail, name) {
			a.wait = inVain
		}
		a.doctor.Wait = a.wait
	}
	policy := c.redrivePolicy(t, a)
	checks := slices.DeleteFunc(a.checks(), func(k check) bool {
		return len(names) > 0 && !slices.Contains(names, k.name)
	})
	for i, k := range checks {
		checks[i].run = func(ctx context.Context) verdict {
			wait(k.name)
			defer wait("clean-up") // is what follows the last check
			return k.run(ctx)
		}
	}
	got := map[string]result{}
	a.runAll(ctx, checks, func(name string, v verdict) {
		got[name] = v.result
		t.Logf("%s  %s  %s", v.result, name, v.detail)
	})
	c.requests.Wait() // what was broken off is carried out all the same
	if after := c.redrivePolicy(t, a); after != policy {
		t.Errorf("the queue's redrive policy is %s, want that of before: %s", after, policy)
	}
	for function, mode := range c.tracing {
		if mode != "PassThrough" {
			t.Errorf("%s has the tracing mode %s", function, mode)
		}
	}
	if c.alarm != "OK" {
		t.Errorf("the alarm is left in %s", c.alarm)
	}
	if len(c.restored) > 0 {
		t.Errorf("restored tables are left: %v", c.restored)
	}
	if rows := c.stack.Rows(); len(rows) > 0 {
		t.Errorf("rows are left: %v", rows)
	}
	return got
}

func (c *cloud) redrivePolicy(t *testing.T, a *trial) string {
	t.Helper()
	q, err := a.deployment.ReadQueue(t.Context(), a.deployment.QueueURL)
	if err != nil {
		t.Fatal(err)
	}
	return q.Attributes[redrivePolicy]
}

// Where all is well everything passes, but for what is not tried, and nothing is left.
func TestAccept(t *testing.T) {
	c := newCloud(t)
	got := c.try(t.Context(), t, nil)
	want := map[string]result{"adopt": untried}
	for _, name := range []string{
		"doctor", "metrics", "access-log", "give-up", "foreign-redrive", "redrive", "tracing", "cold-start",
		"alarm-ends", "alarm-mail", "restore", "clean-up",
	} {
		want[name] = passes
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results, -want +got:\n%s", diff)
	}
	if letters := c.deadLetters(t); letters > 0 {
		t.Errorf("%d dead letters are left", letters)
	}
}

func (c *cloud) deadLetters(t *testing.T) int {
	t.Helper()
	out, err := c.stack.Pipeline.SQS.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl:       &c.stack.Pipeline.DeadLetterQueueURL,
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages},
	})
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(out.Attributes["ApproximateNumberOfMessages"])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Each thing that AWS does in another way is found, and what was changed is put back all the same.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*cloud)
		checks string
		want   map[string]result
		late   bool // what is waited for never comes
	}{
		"no secret": {
			change: func(c *cloud) { c.stack.SetSecret("", "") }, checks: "doctor",
			want: map[string]result{"doctor": fails},
		},
		"no metrics": {
			change: func(c *cloud) { c.stack.Account.Forget() }, checks: "metrics",
			want: map[string]result{"metrics": fails},
			late: true,
		},
		"no access log": {
			change: func(c *cloud) { clear(c.lines) }, checks: "access-log",
			want: map[string]result{"access-log": fails},
			late: true,
		},
		"SQS's own move does not arrive": {
			change: func(c *cloud) { c.givesUp = false }, checks: "give-up foreign-redrive redrive",
			want: map[string]result{
				"give-up": fails, "foreign-redrive": untried, "redrive": untried,
				"clean-up": fails, // the message is nowhere to be found
			},
			late: true,
		},
		"dead letters of others": {
			change: func(c *cloud) { c.stack.PutDeadLetter() }, checks: "give-up",
			want: map[string]result{"give-up": untried},
		},
		"RedriveRole is for others": {
			change: func(c *cloud) { c.assumes = false }, checks: "give-up redrive",
			want: map[string]result{"give-up": untried, "redrive": untried},
		},
		"others may move dead letters": {
			change: func(c *cloud) { c.otherMoves = "COMPLETED" }, checks: "give-up foreign-redrive redrive",
			want: map[string]result{"give-up": passes, "foreign-redrive": fails, "redrive": passes},
		},
		"Lambda does not switch tracing on": {
			change: func(c *cloud) { c.traces = false }, checks: "tracing",
			want: map[string]result{"tracing": fails},
		},
		"a slow start": {
			change: func(c *cloud) {
				c.lines[`"platform.report"`] = `{"record":{"metrics":{"durationMs":300,"initDurationMs":701}}}`
			}, checks: "cold-start", want: map[string]result{"cold-start": fails},
		},
		"a start with a warning": {
			change: func(c *cloud) { c.lines[warnings] = `{"level":"WARN"}` }, checks: "cold-start",
			want: map[string]result{"cold-start": fails},
		},
		"no start": {
			change: func(c *cloud) { c.lines[`"platform.report"`] = `{"record":{"metrics":{"durationMs":3}}}` },
			checks: "cold-start", want: map[string]result{"cold-start": fails},
			late: true,
		},
		"an alarm that never ends": {
			change: func(c *cloud) { c.alarmEnds = false }, checks: "alarm-ends",
			want: map[string]result{"alarm-ends": fails},
			late: true,
		},
		"a topic that refuses": {
			change: func(c *cloud) { c.published = "Failed" }, checks: "alarm-mail",
			want: map[string]result{"alarm-mail": fails},
		},
		"no address for alarms": {
			change: func(c *cloud) { delete(c.stack.Account.Parameters, "AlarmEmail") }, checks: "alarm-mail",
			want: map[string]result{"alarm-mail": untried},
		},
		"no backup": {
			change: func(c *cloud) { c.stack.Account.Parameters["TablePointInTimeRecovery"] = "false" },
			checks: "restore", want: map[string]result{"restore": untried},
		},
		"a restored table without indexes": {
			change: func(c *cloud) { c.lacksIndexes = true }, checks: "restore",
			want: map[string]result{"restore": fails},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cloud := newCloud(t)
			c.change(cloud)
			if c.late {
				cloud.wait = 300 * time.Millisecond
			}
			if c.want["clean-up"] == "" {
				c.want["clean-up"] = passes
			}
			var fail []string
			for name, r := range c.want {
				if r == fails {
					fail = append(fail, name)
				}
			}
			got := cloud.try(t.Context(), t, fail, strings.Fields(c.checks)...)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("results, -want +got:\n%s", diff)
			}
		})
	}
}

// Ctrl-C in the middle puts back what was changed until then.
func TestInterruption(t *testing.T) {
	for _, operation := range []string{"SetQueueAttributes", "StartMessageMoveTask", "SetAlarmState"} {
		t.Run(operation, func(t *testing.T) {
			c := newCloud(t)
			ctx, cancel := context.WithCancel(t.Context())
			c.on = func(o string) {
				if o == operation && ctx.Err() == nil {
					cancel()
					// So that a request that is broken off is carried out after the clean-up.
					time.Sleep(100 * time.Millisecond)
				}
			}
			got := c.try(ctx, t, nil, "give-up", "redrive", "tracing", "alarm-ends", "restore")
			if got["clean-up"] != passes {
				t.Errorf("clean-up: %s", got["clean-up"])
			}
			if c.deadLetters(t) > 0 {
				t.Error("the message is left")
			}
		})
	}
}
