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
		"slash at the end":       refused(r.To("POST", "/webhooks/clerk/"), "not_found"),
		"capitals":               refused(r.To("POST", "/Webhooks/Clerk"), "not_found"),
		"root":                   refused(r.To("POST", "/"), "not_found"),
		"other path and method":  refused(r.To("GET", "/webhooks"), "not_found"),
		"escaped slash":          refused(r.To("POST", "/webhooks%2Fclerk"), "not_found"),
		"escaped letter":         refused(r.To("POST", "/webhooks/%63lerk"), "not_found"),
		"more at the end":        refused(r.To("POST", "/webhooks/clerk/x"), "not_found"),
		"GET":                    refused(r.To("GET", "/webhooks/clerk"), "method_not_allowed"),
		"PUT":                    refused(r.To("PUT", "/webhooks/clerk"), "method_not_allowed"),
		"OPTIONS":                refused(r.To("OPTIONS", "/webhooks/clerk"), "method_not_allowed"),
		"path before the secret": refused(r.To("POST", "/x"), "not_found").when(unconfigured),
	})
}

// Each row fails its own check and all that come after it.
func TestOrderOfChecks(t *testing.T) {
	t.Parallel()
	large := svixtest.Signed(svixtest.Epoch(), strings.Repeat("x", ingest.MaxBody+1)).With("svix-id", "-")
	largeEmail := strings.Replace(sized(750_002, "\uffff"), "user.updated", "emai.created", 1)
	email := signed(`{"type":"email.created","data":{}}`)
	badTime := signed("").With("svix-timestamp", "x").With("svix-signature", "x")
	run(t, map[string]contract{
		"method before configuration": refused(large.To("GET", large.Path), "method_not_allowed").when(unconfigured),
		"configuration before size":   refused(large, "not_configured").when(unconfigured),
		"headers before timestamp":    refused(badTime.With("svix-id", "-"), "missing_headers"),
		"id before timestamp":         refused(badTime.With("svix-id", "a.b"), "missing_headers"),
		"timestamp before signature":  refused(badTime, "invalid_timestamp"),
		"signature before payload":    refused(signed("").With("svix-signature", "v1,x"), "invalid_signature"),
		"payload before base64 size":  refused(signed(strings.Repeat("\uffff", 250_001)), "invalid_payload"),
		"base64 size before type":     refused(signed(largeEmail), "payload_too_large"),
		"type before instance":        ignored(email, "type").when(instances("ins_b")),
		"instance before queue": ignored(signed(event), "instance").when(func(c *ingest.Config) {
			c.Instances, c.Queue = []string{"ins_b"}, &svixtest.Queue{Before: errors.New("down")}
		}),
	})
	t.Run("size before headers", func(t *testing.T) { checkTooLarge(t, large) })
}

// checkTooLarge leaves the headers out: net/http adds one of its own that closes the connection.
func checkTooLarge(t *testing.T, r svixtest.Request) {
	t.Helper()
	h := newHarness(t)
	for way, got := range map[string]answer{"http.Handler": h.overHTTP(r), "function": h.asFunction(t, r, true)} {
		if got.Status != 413 || got.Body != `{"error":"payload_too_large"}` || len(h.queue.Messages()) != 0 {
			t.Errorf("answer by %s = %v, want 413 payload_too_large and nothing queued", way, got)
		}
	}
}

