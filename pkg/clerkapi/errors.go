package clerkapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// APIError is a refusal by Clerk. What it prints names no person: Clerk's
// messages are not in it, for they may quote e-mail addresses.
// Source: https://clerk.com/docs/guides/development/errors/backend-api
type APIError struct {
	Method, Path string // without the query
	Status       int
	Code         string // of the first error, such as resource_not_found; "" where there is none
	TraceID      string // for Clerk's support
	longMessage  string
}

func (e *APIError) Error() string {
	s := fmt.Sprintf("%s %s: Clerk answered %d", e.Method, e.Path, e.Status)
	if e.Code != "" {
		s += " " + e.Code
	}
	if e.TraceID != "" {
		s += " (clerk_trace_id " + e.TraceID + ")"
	}
	return s
}

// AbsentError says that Clerk, asked for one object by its id, denied it. One
// such answer may be wrong, from a replica that lags or another instance: only
// after Prove is it evidence.
type AbsentError struct {
	Ref Ref
	Err *APIError // nil where an empty list was the answer
}

func (e *AbsentError) Error() string {
	return fmt.Sprintf("Clerk has no %s %s", e.Ref.Kind, e.Ref)
}

// Unwrap returns Clerk's own error, if there was one.
func (e *AbsentError) Unwrap() error {
	if e.Err == nil {
		return nil
	}
	return e.Err
}

// DisabledError says that the instance has organizations, or their domains,
// switched off: there is nothing to read, and nothing is absent.
type DisabledError struct{ Err *APIError }

func (e *DisabledError) Error() string { return e.Err.Error() }

// Unwrap returns Clerk's own error.
func (e *DisabledError) Unwrap() error { return e.Err }

// RateLimitError says that no request may start before ctx's deadline, because
// of Clerk's limit or of our own budget.
type RateLimitError struct{ Until time.Time }

func (e *RateLimitError) Error() string {
	return "call Clerk: the limit of requests allows none until " + e.Until.UTC().Format(time.RFC3339)
}

// UnavailableError says that Clerk gave no usable answer for as long as a
// request is tried. Err is the last failure.
type UnavailableError struct {
	Tried time.Duration
	Err   error
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("%v (tried for %v)", e.Err, e.Tried.Round(time.Second))
}

// Unwrap returns the last failure.
func (e *UnavailableError) Unwrap() error { return e.Err }

// ClockError says that our clock and Clerk's are so far apart that nothing that
// was read could be put in its place among the events.
type ClockError struct{ Ours, Clerks time.Time }

func (e *ClockError) Error() string {
	return fmt.Sprintf("read Clerk: this clock says %s, Clerk's %s: set the clock, they must agree within %v",
		e.Ours.UTC().Format(time.RFC3339), e.Clerks.UTC().Format(time.RFC3339), maxClockSkew)
}

var (
	// ErrMalformed says that an answer is not the JSON that Clerk documents: empty,
	// HTML, cut off, or without its list.
	ErrMalformed = errors.New("the answer is not what Clerk documents")
	// ErrUnproven says that Clerk denied an object, but not all that it said agrees.
	ErrUnproven = errors.New("the absence is not proven")
	// errConnection says that there was no answer, or not a whole one.
	errConnection = errors.New("no answer")
)

// HasCode says whether Clerk refused with that code, such as svix_app_missing.
func HasCode(err error, code string) bool {
	e, ok := errors.AsType[*APIError](err)
	return ok && e.Code == code
}

// isClientError says whether Clerk refused the request itself (any 4xx).
func isClientError(err error) bool {
	e, ok := errors.AsType[*APIError](err)
	return ok && e.Status >= http.StatusBadRequest && e.Status < http.StatusInternalServerError
}

// isRetryable says whether the same request may succeed a moment later. All
// requests are reads, or may be repeated like one.
func isRetryable(err error) bool {
	if errors.Is(err, errConnection) || errors.Is(err, ErrMalformed) {
		return true
	}
	e, ok := errors.AsType[*APIError](err)
	return ok && (e.Status >= http.StatusInternalServerError ||
		e.Status == http.StatusConflict && e.Code == "resource_locked")
}

// isHarmless says whether a text looks as codes and trace ids do. Anything else is
// not repeated. A regular expression would be compiled at each start of the probe.
func isHarmless(s string) bool {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-"
	return s != "" && len(s) <= 100 && strings.Trim(s, allowed) == ""
}

// parseError makes an error of a refusal's body, which is JSON.
func (c *Client) parseError(r request, status int, body []byte) error {
	var answer struct {
		Errors []struct {
			Code        string `json:"code"`
			LongMessage string `json:"long_message"`
		} `json:"errors"`
		TraceID string `json:"clerk_trace_id"`
	}
	// A refusal of another shape still has its status, which decides more than its code.
	_ = json.Unmarshal([]byte(c.redact(string(body))), &answer)
	e := &APIError{Method: r.method, Path: r.path, Status: status}
	if isHarmless(answer.TraceID) {
		e.TraceID = answer.TraceID
	}
	if len(answer.Errors) > 0 {
		e.longMessage = answer.Errors[0].LongMessage
		if isHarmless(answer.Errors[0].Code) {
			e.Code = answer.Errors[0].Code
		}
	}
	if status == http.StatusForbidden &&
		(e.Code == "organization_not_enabled_in_instance" || e.Code == "organization_domains_not_enabled") {
		return &DisabledError{Err: e}
	}
	return e
}
