// Package svix decides whether a signed Svix message is genuine: whether one of
// our secrets signed exactly these bytes, and when.
//
// Svix signs `{id}.{timestamp}.{raw body}` with HMAC-SHA256 and sends id,
// timestamp (Unix seconds) and one or more signatures as headers, named
// svix-* or, white-labelled and in Standard Webhooks, webhook-*. See
// https://docs.svix.com/receiving/verifying-payloads/how-manual and
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
//
// The package is stricter than the libraries where a lenient reading would
// accept bytes that Svix did not sign: no empty or short key, one header family
// as a whole, an id without the dot that separates the signed parts, a timestamp
// of ten digits exactly as it was signed.
//
//   - svix.go: the headers, which id and timestamp are well formed and timely
//   - secrets.go: the signing secrets, verification and signing
package svix

import (
	"errors"
	"strconv"
	"time"
)

// Tolerance is how far a timestamp may differ from our clock, either way,
// inclusive. It bounds how long a recorded request can be replayed.
const Tolerance = 5 * time.Minute

// MaxIDLength is the longest message id that is accepted, in characters.
const MaxIDLength = 256

// The reasons why a request is not genuine. Callers distinguish them with
// errors.Is; none holds any part of the request.
var (
	ErrMissingHeaders   = errors.New("svix: a header is missing, empty or malformed")
	ErrInvalidTimestamp = errors.New("svix: timestamp unreadable or out of tolerance")
	ErrInvalidSignature = errors.New("svix: signature matches no secret")
)

// Headers are the three headers of one family, as received.
type Headers struct {
	ID        string // 1-256 characters of ! to ~ without . and ,
	Timestamp string // ten digits, Unix seconds
	Signature string // space-separated `version,base64` entries
}

// FromHeader chooses the family before anything is checked: svix-* if its three
// headers are there and not empty, else webhook-*. get returns a header's value by its lower-case name,
// repeated headers joined by commas, "" where there is none. Families are
// never mixed name by name, which would join an id that is not signed to a
// signature that is.
func FromHeader(get func(name string) string) Headers {
	h := Headers{get("svix-id"), get("svix-timestamp"), get("svix-signature")}
	if h.complete() {
		return h
	}
	return Headers{get("webhook-id"), get("webhook-timestamp"), get("webhook-signature")}
}

func (h Headers) complete() bool { return h.ID != "" && h.Timestamp != "" && h.Signature != "" }

// Check says whether the headers are there, well formed and timely at now. Its
// error is ErrMissingHeaders or ErrInvalidTimestamp.
func (h Headers) Check(now time.Time) error {
	if !h.complete() || !ValidID(h.ID) {
		return ErrMissingHeaders
	}
	sent, ok := parseTimestamp(h.Timestamp)
	if !ok {
		return ErrInvalidTimestamp
	}
	limit := int64(Tolerance / time.Second)
	if d := now.Unix() - sent; d > limit || d < -limit {
		return ErrInvalidTimestamp
	}
	return nil
}

// ValidID says whether id can be a message's: 1-256 characters of ! to ~
// without the dot, which separates the signed parts, and the comma, which
// joins repeated headers.
func ValidID(id string) bool {
	if id == "" || len(id) > MaxIDLength {
		return false
	}
	for i := range len(id) {
		if c := id[i]; c < '!' || c > '~' || c == '.' || c == ',' {
			return false
		}
	}
	return true
}

// ValidTimestamp says whether text is a timestamp as Svix writes it.
func ValidTimestamp(text string) bool {
	_, ok := parseTimestamp(text)
	return ok
}

func parseTimestamp(text string) (int64, bool) {
	if len(text) != 10 {
		return 0, false
	}
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
	}
	sec, err := strconv.ParseInt(text, 10, 64)
	return sec, err == nil
}
