package ingest_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

func TestRoute(t *testing.T) {
	t.Parallel()
	r := signed(event)
	run(t, map[string]contract{
		// https://github.com/devlikeapro/waha/issues/112
		"slash at the end":      {r: r.To("POST", "/webhooks/clerk/"), want: refusal(404, "not_found")},
		"capitals":              {r: r.To("POST", "/Webhooks/Clerk"), want: refusal(404, "not_found")},
		"root":                  {r: r.To("POST", "/"), want: refusal(404, "not_found")},
		"other path and method": {r: r.To("GET", "/webhooks"), want: refusal(404, "not_found")},
		"escaped slash":         {r: r.To("POST", "/webhooks%2Fclerk"), want: refusal(404, "not_found")},
		"escaped letter":        {r: r.To("POST", "/webhooks/%63lerk"), want: refusal(404, "not_found")},
		"more behind":           {r: r.To("POST", "/webhooks/clerk/x"), want: refusal(404, "not_found")},
		"GET":                   {r: r.To("GET", "/webhooks/clerk"), want: refusal(405, "method_not_allowed").with("Allow", "POST")},
		"PUT":                   {r: r.To("PUT", "/webhooks/clerk"), want: refusal(405, "method_not_allowed").with("Allow", "POST")},
		"OPTIONS":               {r: r.To("OPTIONS", "/webhooks/clerk"), want: refusal(405, "method_not_allowed").with("Allow", "POST")},
		"path before the secret": {
			r: r.To("POST", "/x"), want: refusal(404, "not_found"),
			change: func(c *ingest.Config) { c.Secrets = ingest.FixedSecrets(nil) },
		},
	})
}

// Each row fails its own check and all that come after it.
func TestOrderOfChecks(t *testing.T) {
	t.Parallel()
	unconfigured := func(c *ingest.Config) { c.Secrets = ingest.FixedSecrets(nil) }
	large := svixtest.Signed(svixtest.Epoch(), strings.Repeat("x", ingest.MaxBody+1)).With("svix-id", "-")
	badTime := signed("").With("svix-timestamp", "x").With("svix-signature", "x")
	run(t, map[string]contract{
		"method before configuration": {r: large.To("GET", "/webhooks/clerk"), want: refusal(405, "method_not_allowed").with("Allow", "POST"), change: unconfigured},
		"configuration before size":   {r: large, want: refusal(500, "not_configured"), change: unconfigured},
		"headers before timestamp":    {r: badTime.With("svix-id", "-"), want: refusal(400, "missing_headers")},
		"id before timestamp":         {r: badTime.With("svix-id", "a.b"), want: refusal(400, "missing_headers")},
		"timestamp before signature":  {r: badTime, want: refusal(400, "invalid_timestamp")},
		"signature before payload":    {r: signed("").With("svix-signature", "v1,x"), want: refusal(400, "invalid_signature")},
		"payload before base64 size":  {r: signed(strings.Repeat("\uffff", 250_001)), want: invalidPayload()},
		"base64 size before type":     {r: signed(strings.Replace(sized(750_002, "\uffff"), "user.updated", "emai.created", 1)), want: refusal(413, "payload_too_large")},
		"type before instance":        {r: signed(`{"type":"email.created","data":{}}`), want: ok("type"), change: instances("ins_b")},
		"instance before queue": {r: signed(event), want: ok("instance"), change: func(c *ingest.Config) {
			c.Instances, c.Queue = []string{"ins_b"}, &svixtest.Queue{Before: errors.New("down")}
		}},
	})
	t.Run("size before headers", func(t *testing.T) {
		b := newBench(t)
		for form, got := range map[string]answer{"http.Handler": b.overHTTP(large), "function": b.asFunction(t, large, true)} {
			if got.Status != 413 || got.Body != `{"error":"payload_too_large"}` {
				t.Errorf("%s: answer = %v, want 413 payload_too_large", form, got)
			}
		}
	})
}

func invalidPayload() answer {
	return refusal(400, "invalid_payload").with("Webhook-Delivery", "abort-message")
}

