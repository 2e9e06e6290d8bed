package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
)

// stopsOf returns what stops DynamoDB for the functions of the `clerksync dev` that
// the webhook belongs to, and starts it again: the switch on its console. It is nil
// where there is none: the tables of a stack, or of another endpoint, are not
// stopped for a story.
func (p program) stopsOf(ctx context.Context, c *cli.Command, to string) func(down bool) error {
	dev, ok := names(c).FindDev(ctx, p.getenv)
	if !ok || dev.WebhookURL != to || dev.ConsoleURL == "" {
		return nil
	}
	faults := dev.ConsoleURL + "/api/v1/faults"
	if ask(ctx, http.MethodGet, faults, "") != nil {
		return nil
	}
	return func(down bool) error {
		// The switch is turned off after Ctrl-C, too.
		ctx := context.WithoutCancel(ctx)
		p.term.Note("%s", map[bool]string{true: "DynamoDB is down.", false: "DynamoDB is up again."}[down])
		err := ask(ctx, http.MethodPut, faults, fmt.Sprintf(`{"dynamodb_down":%t}`, down))
		if err == nil && !down {
			err = ask(ctx, http.MethodPost, dev.ConsoleURL+"/traffic/retry", "") // else it would wait for 30 seconds
		}
		return err
	}
}

// askTimeout is far above what a console on this machine takes, busy as it may be.
const askTimeout = 30 * time.Second

// ask asks a console for something; its answer only matters where it is no success.
func ask(ctx context.Context, method, url, body string) error {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask the console: %w", err)
	}
	resp, err := (&http.Client{Timeout: askTimeout}).Do(req)
	if err != nil {
		return fmt.Errorf("ask the console: %w", err)
	}
	_ = resp.Body.Close() // it is not read
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("ask the console: %s %s: %s", method, url, resp.Status)
	}
	return nil
}
