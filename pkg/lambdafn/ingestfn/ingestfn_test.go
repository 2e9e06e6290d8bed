package ingestfn_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/lambdafn/ingestfn"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

const event = `{"type":"user.updated","data":{"id":"user_a1"}}`

// newHandler makes the function with a queue behind it, and the log that it
// writes at a level and above.
func newHandler(t *testing.T, q ingest.Queue, level slog.Level) (*ingestfn.Handler, *bytes.Buffer) {
	t.Helper()
	secrets, err := svix.ParseSecrets(svixtest.Secret)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := lambdafn.NewLogger(&out, level)
	return &ingestfn.Handler{Log: log, Ingest: ingest.New(ingest.Config{
		Secrets: ingest.FixedSecrets(secrets), Queue: q, KnowledgeOf: clerk.KnowledgeOf,
		Now: svixtest.Epoch, Observe: ingestfn.Observer{Log: log}.Request,
	})}, &out
}

func signed() svixtest.Request { return svixtest.Signed(svixtest.Epoch(), event) }

// payload is the gateway's request after a change.
func payload(t *testing.T, r svixtest.Request, change func(m map[string]any)) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(r.Lambda(false), &m); err != nil {
		t.Fatal(err)
	}
	change(m)
	out, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// answer is a response of the function: its status, further headers as members
// of a JSON object, and its body's text inside a JSON string.
func answer(status int, headers, body string) string {
	const format = `{"statusCode":%d,"headers":{%s"content-type":"application/json"},"body":"{%s}"}`
	return fmt.Sprintf(format, status, headers, body)
}

func answerError(status int, code string) string {
	return answer(status, "", `\"error\":\"`+code+`\"`)
}

func TestInvoke(t *testing.T) {
	t.Parallel()
	queued := answer(200, "", `\"received\":true,\"id\":\"`+svixtest.ID+`\"`)
	notFound := answerError(404, "not_found")
	badSignature := answerError(400, "invalid_signature")
	missing := answerError(400, "missing_headers")
	in64 := base64.StdEncoding.EncodeToString([]byte(event))
	type members = map[string]any
	set := func(name string, value any) func(members) { return func(m members) { m[name] = value } }
	marked := func(body string) func(members) {
		return func(m members) { m["body"], m["isBase64Encoded"] = body, true }
	}
	setHeader := func(name string, value any) func(members) {
		return func(m members) { m["headers"].(members)[name] = value }
	}
	rename := func(id, timestamp, signature string) func(members) {
		return func(m members) {
			h := m["headers"].(members)
			m["headers"] = members{id: h["svix-id"], timestamp: h["svix-timestamp"], signature: h["svix-signature"]}
		}
	}
	for name, c := range map[string]struct {
		change func(members)
		want   string
	}{
		"as the gateway sends it": {change: func(members) {}, want: queued},
		// https://github.com/stripe/stripe-node/issues/356
		"base64":                {change: marked(in64), want: queued},
		"base64, not marked":    {change: set("body", in64), want: badSignature},
		"marked, but no base64": {change: set("isBase64Encoded", true), want: badSignature},
		"garbage at the end":    {change: marked(in64 + "!"), want: badSignature},
		"marked, cut off":       {change: marked(in64[:len(in64)-3]), want: badSignature},
		// https://github.com/aws/serverless-application-model/issues/1967
		"names in any case": {change: rename("Svix-Id", "SVIX-TIMESTAMP", "svix-Signature"), want: queued},
		"webhook- names": {
			change: rename("Webhook-Id", "webhook-timestamp", "WEBHOOK-SIGNATURE"), want: queued,
		},
		"families mixed": {
			change: rename("svix-id", "svix-timestamp", "webhook-signature"), want: missing,
		},
		"header in two cases":         {change: setHeader("Svix-Id", "msg_b"), want: missing},
		"no headers":                  {change: set("headers", nil), want: missing},
		"header null":                 {change: setHeader("svix-id", nil), want: missing},
		"body null":                   {change: set("body", nil), want: badSignature},
		"stage before the path":       {change: set("rawPath", "/prod/webhooks/clerk"), want: queued},
		"base path before the path":   {change: set("rawPath", "/v1/api/webhooks/clerk"), want: queued},
		"ends in it, with no slash":   {change: set("rawPath", "/xwebhooks/clerk"), want: notFound},
		"slash at the end":            {change: set("rawPath", "/prod/webhooks/clerk/"), want: notFound},
		"escaped slash":               {change: set("rawPath", "/webhooks%2Fclerk"), want: notFound},
		"no path":                     {change: set("rawPath", ""), want: notFound},
		"unknown members":             {change: set("cookies", []string{"a=b"}), want: queued},
		"query string does not count": {change: set("rawQueryString", "a=b"), want: queued},
		"null for requestContext": {
			change: set("requestContext", nil),
			want:   answer(405, `"allow":"POST",`, `\"error\":\"method_not_allowed\"`),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := &svixtest.Queue{}
			h, log := newHandler(t, q, slog.LevelWarn)
			got, err := h.Invoke(t.Context(), []byte(payload(t, signed(), c.change)))
			if err != nil || string(got) != c.want {
				t.Errorf("Invoke = %s, %v, want %s", got, err, c.want)
			}
			want := 0
			if c.want == queued {
				want = 1
			}
			if n := len(q.Messages()); n != want {
				t.Errorf("%d messages are on the queue, want %d", n, want)
			}
			if log.Len() != 0 {
				t.Errorf("log = %s, want no warning", log)
			}
		})
	}
}