func TestSignatureAndHeaders(t *testing.T) {
	t.Parallel()
	r := signed(event)
	good := r.Header["svix-signature"]
	bothFamilies := r.With("webhook-id", "msg_other").With("webhook-timestamp", "1").With("webhook-signature", "v1,x")
	rows := map[string]contract{
		// https://github.com/SatyamPandey-07/WorkSphere/issues/481
		"printed otherwise": {r: signed("{ \"type\" :\"user.updated\",\"data\":{\"id\":\"user_a1\",\"n\":1.0,\"s\":\"\\u00e9\"}}\n"), want: ok(""), queued: 1},
		// https://github.com/octokit/webhooks.js/issues/1155
		"emoji": {r: signed(`{"type":"user.updated","data":{"id":"user_a1","first_name":"Zoé 🚒"}}`), want: ok(""), queued: 1},
		// https://github.com/stripe/stripe-node/issues/356
		"signed over the base64 instead": {
			r: svixtest.Request{
				Method: "POST", Path: "/webhooks/clerk", Body: []byte(event),
				Header: signed(base64.StdEncoding.EncodeToString([]byte(event))).Header,
			},
			want: refusal(400, "invalid_signature"),
		},
		// https://github.com/svix/svix-webhooks/pull/2393
		"last of three signatures": {r: r.With("svix-signature", "v1,AAAA= v1,BBBB= "+good), want: ok(""), queued: 1},
		// https://github.com/svix/svix-webhooks/issues/55
		"other versions beside": {r: r.With("svix-signature", "v1a,x v2,y "+good), want: ok(""), queued: 1},
		"other versions only":   {r: r.With("svix-signature", "v1a,"+good[3:]+" v2,"+good[3:]), want: refusal(400, "invalid_signature")},
		// https://github.com/svix/svix-webhooks/pull/1942
		"no comma":            {r: r.With("svix-signature", "BADSIG"), want: refusal(400, "invalid_signature")},
		"comma alone":         {r: r.With("svix-signature", ","), want: refusal(400, "invalid_signature")},
		"version alone":       {r: r.With("svix-signature", "v1,"), want: refusal(400, "invalid_signature")},
		"good, then garbage":  {r: r.With("svix-signature", good+" garbage"), want: ok(""), queued: 1},
		"doubled blanks":      {r: r.With("svix-signature", "v1,AAAA=  "+good), want: ok(""), queued: 1},
		"changed after it":    {r: svixtest.Request{Method: "POST", Path: r.Path, Header: r.Header, Body: []byte(event + " ")}, want: refusal(400, "invalid_signature")},
		"another id":          {r: r.With("svix-id", "msg_b"), want: refusal(400, "invalid_signature")},
		"another timestamp":   {r: r.With("svix-timestamp", at(time.Second)), want: refusal(400, "invalid_signature")},
		"another's secret":    {r: svixtest.SignedBy(svixtest.OtherSecret, svixtest.ID, at(0), event), want: refusal(400, "invalid_signature")},
		"old of two secrets":  {r: r, want: ok(""), queued: 1, change: configured(svixtest.Secret + " " + svixtest.OtherSecret)},
		"new of two secrets":  {r: r, want: ok(""), queued: 1, change: configured(svixtest.OtherSecret + "," + svixtest.Secret)},
		"after the old's end": {r: r, want: refusal(400, "invalid_signature"), change: configured(svixtest.OtherSecret)},
		// https://github.com/polarsource/polar/pull/13256
		"text as key": {r: r.With("svix-signature", svixtest.SignRaw([]byte(svixtest.Secret), svixtest.ID, at(0), []byte(event))), want: refusal(400, "invalid_signature")},
		// https://github.com/corsairdev/corsair/pull/1024
		"empty key": {r: r.With("svix-signature", svixtest.SignRaw(nil, svixtest.ID, at(0), []byte(event))), want: refusal(400, "invalid_signature")},
		// https://github.com/kortix-ai/suna/pull/6040
		"webhook-* alone": {r: r.Renamed("webhook-"), want: ok(""), queued: 1},
		// https://github.com/svix/svix-webhooks/pull/2147
		"two of svix-*, one of webhook-*": {r: r.With("svix-signature", "-").With("webhook-signature", good), want: refusal(400, "missing_headers")},
		"both complete: svix-* decides":   {r: bothFamilies, want: ok(""), queued: 1},
		"both complete, svix-* wrong":     {r: r.Renamed("webhook-").With("svix-id", "msg_b").With("svix-timestamp", at(0)).With("svix-signature", "v1,x"), want: refusal(400, "invalid_signature")},
		"svix-* with one empty":           {r: r.Renamed("webhook-").With("svix-id", "msg_b").With("svix-timestamp", at(0)).With("svix-signature", ""), want: ok(""), queued: 1},
		// https://github.com/harshdwivediiiii/pathfinder-ai/issues/1720
		"unsigned deletion": {
			r:    svixtest.Request{Method: "POST", Path: r.Path, Body: []byte(`{"type":"user.deleted","data":{"id":"user_a1","deleted":true}}`)},
			want: refusal(400, "missing_headers"),
		},
	}
	// https://github.com/swamp-club/swamp/pull/1638
	for _, family := range []string{"svix-", "webhook-"} {
		for _, name := range []string{"id", "timestamp", "signature"} {
			rows["without "+family+name] = contract{r: r.Renamed(family).With(family+name, "-"), want: refusal(400, "missing_headers")}
			rows["empty "+family+name] = contract{r: r.Renamed(family).With(family+name, ""), want: refusal(400, "missing_headers")}
		}
	}
	run(t, rows)
}

