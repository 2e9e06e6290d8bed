package eventsource_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
)

func TestBatches(t *testing.T) {
	t.Parallel()
	w, f := newWorld(t), &function{}
	var want []string
	for i := range 25 {
		want = append(want, fmt.Sprintf("message %02d", i))
	}
	w.send(t, want...)
	w.run(t, f, 1)
	until(t, "the queue is empty", func() bool { return w.counts(t, w.url) == [2]string{"0", "0"} })
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
		answer func(events.SQSEvent) ([]byte, error)
		again  []string
		warns  string
	}{
		{"an empty list is success", text(`{"batchItemFailures":[]}`), nil, ""},
		{"a null list is success", text(`{"batchItemFailures":null}`), nil, ""},
		{"an empty answer is success", text(`{}`), nil, ""},
		{"a null answer is success", text(`null`), nil, ""},
		{"one item", failures("b"), []string{"b"}, ""},
		{"every item", failures("a", "b", "c"), all, ""},
		{"an error", func(events.SQSEvent) ([]byte, error) { return nil, errors.New("panic") }, all, "the function failed"},
		{"an id of no message", text(`{"batchItemFailures":[{"itemIdentifier":"msg_1"}]}`), all, "not in its batch"},
		{"an empty id", text(`{"batchItemFailures":[{"itemIdentifier":""}]}`), all, "not in its batch"},
		{"a null id", text(`{"batchItemFailures":[{"itemIdentifier":null}]}`), all, "not in its batch"},
		{"a misspelt key", text(`{"batchItemFailures":[{"itemId":"x"}]}`), all, "not in its batch"},
		{"no JSON", text(`oops`), all, "no batch response"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, f := newWorld(t), &function{answers: []func(events.SQSEvent) ([]byte, error){tt.answer, failures()}}
			w.send(t, all...)
			w.run(t, f, 1)
			hidden := strconv.Itoa(len(tt.again))
			until(t, "the first batch was answered", func() bool {
				return len(f.bodies()) == 1 && w.counts(t, w.url) == [2]string{"0", hidden} && (tt.warns == "") == (len(f.warnings()) == 0)
			})
			w.clock.Advance(visibility)
			until(t, "the queue is empty", func() bool { return w.counts(t, w.url) == [2]string{"0", "0"} })
			var got []string
			for _, b := range f.bodies()[1:] {
				got = append(got, b...)
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.again, got); diff != "" {
				t.Errorf("what came again (-want +got):\n%s", diff)
			}
			if warned := strings.Join(f.warnings(), "\n"); !strings.Contains(warned, tt.warns) || (tt.warns == "") != (warned == "") {
				t.Errorf("warnings = %q, want %q in them", warned, tt.warns)
			}
		})
	}
}

// A message that fails each time is dead after the receives that the queue
// allows, and none of its neighbours with it.
// https://github.com/aws/aws-lambda-go/issues/430
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	w, f := newWorld(t), &function{answers: []func(events.SQSEvent) ([]byte, error){failures("bad")}}
	w.send(t, "good", "bad", "fine")
	w.run(t, f, 2)
	for i := range maxReceives {
		until(t, fmt.Sprintf("receive %d of the bad one is over", i+1), func() bool {
			return len(f.bodies()) == i+1 && w.counts(t, w.url) == [2]string{"0", "1"}
		})
		w.clock.Advance(visibility)
	}
	until(t, "the bad one is dead", func() bool { return w.counts(t, w.deadly)[0] == "1" })
	if got := w.counts(t, w.url); got != [2]string{"0", "0"} {
		t.Errorf("queue holds %v messages, want none", got)
	}
	dead := w.received(t, w.deadly)
	if len(dead) != 1 || *dead[0].Body != "bad" {
		t.Errorf("dead letters = %v, want the bad one", dead)
	}
	if got := len(f.bodies()); got != maxReceives {
		t.Errorf("the function was invoked %d times, want %d", got, maxReceives)
	}
}

func TestReceiveCount(t *testing.T) {
	t.Parallel()
	w, f := newWorld(t), &function{answers: []func(events.SQSEvent) ([]byte, error){failures("a"), failures()}}
	w.send(t, "a")
	w.run(t, f, 1)
	until(t, "the first receive is over", func() bool { return len(f.bodies()) == 1 && w.counts(t, w.url)[1] == "1" })
	w.clock.Advance(visibility)
	until(t, "the second receive is over", func() bool { return w.counts(t, w.url) == [2]string{"0", "0"} })
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
	w := newWorld(t)
	entered, release := make(chan struct{}, 30), make(chan struct{})
	f := &function{answers: []func(events.SQSEvent) ([]byte, error){func(events.SQSEvent) ([]byte, error) {
		entered <- struct{}{}
		<-release
		return []byte(`{}`), nil
	}}}
	for i := range 30 {
		w.send(t, strconv.Itoa(i))
	}
	w.run(t, f, 2)
	<-entered
	<-entered
	if got := w.counts(t, w.url); got != [2]string{"10", "20"} {
		t.Errorf("visible and hidden while two batches are in flight = %v, want [10 20]", got)
	}
	close(release)
	until(t, "the queue is empty", func() bool { return w.counts(t, w.url) == [2]string{"0", "0"} })
}

func TestRunFinishesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	entered, release := make(chan struct{}), make(chan struct{})
	f := &function{answers: []func(events.SQSEvent) ([]byte, error){func(events.SQSEvent) ([]byte, error) {
		close(entered)
		<-release
		return []byte(`{}`), nil
	}}}
	w.send(t, "a")
	stop, done := w.run(t, f, 3)
	<-entered
	stop()
	select {
	case <-done:
		t.Fatal("Run returned while an invocation was in flight")
	default:
	}
	if got := w.counts(t, w.url); got != [2]string{"0", "1"} {
		t.Errorf("visible and hidden during the invocation = %v, want [0 1]", got)
	}
	close(release)
	<-done
	if got := w.counts(t, w.url); got != [2]string{"0", "0"} {
		t.Errorf("visible and hidden after Run = %v, want the message deleted", got)
	}
	if warned := f.warnings(); len(warned) > 0 {
		t.Errorf("warnings = %q, want none for a stop", warned)
	}
}

func TestRunSaysThatTheQueueIsGone(t *testing.T) {
	t.Parallel()
	w, f := newWorld(t), &function{}
	w.url += "-of-another-name"
	w.run(t, f, 1)
	until(t, "a warning", func() bool { return len(f.warnings()) > 0 })
	if got := f.warnings()[0]; !strings.Contains(got, "receive messages") || !strings.Contains(got, "NonExistentQueue") {
		t.Errorf("warning = %q, want one that names the deed and the reason", got)
	}
}
