// Package view is what the console shows, as plain values: its pages and its JSON
// are both made of them, so they say the same.
//
//   - view.go: a message, as lists and its own page have it
//   - path.go: the steps of its way, and why it came out so
//   - row.go: a write of a row, attribute by attribute; the changes of `object`
//   - tree.go: JSON text as a tree
//   - counts.go: totals and the last minute
//   - advice.go: what to look at where a message did not get through
//
// Times are of our clock, in UTC, to the millisecond. Credentials are masked: the
// bytes themselves are in package recorder alone.
package view

import (
	"net/url"
	"strings"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/pkg/directory"
)

// Message is a message. A list has it without Writes.
type Message struct {
	SvixID     string    `json:"svix_id"` // req_N or sqs_... where there is none that can be used
	EventType  string    `json:"event_type,omitempty"`
	Entity     string    `json:"entity,omitempty"`
	Name       string    `json:"name,omitempty"` // of whom or what it is about
	Outcome    string    `json:"outcome"`
	Reason     string    `json:"reason,omitempty"` // a code or words
	Why        string    `json:"why"`              // words
	Advice     string    `json:"advice,omitempty"` // what to look at
	Proven     bool      `json:"proven"`           // false: nobody signed it
	ReceivedAt time.Time `json:"received_at"`
	EndedAt    time.Time `json:"ended_at,omitzero"`
	LagMS      float64   `json:"lag_ms,omitempty"` // from receipt to the end of the last attempt
	Size       int       `json:"size"`             // of the body, in bytes
	BodyKept   bool      `json:"body_kept"`

	Path     []Step    `json:"path"`
	Requests []Request `json:"requests"`
	Attempts []Attempt `json:"attempts"`
	Writes   []Write   `json:"writes,omitempty"`
	// More... count what is left out beyond those.
	MoreRequests int `json:"more_requests,omitempty"`
	MoreAttempts int `json:"more_attempts,omitempty"`
	MoreWrites   int `json:"more_writes,omitempty"`

	Links Links  `json:"links"`
	Seq   uint64 `json:"-"` // the cursor of pages
}

// Links are paths of the console.
type Links struct {
	Page string `json:"page"`
	Body string `json:"body,omitempty"`
	Row  string `json:"row,omitempty"`
}

// Request is one POST of a message.
type Request struct {
	At            time.Time         `json:"at"`
	AnsweredAt    time.Time         `json:"answered_at,omitzero"`
	Method        string            `json:"method"`
	Path          string            `json:"path"`
	Headers       map[string]string `json:"headers"`                  // by lower-case name
	HiddenHeaders []string          `json:"hidden_headers,omitempty"` // names of those whose values are not kept
	Size          int               `json:"size"`
	BodyKept      bool              `json:"body_kept"`
	Stage         string            `json:"stage"`
	Reason        string            `json:"reason,omitempty"`
	Proven        bool              `json:"proven"`
	Error         string            `json:"error,omitempty"`
	Status        int               `json:"status,omitempty"`
	Answer        string            `json:"answer,omitempty"`
}

// Attempt is one receive of a message from the queue.
type Attempt struct {
	At        time.Time `json:"at"`
	EndedAt   time.Time `json:"ended_at"`
	Attempt   int       `json:"attempt"`
	MessageID string    `json:"message_id"` // SQS's
	Outcome   string    `json:"outcome"`
	Reason    string    `json:"reason,omitempty"`
	LagMS     float64   `json:"lag_ms,omitempty"`
}

// Of is a message with all that is known of it.
func Of(m recorder.Message) Message {
	v := Brief(m)
	v.Writes = []Write{}
	for _, w := range m.Writes {
		v.Writes = append(v.Writes, WriteOf(w))
	}
	v.MoreWrites = m.MoreWrites
	return v
}

