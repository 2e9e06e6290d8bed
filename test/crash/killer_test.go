package crash_test

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator/eventsource"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/test/program"
)

const killer = "msg_killer"

// neighbours are in a batch with the killer, an update of the user whom the
// first creates and the second makes a member.
func neighbours() []telling {
	return []telling{
		{id: "msg_1", sample: "user.created"},
		{id: "msg_2", sample: "organizationMembership.created"},
		{id: "msg_3", sample: "organization.created"},
		{id: "msg_4", sample: "user.created.invited"},
		{id: "msg_5", sample: "user.created.founder"},
		{id: "msg_6", sample: "role.created"},
		{id: "msg_7", sample: "permission.created"},
		{id: "msg_8", sample: "user.created.phone_only"},
	}
}

// What a killer may cost its neighbours. In a message's first two receives it
// runs beside the killer, and the batch comes again whole, whether or not the
// message had its effect. From consumer.Suspect on each runs alone, in random
// order, and what came before is acknowledged ahead of the next: each time a
// neighbour has an even chance to be done with, so that it needs
// consumer.Suspect+1 receives in the mean, a visibility timeout apart. No number
// is certain: of eight neighbours' receives the greatest passes mostReceives in
// 1 of 130,000 runs, and their mean passes meanReceives in 1 of 600,000.
// Measured in 36 runs: at most 9, and 6.0.
const (
	mostReceives = consumer.Suspect - 1 + 20
	meanReceives = consumer.Suspect - 1 + 9
)

// A message that ends its process each time neither holds back its neighbours
// for long nor takes them along to the dead letters, and nothing takes place
// twice. An out-of-memory kill is the first case: SIGKILL, by the kernel, at
// any moment, here at the killer's own call. The others do not end by
// themselves: a process in which nothing moves any more, and one in which the
// killer's goroutine alone does not come back while the rest goes on. Lambda
// kills both at the function's timeout, and so does the runtime here, which
// skips what is then left of the minute, in which nothing happens. No outside
// hand can make a goroutine of the real program loop: it waits for an answer
// here, and is killed before the attempt's timeout would wake it.
// See https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
func TestKiller(t *testing.T) {
	t.Parallel()
	bootstrap := program.Build(t, "./functions/sync")
	calm := newWorld(t)
	deliver(t, newLambda(t, bootstrap, calm), neighbours())
	want := calm.ended(t)
	t.Run("never answered", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		neverAnswered(t, w, newLambda(t, bootstrap, w))
		if d := cmp.Diff(want, w.ended(t)); d != "" {
			t.Errorf("it ended otherwise (-without the killer +with it):\n%s", d)
		}
	})
	dead := state{want.Directory, want.Deliveries, map[string]int{killer: 1}}
	for _, c := range []struct {
		name string
		blow blow
		how  end
	}{
		{"out of memory", before, died},
		{"stopped", stopped, late},
		{"endless", silent, late},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.strike = strikeKiller(c.blow)
			l := newLambda(t, bootstrap, w)
			l.lapse = lapse
			most, ends := drain(t, w, l)
			if d := cmp.Diff(dead, w.ended(t)); d != "" {
				t.Errorf("it ended otherwise (-without the killer +with it):\n%s", d)
			}
			if n := most[killer]; n != receives || len(ends) != 1 || ends[c.how] < consumer.Suspect {
				t.Errorf("the killer was received %d times, invocations ended %v, want %d, each %s", n, ends, receives, c.how)
			}
			delete(most, killer)
			sum := 0
			for id, n := range most {
				sum += n
				if n > mostReceives {
					t.Errorf("%s was received %d times, want at most %d", id, n, mostReceives)
				}
			}
			if sum > meanReceives*len(most) {
				t.Errorf("receives of the neighbours = %v, want %d in the mean at most", most, meanReceives)
			}
			t.Logf("receives of the neighbours: %v, %.1f in the mean", most, float64(sum)/float64(len(most)))
		})
	}
}

func strikeKiller(b blow) func(call) blow {
	return func(c call) blow {
		if bytes.Contains(c.body, []byte(`"`+killer+`"`)) {
			return b
		}
		return none
	}
}

const (
	// lapse lets the neighbours beside an endless killer get on. A deadline of
	// a second or two would not do instead: the function makes no remote call
	// in the last consumer.Margin before the deadline that it is told.
	lapse = 50 * time.Millisecond
	// alone is how often the killer is tried without neighbours; its further
	// receives would be more of the same and are left out.
	alone = 2
)

// drain does with a queue what Lambda's event source mapping does, until all
// are gone: into the tables, or to the dead letters. It returns the receives
// of each message and how often invocations ended in which way.
func drain(t *testing.T, w *world, l *lambda) (most map[string]int, ends map[end]int) {
	t.Helper()
	for _, m := range append(neighbours(), telling{id: killer, sample: "user.updated"}) {
		out := m.message(t, 1)
		if _, err := w.queues.SendMessage(t.Context(), &sqs.SendMessageInput{
			QueueUrl: &w.queue, MessageBody: out.Body, MessageAttributes: out.MessageAttributes,
		}); err != nil {
			t.Fatal(err)
		}
	}
	most, ends = map[string]int{}, map[end]int{}
	for tried := 0; ; {
		messages := receive(t, w)
		if len(messages) == 0 {
			return most, ends
		}
		for _, m := range messages {
			n, _ := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
			most[*m.MessageAttributes["svix-id"].StringValue] = n
		}
		if len(messages) == 1 {
			tried++
		}
		if tried > alone {
			w.ahead.Add(int64(visibility + time.Second))
			continue
		}
		failed, how := l.invoke(t, eventsource.Event(messages))
		ends[how]++
		for _, m := range messages {
			if how != answered || failed[*m.MessageId] {
				continue
			}
			if _, err := w.queues.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &w.queue, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
		w.ahead.Add(int64(visibility + time.Second)) // what was not deleted shows again
	}
}

// receive gets what there is, the killer always first: SQS promises no order,
// so it may be the worst.
func receive(t *testing.T, w *world) []types.Message {
	t.Helper()
	out, err := w.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &w.queue, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(out.Messages, func(a, b types.Message) int {
		return -strings.Compare(*a.MessageAttributes["svix-id"].StringValue, *b.MessageAttributes["svix-id"].StringValue)
	})
	return out.Messages
}

// neverAnswered is a remote call without an answer. That is no killer: the
// function gives it up consumer.Margin before the deadline that it was told,
// fails the one message and answers in time.
func neverAnswered(t *testing.T, w *world, l *lambda) {
	t.Helper()
	w.strike = strikeKiller(silent)
	l.deadline = consumer.Margin + 250*time.Millisecond
	batch := []types.Message{telling{id: killer, sample: "user.updated"}.message(t, 1)}
	for _, m := range neighbours() {
		batch = append(batch, m.message(t, 1))
	}
	failed, how := l.invoke(t, eventsource.Event(batch))
	if want := map[string]bool{"id-" + killer: true}; how != answered || !maps.Equal(failed, want) {
		t.Errorf("the function %s and failed %v, want it to answer and fail %v", how, failed, want)
	}
}
