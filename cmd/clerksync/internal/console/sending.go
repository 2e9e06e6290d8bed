package console

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/faults"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/scenario"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/svix"
)

// sending is what people and scripts ask to be sent or previewed: one event, or a
// scenario.
type sending struct {
	Scenario string          `json:"scenario"`
	Sample   string          `json:"sample"` // an event by its name
	Event    json.RawMessage `json:"event"`  // or its body: an object, or the text of one
	Set      []string        `json:"set"`    // path=value, as of send --set
	ID       string          `json:"id"`     // of the message; "" for a new one
	Copies   int             `json:"copies"` // how many messages, with new ids; 0 is 1
	// Duplicate sends each twice with one id; Tamper changes the body after signing;
	// SkewS is how many seconds the signing clock is ahead.
	Duplicate bool    `json:"duplicate"`
	Tamper    bool    `json:"tamper"`
	SkewS     float64 `json:"skew_s"`
}

// maxCopies bounds what one click sends.
const maxCopies = 100

// weekScenario is the first week as a scenario: the story that dev --demo tells.
const weekScenario = "week"

// problem is why something cannot be sent: nothing was.
type problem struct{ name, detail string }

func (p problem) Error() string { return p.detail }

// readSending reads what a script asks for. A member that it does not know is an
// error: a script that misspells tamper would test nothing.
func readSending(r *http.Request) (s sending, err error) {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return s, problem{"invalid_request", "want a JSON object: " + err.Error()}
	}
	return s, nil
}

// formSending reads the form of the Send page. A browser ends lines with CR LF.
func formSending(r *http.Request) (s sending, err error) {
	s = sending{
		Scenario: r.PostFormValue("scenario"), Sample: r.PostFormValue("sample"),
		ID:        strings.TrimSpace(r.PostFormValue("id")),
		Duplicate: r.PostFormValue("duplicate") != "", Tamper: r.PostFormValue("tamper") != "",
		Event: json.RawMessage(strings.ReplaceAll(r.PostFormValue("event"), "\r\n", "\n")),
	}
	for line := range strings.Lines(r.PostFormValue("set")) {
		if line = strings.TrimSpace(line); line != "" {
			s.Set = append(s.Set, line)
		}
	}
	if s.Copies, err = strconv.Atoi(cmp.Or(r.PostFormValue("copies"), "1")); err != nil {
		return s, problem{"invalid_copies", "copies: want a number"}
	}
	if s.SkewS, err = strconv.ParseFloat(cmp.Or(r.PostFormValue("skew_s"), "0"), 64); err != nil {
		return s, problem{"invalid_skew", "clock: want a number of seconds"}
	}
	return s, nil
}

// requests are the requests that are asked for, in their order. The error is a
// problem.
func (s sending) requests(now time.Time) ([]webhook.Request, error) {
	body, err := s.body()
	if err != nil {
		return nil, err
	}
	// Beyond some years a duration has no room.
	const maxSkew = float64(100 * 365 * 24 * time.Hour / time.Second)
	switch {
	case s.Copies < 0 || s.Copies > maxCopies:
		return nil, problem{"invalid_copies", fmt.Sprintf("copies: want 1 to %d", maxCopies)}
	case s.ID != "" && s.Copies > 1:
		return nil, problem{"invalid_copies", "an id is that of one message: send one copy with it, or leave it out"}
	case s.SkewS != s.SkewS || max(s.SkewS, -s.SkewS) > maxSkew:
		return nil, problem{"invalid_skew", "clock: that is too far"}
	}
	var list []webhook.Request
	for range max(s.Copies, 1) {
		r := webhook.Request{
			ID: cmp.Or(s.ID, webhook.NewID(now)), Body: body, Tamper: s.Tamper,
			Skew: time.Duration(s.SkewS * float64(time.Second)),
		}
		if list = append(list, r); s.Duplicate {
			list = append(list, r)
		}
	}
	return list, nil
}