func TestTimestamps(t *testing.T) {
	t.Parallel()
	rows := map[string]contract{}
	// https://github.com/svix/svix-webhooks/issues/93
	// https://github.com/stripe/stripe-dotnet/issues/1183
	for _, d := range []time.Duration{0, 299 * time.Second, 300 * time.Second} {
		for _, d := range []time.Duration{d, -d} {
			rows[fmt.Sprint("signed at ", d)] = contract{r: signedWith(svixtest.ID, at(d)), want: ok(""), queued: 1}
		}
	}
	for _, d := range []time.Duration{301 * time.Second, 24 * time.Hour, 365 * 24 * time.Hour} {
		for _, d := range []time.Duration{d, -d} {
			rows[fmt.Sprint("signed at ", d)] = contract{r: signedWith(svixtest.ID, at(d)), want: refusal(400, "invalid_timestamp")}
		}
	}
	// https://github.com/open-mercato/open-mercato/pull/3945
	for _, text := range []string{
		at(0) + "abc", "+" + at(0), "+" + at(0)[1:], "1.7e9", "-1", strings.Repeat("1", 40), "0x69559e00", at(0) + "000", "0" + at(0),
		at(0)[:9] + "a", at(0) + "," + at(0), "Thu, 01 Jan 2026 00:00:00 GMT", "9223372036854775808", at(0) + ".0",
	} {
		rows["timestamp "+text] = contract{r: signedWith(svixtest.ID, text), want: refusal(400, "invalid_timestamp")}
	}
	run(t, rows)
}

func TestIDs(t *testing.T) {
	t.Parallel()
	rows := map[string]contract{}
	for name, id := range map[string]string{
		"dot": "msg_a.b", "comma": "msg_a,msg_a", "257 characters": strings.Repeat("a", 257),
		// https://github.com/facebook/ThreatExchange/issues/1324
		"2,100 characters": strings.Repeat("a", 2100),
		// https://github.com/softwaremill/elasticmq/pull/341
		"tab inside": "msg\ta", "blank inside": "msg a", "beyond ASCII": "msg_é",
	} {
		rows[name] = contract{r: signedWith(id, at(0)), want: refusal(400, "missing_headers")}
	}
	long := strings.Repeat("~", 256)
	rows["256 characters"] = contract{r: signedWith(long, at(0)), want: plain(200, `{"received":true,"id":"`+long+`"}`), queued: 1}
	rows["signs that HTML escapes"] = contract{r: signedWith("<&>\"\\'", at(0)), want: plain(200, `{"received":true,"id":"<&>\"\\'"}`), queued: 1}
	run(t, rows)
}

// The dot between the signed parts cannot be moved.
func TestPartsCannotBeMoved(t *testing.T) {
	r := signed(event)
	moved := r.With("svix-id", svixtest.ID+"."+at(0)).With("svix-timestamp", `{"type":"u`)
	moved.Body = []byte(strings.TrimPrefix(event, `{"type":"u.`))
	if got := newBench(t).overHTTP(moved); got.Status != 400 {
		t.Errorf("answer = %v, want 400", got)
	}
}

// Repeated headers are joined, as the gateway joins them.
func TestRepeatedHeaders(t *testing.T) {
	for name, c := range map[string]struct {
		header, value string
		want          int
	}{
		"id":                       {"Svix-Id", svixtest.ID, 400},
		"timestamp":                {"Svix-Timestamp", at(0), 400},
		"signature, the good last": {"Svix-Signature", "", 200},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			r := signed(event).HTTP()
			if c.value == "" {
				r.Header["Svix-Signature"] = append([]string{"v1,AAAA"}, r.Header["Svix-Signature"]...)
			} else {
				r.Header.Add(c.header, c.value)
			}
			w := httptest.NewRecorder()
			b.handler.ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("answer = %d %s, want %d", w.Code, w.Body, c.want)
			}
		})
	}
}

func TestBrokenOffBody(t *testing.T) {
	b := newBench(t)
	r := signed(event).HTTP()
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(event), failing{}))
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest || len(b.queue.Messages()) != 0 {
		t.Errorf("answer = %d with %d messages queued, want 400 with none", w.Code, len(b.queue.Messages()))
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
