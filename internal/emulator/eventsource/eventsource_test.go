package eventsource_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
)

// Messages come in batches of at most ten, and each just once.
func TestBatches(t *testing.T) {
	t.Parallel()
	h, f := newHarness(t), &function{}
	var want []string
	for i := range 25 {
		want = append(want, fmt.Sprintf("message %02d", i))
	}
	h.send(t, want...)
	h.run(t, f, 1)
	until(t, "the queue is empty", func() bool { return h.counts(t, h.queue) == [2]string{"0", "0"} })
	var sizes []int
	var got []string
	for _, b := range f.bodies() {
		sizes = append(sizes, len(b))
		got = append(got, b...)
	}
	if diff := cmp.Diff([]int{10, 10, 5}, sizes); diff != "" {
		t.Errorf("sizes of batches of 25 messages (-want +got):\n%s", diff)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("each message once (-want +got):\n%s", diff)
	}
	if warned := f.warnings(); len(warned) > 0 {
		t.Errorf("warnings = %q, want none", warned)
	}
}

// What a function answers decides what comes again:
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
func TestWhatComesAgain(t *testing.T) {
	t.Parallel()
	all := []string{"a", "b", "c"}
	for _, tt := range []struct {
		name   string
		answer answer
		again  []string
		warns  string
	}{
		{name: "an empty list is success", answer: text(`{"batchItemFailures":[]}`)},
		{name: "a null list is success", answer: text(`{"batchItemFailures":null}`)},
		{name: "an empty answer is success", answer: text(`{}`)},
		{name: "a null answer is success", answer: text(`null`)},
		{name: "one item", answer: failures("b"), again: []string{"b"}},
		{name: "every item", answer: failures("a", "b", "c"), again: all},
		{
			name:   "an error",
			answer: func(events.SQSEvent) ([]byte, error) { return nil, errors.New("panic") },
			again:  all, warns: "the function failed",
		},
		{
			name: "an id of no message", answer: text(`{"batchItemFailures":[{"itemIdentifier":"msg_1"}]}`),
			again: all, warns: "not in its batch",
		},
		{
			name: "an empty id", answer: text(`{"batchItemFailures":[{"itemIdentifier":""}]}`),
			again: all, warns: "not in its batch",
		},
		{
			name: "a null id", answer: text(`{"batchItemFailures":[{"itemIdentifier":null}]}`),
			again: all, warns: "not in its batch",
		},
		{
			name: "a misspelt key", answer: text(`{"batchItemFailures":[{"itemId":"x"}]}`),
			again: all, warns: "not in its batch",
		},
		{name: "no JSON", answer: text(`oops`), again: all, warns: "not a batch response"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h, f := newHarness(t), &function{answers: []answer{tt.answer, failures()}}
			h.send(t, all...)
			h.run(t, f, 1)
			hidden := strconv.Itoa(len(tt.again))
			until(t, "the first batch was answered", func() bool {
				return len(f.bodies()) == 1 && h.counts(t, h.queue) == [2]string{"0", hidden} &&
					(tt.warns == "") == (len(f.warnings()) == 0)
			})
			h.clock.Advance(visibility)
			until(t, "the queue is empty", func() bool { return h.counts(t, h.queue) == [2]string{"0", "0"} })
			var got []string
			for _, b := range f.bodies()[1:] {
				got = append(got, b...)
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.again, got); diff != "" {
				t.Errorf("what came again (-want +got):\n%s", diff)
			}
			warned := strings.Join(f.warnings(), "\n")
			if !strings.Contains(warned, tt.warns) || tt.warns == "" && warned != "" {
				t.Errorf("warnings = %q, want %q in them", warned, tt.warns)
			}
		})
	}
}

// A message that fails each time becomes a dead letter after the receives that
// the queue allows, and none of its neighbours does.
// https://github.com/aws/aws-lambda-go/issues/430
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	h, f := newHarness(t), &function{answers: []answer{failures("bad")}}
	h.send(t, "good", "bad", "fine")
	h.run(t, f, 2)
	for i := range maxReceives {
		until(t, fmt.Sprintf("receive %d of the bad one is over", i+1), func() bool {
			return len(f.bodies()) == i+1 && h.counts(t, h.queue) == [2]string{"0", "1"}
		})
		h.clock.Advance(visibility)
	}
	until(t, "the bad one is a dead letter", func() bool { return h.counts(t, h.dead)[0] == "1" })
	if got := h.counts(t, h.queue); got != [2]string{"0", "0"} {
		t.Errorf("queue holds %v messages, want none", got)
	}
	dead := emulatortest.Receive(t, h.client, h.dead)
	if len(dead) != 1 || *dead[0].Body != "bad" {
		t.Errorf("dead letters = %v, want the bad one", dead)
	}
	if got := len(f.bodies()); got != maxReceives {
		t.Errorf("the function was invoked %d times, want %d", got, maxReceives)
	}
}

