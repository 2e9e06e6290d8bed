// Package webhook speaks to a webhook as Svix does: it signs an event, posts it
// and reads the answer (webhook.go), as the commands send, dev and doctor need
// it, under ids that grow with time (id.go). It finds the secret to sign with (secret.go), changes fields of an event
// before it is signed (edit.go), and writes signed requests and queue messages
// as AWS hands them to the functions (aws.go, samples.go), for sam local.
package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/svix"
)

// Request is an event on its way to a webhook.
type Request struct {
	ID     string // svix id of the message
	Body   []byte
	Tamper bool          // change the body after it is signed
	Skew   time.Duration // how far the signing clock is ahead
}

// Signer signs requests.
type Signer struct {
	Secrets *svix.Secrets
	Now     func() time.Time
}

// NewSigner returns a Signer with the secret that FindSecret finds.
func NewSigner(flag string, getenv func(string) string, now func() time.Time) (s Signer, err error) {
	secret, err := FindSecret(flag, getenv)
	if err != nil {
		return s, err
	}
	s.Now = now
	s.Secrets, err = secret.Parse()
	return s, err
}

// Sign returns the headers of a request and the body to send with them. The
// clock is read once, for signature and header alike: read twice, the two could
// fall into different seconds.
func (s Signer) Sign(r Request) (svix.Headers, []byte) {
	at := strconv.FormatInt(s.Now().Add(r.Skew).Unix(), 10)
	h := svix.Headers{ID: r.ID, Timestamp: at, Signature: s.Secrets.Sign(r.ID, at, r.Body)}
	if r.Tamper {
		return h, append(bytes.Clone(r.Body), ' ')
	}
	return h, r.Body
}

// Answer is what a webhook answered, as `send --json` prints it.
type Answer struct {
	SvixID    string        `json:"svix_id"` // of the request
	EventType string        `json:"event_type"`
	Status    int           `json:"status"`
	Body      string        `json:"body"` // its first 64 KB
	Header    http.Header   `json:"-"`
	Elapsed   time.Duration `json:"-"`
}

// Accepted says whether Svix would take the answer for a success.
func (a Answer) Accepted() bool { return a.Status >= 200 && a.Status < 300 }

const (
	timeout   = 15 * time.Second // Svix's own
	maxAnswer = 1 << 16
)

// CheckURL is a usage error where no request can be posted to the URL.
func CheckURL(to string) error {
	u, err := url.Parse(to)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return terminal.Usagef("%q cannot be posted to: want an http or https URL", to)
	}
	return nil
}

// Post posts a body, without a signature where the headers are empty. As Svix
// does it follows no redirect: that is an answer which is not 2xx.
func Post(ctx context.Context, to string, h svix.Headers, body []byte) (a Answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return a, fmt.Errorf("post to %s: %w", to, err)
	}
	req.Header.Set("content-type", "application/json")
	req.Header.Set("user-agent", "clerksync")
	if h != (svix.Headers{}) {
		req.Header.Set("svix-id", h.ID)
		req.Header.Set("svix-timestamp", h.Timestamp)
		req.Header.Set("svix-signature", h.Signature)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	began := time.Now()
	resp, err := (&http.Client{CheckRedirect: stay}).Do(req)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // without the method and the URL, which stand before it
		}
		return a, fmt.Errorf("post to %s: %w", to, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return a, fmt.Errorf("read the answer of %s: %w", to, err)
	}
	return Answer{h.ID, EventType(body), resp.StatusCode, string(text), resp.Header, time.Since(began)}, nil
}

// EventType returns the type of an event, "" where the body is not an event.
func EventType(body []byte) string {
	var event struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(body, &event) != nil {
		return ""
	}
	return event.Type
}
