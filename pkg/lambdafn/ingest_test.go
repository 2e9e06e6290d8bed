package lambdafn_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

const event = `{"type":"user.updated","data":{"id":"user_a1"}}`

// function is the function with a queue behind it.
type function struct {
	*lambdafn.Ingest
	old int // calls of OldFormat
}

func newFunction(t *testing.T, q ingest.Queue, observe func(context.Context, ingest.Report)) *function {
	t.Helper()
	secrets, err := svix.ParseSecrets(svixtest.Secret)
	if err != nil {
		t.Fatal(err)
	}
	f := &function{}
	f.Ingest = &lambdafn.Ingest{
		Handler: ingest.New(ingest.Config{
			Secrets: ingest.FixedSecrets(secrets), Queue: q, KnowledgeOf: clerk.KnowledgeOf,
			Now: svixtest.Epoch, Observe: observe,
		}),
		OldFormat: func(context.Context) { f.old++ },
	}
	return f
}

func ignoreReport(context.Context, ingest.Report) {}

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

const (
	queued   = `{"statusCode":200,"headers":{"content-type":"application/json"},"body":"{\"received\":true,\"id\":\"` + svixtest.ID + `\"}"}`
	notFound = `{"statusCode":404,"headers":{"content-type":"application/json"},"body":"{\"error\":\"not_found\"}"}`
	badMAC   = `{"statusCode":400,"headers":{"content-type":"application/json"},"body":"{\"error\":\"invalid_signature\"}"}`
	missing  = `{"statusCode":400,"headers":{"content-type":"application/json"},"body":"{\"error\":\"missing_headers\"}"}`
)

func TestInvoke(t *testing.T) {
	set := func(name string, value any) func(map[string]any) { return func(m map[string]any) { m[name] = value } }
	headers := func(names ...string) func(map[string]any) {
		return func(m map[string]any) {
			old := m["headers"].(map[string]any)
			m["headers"] = map[string]any{
				names[0]: old["svix-id"], names[1]: old["svix-timestamp"], names[2]: old["svix-signature"],
			}
		}
	}
	in64 := base64.StdEncoding.EncodeToString([]byte(event))
	for name, c := range map[string]struct {
		change func(map[string]any)
		want   string
	}{
		"as the gateway sends it": {func(map[string]any) {}, queued},
		// https://github.com/stripe/stripe-node/issues/356
		"base64":                {func(m map[string]any) { m["body"], m["isBase64Encoded"] = in64, true }, queued},
		"base64, not marked":    {set("body", in64), badMAC},
		"marked, but no base64": {set("isBase64Encoded", true), badMAC},
		"garbage behind":        {func(m map[string]any) { m["body"], m["isBase64Encoded"] = in64+"!", true }, badMAC},
		"marked, cut off":       {func(m map[string]any) { m["body"], m["isBase64Encoded"] = in64[:len(in64)-3], true }, badMAC},
		// https://github.com/aws/serverless-application-model/issues/1967
		"names in any case":           {headers("Svix-Id", "SVIX-TIMESTAMP", "svix-Signature"), queued},
		"webhook- names":              {headers("Webhook-Id", "webhook-timestamp", "WEBHOOK-SIGNATURE"), queued},
		"families mixed":              {headers("svix-id", "svix-timestamp", "webhook-signature"), missing},
		"header in two cases":         {func(m map[string]any) { m["headers"].(map[string]any)["Svix-Id"] = "msg_b" }, missing},
		"no headers":                  {set("headers", nil), missing},
		"header null":                 {func(m map[string]any) { m["headers"].(map[string]any)["svix-id"] = nil }, missing},
		"body null":                   {set("body", nil), badMAC},
		"stage before the path":       {set("rawPath", "/prod/webhooks/clerk"), queued},
		"base path before the path":   {set("rawPath", "/v1/api/webhooks/clerk"), queued},
		"ends in it, with no slash":   {set("rawPath", "/xwebhooks/clerk"), notFound},
		"slash at the end":            {set("rawPath", "/prod/webhooks/clerk/"), notFound},
		"escaped slash":               {set("rawPath", "/webhooks%2Fclerk"), notFound},
		"no path":                     {set("rawPath", ""), notFound},
		"members that nobody knows":   {set("cookies", []string{"a=b"}), queued},
		"null for requestContext":     {set("requestContext", nil), `{"statusCode":405,"headers":{"content-type":"application/json","allow":"POST"},"body":"{\"error\":\"method_not_allowed\"}"}`},
		"query string does not count": {set("rawQueryString", "a=b"), queued},
	} {
		t.Run(name, func(t *testing.T) {
			q := &svixtest.Queue{}
			f := newFunction(t, q, ignoreReport)
			got, err := f.Invoke(t.Context(), []byte(payload(t, signed(), c.change)))
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
			if f.old != 0 {
				t.Error("OldFormat called for format 2.0")
			}
		})
	}
}

// https://github.com/aws/aws-sam-cli/issues/2678
func TestOldPayloadFormat(t *testing.T) {
	r := signed()
	old, err := json.Marshal(map[string]any{
		"resource": "/webhooks/clerk", "path": "/webhooks/clerk", "httpMethod": "POST", "headers": r.Header,
		"multiValueHeaders": map[string][]string{"svix-id": {svixtest.ID}}, "requestContext": map[string]any{"stage": "prod", "httpMethod": "POST"},
		"body": event, "isBase64Encoded": false,
	})
	if err != nil {
		t.Fatal(err)
	}
	q := &svixtest.Queue{}
	f := newFunction(t, q, ignoreReport)
	got, err := f.Invoke(t.Context(), old)
	if err != nil || string(got) != notFound || f.old != 1 || len(q.Messages()) != 0 {
		t.Errorf("Invoke = %s, %v, OldFormat called %d times, %d queued, want %s, once, 0", got, err, f.old, len(q.Messages()), notFound)
	}
}

// What is no request of the gateway's is answered, or an error; never a panic,
// and nothing of it is in the error.
func TestInvokeWithSomethingElse(t *testing.T) {
	for name, in := range map[string]string{
		"empty": "", "no JSON": "{", "null": "null", "object": "{}", "text": `"canary"`, "list": "[]",
		"a test of the console": `{"key1":"canary"}`, "SQS batch": `{"Records":[{"messageId":"canary"}]}`,
		"headers of lists": `{"rawPath":"/webhooks/clerk","headers":{"svix-id":["canary"]}}`,
		"body a number":    `{"rawPath":"/webhooks/clerk","body":1}`,
		"context a text":   `{"requestContext":"canary"}`,
	} {
		t.Run(name, func(t *testing.T) {
			q := &svixtest.Queue{}
			got, err := newFunction(t, q, ignoreReport).Invoke(t.Context(), []byte(in))
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

// Of the invocation's time a second is left to answer.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		const want = `{"statusCode":503,"headers":{"content-type":"application/json"},"body":"{\"error\":\"unavailable\"}"}`
		began := time.Now()
		got, err := newFunction(t, slow{}, ignoreReport).Invoke(ctx, signed().Lambda(true))
		if took := time.Since(began); string(got) != want || err != nil || took != 2*time.Second {
			t.Errorf("Invoke = %s, %v after %v, want %s after 2s of 3", got, err, took, want)
		}
	})
}