// The receive count of a message rises with each of its receives: sync finds
// poison messages by it.
func TestReceiveCount(t *testing.T) {
	t.Parallel()
	h, f := newHarness(t), &function{answers: []answer{failures("a"), failures()}}
	h.send(t, "a")
	h.run(t, f, 1)
	until(t, "the first receive is over", func() bool { return len(f.bodies()) == 1 && h.counts(t, h.queue)[1] == "1" })
	h.clock.Advance(visibility)
	until(t, "the second receive is over", func() bool { return h.counts(t, h.queue) == [2]string{"0", "0"} })
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, e := range f.batches {
		if got, want := e.Records[0].Attributes["ApproximateReceiveCount"], strconv.Itoa(i+1); got != want {
			t.Errorf("ApproximateReceiveCount of receive %d = %s, want %s", i+1, got, want)
		}
	}
}

// As many batches are in flight as the mapping's maximum concurrency allows.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	entered, release := make(chan struct{}, 30), make(chan struct{})
	f := &function{answers: []answer{func(events.SQSEvent) ([]byte, error) {
		entered <- struct{}{}
		<-release
		return []byte(`{}`), nil
	}}}
	for i := range 30 {
		h.send(t, strconv.Itoa(i))
	}
	h.run(t, f, 2)
	<-entered
	<-entered
	if got := h.counts(t, h.queue); got != [2]string{"10", "20"} {
		t.Errorf("visible and hidden while two batches are in flight = %v, want [10 20]", got)
	}
	close(release)
	until(t, "the queue is empty", func() bool { return h.counts(t, h.queue) == [2]string{"0", "0"} })
}

// When the source is stopped, the batch in flight is finished and its messages are
// deleted: they would else come to the next start a second time.
func TestRunFinishesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	entered, release := make(chan struct{}), make(chan struct{})
	f := &function{answers: []answer{func(events.SQSEvent) ([]byte, error) {
		close(entered)
		<-release
		return []byte(`{}`), nil
	}}}
	h.send(t, "a")
	stop, done := h.run(t, f, 3)
	<-entered
	stop()
	select {
	case <-done:
		t.Fatal("Run returned while an invocation was in flight")
	default:
	}
	if got := h.counts(t, h.queue); got != [2]string{"0", "1"} {
		t.Errorf("visible and hidden during the invocation = %v, want [0 1]", got)
	}
	close(release)
	<-done
	if got := h.counts(t, h.queue); got != [2]string{"0", "0"} {
		t.Errorf("visible and hidden after Run = %v, want the message deleted", got)
	}
	if warned := f.warnings(); len(warned) > 0 {
		t.Errorf("warnings = %q, want none for a stop", warned)
	}
}

// A queue that cannot be polled is reported, as nothing else would show it.
func TestRunSaysThatTheQueueIsGone(t *testing.T) {
	t.Parallel()
	h, f := newHarness(t), &function{}
	h.queue += "-of-another-name"
	h.run(t, f, 1)
	until(t, "a warning", func() bool { return len(f.warnings()) > 0 })
	for _, want := range []string{"receive messages", "NonExistentQueue"} {
		if got := f.warnings()[0]; !strings.Contains(got, want) {
			t.Errorf("warning = %q, want one that names the operation and the reason, %s", got, want)
		}
	}
}

// refusedDeletes answers as SQS does where it could delete none of a batch: the
// request succeeds, and its answer names the entries that failed.
type refusedDeletes struct{ sqs.HTTPClient }

func (c refusedDeletes) Do(r *http.Request) (*http.Response, error) {
	if r.Header.Get("X-Amz-Target") != "AmazonSQS.DeleteMessageBatch" {
		return c.HTTPClient.Do(r)
	}
	const answer = `{"Successful":[],"Failed":[{"Id":"0","Code":"InternalError","SenderFault":false}]}`
	return &http.Response{
		StatusCode: http.StatusOK, Request: r, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(answer)),
	}, nil
}

// A message that the function is done with and that could not be deleted comes
// again, so its reason is reported.
func TestSaysWhatCouldNotBeDeleted(t *testing.T) {
	t.Parallel()
	h, f := newHarness(t), &function{}
	h.client = sqs.New(h.client.Options(), func(o *sqs.Options) { o.HTTPClient = refusedDeletes{o.HTTPClient} })
	h.send(t, "a")
	h.run(t, f, 1)
	until(t, "a warning", func() bool { return len(f.warnings()) > 0 })
	const want = "delete messages: 1 entries failed, the first with InternalError"
	if got := f.warnings()[0]; !strings.Contains(got, want) {
		t.Errorf("warning = %q, want one that says what failed", got)
	}
}