// Brief is a message as lists have it.
func Brief(m recorder.Message) Message {
	v := Message{
		SvixID: m.ID, EventType: m.EventType, Entity: m.Entity, Outcome: m.Outcome, Reason: m.Reason,
		Why: why(m), Advice: Advice(m.Outcome, m.Reason), Proven: m.Proven, ReceivedAt: clean(m.At),
		EndedAt: clean(m.EndedAt), Size: m.Size, BodyKept: m.Body != nil, Path: pathOf(m), Seq: m.Seq,
		Requests: []Request{}, Attempts: []Attempt{}, MoreRequests: m.MoreRequests, MoreAttempts: m.MoreAttempts,
		Links: Links{Page: "/messages/" + url.PathEscape(m.ID)},
	}
	if v.BodyKept {
		v.Links.Body = "/api/v1" + v.Links.Page + "/body"
	}
	for _, q := range m.Requests {
		v.Requests = append(v.Requests, requestOf(q))
	}
	for _, a := range m.Attempts {
		v.LagMS = millis(a.Lag)
		v.Attempts = append(v.Attempts, Attempt{
			At: clean(a.At), EndedAt: clean(a.EndedAt), Attempt: a.Number, MessageID: a.MessageID, Outcome: a.Outcome,
			Reason: a.Reason, LagMS: v.LagMS,
		})
	}
	for _, w := range m.Writes {
		if w.Child { // what was deleted with the row that the message is about
			continue
		}
		v.Links.Row = RowLink(w.Key)
		if v.Name = NameOf(w.Wanted); v.Name == "" {
			v.Name = NameOf(w.Before) // a deletion says no name
		}
	}
	return v
}

// requestOf is a request without its body, which has a page of its own.
func requestOf(q recorder.Request) Request {
	v := Request{
		At: clean(q.At), AnsweredAt: clean(q.AnsweredAt), Method: q.Method, Path: q.Path, HiddenHeaders: q.Hidden,
		Headers: map[string]string{}, Size: q.Size, BodyKept: q.Body != nil, Stage: q.Stage, Reason: q.Reason,
		Proven: q.Proven, Error: q.Err, Status: q.Status, Answer: q.Answer,
	}
	for name, values := range q.Header {
		v.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	return v
}

// longestName is how many characters of a name are shown beside others. The columns
// have all of it.
const longestName = 100

// NameOf is what people call the object of a row, "" where it has no name. A long one is
// cut: names are chosen by strangers, and a list is of more than one.
func NameOf(r directory.Row) string {
	name := []rune(wholeName(r))
	if len(name) > longestName {
		return string(name[:longestName]) + "…"
	}
	return string(name)
}

func wholeName(r directory.Row) string {
	switch r.Text(directory.AttrKind) {
	case directory.KindUser:
		name := strings.TrimSpace(r.Text("first_name") + " " + r.Text("last_name"))
		for _, attribute := range []string{"username", "email", "phone"} {
			if name == "" {
				name = r.Text(attribute)
			}
		}
		return name
	case directory.KindInvitation:
		return r.Text("email_address")
	case directory.KindMembership:
		return r.Text("role_name")
	}
	return r.Text("name")
}

// Mark is the sign of an outcome, and a dot for anything else.
func Mark(outcome string) string {
	if m, ok := map[string]string{
		"applied": "●", "stale": "◐", "duplicate": "◌", "ignored": "○", "rejected": "✕", "failed": "↻", "dead": "■",
	}[outcome]; ok {
		return m
	}
	return "·" // on its way
}

// shortID is the longest id that a list shows whole.
const shortID = 10

// ShortEntity is the entity with its ids cut in the middle, for a list.
func (m Message) ShortEntity() string {
	parts := strings.Split(m.Entity, "/")
	for i, id := range parts {
		if runes := []rune(id); i > 0 && len(runes) > shortID {
			parts[i] = string(runes[:shortID-5]) + "…" + string(runes[len(runes)-4:])
		}
	}
	return strings.Join(parts, "/")
}

// RowLink is the path of a row's page: each half of the key is one escaped segment.
func RowLink(k directory.Key) string {
	return "/rows/" + url.PathEscape(k.PK) + "/" + url.PathEscape(k.SK)
}

// clean is a time as it is shown.
func clean(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Millisecond)
}

// millis are milliseconds, to a tenth from one on.
func millis(d time.Duration) float64 {
	if d >= time.Millisecond {
		d = d.Round(100 * time.Microsecond)
	}
	return float64(d.Microseconds()) / 1000
}
