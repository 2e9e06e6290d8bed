package console_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/faults"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/order"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/projector"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// world is a pipeline with its recorder and its console, as `clerksync dev` has
// them.
type world struct {
	t        testing.TB
	Pipeline *pipeline.Pipeline
	Recorder *recorder.Recorder
	Console  *console.Console
	signer   webhook.Signer
	faults   *faults.Switches

	deployment *deployment.Deployment
	// atRequest, unless nil, is called when a request comes to the webhook.
	atRequest atomic.Pointer[func()]
}

// patience is far above what anything here takes.
const patience = time.Minute

// newWorld runs one until the test ends.
func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldWith(t, recorder.Limits{})
}

// newWorldWith is newWorld with bounds of what is kept, and with whoever else wants
// to know how messages come out.
func newWorldWith(tb testing.TB, l recorder.Limits, observe ...func(consumer.Report)) *world {
	tb.Helper()
	secrets, err := svix.ParseSecrets(svixtest.Secret)
	if err != nil {
		tb.Fatal(err)
	}
	storage := testStorage()
	switches := faults.New(pipeline.QueueName, time.Now, rand.Float64)
	w := &world{
		t: tb, signer: webhook.Signer{Secrets: secrets, Now: time.Now}, faults: switches,
		Recorder: recorder.New(recorder.Options{
			Now: time.Now, Projector: projector.New(projector.StoreFull), Limits: l,
		}),
	}
	w.Pipeline, err = pipeline.Start(tb.Context(), pipeline.Options{
		Addr: "127.0.0.1:0", AWSAddr: "127.0.0.1:0", Secrets: secrets, KeptSecret: svixtest.Secret,
		Storage: storage, OnRequest: w.Recorder.OnRequest, Warn: ignoreWarning,
		OnMessage: func(ctx context.Context, r consumer.Report) {
			w.Recorder.OnMessage(ctx, r)
			for _, f := range observe {
				f(r)
			}
		},
		WrapWebhook: w.observed, WrapTable: w.Recorder.Table, WrapClient: switches.Wrap,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { w.Pipeline.Stop(context.WithoutCancel(tb.Context())) })
	w.Recorder.ReadBy(w.Pipeline.LocalTable())
	w.deployment = deployment.OfPipeline(w.Pipeline)
	w.Console = startConsole(tb, console.Options{
		Order:      order.New(storage, time.Minute),
		Deployment: w.deployment,
		Dev: &console.Dev{
			Describe: func() deployment.Ready {
				return deployment.Ready{
					Event: deployment.ReadyEvent, WebhookURL: w.Pipeline.WebhookURL, EndpointURL: w.Pipeline.Endpoint,
				}
			},
			Recorder: w.Recorder,
			Signer:   w.signer,
			Secret:   svixtest.Secret,
			Reset:    w.Pipeline.Reset,
			Storage:  storage,
			Faults:   switches, Retry: w.Pipeline.RetryWaiting,
			DeadLetters: func() ([]deployment.DeadLetter, error) { return deployment.DeadLettersOf(w.Pipeline) },
		},
	})
	return w
}

// observed is the webhook, recorded, whose requests a test may hear of.
func (w *world) observed(next http.Handler) http.Handler {
	recorded := w.Recorder.Handler(next)
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if f := w.atRequest.Load(); f != nil {
			(*f)()
		}
		recorded.ServeHTTP(rw, r)
	})
}

// testStorage is what rows keep in tests.
func testStorage() settings.Storage {
	return settings.Storage{DeletionPolicy: "soft", ObjectStorage: "full", Retention: time.Hour}
}

// startConsole serves a console until the test ends.
func startConsole(tb testing.TB, o console.Options) *console.Console {
	tb.Helper()
	o.Addr = "127.0.0.1:0"
	c, err := console.Start(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

// send posts a sample event with changed fields (path=value), and waits until it
// has come out as it should.
func (w *world) send(id, sample, outcome string, set ...string) {
	w.t.Helper()
	body, err := events.Body(sample)
	if err == nil {
		body, err = webhook.Edit(body, set)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	h, body := w.signer.Sign(webhook.Request{ID: id, Body: body})
	if a, err := webhook.Post(w.t.Context(), w.Pipeline.WebhookURL, h, body); err != nil || !a.Accepted() {
		w.t.Fatalf("send %s: %+v, %v", id, a, err)
	}
	w.until(id+" is "+outcome, func() bool {
		m, ok := w.Recorder.Message(id)
		return ok && m.Outcome == outcome
	})
}

// until waits for something.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// page gets a page of the console.
func (w *world) page(path string) string {
	w.t.Helper()
	resp, body := ask(w.t, w.Console, request{method: http.MethodGet, path: path})
	if resp.StatusCode != http.StatusOK {
		w.t.Errorf("GET %s = %d:\n%s", path, resp.StatusCode, body)
	}
	return body
}

// inside is what stands in the element with that id, up to the next such end tag.
func inside(page, id, tag string) string {
	_, rest, _ := strings.Cut(page, ` id="`+id+`"`)
	text, _, _ := strings.Cut(rest, "</"+tag+">")
	return text
}

// attributes are the values of an attribute in a page, in their order.
func attributes(page, name string) (values []string) {
	for _, found := range regexp.MustCompile(` `+name+`="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		values = append(values, found[1])
	}
	return values
}

// must is the value of a call that cannot fail here.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// readAll is the rest of an answer.
func readAll(tb testing.TB, r io.Reader) string {
	tb.Helper()
	text, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}
