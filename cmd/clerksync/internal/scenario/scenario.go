// Package scenario tells stories whose events are sent to a webhook, by `clerksync
// send --scenario` and by the console's Send page. Each shows one thing that goes
// wrong between Clerk and a table, and the rows in which it ends all the same.
//
// A story is a list of samples of package events with what is changed in them
// (stories.go, storm.go, week.go). Telling it (cast.go) gives its people and
// organizations new ids, addresses and names, and moves its times so that the
// newest is now: it works on a table that has rows already, twice in a row, and on
// one that real events fill.
package scenario

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/pkg/ingest"
)

// ErrUnknown says that no story has the name.
var ErrUnknown = errors.New("no such scenario")

// Story is a story as it is told once.
type Story struct {
	Name   string
	Point  string  // what it shows, one sentence
	Events []Event // in the order in which they arrive
	Looks  []Look  // what the rows show once all is done
	Stops  []Stop  // of DynamoDB, in the order of the events, where that can be stopped
}

// Event is one request of a story.
type Event struct {
	Day     string // of the first week, "" in other stories
	What    string // happened at Clerk, or on the way
	Request webhook.Request
	Pause   time.Duration // that passes before it is sent
	// Outcome is what becomes of it where each event is sent once the one before has
	// had its effect: an outcome, ignored, or rejected with status and error.
	Outcome string
}

// Forged says whether the endpoint should refuse the request: its body is not the
// one that was signed.
func (e Event) Forged() bool { return e.Request.Tamper }

// Expects says whether the answer is the right one. What the consumer makes of an
// event is not known then. An endpoint that takes events of other instances than the
// samples' answers 200, too, and the story never happens there.
func (e Event) Expects(a webhook.Answer) bool {
	if e.Forged() {
		return a.Status >= http.StatusBadRequest && a.Status < http.StatusInternalServerError
	}
	return a.Accepted() && !strings.Contains(a.Body, `"ignored":"`+ingest.ReasonInstance+`"`)
}

// Stop is a stop of DynamoDB, from the event with the index From until To, which is
// sent after it.
type Stop struct{ From, To int }

// Look is a place to look at once a story has ended: `clerksync get Kind Name`.
type Look struct {
	Kind string // user, org, members or memberships
	Name string // an id or an address
	Want string // what is seen there, for people

	Rows       int               // how many rows are found
	Deleted    bool              // they are tombstones
	Attributes map[string]string // of each row, the telling ones
}

// Names returns the names of the stories, the simplest first.
func Names() []string {
	names := make([]string, 0, len(stories()))
	for _, s := range stories() {
		names = append(names, s.name)
	}
	return names
}

// Point returns what a story shows, in a sentence; "" for an unknown one.
func Point(name string) string {
	for _, s := range stories() {
		if s.name == name {
			return s.point
		}
	}
	return ""
}

// Tell tells the story of that name as if it had just ended. The error for an
// unknown name wraps ErrUnknown and lists the names.
func Tell(name string, now time.Time) (Story, error) {
	for _, s := range stories() {
		if s.name == name {
			told := s.tell(now)
			told.Name, told.Point = s.name, s.point
			return told, nil
		}
	}
	return Story{}, fmt.Errorf("%w: %q; there are %s", ErrUnknown, name, strings.Join(Names(), ", "))
}
