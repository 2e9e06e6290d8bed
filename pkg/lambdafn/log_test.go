package lambdafn_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/lambdafn/ingestfn"
	"github.com/clerksync/clerksync/pkg/lambdafn/syncfn"
)

// TestMain runs the tests in another time zone than UTC, in which the log is.
func TestMain(m *testing.M) {
	time.Local = time.FixedZone("elsewhere", 2*60*60)
	os.Exit(m.Run())
}

// members are those of a JSON object.
type members map[string]any

// with returns the members and some more.
func (m members) with(more members) members {
	all := members{}
	maps.Copy(all, m)
	maps.Copy(all, more)
	return all
}

// line decodes one line of the log, without its time.
func line(t *testing.T, text string) members {
	t.Helper()
	var m members
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("log line %q is no JSON: %v", text, err)
	}
	if at, _ := m["timestamp"].(string); !strings.HasSuffix(at, "Z") {
		t.Errorf("log line %q has no timestamp in UTC", text)
	}
	delete(m, "timestamp")
	return m
}

func TestLogOfRequests(t *testing.T) {
	info := members{"level": "INFO", "message": "request", "svix_id": "msg_a"}
	for name, c := range map[string]struct {
		report ingest.Report
		want   members
	}{
		"queued": {
			report: ingest.Report{
				Stage: ingest.Queued, SvixID: "msg_a", EventType: "user.updated", Knowledge: clerk.Kept,
			},
			want: info.with(members{"stage": "queued", "event_type": "user.updated", "known": "kept"}),
		},
		"known and not kept": {
			report: ingest.Report{
				Stage: ingest.Ignored, Reason: "type", SvixID: "msg_a", EventType: "email.created",
				Knowledge: clerk.NotKept,
			},
			want: info.with(members{
				"stage": "ignored", "event_type": "email.created", "known": "known but not kept", "reason": "type",
			}),
		},
		"unknown": {
			report: ingest.Report{
				Stage: ingest.Ignored, Reason: "type", SvixID: "msg_a", EventType: "made.up", Knowledge: clerk.Unknown,
			},
			want: info.with(members{"stage": "ignored", "event_type": "unknown", "known": "unknown", "reason": "type"}),
		},
		"another instance": {
			report: ingest.Report{
				Stage: ingest.Ignored, Reason: "instance", SvixID: "msg_a", EventType: "role.deleted",
				Knowledge: clerk.Kept,
			},
			want: info.with(members{
				"stage": "ignored", "event_type": "role.deleted", "known": "kept", "reason": "instance",
			}),
		},
		"rejected": {
			report: ingest.Report{Stage: ingest.Rejected, Reason: "invalid_signature", SvixID: "msg_a"},
			want:   info.with(members{"level": "DEBUG", "stage": "rejected", "reason": "invalid_signature"}),
		},
		"unavailable": {
			report: ingest.Report{
				Stage: ingest.Rejected, Reason: "unavailable", SvixID: "msg_a", EventType: "user.updated",
				Knowledge: clerk.Kept, Err: errors.New("throttled"),
			},
			want: info.with(members{
				"level": "ERROR", "stage": "rejected", "event_type": "user.updated", "known": "kept",
				"reason": "unavailable", "error": "throttled",
			}),
		},
		"not configured": {
			report: ingest.Report{Stage: ingest.Rejected, Reason: "not_configured"},
			want:   members{"level": "ERROR", "message": "request", "stage": "rejected", "reason": "not_configured"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			o := ingestfn.Observer{Log: lambdafn.NewLogger(&out, slog.LevelDebug)}
			o.Request(t.Context(), c.report)
			if diff := cmp.Diff(c.want, line(t, out.String())); diff != "" {
				t.Errorf("line (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLogOfMessages(t *testing.T) {
	report := consumer.Report{
		MessageID: "m-1", SvixID: "msg_a", EventType: "user.updated", Known: true, Entity: "user/user_a1", Attempt: 3,
	}
	want := members{
		"message": "message", "message_id": "m-1", "svix_id": "msg_a", "event_type": "user.updated",
		"entity": "user/user_a1", "attempt": 3.0,
	}
	for name, c := range map[string]struct {
		outcome consumer.Outcome
		err     error
		change  func(*consumer.Report)
		want    members
	}{
		"applied":   {outcome: consumer.Applied, want: members{"level": "INFO"}},
		"stale":     {outcome: consumer.Stale, want: members{"level": "INFO"}},
		"duplicate": {outcome: consumer.Duplicate, want: members{"level": "INFO"}},
		"failed": {
			outcome: consumer.Failed, err: errors.New("throttled"),
			want: members{"level": "WARN", "error": "throttled"},
		},
		"dead": {outcome: consumer.Dead, err: errors.New("no id"), want: members{"level": "ERROR", "error": "no id"}},
		"made-up type": {
			outcome: consumer.Dead,
			change:  func(r *consumer.Report) { r.EventType, r.Known = "canary@example.com", false },
			want:    members{"level": "ERROR", "event_type": "unknown"},
		},
		"late": {
			outcome: consumer.Stale,
			change: func(r *consumer.Report) {
				r.ChangedAt = time.Unix(1, 0)
				r.EndedAt = r.ChangedAt.Add(1500 * time.Millisecond)
			},
			want: members{"level": "INFO", "lag_ms": 1500.0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			r := report
			r.Outcome, r.Err = c.outcome, c.err
			if c.change != nil {
				c.change(&r)
			}
			syncfn.Observer{Log: lambdafn.NewLogger(&out, slog.LevelInfo)}.Message(t.Context(), r)
			want := want.with(c.want).with(members{"outcome": string(c.outcome)})
			if diff := cmp.Diff(want, line(t, out.String())); diff != "" {
				t.Errorf("line (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLinesHoldTheIDsOfTheInvocation(t *testing.T) {
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "r-1"})
	//nolint:revive,staticcheck // the key that aws-lambda-go sets
	ctx = context.WithValue(ctx, "x-amzn-trace-id", "Root=1-2")
	for name, with := range map[string]func(*slog.Logger) *slog.Logger{
		"plain": func(l *slog.Logger) *slog.Logger { return l },
		"with":  func(l *slog.Logger) *slog.Logger { return l.With(slog.String("a", "b")) },
	} {
		var out bytes.Buffer
		with(lambdafn.NewLogger(&out, slog.LevelInfo)).InfoContext(ctx, "x")
		if m := line(t, out.String()); m["requestId"] != "r-1" || m["traceId"] != "Root=1-2" {
			t.Errorf("%s: line = %v, want the ids of request and trace", name, m)
		}
	}
}

// All that is wrong stands in one line, so that one deployment corrects it.
func TestLogNotConfigured(t *testing.T) {
	var out bytes.Buffer
	err := errors.Join(errors.New("A is missing"), errors.New("B is bad"), errors.New("C is missing"))
	lambdafn.LogNotConfigured(lambdafn.NewLogger(&out, slog.LevelInfo), err)
	if m := line(t, out.String()); m["error"] != "A is missing; B is bad; C is missing" || m["level"] != "ERROR" {
		t.Errorf("line = %v, want one that names all three", m)
	}
}

func TestWarn(t *testing.T) {
	var out bytes.Buffer
	warn := lambdafn.Warn(lambdafn.NewLogger(&out, slog.LevelInfo))
	warn(t.Context(), "read the signing secret", errors.New("denied"))
	want := members{
		"level": "WARN", "message": "a call failed", "operation": "read the signing secret", "error": "denied",
	}
	if diff := cmp.Diff(want, line(t, out.String())); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}
