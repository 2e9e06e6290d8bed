// Package faults breaks what stands between the functions and the embedded AWS, by
// switches: whoever turns one on sees for himself that nothing is lost and nothing
// takes effect twice. It stands in the functions' own HTTP client, so that what
// fails there fails as on AWS, the SDK's retries included; commands and pages that
// look at the tables go past it.
package faults

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Name is a switch's name in the API.
type Name string

// The switches.
const (
	DynamoDBDown Name = "dynamodb_down" // no request to DynamoDB gets through
	SQSDown      Name = "sqs_down"      // no request to SQS gets through
	LostAnswers  Name = "lost_answers"  // one request in three takes place, and its answer is lost
	Twice        Name = "twice"         // each message is put on the queue twice
	Shuffle      Name = "shuffle"       // each message is held back for 0 to 3 seconds
)

// Lasts is how long a switch stays on at most: nobody has to remember it.
const Lasts = time.Minute

// ErrUnknown says that there is no switch of that name.
var ErrUnknown = errors.New("no such switch")

// Switch is a switch as pages and scripts show it.
type Switch struct {
	Name  Name       `json:"name"`
	Title string     `json:"title"`
	What  string     `json:"what"` // it does, one sentence
	On    bool       `json:"on"`
	Until *time.Time `json:"until,omitempty"` // when it ends by itself
}

// Switches are all switches. They are safe for concurrent use.
type Switches struct {
	queue  string // the name of the queue whose messages come twice, or late
	now    func() time.Time
	random func() float64 // in [0,1)

	mu    sync.Mutex
	until map[Name]time.Time
}

// New makes switches that are off, for functions whose queue has that name.
func New(queue string, now func() time.Time, random func() float64) *Switches {
	return &Switches{queue: queue, now: now, random: random, until: map[Name]time.Time{}}
}

// Set turns a switch on, for Lasts from now, or off.
func (s *Switches) Set(name Name, on bool) error { return s.SetAll(map[Name]bool{name: on}) }

// SetAll sets the switches that it is given; the others stay as they are. Where one
// is unknown it sets none.
func (s *Switches) SetAll(wanted map[Name]bool) error {
	for name := range wanted {
		if !slices.ContainsFunc(all(), func(known Switch) bool { return known.Name == name }) {
			return fmt.Errorf("%w: %q", ErrUnknown, name)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, on := range wanted {
		delete(s.until, name)
		if on {
			s.until[name] = s.now().Add(Lasts)
		}
	}
	return nil
}

// State are all switches, in the order in which they are shown.
func (s *Switches) State() []Switch {
	state := all()
	for i := range state {
		if until, on := s.isOn(state[i].Name); on {
			state[i].On, state[i].Until = true, &until
		}
	}
	return state
}

func (s *Switches) isOn(name Name) (until time.Time, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	until, ok := s.until[name]
	return until, ok && s.now().Before(until)
}

func all() []Switch {
	return []Switch{
		{
			Name: DynamoDBDown, Title: "DynamoDB down",
			What: "No request to the tables gets through: messages fail, and come again after 30 seconds and more.",
		},
		{
			Name: SQSDown, Title: "SQS down",
			What: "No request to the queue gets through: the webhook answers 503, so that Svix sends again.",
		},
		{
			Name: LostAnswers, Title: "Answers get lost",
			What: "One request in three takes place and its answer is lost, so that it is made again.",
		},
		{Name: Twice, Title: "Everything twice", What: "Each message is put on the queue twice."},
		{
			Name: Shuffle, Title: "Shuffle",
			What: "Each message is held back for 0 to 3 seconds, so that they overtake one another.",
		},
	}
}