// A request in format 1.0 has no rawPath: it is answered 404, and the log says
// why. https://github.com/aws/aws-sam-cli/issues/2678
func TestOldPayloadFormat(t *testing.T) {
	t.Parallel()
	r := signed()
	old, err := json.Marshal(map[string]any{
		"resource": "/webhooks/clerk", "path": "/webhooks/clerk", "httpMethod": "POST", "headers": r.Header,
		"multiValueHeaders": map[string][]string{"svix-id": {svixtest.ID}},
		"requestContext":    map[string]any{"stage": "prod", "httpMethod": "POST"},
		"body":              event, "isBase64Encoded": false,
	})
	if err != nil {
		t.Fatal(err)
	}
	q := &svixtest.Queue{}
	h, log := newHandler(t, q, slog.LevelWarn)
	got, err := h.Invoke(t.Context(), old)
	if want := answerError(404, "not_found"); err != nil || string(got) != want || len(q.Messages()) != 0 {
		t.Errorf("Invoke = %s, %v with %d queued, want %s with 0", got, err, len(q.Messages()), want)
	}
	text := log.String()
	if !strings.Contains(text, "format 1.0") || !strings.Contains(text, "PayloadFormatVersion 2.0") {
		t.Errorf("log = %s, want the formats named", text)
	}
}

// What is not a request of the gateway is answered, or an error; never a panic,
// and nothing of it is in the error.
func TestInvokeWithSomethingElse(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"empty": "", "no JSON": "{", "null": "null", "object": "{}", "text": `"canary"`, "list": "[]",
		"a test of the console": `{"key1":"canary"}`,
		"SQS batch":             `{"Records":[{"messageId":"canary"}]}`,
		"headers of lists":      `{"rawPath":"/webhooks/clerk","headers":{"svix-id":["canary"]}}`,
		"body a number":         `{"rawPath":"/webhooks/clerk","body":1}`,
		"context a text":        `{"requestContext":"canary"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := &svixtest.Queue{}
			h, _ := newHandler(t, q, slog.LevelWarn)
			got, err := h.Invoke(t.Context(), []byte(in))
			notFound := answerError(404, "not_found")
			if err == nil && string(got) != notFound || len(q.Messages()) != 0 {
				t.Errorf("Invoke = %s, %v, want an error or %s, and nothing queued", got, err, notFound)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("Invoke error %q holds text of the request", err)
			}
		})
	}
}

// slow is a queue that never answers.
type slow struct{}

func (slow) Send(ctx context.Context, _ delivery.Message) error {
	<-ctx.Done()
	return ctx.Err()
}

// A second of the invocation's time is kept for the answer.
func TestDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		h, _ := newHandler(t, slow{}, slog.LevelError)
		began := time.Now()
		got, err := h.Invoke(ctx, signed().Lambda(true))
		took, want := time.Since(began), answerError(503, "unavailable")
		if string(got) != want || err != nil || took != 2*time.Second {
			t.Errorf("Invoke = %s, %v after %v, want %s after 2s of 3", got, err, took, want)
		}
	})
}

// No line, at any level, holds a body, a secret, a signature, an address, a
// name, or an event type that the sender made up.
func TestNothingPrivateIsLogged(t *testing.T) {
	t.Parallel()
	body := func(eventType string) string {
		return `{"type":` + eventType + `,"data":{"id":"user_a1","first_name":"canary",` +
			`"email_addresses":[{"email_address":"canary@example.com"}],"x":"canary"},"canary":1}`
	}
	of := func(eventType string) svixtest.Request { return svixtest.Signed(svixtest.Epoch(), body(eventType)) }
	good := of(`"user.updated"`)
	for name, c := range map[string]struct {
		r     svixtest.Request
		queue error
		info  bool // a line at level info or above
	}{
		"queued":             {r: good, info: true},
		"queue fails":        {r: good, queue: errors.New("throttled"), info: true},
		"not kept":           {r: of(`"email.created"`), info: true},
		"made-up type":       {r: of(`"canary.created"`), info: true},
		"address for a type": {r: of(`"canary@example.com"`), info: true},
		"invalid payload":    {r: of(`"user.updated","type":"canary"`)},
		"bad signature":      {r: good.With("svix-signature", "v1,canary")},
		"bad timestamp":      {r: good.With("svix-timestamp", "canary")},
		"malformed id":       {r: good.With("svix-id", "canary@example.com")},
		"no headers":         {r: svixtest.Request{Method: "POST", Path: "/webhooks/clerk", Body: good.Body}},
		"another path":       {r: good.To("POST", "/canary")},
		"another method":     {r: good.To("CANARY", "/webhooks/clerk")},
	} {
		for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo} {
			t.Run(fmt.Sprint(name, " at ", level), func(t *testing.T) {
				t.Parallel()
				h, log := newHandler(t, &svixtest.Queue{Before: c.queue}, level)
				if _, err := h.Invoke(t.Context(), c.r.Lambda(false)); err != nil {
					t.Fatal(err)
				}
				lines := strings.Count(log.String(), "\n")
				if want := map[bool]int{true: 1, false: 0}[c.info || level == slog.LevelDebug]; lines != want {
					t.Errorf("%d lines at %v, want %d: %s", lines, level, want, log)
				}
				text := strings.ToLower(log.String())
				signature := strings.ToLower(good.Header["svix-signature"][3:])
				for _, private := range []string{"canary", "whsec_", "aaecaw", signature} {
					if strings.Contains(text, private) {
						t.Errorf("log %q holds %q", log, private)
					}
				}
			})
		}
	}
}
