package doctor_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/doctor"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// options examine what the names say, in an environment without variables.
func options(n deployment.Names) doctor.Options {
	return doctor.Options{
		Names: n, Getenv: func(string) string { return "" }, Now: time.Now, Wait: time.Minute,
	}
}

// ofStack examines the stack, as in an account of AWS.
func ofStack(s *stack) doctor.Options { return options(s.Names()) }

// ofDev examines the pipeline of the stack as if it were a `clerksync dev`.
func ofDev(s *stack) doctor.Options {
	o := options(deployment.Names{EndpointURL: s.Pipeline.Endpoint, WebhookURL: s.WebhookURL})
	o.Secret = svixtest.Secret
	return o
}

// examine returns the verdicts by check. None may print a secret.
func examine(t *testing.T, o doctor.Options) map[string]doctor.Verdict {
	t.Helper()
	verdicts := map[string]doctor.Verdict{}
	if err := doctor.Examine(t.Context(), o, func(v doctor.Verdict) { verdicts[v.Check] = v }); err != nil {
		t.Fatalf("Examine = %v, want nil", err)
	}
	for _, v := range verdicts {
		if strings.Contains(v.Detail+v.Mend, strings.TrimPrefix(svixtest.Secret, "whsec_")) {
			t.Errorf("doctor: %s prints the secret: %+v", v.Check, v)
		}
	}
	return verdicts
}

// statuses are the statuses by check.
func statuses(verdicts map[string]doctor.Verdict) map[string]doctor.Status {
	out := map[string]doctor.Status{}
	for name, v := range verdicts {
		out[name] = v.Status
	}
	return out
}

// passBut is a pass for every check, but for those that are named. The names are
// written out: they are part of what `doctor --json` promises.
func passBut(others ...map[string]doctor.Status) map[string]doctor.Status {
	out := map[string]doctor.Status{}
	for _, name := range []string{
		"credentials", "stack", "tables", "ttl", "backups", "queue", "event-source", "dead-letters", "instances",
		"silence", "rejections", "concurrency", "clerk-key", "probe", "secret",
		"endpoint", "clock", "signature", "way-through",
	} {
		out[name] = doctor.Pass
	}
	for _, statuses := range others {
		maps.Copy(out, statuses)
	}
	return out
}

// skipped are skips of these checks.
func skipped(checks ...string) map[string]doctor.Status {
	out := map[string]doctor.Status{}
	for _, name := range checks {
		out[name] = doctor.Skip
	}
	return out
}

func checkNoRows(t *testing.T, s *stack) {
	t.Helper()
	if rows := s.Rows(); len(rows) > 0 {
		t.Errorf("doctor leaves rows: %v", rows)
	}
}

// A stack that is well passes every check, and doctor deletes what it sent.
func TestStack(t *testing.T) {
	s := deploymenttest.New(t)
	s.UseAsAWS()
	s.SetBusy(10 * time.Minute)
	s.SetProbe(ssmtypes.ParameterTypeSecureString, 60, 0, 0)
	got := examine(t, ofStack(s))
	if diff := cmp.Diff(passBut(skipped("clerk-key")), statuses(got)); diff != "" {
		t.Errorf("doctor of a stack that is well, -want +got:\n%s\n%+v", diff, got)
	}
	checkNoRows(t, s)
}

// What silence is well is said by the options, else by the stack's own alarm.
func TestMaxSilence(t *testing.T) {
	hour, twoDays := time.Hour, 50*time.Hour
	for name, c := range map[string]struct {
		parameter string
		option    *time.Duration
		want      doctor.Status
	}{
		"neither: a day":                 {want: doctor.Fail},
		"parameter of four days":         {parameter: "96", want: doctor.Pass},
		"parameter without an alarm":     {parameter: "0", want: doctor.Pass},
		"parameter that is not a number": {parameter: "x", want: doctor.Fail},
		"option before parameter":        {parameter: "96", option: &hour, want: doctor.Fail},
		"option for any":                 {option: new(time.Duration), want: doctor.Pass},
		"option just long enough":        {parameter: "12", option: &twoDays, want: doctor.Pass},
	} {
		t.Run(name, func(t *testing.T) {
			s := deploymenttest.New(t)
			s.UseAsAWS()
			s.SetBusy(49 * time.Hour)
			if c.parameter != "" {
				s.Account.Parameters["NoEventsHours"] = c.parameter
			}
			o := ofStack(s)
			o.MaxSilence, o.NoSend = c.option, true
			if v := examine(t, o)["silence"]; v.Status != c.want {
				t.Errorf("doctor: silence = %+v, want %s", v, c.want)
			}
		})
	}
}