// body is the event that is asked for, with its fields set.
func (s sending) body() ([]byte, error) {
	body := []byte(s.Event)
	// A script may send a text, to be told where it is no JSON.
	var text string
	if json.Unmarshal(body, &text) == nil && text != "" {
		body = []byte(text)
	}
	if len(body) == 0 || string(body) == "null" {
		if s.Sample == "" {
			return nil, problem{"missing_event", "give an event, or the name of a sample such as user.created"}
		}
		sample, err := events.Body(s.Sample)
		if err != nil {
			return nil, problem{"unknown_sample", err.Error()}
		}
		body = sample
	}
	if err := checkJSON(body); err != nil {
		return nil, err
	}
	body, err := webhook.Edit(body, s.Set)
	if err != nil {
		return nil, problem{"invalid_set", strings.TrimPrefix(err.Error(), "--set ")}
	}
	return body, nil
}

// checkJSON says where a text stops being JSON, for people who edit it.
func checkJSON(text []byte) error {
	var v json.RawMessage
	var syntax *json.SyntaxError
	err := json.Unmarshal(text, &v)
	if err == nil {
		return nil
	}
	if !errors.As(err, &syntax) {
		return problem{"invalid_json", "the event is no JSON: " + err.Error()}
	}
	before := text[:min(max(syntax.Offset-1, 0), int64(len(text)))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	where := fmt.Sprintf("the event is no JSON from line %d, column %d on: %s", line, column, syntax)
	return problem{"invalid_json", where}
}

// sent is one request that was sent, and its answer.
type sent struct {
	webhook.Answer
	What string `json:"what,omitempty"` // in a scenario
	Link string `json:"link,omitempty"` // to the page of its message
}

// post signs a request and sends it to this dev's webhook.
func (c *Console) post(ctx context.Context, r webhook.Request) (sent, error) {
	dev := c.options.Dev
	h, body := dev.Signer.Sign(r)
	a, err := webhook.Post(ctx, dev.Describe().WebhookURL, h, body)
	if err != nil {
		return sent{}, err //nolint:wrapcheck // it names the webhook
	}
	s := sent{Answer: a}
	if svix.ValidID(r.ID) {
		s.Link = c.messageLink(r.ID, "")
	}
	return s, nil
}

// send sends what is asked for. It stops at the first request that cannot be sent.
func (c *Console) send(ctx context.Context, s sending) (list []sent, looks []scenario.Look, err error) {
	if s.Scenario != "" {
		return c.playScenario(ctx, s.Scenario)
	}
	requests, err := s.requests(c.now())
	if err != nil {
		return nil, nil, err
	}
	for _, r := range requests {
		answered, err := c.post(ctx, r)
		if err != nil {
			return list, nil, err
		}
		list = append(list, answered)
	}
	return list, nil, nil
}

// story tells the scenario of that name.
func (c *Console) story(name string) (scenario.Story, error) {
	if name == weekScenario {
		return scenario.Story{Name: name, Events: scenario.Week(c.now())}, nil
	}
	story, err := scenario.Tell(name, c.now())
	if err != nil {
		return story, problem{"unknown_scenario", err.Error()}
	}
	return story, nil
}

// weekWait bounds the wait for the effect of one event of the week.
const weekWait = 10 * time.Second

// playScenario sends the events of a scenario. Those of the week wait for each
// other, so that it comes out as it is told.
func (c *Console) playScenario(ctx context.Context, name string) (list []sent, looks []scenario.Look, err error) {
	story, err := c.story(name)
	if err != nil {
		return nil, nil, err
	}
	err = story.Play(ctx, func(e scenario.Event) error {
		answered, err := c.post(ctx, e.Request)
		if err != nil {
			return err
		}
		answered.What = e.What
		list = append(list, answered)
		if name == weekScenario {
			ctx, cancel := context.WithTimeout(ctx, weekWait)
			defer cancel()
			_, _, _ = c.options.Dev.Recorder.Wait(ctx, e.Request.ID, "ended") // else the page shows where it is
		}
		return nil
	}, c.stopDynamoDB())
	return list, story.Looks, err //nolint:wrapcheck // it says what failed
}

// stopDynamoDB returns what stops DynamoDB for the functions and starts it again, nil
// where it cannot be stopped.
func (c *Console) stopDynamoDB() func(down bool) error {
	dev := c.options.Dev
	if dev.Faults == nil || dev.Retry == nil {
		return nil
	}
	return func(down bool) error {
		err := dev.Faults.Set(faults.DynamoDBDown, down)
		if err == nil && !down {
			_, err = dev.Retry() // what has failed meanwhile would wait for 30 seconds
		}
		return err //nolint:wrapcheck // it says what failed
	}
}
