package faults_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/faults"
)

// recorder is an SDK's HTTP client that answers all and keeps what was asked.
type recorder struct{ asked []string }

func (r *recorder) Do(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	_, operation, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	var in struct{ DelaySeconds *int }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	if in.DelaySeconds != nil {
		operation += " later"
	}
	r.asked = append(r.asked, operation)
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

// bench is switches with a clock that stands still, and what gets past them.
type bench struct {
	*faults.Switches
	now  time.Time
	next recorder
}

func newBench(random float64) *bench {
	b := &bench{now: time.Unix(1772323200, 0)}
	b.Switches = faults.New("q", func() time.Time { return b.now }, func() float64 { return random })
	return b
}

func (b *bench) set(t *testing.T, name faults.Name, on bool) {
	t.Helper()
	if err := b.Set(name, on); err != nil {
		t.Fatal(err)
	}
}

// ask sends a request and returns what came of it past the switches.
func (b *bench) ask(t *testing.T, target, body string) (asked []string, err error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", target)
	b.next.asked = nil
	resp, err := b.Wrap(&b.next).Do(r)
	if err == nil {
		_ = resp.Body.Close()
	}
	return b.next.asked, err
}

// What each switch does to each kind of request.
func TestSwitches(t *testing.T) {
	t.Parallel()
	const put, send, receive = "DynamoDB_20120810.PutItem", "AmazonSQS.SendMessage", "AmazonSQS.ReceiveMessage"
	const queue, deadLetters = `{"QueueUrl":"http://x/000000000000/q"}`, `{"QueueUrl":"http://x/000000000000/dead-q"}`
	for name, row := range map[string]struct {
		on           faults.Name
		target, body string
		random       float64
		want         string
		fails        bool
	}{
		"DynamoDB down":                {on: faults.DynamoDBDown, target: put, body: `{}`, fails: true},
		"DynamoDB down, SQS":           {on: faults.DynamoDBDown, target: send, body: queue, want: "SendMessage"},
		"SQS down":                     {on: faults.SQSDown, target: send, body: queue, fails: true},
		"SQS down, DynamoDB":           {on: faults.SQSDown, target: put, body: `{}`, want: "PutItem"},
		"an answer is lost":            {on: faults.LostAnswers, target: put, body: `{}`, want: "PutItem", fails: true},
		"an answer is not lost":        {on: faults.LostAnswers, target: put, body: `{}`, random: 0.5, want: "PutItem"},
		"a receive's answer":           {on: faults.LostAnswers, target: receive, body: queue, want: "ReceiveMessage"},
		"a message twice":              {on: faults.Twice, target: send, body: queue, want: "SendMessage SendMessage"},
		"a dead letter once":           {on: faults.Twice, target: send, body: deadLetters, want: "SendMessage"},
		"a write once":                 {on: faults.Twice, target: put, body: `{}`, want: "PutItem"},
		"a message later":              {on: faults.Shuffle, target: send, body: queue, want: "SendMessage later"},
		"a dead letter at once":        {on: faults.Shuffle, target: send, body: deadLetters, want: "SendMessage"},
		"a receive is not held back":   {on: faults.Shuffle, target: receive, body: queue, want: "ReceiveMessage"},
		"a request that is none of it": {on: faults.Twice, target: send, body: `[]`, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(row.random)
			b.set(t, row.on, true)
			asked, err := b.ask(t, row.target, row.body)
			if got := strings.Join(asked, " "); got != row.want || (err != nil) != row.fails {
				t.Errorf("asked %q, %v, want %q, an error: %v", got, err, row.want, row.fails)
			}
			b.set(t, row.on, false)
			if row.body == `[]` {
				return
			}
			_, operation, _ := strings.Cut(row.target, ".")
			if asked, err := b.ask(t, row.target, row.body); err != nil || strings.Join(asked, " ") != operation {
				t.Errorf("asked %q, %v once it is off, want %s", asked, err, operation)
			}
		})
	}
}

// Twice and Shuffle go together: each copy comes at its own time.
func TestTwiceAndShuffle(t *testing.T) {
	t.Parallel()
	b := newBench(0)
	b.set(t, faults.Twice, true)
	b.set(t, faults.Shuffle, true)
	asked, err := b.ask(t, "AmazonSQS.SendMessage", `{"QueueUrl":"http://x/0/q"}`)
	if diff := cmp.Diff([]string{"SendMessage later", "SendMessage later"}, asked); diff != "" || err != nil {
		t.Errorf("asked (-want +got): %s%v", diff, err)
	}
}

// Nobody has to remember a switch: it is off after a minute.
func TestSwitchEndsByItself(t *testing.T) {
	t.Parallel()
	b := newBench(0)
	b.set(t, faults.DynamoDBDown, true)
	for _, after := range []time.Duration{0, faults.Lasts - 1, faults.Lasts} {
		b.now = time.Unix(1772323200, 0).Add(after)
		_, err := b.ask(t, "DynamoDB_20120810.PutItem", `{}`)
		state := b.State()[0]
		if on := after < faults.Lasts; (err != nil) != on || state.On != on || (state.Until != nil) != on {
			t.Errorf("%v after it was turned on: %v, %+v, want on: %v", after, err, state, on)
		}
	}
	if err := b.Set("gravity", true); !errors.Is(err, faults.ErrUnknown) {
		t.Errorf("Set(gravity) = %v, want ErrUnknown", err)
	}
}
