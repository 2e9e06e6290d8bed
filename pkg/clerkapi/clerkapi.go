// Package clerkapi reads a Clerk instance by Clerk's Backend API. It keeps the
// text of every object, tells absence from every other refusal by type, and
// takes an empty or unreadable answer for an error, never for the end of a list.
//
// A Client holds one budget of requests and obeys one Retry-After for all its
// callers: request.go makes a request until it has an answer, budget.go says
// when the next may start, errors.go has what can go wrong. pages.go reads whole
// lists (cursor.go users, offset.go the rest, listing.go what both must
// remember), get.go asks for one object and proves its absence, and instance.go
// has what concerns the instance.
//
// Clerk's own Go library is not used: docs/design.md says why. Source of routes
// and shapes: https://github.com/clerk/openapi-specs, bapi/2026-05-12.yml; of the
// limits: https://clerk.com/docs/guides/how-clerk-works/system-limits.
package clerkapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

const (
	// DefaultURL is the address of Clerk's Backend API.
	DefaultURL = "https://api.clerk.com/v1"
	// version is sent with every request. Without it the instance's own default
	// would decide what the answers look like.
	version = "2026-05-12"
	// maxIdleConnections lets as many workers as a backfill has keep theirs.
	maxIdleConnections = 32
)

// Options say how to reach an instance. Key is required.
type Options struct {
	URL       string            // DefaultURL if ""; http only for this machine
	Key       string            // the secret key, sk_live_... or sk_test_...; it decides the instance
	Rate      float64           // requests a second; DevelopmentRate if 0
	UserAgent string            // net/http's if ""
	Transport http.RoundTripper // net/http's with more idle connections if nil
	Now       func() time.Time  // time.Now if nil; waits are always by the real clock
}

// Client reads one instance. It may be used by many goroutines.
type Client struct {
	base   string
	http   *http.Client
	now    func() time.Time
	budget *budget
	// authorize and redact are functions so that the key is in no field that a
	// Client, formatted by mistake, would show.
	authorize func(http.Header)
	redact    func(string) string
}

// New makes a client and sends nothing. Its errors quote neither key nor address.
func New(o Options) (*Client, error) {
	base, err := parseURL(o.URL)
	if err != nil {
		return nil, err
	}
	key := strings.TrimSpace(o.Key) // a pasted key ends in a newline
	if key == "" || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("set up Clerk's API: the secret key is empty or holds characters that no key has")
	}
	c := &Client{
		base: base, now: o.Now, budget: newBudget(o.Rate),
		authorize: func(h http.Header) {
			h.Set("Authorization", "Bearer "+key)
			h.Set("Clerk-API-Version", version)
			h.Set("Accept", "application/json")
			if o.UserAgent != "" {
				h.Set("User-Agent", o.UserAgent)
			}
		},
		redact: func(s string) string { return strings.ReplaceAll(s, key, "[key]") },
	}
	if c.now == nil {
		c.now = time.Now
	}
	// A redirect is answered as it is: the key must not follow it to another host.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &http.Client{Transport: o.Transport, CheckRedirect: stay}
	if standard, ok := http.DefaultTransport.(*http.Transport); ok && o.Transport == nil {
		t := standard.Clone()
		t.MaxIdleConnsPerHost = maxIdleConnections
		c.http.Transport = t
	}
	return c, nil
}

// parseURL returns the address without a slash at its end. Over http the key
// could be read on the way, so such an address must be one of this machine.
func parseURL(address string) (string, error) {
	if address == "" {
		return DefaultURL, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("set up Clerk's API: its address must be a URL such as " + DefaultURL)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return "", fmt.Errorf("set up Clerk's API: an address at %q must begin with https://", u.Hostname())
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// isLoopback says whether a host is this machine, without asking a name server.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// Read is when an answer was read, by both clocks.
type Read struct {
	Began time.Time // ours, before the request was sent that brought the answer
	Date  time.Time // Clerk's, when it answered, in whole seconds
}

// Earliest is the earlier of the two times. A change that happened later may
// be missing in what was read; so may one that a lagging replica had not seen.
func (r Read) Earliest() time.Time {
	if r.Date.Before(r.Began) {
		return r.Date
	}
	return r.Began
}
