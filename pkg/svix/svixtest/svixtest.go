// Package svixtest makes what tests of ingest need: requests signed as Svix signs
// them, a clock that stands still until it is moved, and a queue whose errors
// come before or after it has taken the message.
//
// The signatures are not made by package svix, so that a mistake of it cannot
// hide in both. A test compares them with those of the official libraries.
package svixtest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/clerksync/clerksync/pkg/delivery"
)

// Made-up signing secrets. Secret is the one that Sign takes.
const (
	Secret      = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX" //nolint:gosec // opens nothing
	OtherSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" //nolint:gosec // likewise
	ThirdSecret = "whsec_GBkaGxwdHh8gISIjJCUmJygpKissLS4v" //nolint:gosec // likewise
)

// ID is the message id of Signed.
const ID = "msg_2example0000000000000000001"

// Epoch is when a Clock begins: 2026-01-01T00:00:00Z.
func Epoch() time.Time { return time.Unix(1767225600, 0).UTC() }

// Clock stands still until it is moved. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock stands at Epoch.
func NewClock() *Clock { return &Clock{now: Epoch()} }

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock, back where d is negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Sign is the value of the signature header for the parts exactly as they are
// given, well formed or not. It panics on a bad secret.
func Sign(secret, id, timestamp string, body []byte) string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		panic("svixtest: bad secret in a test: " + err.Error())
	}
	return SignRaw(key, id, timestamp, body)
}

// SignRaw is Sign with a key that no secret could hold.
func SignRaw(key []byte, id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Request is a webhook request in the making.
type Request struct {
	Method, Path string
	Header       map[string]string
	Body         []byte
}

// Signed is a request that is right in every way at the time of now, by
// header names svix-*.
func Signed(now time.Time, body string) Request {
	return SignedBy(Secret, ID, strconv.FormatInt(now.Unix(), 10), body)
}

// SignedBy is a request signed over these parts.
func SignedBy(secret, id, timestamp, body string) Request {
	return Request{
		Method: http.MethodPost, Path: "/webhooks/clerk", Body: []byte(body),
		Header: map[string]string{
			"svix-id": id, "svix-timestamp": timestamp, "svix-signature": Sign(secret, id, timestamp, []byte(body)),
			"content-type": "application/json",
		},
	}
}

// With is the request with a header set, or without it where value is "-".
func (r Request) With(name, value string) Request {
	r.Header = maps.Clone(r.Header)
	r.Header[name] = value
	if value == "-" {
		delete(r.Header, name)
	}
	return r
}

// Renamed is the request with its svix-* headers under another prefix.
func (r Request) Renamed(prefix string) Request {
	h := map[string]string{}
	for name, value := range r.Header {
		if rest, ok := strings.CutPrefix(name, "svix-"); ok {
			name = prefix + rest
		}
		h[name] = value
	}
	r.Header = h
	return r
}

// To is the request with another method and path.
func (r Request) To(method, path string) Request {
	r.Method, r.Path = method, path
	return r
}

// HTTP is the request as net/http has it.
func (r Request) HTTP() *http.Request {
	url := "http://127.0.0.1" + r.Path
	out := httptest.NewRequestWithContext(context.Background(), r.Method, url, bytes.NewReader(r.Body))
	for name, value := range r.Header {
		out.Header.Set(name, value)
	}
	return out
}

// Lambda is the request as API Gateway hands it to a function, payload format
// 2.0: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func (r Request) Lambda(asBase64 bool) []byte {
	body := string(r.Body)
	if asBase64 {
		body = base64.StdEncoding.EncodeToString(r.Body)
	}
	payload, err := json.Marshal(map[string]any{
		"version": "2.0", "routeKey": "POST /webhooks/clerk", "rawPath": r.Path, "rawQueryString": "",
		"headers": r.Header,
		"requestContext": map[string]any{
			"http": map[string]string{"method": r.Method, "path": r.Path}, "stage": "$default",
		},
		"body": body, "isBase64Encoded": asBase64,
	})
	if err != nil {
		panic("svixtest: " + err.Error())
	}
	return payload
}

// Queue keeps what is sent to it. It is an ingest.Queue, safe for concurrent
// use.
type Queue struct {
	mu       sync.Mutex
	messages []delivery.Message

	// Before fails without effect, After with effect, while they are not nil.
	Before, After error
}

// Send keeps the message unless Before is set.
func (q *Queue) Send(_ context.Context, m delivery.Message) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.Before != nil {
		return q.Before
	}
	q.messages = append(q.messages, m)
	return q.After
}

// Messages are those on the queue.
func (q *Queue) Messages() []delivery.Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.messages)
}
