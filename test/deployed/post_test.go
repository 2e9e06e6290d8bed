package deployed_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// request is a webhook request to be signed and posted.
type request struct {
	id, body    string
	secret      string        // "" for svixtest.Secret
	skew        time.Duration // of the sender's clock
	tamper      bool          // change the body after signing
	contentType string        // "" for application/json
}

// post posts through the API's gateway and returns what it answers.
func (s *stack) post(ctx context.Context, r request) (status int, body string, err error) {
	if r.secret == "" {
		r.secret = svixtest.Secret
	}
	if r.contentType == "" {
		r.contentType = "application/json"
	}
	at := strconv.FormatInt(time.Now().Add(r.skew).Unix(), 10)
	signature := svixtest.Sign(r.secret, r.id, at, []byte(r.body))
	if r.tamper {
		r.body += " "
	}
	out, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/webhooks/clerk", bytes.NewReader([]byte(r.body)))
	if err != nil {
		return 0, "", err
	}
	out.Host = s.api + ".execute-api.localhost"
	out.Header.Set("Content-Type", r.contentType)
	out.Header.Set("Svix-Id", r.id)
	out.Header.Set("Svix-Timestamp", at)
	out.Header.Set("Svix-Signature", signature)
	client := http.Client{Timeout: 15 * time.Second} // as Svix
	answer, err := client.Do(out)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

// deliver posts as Svix does: again, with the same id, until the answer is 2xx.
// It returns the number of attempts.
func (s *stack) deliver(ctx context.Context, r request, long time.Duration) (attempts int, err error) {
	ctx, cancel := context.WithTimeout(ctx, long)
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

// answers posts and compares the answer.
func (s *stack) answers(t *testing.T, r request, status int, body string) {
	t.Helper()
	gotStatus, got, err := s.post(t.Context(), r)
	if err != nil || gotStatus != status || got != body {
		t.Errorf("post %s = %d %s, %v, want %d %s", r.id, gotStatus, got, err, status, body)
	}
}
