package clerkapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// attemptTimeout bounds one attempt, so that an answer that never comes leaves
	// time for another. Pages far into a list are slow at Clerk.
	attemptTimeout = 15 * time.Second
	// maxTried bounds all attempts at a request and the waits between them. What is
	// spent on a 429 or on our own budget does not count.
	maxTried  = 30 * time.Second
	firstWait = 250 * time.Millisecond // doubled after each attempt
	maxWait   = 8 * time.Second
	// defaultRetryAfter counts where a 429 does not say how long to wait.
	defaultRetryAfter = time.Second
	// maxAnswer holds 500 users of 100 KB each.
	maxAnswer = 64 << 20
	// maxClockSkew is also what the time of a read is set back by before it is
	// compared with events: two clocks that agree within it cannot reverse the two.
	maxClockSkew = 5 * time.Minute
)

// request is one call. Its path goes into errors, its query does not: that
// may name a person.
type request struct {
	method, path string
	query        url.Values
}

// get makes a GET and decodes the answer. A path's last part may be an id.
func (c *Client) get(ctx context.Context, path string, query url.Values, decode func([]byte) error) (Read, error) {
	return c.call(ctx, request{http.MethodGet, path, query}, decode)
}

// call makes a request until it has an answer, a refusal that a retry cannot
// change, or no more time. decode reports an answer that is not what Clerk
// documents: Clerk's edge may answer in its place, so this is retried too.
func (c *Client) call(ctx context.Context, r request, decode func([]byte) error) (Read, error) {
	var tried time.Duration
	for wait := firstWait; ; wait = min(2*wait, maxWait) {
		read, spent, err := c.attemptWithinLimit(ctx, r, maxTried-tried, decode)
		if err == nil || !isRetryable(err) {
			return read, err
		}
		tried += spent + wait
		if tried >= maxTried {
			return Read{}, &UnavailableError{Tried: tried - wait, Err: err}
		}
		if stopped := sleep(ctx, wait); stopped != nil {
			return Read{}, fmt.Errorf("%w, after: %w", stopped, err)
		}
	}
}

// attemptWithinLimit makes attempts until one is not answered by 429. All
// callers wait for a Retry-After, because Clerk's limit is on the instance.
func (c *Client) attemptWithinLimit(
	ctx context.Context, r request, left time.Duration, decode func([]byte) error,
) (Read, time.Duration, error) {
	for {
		if err := c.budget.wait(ctx); err != nil {
			return Read{}, 0, err
		}
		began := time.Now()
		read, err := c.attempt(ctx, r, min(attemptTimeout, left), decode)
		if limit, ok := errors.AsType[*RateLimitError](err); ok {
			c.budget.close(limit.Until)
			continue
		}
		return read, time.Since(began), err
	}
}

// attempt sends the request once.
func (c *Client) attempt(
	ctx context.Context, r request, timeout time.Duration, decode func([]byte) error,
) (Read, error) {
	attemptCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	address := c.base + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	request, err := http.NewRequestWithContext(attemptCtx, r.method, address, http.NoBody)
	if err != nil {
		return Read{}, fmt.Errorf("%s %s: the path holds characters that no id has", r.method, r.path)
	}
	c.authorize(request.Header)
	read := Read{Began: c.now()}
	answer, body, err := c.send(request)
	if err != nil {
		// The caller's own end is not this attempt's: no other attempt may follow it.
		if ctx.Err() != nil {
			return Read{}, fmt.Errorf("%s %s: %w", r.method, r.path, ctx.Err())
		}
		return Read{}, fmt.Errorf("%s %s: %w: %s", r.method, r.path, errConnection, c.redact(err.Error()))
	}
	// The status alone decides: Clerk's edge may answer 429 without JSON.
	if answer.StatusCode == http.StatusTooManyRequests {
		return Read{}, &RateLimitError{Until: time.Now().Add(retryAfter(answer.Header, time.Now()))}
	}
	malformed := func(what string) error {
		return fmt.Errorf("%s %s: %w: status %d, %s", r.method, r.path, ErrMalformed, answer.StatusCode, what)
	}
	// A 404 without JSON is a proxy's, and denies nothing. An empty 200 is no answer.
	if !json.Valid(body) {
		return Read{}, malformed(fmt.Sprintf("%d bytes that are not JSON", len(body)))
	}
	if read.Date, err = http.ParseTime(answer.Header.Get("Date")); err != nil {
		return Read{}, malformed("no header Date")
	}
	if answer.StatusCode != http.StatusOK {
		return read, c.parseError(r, answer.StatusCode, body)
	}
	if err := c.checkClock(read); err != nil {
		return Read{}, err
	}
	if err := decode(body); err != nil {
		return Read{}, malformed(err.Error())
	}
	return read, nil
}

// send returns the answer and its whole body. An error of net/http quotes the
// address with its query, so only what is inside it is returned.
func (c *Client) send(r *http.Request) (*http.Response, []byte, error) {
	answer, err := c.http.Do(r)
	if err != nil {
		if outer, ok := errors.AsType[*url.Error](err); ok {
			err = outer.Err
		}
		return nil, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("longer than %d bytes", maxAnswer)
	}
	return answer, body, err
}

// checkClock holds the answer's Date against our clock. Clerk answered between
// the start of the request and now.
func (c *Client) checkClock(r Read) error {
	now := c.now()
	if r.Date.Before(r.Began.Add(-maxClockSkew)) || r.Date.After(now.Add(maxClockSkew)) {
		return &ClockError{Ours: now, Clerks: r.Date}
	}
	return nil
}

// retryAfter is the time that a 429 asks for, in seconds or as a date.
// Source: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return defaultRetryAfter
}
