package scenario_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/scenario"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
)

// played is what a story did, in its order.
type played struct {
	steps    []string
	failSend int // which event cannot be sent, from 1; 0 for none
	failStop bool
}

var errFails = errors.New("it fails")

func (p *played) send(e scenario.Event) error {
	p.steps = append(p.steps, e.What)
	if len(p.steps) == p.failSend {
		return errFails
	}
	return nil
}

func (p *played) stop(down bool) error {
	p.steps = append(p.steps, map[bool]string{true: "stop", false: "start"}[down])
	if p.failStop {
		return errFails
	}
	return nil
}

func storyOf(n int, stops ...scenario.Stop) scenario.Story {
	s := scenario.Story{Stops: stops}
	for i := range n {
		s.Events = append(s.Events, scenario.Event{What: strconv.Itoa(i)})
	}
	return s
}

// Events are sent in their order, and DynamoDB runs again in the end, whatever fails.
func TestPlay(t *testing.T) {
	t.Parallel()
	stop := scenario.Stop{From: 1, To: 2}
	for name, c := range map[string]struct {
		story   scenario.Story
		played  played
		without bool // a stop
		want    []string
		fails   bool
	}{
		"in order":    {story: storyOf(3), want: []string{"0", "1", "2"}},
		"with a stop": {story: storyOf(3, stop), want: []string{"0", "stop", "1", "start", "2"}},
		"two at the end": {
			story: storyOf(3, stop, scenario.Stop{From: 2, To: 9}),
			want:  []string{"0", "stop", "1", "start", "stop", "2", "start"},
		},
		"without switches": {story: storyOf(3, stop), without: true, want: []string{"0", "1", "2"}},
		"an event fails": {
			story: storyOf(3, stop), played: played{failSend: 3}, fails: true,
			want: []string{"0", "stop", "1", "start"},
		},
		"a switch fails": {
			story: storyOf(3, stop), played: played{failStop: true}, want: []string{"0", "stop", "start"}, fails: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := c.played
			turn := p.stop
			if c.without {
				turn = nil
			}
			err := c.story.Play(t.Context(), p.send, turn)
			if diff := cmp.Diff(c.want, p.steps); diff != "" || errors.Is(err, errFails) != c.fails {
				t.Errorf("Play() = %v, want failure %v; steps (-want +got):\n%s", err, c.fails, diff)
			}
		})
	}
}

// A stop lasts long enough to be seen, and an event waits for its pause.
func TestPlayTakesItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, playTakesItsTime)
}

func playTakesItsTime(t *testing.T) {
	t.Helper()
	s := storyOf(2, scenario.Stop{From: 0, To: 1})
	var p played
	began := time.Now()
	if err := s.Play(t.Context(), p.send, p.stop); err != nil || time.Since(began) != time.Second {
		t.Errorf("Play() with a stop = %v after %s, want a second", err, time.Since(began))
	}
	s = storyOf(1)
	s.Events[0].Pause = 50 * time.Millisecond
	began = time.Now()
	if err := s.Play(t.Context(), p.send, nil); err != nil || time.Since(began) != s.Events[0].Pause {
		t.Errorf("Play() with a pause = %v after %s, want %s", err, time.Since(began), s.Events[0].Pause)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p = played{}
	if err := s.Play(ctx, p.send, nil); !errors.Is(err, context.Canceled) || slices.Contains(p.steps, "0") {
		t.Errorf("Play() after Ctrl-C = %v, sent %v, want its error and nothing sent", err, p.steps)
	}
}

// An answer is right where it is what the endpoint should say to that event.
func TestExpects(t *testing.T) {
	t.Parallel()
	genuine := scenario.Event{}
	forged := scenario.Event{Request: webhook.Request{Tamper: true}}
	for name, c := range map[string]struct {
		event  scenario.Event
		answer webhook.Answer
		want   bool
	}{
		"taken": {
			event:  genuine,
			answer: webhook.Answer{Status: 200, Body: `{"received":true}`}, want: true,
		},
		"of a type not kept": {
			event:  genuine,
			answer: webhook.Answer{Status: 200, Body: `{"ignored":"type"}`}, want: true,
		},
		"of another instance":  {event: genuine, answer: webhook.Answer{Status: 200, Body: `{"ignored":"instance"}`}},
		"refused":              {event: genuine, answer: webhook.Answer{Status: 400}},
		"forged and refused":   {event: forged, answer: webhook.Answer{Status: 400}, want: true},
		"forged and taken":     {event: forged, answer: webhook.Answer{Status: 200}},
		"forged, and it broke": {event: forged, answer: webhook.Answer{Status: 500}},
	} {
		if got := c.event.Expects(c.answer); got != c.want {
			t.Errorf("%s: Expects = %v, want %v", name, got, c.want)
		}
	}
}
