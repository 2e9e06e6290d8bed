package lambdafn_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
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
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// TestMain is somewhere else than in UTC, in which the log is.
func TestMain(m *testing.M) {
	time.Local = time.FixedZone("elsewhere", 2*60*60)
	os.Exit(m.Run())
}

// line is one line of the log, without its time.
func line(t *testing.T, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("log line %q is no JSON: %v", text, err)
	}
	if at, _ := m["timestamp"].(string); !strings.HasSuffix(at, "Z") {
		t.Errorf("log line %q has no timestamp in UTC", text)
	}
	delete(m, "timestamp")
	return m
}

func TestLogRequest(t *testing.T) {
	for name, c := range map[string]struct {
		report ingest.Report
		want   map[string]any
	}{
		"queued": {
			ingest.Report{Stage: ingest.Queued, SvixID: "msg_a", EventType: "user.updated", Known: clerk.Kept},
			map[string]any{"level": "INFO", "message": "request", "stage": "queued", "svix_id": "msg_a", "event_type": "user.updated", "known": "kept"},
		},
		"known and not kept": {
			ingest.Report{Stage: ingest.Ignored, Reason: "type", SvixID: "msg_a", EventType: "email.created", Known: clerk.NotKept},
			map[string]any{"level": "INFO", "message": "request", "stage": "ignored", "svix_id": "msg_a", "event_type": "email.created", "known": "known but not kept", "reason": "type"},
		},
		"unknown": {
			ingest.Report{Stage: ingest.Ignored, Reason: "type", SvixID: "msg_a", EventType: "made.up", Known: clerk.Unknown},
			map[string]any{"level": "INFO", "message": "request", "stage": "ignored", "svix_id": "msg_a", "event_type": "unknown", "known": "unknown", "reason": "type"},
		},
		"another instance": {
			ingest.Report{Stage: ingest.Ignored, Reason: "instance", SvixID: "msg_a", EventType: "role.deleted", Known: clerk.Kept},
			map[string]any{"level": "INFO", "message": "request", "stage": "ignored", "svix_id": "msg_a", "event_type": "role.deleted", "known": "kept", "reason": "instance"},
		},
		"rejected": {
			ingest.Report{Stage: ingest.Rejected, Reason: "invalid_signature", SvixID: "msg_a"},
			map[string]any{"level": "DEBUG", "message": "request", "stage": "rejected", "svix_id": "msg_a", "reason": "invalid_signature"},
		},
		"unavailable": {
			ingest.Report{Stage: ingest.Rejected, Reason: "unavailable", SvixID: "msg_a", EventType: "user.updated", Known: clerk.Kept, Err: errors.New("throttled")},
			map[string]any{"level": "ERROR", "message": "request", "stage": "rejected", "svix_id": "msg_a", "event_type": "user.updated", "known": "kept", "reason": "unavailable", "error": "throttled"},
		},
		"not configured": {
			ingest.Report{Stage: ingest.Rejected, Reason: "not_configured"},
			map[string]any{"level": "ERROR", "message": "request", "stage": "rejected", "reason": "not_configured"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			lambdafn.LogRequest(lambdafn.NewLogger(&out, slog.LevelDebug))(t.Context(), c.report)
			if diff := cmp.Diff(c.want, line(t, out.String())); diff != "" {
				t.Errorf("LogRequest: %s", diff)
			}
		})
	}
}

func TestLogMessage(t *testing.T) {
	report := func(o consumer.Outcome, err error) consumer.Report {
		return consumer.Report{MessageID: "m-1", SvixID: "msg_a", EventType: "user.updated", Known: true, Entity: "user/user_a1", Outcome: o, Attempt: 3, Err: err}
	}
	want := func(level string, o consumer.Outcome, more ...string) map[string]any {
		m := map[string]any{
			"level": level, "message": "message", "message_id": "m-1", "svix_id": "msg_a", "event_type": "user.updated",
			"entity": "user/user_a1", "outcome": string(o), "attempt": 3.0,
		}
		for i := 0; i+1 < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	madeUp := report(consumer.Dead, errors.New("no projection"))
	madeUp.EventType, madeUp.Known = "canary@example.com", false
	for name, c := range map[string]struct {
		report consumer.Report
		want   map[string]any
	}{
		"applied":   {report(consumer.Applied, nil), want("INFO", consumer.Applied)},
		"stale":     {report(consumer.Stale, nil), want("INFO", consumer.Stale)},
		"duplicate": {report(consumer.Duplicate, nil), want("INFO", consumer.Duplicate)},
		"failed":    {report(consumer.Failed, errors.New("throttled")), want("WARN", consumer.Failed, "error", "throttled")},
		"dead":      {report(consumer.Dead, errors.New("no id")), want("ERROR", consumer.Dead, "error", "no id")},
		"made up":   {madeUp, want("ERROR", consumer.Dead, "error", "no projection", "event_type", "unknown")},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			lambdafn.LogMessage(lambdafn.NewLogger(&out, slog.LevelInfo))(t.Context(), c.report)
			if diff := cmp.Diff(c.want, line(t, out.String())); diff != "" {
				t.Errorf("LogMessage: %s", diff)
			}
		})
	}
}