// The forms of a signature header are tested in pkg/svix; here is what Ingest
// makes of them, and which headers it takes.
func TestSignatureAndHeaders(t *testing.T) {
	t.Parallel()
	r := signed(event)
	good := r.Header["svix-signature"]
	signature := func(text string) svixtest.Request { return r.With("svix-signature", text) }
	withBody := func(body string) svixtest.Request {
		changed := r
		changed.Body = []byte(body)
		return changed
	}
	forged := r.Renamed("webhook-").With("svix-id", "msg_b").With("svix-timestamp", at(0))
	overBase64 := signed(base64.StdEncoding.EncodeToString([]byte(event)))
	overBase64.Body = []byte(event)
	byKey := func(key []byte) string { return svixtest.SignRaw(key, svixtest.ID, at(0), []byte(event)) }
	rows := map[string]contract{
		// https://github.com/SatyamPandey-07/WorkSphere/issues/481
		"white space and escapes": queued(signed(
			"{ \"type\" :\"user.updated\",\"data\":{\"id\":\"user_a1\",\"n\":1.0,\"s\":\"\\u00e9\"}}\n")),
		// https://github.com/octokit/webhooks.js/issues/1155
		"emoji": queued(signed(`{"type":"user.updated","data":{"id":"user_a1","first_name":"Zoé 🚒"}}`)),
		// https://github.com/stripe/stripe-node/issues/356
		"signed over the base64 instead": refused(overBase64, "invalid_signature"),
		// https://github.com/svix/svix-webhooks/pull/2393
		"last of three signatures": queued(signature("v1,AAAA= v1,BBBB= " + good)),
		// https://github.com/svix/svix-webhooks/issues/55
		"with other versions": queued(signature("v1a,x v2,y " + good)),
		"other versions only": refused(signature("v1a,"+good[3:]+" v2,"+good[3:]), "invalid_signature"),
		// https://github.com/svix/svix-webhooks/pull/1942
		"no comma":          refused(signature("BADSIG"), "invalid_signature"),
		"changed after it":  refused(withBody(event+" "), "invalid_signature"),
		"another id":        refused(r.With("svix-id", "msg_b"), "invalid_signature"),
		"another timestamp": refused(r.With("svix-timestamp", at(time.Second)), "invalid_signature"),
		"another secret": refused(
			svixtest.SignedBy(svixtest.OtherSecret, svixtest.ID, at(0), event), "invalid_signature"),
		"old of two secrets":    queued(r).when(configured(svixtest.Secret + " " + svixtest.OtherSecret)),
		"new of two secrets":    queued(r).when(configured(svixtest.OtherSecret + "," + svixtest.Secret)),
		"the old is gone":       refused(r, "invalid_signature").when(configured(svixtest.OtherSecret)),
		"secret's text as key":  refused(signature(byKey([]byte(svixtest.Secret))), "invalid_signature"),
		"empty key as the key":  refused(signature(byKey(nil)), "invalid_signature"),
		"webhook-* alone":       queued(r.Renamed("webhook-")), // https://github.com/kortix-ai/suna/pull/6040
		"svix-* with one empty": queued(forged.With("svix-signature", "")),
		"svix-* is forged":      refused(forged.With("svix-signature", "v1,x"), "invalid_signature"),
		"webhook-* is forged": queued(
			r.With("webhook-id", "msg_other").With("webhook-timestamp", "1").With("webhook-signature", "v1,x")),
		// https://github.com/svix/svix-webhooks/pull/2147
		"two of svix-*, one of webhook-*": refused(
			signature("-").With("webhook-signature", good), "missing_headers"),
		// https://github.com/harshdwivediiiii/pathfinder-ai/issues/1720
		"unsigned deletion": refused(svixtest.Request{
			Method: "POST", Path: r.Path, Body: []byte(`{"type":"user.deleted","data":{"id":"user_a1"}}`),
		}, "missing_headers"),
	}
	// https://github.com/swamp-club/swamp/pull/1638
	for _, family := range []string{"svix-", "webhook-"} {
		for _, name := range []string{"id", "timestamp", "signature"} {
			rows["without "+family+name] = refused(r.Renamed(family).With(family+name, "-"), "missing_headers")
			rows["empty "+family+name] = refused(r.Renamed(family).With(family+name, ""), "missing_headers")
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
			rows[fmt.Sprint("signed at ", d)] = queued(signedWith(svixtest.ID, at(d)))
		}
	}
	for _, d := range []time.Duration{301 * time.Second, 24 * time.Hour, 365 * 24 * time.Hour} {
		for _, d := range []time.Duration{d, -d} {
			rows[fmt.Sprint("signed at ", d)] = refused(signedWith(svixtest.ID, at(d)), "invalid_timestamp")
		}
	}
	// https://github.com/open-mercato/open-mercato/pull/3945
	for _, text := range []string{
		at(0) + "abc", "+" + at(0), "1.7e9", "-1", strings.Repeat("1", 40), at(0) + "000", at(0) + "," + at(0),
		"Thu, 01 Jan 2026 00:00:00 GMT",
	} {
		rows["timestamp "+text] = refused(signedWith(svixtest.ID, text), "invalid_timestamp")
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
		rows[name] = refused(signedWith(id, at(0)), "missing_headers")
	}
	long := strings.Repeat("~", 256)
	rows["256 characters"] = contract{r: signedWith(long, at(0)), want: accepted(long), queued: 1}
	rows["signs that HTML escapes"] = contract{r: signedWith("<&>\"\\'", at(0)), want: accepted(`<&>\"\\'`), queued: 1}
	run(t, rows)
}

// The dot between the signed parts cannot be moved.
func TestPartsCannotBeMoved(t *testing.T) {
	r := signed(event)
	moved := r.With("svix-id", svixtest.ID+"."+at(0)).With("svix-timestamp", `{"type":"u`)
	moved.Body = []byte(strings.TrimPrefix(event, `{"type":"u.`))
	if got := newHarness(t).overHTTP(moved); got.Status != 400 {
		t.Errorf("answer = %v, want 400", got)
	}
}

// Repeated headers are joined, as the gateway joins them.
func TestRepeatedHeaders(t *testing.T) {
	for name, c := range map[string]struct {
		header, value string
		want          int
	}{
		"id":                       {header: "Svix-Id", value: svixtest.ID, want: 400},
		"timestamp":                {header: "Svix-Timestamp", value: at(0), want: 400},
		"signature, the good last": {header: "Svix-Signature", value: "", want: 200},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			r := signed(event).HTTP()
			if c.value == "" {
				r.Header["Svix-Signature"] = append([]string{"v1,AAAA"}, r.Header["Svix-Signature"]...)
			} else {
				r.Header.Add(c.header, c.value)
			}
			w := httptest.NewRecorder()
			h.ingest.ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("answer = %d %s, want %d", w.Code, w.Body, c.want)
			}
		})
	}
}

func TestBrokenOffBody(t *testing.T) {
	h := newHarness(t)
	r := signed(event).HTTP()
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(event), failing{}))
	w := httptest.NewRecorder()
	h.ingest.ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest || len(h.queue.Messages()) != 0 {
		t.Errorf("answer = %d with %d messages queued, want 400 with none", w.Code, len(h.queue.Messages()))
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
