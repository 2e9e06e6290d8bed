package deployed_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// request is a webhook request that is yet to be signed and posted.
type request struct {
	id, body    string
	secret      string        // "" for svixtest.Secret
	skew        time.Duration // of the sender's clock
	tamper      bool          // change the body after signing
	contentType string        // "" for application/json
}

// post posts through the API's gateway and returns its answer.
func (s *stack) post(ctx context.Context, r request) (status int, body string, err error) {
	if r.secret == "" {
		r.secret = svixtest.Secret
	}
	if r.contentType == "" {
		r.contentType = "application/json"
	}
	timestamp := strconv.FormatInt(time.Now().Add(r.skew).Unix(), 10)
	signature := svixtest.Sign(r.secret, r.id, timestamp, []byte(r.body))
	if r.tamper {
		r.body += " "
	}
	out, err := http.NewRequestWithContext(ctx, http.MethodPost, s.aws.url+"/webhooks/clerk", strings.NewReader(r.body))
	if err != nil {
		return 0, "", err
	}
	out.Host = s.api + ".execute-api.localhost"
	out.Header = http.Header{
		"Content-Type":   {r.contentType},
		"Svix-Id":        {r.id},
		"Svix-Timestamp": {timestamp},
		"Svix-Signature": {signature},
	}
	client := http.Client{Timeout: 15 * time.Second} // Svix waits as long
	answer, err := client.Do(out)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

// tryDeliver posts as Svix does: again, with the same id, until the answer is 200. It returns the number of attempts.
func (s *stack) tryDeliver(ctx context.Context, r request, timeout time.Duration) (attempts int, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for attempts = 1; ; attempts++ {
		status, body, err := s.post(ctx, r)
		if err == nil && status == http.StatusOK {
			return attempts, nil
		}
		select {
		case <-ctx.Done():
			return attempts, fmt.Errorf("post %s: %d attempts, the last %d %s, %w", r.id, attempts, status, body, err)
		case <-time.After(time.Second):
		}
	}
}

// deliver is tryDeliver that stops the test where it fails.
func (s *stack) deliver(t *testing.T, r request, timeout time.Duration) {
	t.Helper()
	if _, err := s.tryDeliver(t.Context(), r, timeout); err != nil {
		t.Fatal(err)
	}
}

// wantAnswer posts and compares the answer.
func (s *stack) wantAnswer(t *testing.T, r request, status int, body string) {
	t.Helper()
	gotStatus, got, err := s.post(t.Context(), r)
	if err != nil || gotStatus != status || got != body {
		t.Errorf("post %s = %d %s, %v, want %d %s", r.id, gotStatus, got, err, status, body)
	}
}

// wantReceived posts and wants the answer that the message is on the queue.
func (s *stack) wantReceived(t *testing.T, r request) {
	t.Helper()
	s.wantAnswer(t, r, http.StatusOK, `{"received":true,"id":"`+r.id+`"}`)
}
