package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/svix"
)

// poster signs and posts as Svix does.
type poster struct {
	url     string
	secrets *svix.Secrets
	now     func() time.Time
}

// request is one request to send.
type request struct {
	id     string
	body   []byte
	tamper bool          // change the body after signing
	skew   time.Duration // how far ahead the signing clock is
}

// answer is what came back.
type answer struct {
	SvixID    string `json:"svix_id"`
	EventType string `json:"event_type"`
	Status    int    `json:"status"`
	Body      string `json:"body"`
}

const (
	svixTimeout = 15 * time.Second // as Svix's own
	idLetters   = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	idLength    = 27
	maxAnswer   = 1 << 16
)

// newID is a message id of Svix's shape.
func newID() string { return "msg_" + letters(idLength) }

func letters(n int) string {
	var b strings.Builder
	for range n {
		i, _ := rand.Int(rand.Reader, big.NewInt(int64(len(idLetters)))) // never fails
		b.WriteByte(idLetters[i.Int64()])
	}
	return b.String()
}

// run marks the ids of one run.
func (p poster) run() string {
	return strconv.FormatInt(p.now().Unix(), 36)
}

// sign returns the headers of a request. The clock is read once, for both the
// signature and the header.
func (p poster) sign(r request) svix.Headers {
	at := strconv.FormatInt(p.now().Add(r.skew).Unix(), 10)
	return svix.Headers{ID: r.id, Timestamp: at, Signature: p.secrets.Sign(r.id, at, r.body)}
}

func (p poster) post(ctx context.Context, r request) (answer, error) {
	a := answer{SvixID: r.id, EventType: eventType(r.body)}
	h := p.sign(r)
	body := r.body
	if r.tamper {
		body = append(bytes.Clone(body), ' ')
	}
	ctx, cancel := context.WithTimeout(ctx, svixTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return a, terminal.Usagef("%q is no URL: %w", p.url, err)
	}
	if req.URL.Host == "" || req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return a, terminal.Usagef("%q is no http or https URL", p.url)
	}
	req.Header.Set("content-type", "application/json")
	req.Header.Set("user-agent", "clerksync")
	req.Header.Set("svix-id", h.ID)
	req.Header.Set("svix-timestamp", h.Timestamp)
	req.Header.Set("svix-signature", h.Signature)
	resp, err := (&http.Client{CheckRedirect: stay}).Do(req)
	if err != nil {
		return a, fmt.Errorf("post to %s: %w\nIs it running? `clerksync dev` starts it; --to names another URL", p.url, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return a, fmt.Errorf("read the answer of %s: %w", p.url, err)
	}
	a.Status, a.Body = resp.StatusCode, string(text)
	return a, nil
}

// stay follows no redirect, as Svix does not: it is an answer that is not 2xx.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func eventType(body []byte) string {
	var e struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(body, &e) != nil {
		return ""
	}
	return e.Type
}