// No line, at any level, holds a body, a secret, a signature, an address, a
// name, or a type that somebody made up.
func TestNothingPrivateIsLogged(t *testing.T) {
	body := func(eventType string) string {
		return `{"type":` + eventType + `,"data":{"id":"user_a1","first_name":"canary","email_addresses":[{"email_address":"canary@example.com"}],"x":"canary"},"canary":1}`
	}
	good := svixtest.Signed(svixtest.Epoch(), body(`"user.updated"`))
	for name, c := range map[string]struct {
		r     svixtest.Request
		queue error
		info  bool // a line at level info or above
	}{
		"queued":             {r: good, info: true},
		"queue fails":        {r: good, queue: errors.New("throttled"), info: true},
		"not kept":           {r: svixtest.Signed(svixtest.Epoch(), body(`"email.created"`)), info: true},
		"made-up type":       {r: svixtest.Signed(svixtest.Epoch(), body(`"canary.created"`)), info: true},
		"address for a type": {r: svixtest.Signed(svixtest.Epoch(), body(`"canary@example.com"`)), info: true},
		"invalid payload":    {r: svixtest.Signed(svixtest.Epoch(), body(`"user.updated","type":"canary"`))},
		"bad signature":      {r: good.With("svix-signature", "v1,canary")},
		"bad timestamp":      {r: good.With("svix-timestamp", "canary")},
		"malformed id":       {r: good.With("svix-id", "canary@example.com")},
		"no headers":         {r: svixtest.Request{Method: "POST", Path: "/webhooks/clerk", Body: good.Body}},
		"another path":       {r: good.To("POST", "/canary")},
		"another method":     {r: good.To("CANARY", "/webhooks/clerk")},
	} {
		for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo} {
			t.Run(fmt.Sprint(name, " at ", level), func(t *testing.T) {
				var out bytes.Buffer
				f := newFunction(t, &svixtest.Queue{Before: c.queue}, lambdafn.LogRequest(lambdafn.NewLogger(&out, level)))
				if _, err := f.Invoke(t.Context(), c.r.Lambda(false)); err != nil {
					t.Fatal(err)
				}
				lines := strings.Count(out.String(), "\n")
				if want := map[bool]int{true: 1, false: 0}[c.info || level == slog.LevelDebug]; lines != want {
					t.Errorf("%d lines at %v, want %d: %s", lines, level, want, out.String())
				}
				text := strings.ToLower(out.String())
				for _, private := range []string{"canary", "whsec_", "aaecaw", strings.ToLower(good.Header["svix-signature"][3:])} {
					if strings.Contains(text, private) {
						t.Errorf("log %q holds %q", out.String(), private)
					}
				}
			})
		}
	}
}

func TestLoggerTellsTheInvocation(t *testing.T) {
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "r-1"})
	ctx = context.WithValue(ctx, "x-amzn-trace-id", "Root=1-2") //nolint:revive,staticcheck // the key that aws-lambda-go sets
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

func TestConfigured(t *testing.T) {
	var out bytes.Buffer
	log := lambdafn.NewLogger(&out, slog.LevelInfo)
	if !lambdafn.Configured(log, nil, nil) || out.Len() != 0 {
		t.Errorf("Configured without errors wrote %q, want true and nothing", out.String())
	}
	if lambdafn.Configured(log, errors.Join(errors.New("A is missing"), errors.New("B is bad")), nil, errors.New("C is missing")) {
		t.Error("Configured = true, want false")
	}
	if m := line(t, out.String()); m["error"] != "A is missing; B is bad; C is missing" || m["level"] != "ERROR" {
		t.Errorf("line = %v, want one that names all three", m)
	}
}

func TestLogOldFormatNamesTheFormat(t *testing.T) {
	var out bytes.Buffer
	lambdafn.LogOldFormat(lambdafn.NewLogger(&out, slog.LevelInfo))(t.Context())
	if text := out.String(); !strings.Contains(text, "format 1.0") || !strings.Contains(text, "2.0") {
		t.Errorf("log = %s, want the formats named", text)
	}
}

func TestWarn(t *testing.T) {
	var out bytes.Buffer
	lambdafn.Warn(lambdafn.NewLogger(&out, slog.LevelInfo))(t.Context(), "read the signing secret", errors.New("denied"))
	if m := line(t, out.String()); m["level"] != "WARN" || m["deed"] != "read the signing secret" || m["error"] != "denied" {
		t.Errorf("line = %v, want deed and error", m)
	}
}
