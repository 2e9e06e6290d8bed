package deployment

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Ready is what a `clerksync dev` says of itself: in the first line of dev --json,
// and without secret and key at GET / of its AWS endpoint. By that the other commands
// find the rest of a dev of which they know the endpoint.
type Ready struct {
	Event              string `json:"event"` // always ready
	WebhookURL         string `json:"webhook_url"`
	EndpointURL        string `json:"endpoint_url"`
	ConsoleURL         string `json:"console_url,omitempty"` // absent where the console is off
	Secret             string `json:"secret,omitempty"`
	DirectoryTable     string `json:"directory_table"`
	DeliveriesTable    string `json:"deliveries_table"`
	QueueURL           string `json:"queue_url"`
	DeadLetterQueueURL string `json:"dead_letter_queue_url"`
	// Of the emulated Clerk, where there is one.
	ClerkAPIURL    string `json:"clerk_api_url,omitempty"`
	ClerkSecretKey string `json:"clerk_secret_key,omitempty"`
}

// ReadyEvent is a Ready's Event.
const ReadyEvent = "ready"

const (
	askTimeout = 10 * time.Second // dev answers at once, where the machine has time for it
	maxReady   = 1 << 16
)

// ask asks the endpoint what stands behind it. ok is false where that is no
// `clerksync dev`: other emulators, and AWS, answer something else or nothing, and
// what a command then wants of them fails with a better reason than this could.
func ask(ctx context.Context, endpoint string) (r Ready, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(endpoint, "/")+"/", http.NoBody)
	if err != nil {
		return r, false
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := (&http.Client{CheckRedirect: stay}).Do(req)
	if err != nil {
		return r, false
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReady))
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(body, &r) != nil || r.Event != ReadyEvent {
		return Ready{}, false
	}
	u, err := url.Parse(r.WebhookURL)
	if err != nil || u.Host == "" || u.Scheme != "http" {
		return Ready{}, false
	}
	return r, true
}
