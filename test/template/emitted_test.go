package template_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/lambdafn/ingestfn"
	"github.com/clerksync/clerksync/pkg/lambdafn/probefn"
	"github.com/clerksync/clerksync/pkg/lambdafn/syncfn"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// emitted are the lines, logs and metrics alike, that a function writes: each of its kinds at least once.
type emitted []map[string]any

// parseLines reads the lines that a function wrote to standard output.
func parseLines(t *testing.T, out *bytes.Buffer) (e emitted) {
	t.Helper()
	for line := range strings.Lines(out.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		e = append(e, m)
	}
	return e
}

// fields are the members of the lines and the values that they took.
func (e emitted) fields() map[string][]any {
	all := map[string][]any{}
	for _, line := range e {
		for name, value := range line {
			all[name] = append(all[name], value)
		}
	}
	return all
}

// metrics are the names of the metrics by their namespace and their dimensions, joined by commas, and the values of the
// dimension Reason.
func (e emitted) metrics(t *testing.T) (byDimensions map[string][]string, reasons []string) {
	t.Helper()
	byDimensions = map[string][]string{}
	for _, line := range e {
		if line["_aws"] == nil {
			continue
		}
		text, err := json.Marshal(line["_aws"])
		if err != nil {
			t.Fatal(err)
		}
		var meta struct {
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name string }
			}
		}
		if err := json.Unmarshal(text, &meta); err != nil {
			t.Fatal(err)
		}
		for _, d := range meta.CloudWatchMetrics {
			key := d.Namespace + " " + strings.Join(d.Dimensions[0], ",")
			for _, m := range d.Metrics {
				byDimensions[key] = append(byDimensions[key], m.Name)
			}
		}
		if r, ok := line[lambdafn.DimensionReason].(string); ok && !slices.Contains(reasons, r) {
			reasons = append(reasons, r)
		}
	}
	return byDimensions, reasons
}

// tracedInvocation is the context in which Lambda calls a traced function.
func tracedInvocation(t *testing.T) context.Context {
	t.Helper()
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "example-request"})
	//nolint:revive,staticcheck // aws-lambda-go sets this key
	return context.WithValue(ctx, "x-amzn-trace-id", "Root=1-2")
}

// emittedByIngest runs ingest on a request of each kind: every answer's error, ignored by type and by instance, queued.
func emittedByIngest(t *testing.T) emitted {
	t.Helper()
	var out bytes.Buffer
	log := lambdafn.NewLogger(&out, slog.LevelDebug)
	metrics := ingestfn.NewMetrics(&out, "example-ingest", svixtest.Epoch)
	observer := ingestfn.Observer{Log: log, Metrics: metrics}
	ctx := tracedInvocation(t)
	secrets, err := svix.ParseSecrets(svixtest.Secret)
	if err != nil {
		t.Fatal(err)
	}
	handle := func(known *svix.Secrets, queueError error, requests ...svixtest.Request) {
		f := ingestfn.Handler{Log: log, Metrics: metrics, Ingest: ingest.New(ingest.Config{
			Secrets: ingest.FixedSecrets(known), Queue: &svixtest.Queue{Before: queueError},
			Instances: []string{"ins_a"}, KnowledgeOf: clerk.KnowledgeOf,
			Now: svixtest.Epoch, Observe: observer.Request,
		})}
		for _, r := range requests {
			if _, err := f.Invoke(ctx, r.Lambda(false)); err != nil {
				t.Fatal(err)
			}
		}
	}
	event := func(eventType, instance string) svixtest.Request {
		return svixtest.Signed(svixtest.Epoch(), fmt.Sprintf(
			`{"type":%q,"instance_id":%q,"timestamp":1767225600000,"data":{"id":"user_a1"}}`, eventType, instance))
	}
	good, throttled := event("user.updated", "ins_a"), errors.New("throttled")
	handle(secrets, throttled, good)
	handle(nil, nil, good)
	handle(secrets, nil,
		good,
		event("user.updated", "ins_b"),
		event("made.up", "ins_a"),
		event("email.created", "ins_a"),
		svixtest.Signed(svixtest.Epoch(), `{`),
		svixtest.Signed(svixtest.Epoch(), strings.Repeat(" ", ingest.MaxBody+1)),
		good.With("svix-signature", "v1,AAAA"),
		good.With("svix-timestamp", "1"),
		good.With("svix-id", ""),
		good.To("POST", "/elsewhere"),
		good.To("GET", ingest.Path))
	observer.SecretUnreadable(ctx, "read the signing secret", throttled)
	lambdafn.LogNotConfigured(log, throttled)
	metrics.Flush()
	return parseLines(t, &out)
}

