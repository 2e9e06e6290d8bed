package template_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/lambdafn/ingestfn"
	"github.com/clerksync/clerksync/pkg/lambdafn/syncfn"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// emitted are the lines, logs and metrics alike, that a function writes: each
// of its kinds at least once.
type emitted struct{ lines []map[string]any }

// fields are the members of the lines and the values that they took.
func (e emitted) fields() map[string][]any {
	all := map[string][]any{}
	for _, l := range e.lines {
		for name, value := range l {
			all[name] = append(all[name], value)
		}
	}
	return all
}

// metrics are the names of the metrics by their dimensions, joined by commas,
// and the values of the dimension Reason.
func (e emitted) metrics(t *testing.T) (byDimensions map[string][]string, reasons []string) {
	t.Helper()
	byDimensions = map[string][]string{}
	for _, l := range e.lines {
		if l["_aws"] == nil {
			continue
		}
		text, err := json.Marshal(l["_aws"])
		if err != nil {
			t.Fatal(err)
		}
		var meta struct {
			Metrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name string }
			} `json:"CloudWatchMetrics"`
		}
		if err := json.Unmarshal(text, &meta); err != nil {
			t.Fatal(err)
		}
		for _, d := range meta.Metrics {
			for _, m := range d.Metrics {
				key := d.Namespace + " " + strings.Join(d.Dimensions[0], ",")
				byDimensions[key] = append(byDimensions[key], m.Name)
			}
		}
		if r, ok := l[lambdafn.DimensionReason].(string); ok && !slices.Contains(reasons, r) {
			reasons = append(reasons, r)
		}
	}
	return byDimensions, reasons
}

// writer collects what a function writes to standard output.
type writer struct {
	t *testing.T
	bytes.Buffer
}

func (w *writer) emitted() emitted {
	w.t.Helper()
	var e emitted
	for line := range strings.Lines(w.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			w.t.Fatalf("line %q: %v", line, err)
		}
		e.lines = append(e.lines, m)
	}
	return e
}

// invocation is the context in which Lambda calls a traced function.
func invocation(t *testing.T) context.Context {
	t.Helper()
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "example-request"})
	return context.WithValue(ctx, "x-amzn-trace-id", "Root=1-2") //nolint:revive,staticcheck // the key that aws-lambda-go sets
}

// ingestEmits runs ingest on a request of each kind: every reply's error,
// ignored by type and by instance, queued.
func ingestEmits(t *testing.T) emitted {
	t.Helper()
	out := &writer{t: t}
	log := lambdafn.NewLogger(out, slog.LevelDebug)
	metrics := ingestfn.NewMetrics(out, "example-ingest", svixtest.Epoch)
	observer := ingestfn.Observer{Log: log, Metrics: metrics}
	ctx := invocation(t)
	secrets, err := svix.ParseSecrets(svixtest.Secret)
	if err != nil {
		t.Fatal(err)
	}
	run := func(known *svix.Secrets, queueFails error, r svixtest.Request) {
		f := ingestfn.Handler{Log: log, Metrics: metrics, Ingest: ingest.New(ingest.Config{
			Secrets: ingest.FixedSecrets(known), Queue: &svixtest.Queue{Before: queueFails}, Instances: []string{"ins_a"},
			KnowledgeOf: clerk.KnowledgeOf, Now: svixtest.Epoch, Observe: observer.Request,
		})}
		if _, err := f.Invoke(ctx, r.Lambda(false)); err != nil {
			t.Fatal(err)
		}
	}
	event := func(eventType, instance string) svixtest.Request {
		return svixtest.Signed(svixtest.Epoch(), `{"type":"`+eventType+`","instance_id":"`+instance+`","timestamp":1767225600000,"data":{"id":"user_a1"}}`)
	}
	good := event("user.updated", "ins_a")
	down := errors.New("throttled")
	run(secrets, nil, good)
	run(secrets, down, good)
	run(nil, nil, good)
	run(secrets, nil, event("user.updated", "ins_b"))
	run(secrets, nil, event("made.up", "ins_a"))
	run(secrets, nil, event("email.created", "ins_a"))
	run(secrets, nil, svixtest.Signed(svixtest.Epoch(), `{`))
	run(secrets, nil, svixtest.Signed(svixtest.Epoch(), strings.Repeat(" ", ingest.MaxBody+1)))
	run(secrets, nil, good.With("svix-signature", "v1,AAAA"))
	run(secrets, nil, good.With("svix-timestamp", "1"))
	run(secrets, nil, good.With("svix-id", ""))
	run(secrets, nil, good.To("POST", "/elsewhere"))
	run(secrets, nil, good.To("GET", ingest.Path))
	observer.SecretUnreadable(ctx, "read the signing secret", down)
	lambdafn.LogNotConfigured(log, down)
	metrics.Flush()
	return out.emitted()
}

// syncEmits reports a message of each outcome.
func syncEmits(t *testing.T) emitted {
	t.Helper()
	out := &writer{t: t}
	log := lambdafn.NewLogger(out, slog.LevelDebug)
	metrics := syncfn.NewMetrics(out, "example-sync", svixtest.Epoch)
	observer := syncfn.Observer{Log: log, Metrics: metrics}
	ctx := invocation(t)
	for _, o := range []consumer.Outcome{consumer.Applied, consumer.Stale, consumer.Duplicate, consumer.Failed, consumer.Dead} {
		r := consumer.Report{
			MessageID: "example-message", SvixID: "msg_a", EventType: "user.updated", Known: true, Entity: "user/user_a1", Outcome: o,
			Attempt: 1, ChangedAt: svixtest.Epoch(), EndedAt: svixtest.Epoch(),
		}
		if o == consumer.Failed || o == consumer.Dead {
			r.Err = errors.New("throttled")
		}
		observer.Message(ctx, r)
	}
	lambdafn.Warn(log)(ctx, "acknowledge messages", errors.New("throttled"))
	lambdafn.LogNotConfigured(log, errors.New("DIRECTORY_TABLE is missing"))
	metrics.Flush()
	return out.emitted()
}

// The rest of the package's tests trusts these lines.
func TestEmittedLinesAreOfEveryKind(t *testing.T) {
	_, reasons := ingestEmits(t).metrics(t)
	slices.Sort(reasons)
	want := []string{
		"invalid_payload", "invalid_signature", "invalid_timestamp", "method_not_allowed", "missing_headers", "not_configured",
		"not_found", "payload_too_large", "unavailable",
	}
	if !slices.Equal(reasons, want) {
		t.Errorf("ingest rejects for %v, want %v", reasons, want)
	}
	for function, e := range map[string]emitted{"ingest": ingestEmits(t), "sync": syncEmits(t)} {
		fields := e.fields()
		for _, name := range []string{"_aws", "timestamp", "level", "message", "requestId", "traceId", "svix_id", "event_type", "error"} {
			if fields[name] == nil {
				t.Errorf("%s writes no %s", function, name)
			}
		}
	}
}