// Of a `clerksync dev` doctor checks all that dev has.
func TestDev(t *testing.T) {
	t.Parallel()
	dev := skipped("stack", "backups", "event-source", "rejections", "concurrency", "clerk-key", "probe")
	type options = doctor.Options
	variables := func(name string) string { return map[string]string{"CLERK_INSTANCE_ID": "ins_a,ins_b"}[name] }
	for name, c := range map[string]struct {
		instance string                   // of the endpoint, "" for any
		change   func(*options)           // nil for none
		want     map[string]doctor.Status // where it is otherwise
	}{
		"well": {},
		"nothing is sent": {
			change: func(o *options) { o.NoSend = true },
			want:   skipped("endpoint", "clock", "signature", "way-through"),
		},
		"another secret": {
			change: func(o *options) { o.Secret = svixtest.OtherSecret },
			want:   map[string]doctor.Status{"signature": doctor.Fail, "way-through": doctor.Skip},
		},
		"malformed secret": {
			change: func(o *options) { o.Secret = "whsec_x" },
			want: map[string]doctor.Status{
				"secret": doctor.Fail, "signature": doctor.Skip, "way-through": doctor.Skip,
			},
		},
		"secret by parameter":      {change: func(o *options) { o.Secret, o.Parameter = "", pipeline.SecretParameter }},
		"another instance":         {instance: "ins_a", want: skipped("way-through")},
		"its instance":             {instance: "ins_a", change: func(o *options) { o.Instance = "ins_a" }},
		"its instance by variable": {instance: "ins_a", change: func(o *options) { o.Getenv = variables }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploymenttest.New(t, strings.Fields(c.instance)...)
			o := ofDev(s)
			if c.change != nil {
				c.change(&o)
			}
			got := examine(t, o)
			if diff := cmp.Diff(passBut(dev, c.want), statuses(got)); diff != "" {
				t.Errorf("doctor of dev, -want +got:\n%s\n%+v", diff, got)
			}
			checkNoRows(t, s)
		})
	}
}

// Tables and queues may be named one by one, without a stack.
func TestNamedTables(t *testing.T) {
	s := deploymenttest.New(t)
	s.UseAsAWS()
	now := deployment.FormatTime(time.Now())
	s.PutRow(s.Pipeline.DeliveriesTable, map[string]string{
		"svix_id": "msg_a", "outcome": "applied", "received_at": now, "processed_at": now,
	})
	got := examine(t, options(deployment.Names{
		DirectoryTable: s.Pipeline.DirectoryTable, DeliveriesTable: s.Pipeline.DeliveriesTable,
		QueueURL: s.Pipeline.QueueURL, DeadLetterQueueURL: s.Pipeline.DeadLetterQueueURL,
	}))
	want := passBut(skipped(
		"stack", "rejections", "concurrency", "clerk-key", "probe",
		"secret", "endpoint", "clock", "signature", "way-through"))
	if diff := cmp.Diff(want, statuses(got)); diff != "" {
		t.Errorf("doctor of named tables, -want +got:\n%s\n%+v", diff, got)
	}
}

// Where there is nothing to look at each check says so, and none panics.
func TestNothingThere(t *testing.T) {
	const nowhere = "http://127.0.0.1:1"
	const wantURL = "want an http or https URL"
	for name, c := range map[string]struct {
		names deployment.Names
		want  map[string]string // what failures say, by check
	}{
		"no region": {
			names: deployment.Names{Stack: deploymenttest.StackName},
			want:  map[string]string{"credentials": "no AWS region", "stack": "no AWS region"},
		},
		"no dev runs": {
			names: deployment.Names{EndpointURL: nowhere, WebhookURL: nowhere + "/webhooks/clerk"},
			want:  map[string]string{"stack": "find queue", "endpoint": "connection refused"},
		},
		"bad URLs": {
			names: deployment.Names{EndpointURL: "nonsense", WebhookURL: "nonsense"},
			want:  map[string]string{"credentials": wantURL, "stack": wantURL, "endpoint": wantURL},
		},
	} {
		t.Run(name, func(t *testing.T) {
			deploymenttest.IsolateAWS(t)
			got := examine(t, options(c.names))
			for check, says := range c.want {
				if v := got[check]; v.Status != doctor.Fail || !strings.Contains(v.Detail, says) || v.Mend == "" {
					t.Errorf("doctor: %s = %+v, want a failure that says %q", check, v, says)
				}
			}
			if v := got["tables"]; v.Status != doctor.Skip {
				t.Errorf("doctor: tables = %+v, want skip", v)
			}
		})
	}
}

// Ctrl-C ends the examination without a verdict about it.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	o := options(deployment.Names{EndpointURL: "http://127.0.0.1:1"})
	o.Secret = svixtest.Secret
	err := doctor.Examine(ctx, o, func(v doctor.Verdict) { t.Errorf("doctor, stopped, reports %+v", v) })
	if !errors.Is(err, terminal.ErrInterrupted) {
		t.Errorf("doctor, stopped, = %v, want %v", err, terminal.ErrInterrupted)
	}
}