// emittedBySync reports a message of each outcome.
func emittedBySync(t *testing.T) emitted {
	t.Helper()
	var out bytes.Buffer
	log := lambdafn.NewLogger(&out, slog.LevelDebug)
	metrics := syncfn.NewMetrics(&out, "example-sync", svixtest.Epoch)
	observer := syncfn.Observer{Log: log, Metrics: metrics}
	ctx := tracedInvocation(t)
	throttled := errors.New("throttled")
	for outcome, err := range map[consumer.Outcome]error{
		consumer.Applied:   nil,
		consumer.Stale:     nil,
		consumer.Duplicate: nil,
		consumer.Failed:    throttled,
		consumer.Dead:      throttled,
	} {
		observer.Message(ctx, consumer.Report{
			MessageID: "example-message", SvixID: "msg_a", EventType: "user.updated", Known: true,
			Entity: "user/user_a1", Outcome: outcome, Err: err, Attempt: 1,
			ChangedAt: svixtest.Epoch(), EndedAt: svixtest.Epoch(),
		})
	}
	lambdafn.Warn(log)(ctx, "acknowledge messages", throttled)
	lambdafn.LogNotConfigured(log, errors.New("DIRECTORY_TABLE is missing"))
	metrics.Flush()
	return parseLines(t, &out)
}

// lateClerk is an instance with one user that is an hour old, of which the table has no row.
type lateClerk struct{}

func (lateClerk) Instance(context.Context) (clerkapi.Instance, error) {
	return clerkapi.Instance{ID: "ins_a"}, nil
}

func (lateClerk) Newest(_ context.Context, kind string, _ int) (page clerkapi.Page, _ error) {
	page.Began, page.Date = svixtest.Epoch(), svixtest.Epoch()
	if kind == directory.KindUser {
		user, _ := clerk.ParseObject(fmt.Appendf(nil, `{"id":"user_a1","created_at":%d}`,
			svixtest.Epoch().Add(-time.Hour).UnixMilli()))
		page.Objects = []clerk.Object{user}
	}
	return page, nil
}

// emittedByProbe runs a probe that finds a row missing, one that fails, and one that is not configured.
func emittedByProbe(t *testing.T) emitted {
	t.Helper()
	var out bytes.Buffer
	h := probefn.Handler{
		Log:     lambdafn.NewLogger(&out, slog.LevelDebug),
		Metrics: probefn.NewMetrics(&out, "example-probe", svixtest.Epoch),
	}
	lambdafn.LogNotConfigured(h.Log, errors.New("DIRECTORY_TABLE is missing"))
	for _, c := range []*probefn.Config{nil, {
		Connect: func(context.Context) (probefn.Clerk, error) { return nil, errors.New("no key") },
	}, {
		Connect: func(context.Context) (probefn.Clerk, error) { return lateClerk{}, nil },
		Table:   directorytest.NewMemory(), Age: time.Minute, Now: svixtest.Epoch,
	}} {
		h.Config = c
		if _, err := h.Invoke(tracedInvocation(t), nil); err != nil {
			t.Fatal(err)
		}
	}
	return parseLines(t, &out)
}

// The rest of the package's tests trusts these lines.
func TestEmittedLinesAreOfEveryKind(t *testing.T) {
	ingested := emittedByIngest(t)
	_, reasons := ingested.metrics(t)
	slices.Sort(reasons)
	want := []string{
		"invalid_payload", "invalid_signature", "invalid_timestamp", "method_not_allowed", "missing_headers",
		"not_configured", "not_found", "payload_too_large", "unavailable",
	}
	if !slices.Equal(reasons, want) {
		t.Errorf("ingest rejects for %v, want %v", reasons, want)
	}
	for function, e := range map[string]emitted{"ingest": ingested, "sync": emittedBySync(t)} {
		fields := e.fields()
		for _, name := range []string{
			"_aws", "timestamp", "level", "message", "requestId", "traceId", "svix_id", "event_type", "error",
		} {
			if fields[name] == nil {
				t.Errorf("%s never writes %s", function, name)
			}
		}
	}
	fields := emittedByProbe(t).fields()
	for _, name := range []string{
		"_aws", "level", "message", "requestId", "traceId", "entity", "age_seconds", "error",
	} {
		if fields[name] == nil {
			t.Errorf("probe never writes %s", name)
		}
	}
}
