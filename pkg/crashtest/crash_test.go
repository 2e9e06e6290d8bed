package crashtest_test

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/eventsource"
)

// message is a delivery of a sample as SQS hands it out.
func message(t *testing.T, svixID, sample string, receives int) types.Message {
	t.Helper()
	body, err := events.Body(sample)
	if err != nil {
		t.Fatal(err)
	}
	if sample == "user.deleted" && svixID == "msg_poison" {
		body = []byte(`{"type":"user.deleted","data":{"deleted":true}}`)
	}
	m := delivery.Delivery{
		SvixID: svixID, SvixTimestamp: "1772447460", EventType: sample, Body: body,
		ReceivedAt: time.Date(2026, 3, 2, 10, 31, 0, 0, time.UTC),
	}.Encode()
	out := types.Message{
		MessageId: aws.String("id-" + svixID), ReceiptHandle: aws.String("receipt-" + svixID), Body: &m.Body,
		Attributes:        map[string]string{"ApproximateReceiveCount": strconv.Itoa(receives)},
		MessageAttributes: map[string]types.MessageAttributeValue{},
	}
	for name, text := range m.Attributes {
		out.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(text)}
	}
	return out
}

// deliver hands the batch over and over, with what was not acknowledged, until
// nothing is left. It returns how often.
func deliver(t *testing.T, l *lambda, samples [][2]string) int {
	t.Helper()
	left := samples
	for receive := 1; receive <= 20; receive++ {
		var batch []types.Message
		for _, s := range left {
			batch = append(batch, message(t, s[0], s[1], receive))
		}
		failed, ok := l.invoke(t, eventsource.Event(batch))
		if !ok {
			continue
		}
		var again [][2]string
		for _, s := range left {
			if failed["id-"+s[0]] {
				again = append(again, s)
			}
		}
		if left = again; len(left) == 0 {
			return receive
		}
	}
	t.Fatalf("%d messages are not done after 20 receives", len(left))
	return 0
}

// story has every kind of remote call in it: puts, soft deletions, cascades
// and a hopeless message.
func story() [][2]string {
	return [][2]string{
		{"msg_01", "user.created"},
		{"msg_02", "organization.created"},
		{"msg_03", "organizationMembership.created"},
		{"msg_04", "organizationInvitation.created"},
		{"msg_05", "organizationDomain.created"},
		{"msg_06", "user.deleted"},
		{"msg_07", "user.updated"},
		{"msg_08", "organization.deleted"},
		{"msg_poison", "user.deleted"},
	}
}

// A death at any remote call, before it or after it, changes nothing in the
// end: what was not acknowledged comes again.
func TestDeathAtEveryCall(t *testing.T) {
	t.Parallel()
	program := build(t)
	calm := newWorld(t)
	l := newLambda(t, program, calm.env()...)
	calm.kill = l.kill
	deliver(t, l, story())
	want, wantDeliveries := live(t, calm), calm.rows(t, calm.names.Deliveries)
	if len(want) == 0 || len(wantDeliveries) != len(story())-1 {
		t.Fatalf("without a death: %d rows, %d deliveries, want some and %d", len(want), len(wantDeliveries), len(story())-1)
	}
	t.Logf("%d remote calls, a death before and after each", calm.calls)
	for _, b := range []blow{before, after} {
		for call := 1; call <= calm.calls; call++ {
			t.Run(fmt.Sprintf("%s call %d", map[blow]string{before: "before", after: "after"}[b], call), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				l := newLambda(t, program, w.env()...)
				w.kill = l.kill
				w.strike = func(n int, _ []byte) blow {
					if n == call {
						return b
					}
					return none
				}
				deliver(t, l, story())
				if d := cmp.Diff(want, live(t, w)); d != "" {
					t.Errorf("rows differ (-calm +killed):\n%s", d)
				}
				got := w.rows(t, w.names.Deliveries)
				if len(got) != len(wantDeliveries) {
					t.Errorf("%d deliveries, want %d", len(got), len(wantDeliveries))
				}
				if n := w.dead(t); len(n) != 1 || n["msg_poison"] < 1 {
					t.Errorf("dead letters = %v, want msg_poison", n)
				}
			})
		}
	}
}

// live are the rows less what order may decide about tombstones of children.
func live(t *testing.T, w *world) map[string]string {
	t.Helper()
	rows := map[string]string{}
	for key, it := range w.rows(t, w.names.Directory) {
		rows[key] = "tombstone"
		if it["deleted_at"] == "" {
			rows[key] = fmt.Sprint(it) // maps print in order
		}
	}
	return rows
}

// A message that kills its process each time neither holds back its
// neighbours nor takes them along to the dead letters.
func TestKiller(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := newLambda(t, build(t), w.env()...)
	w.kill = l.kill
	w.strike = func(_ int, body []byte) blow {
		if bytes.Contains(body, []byte(`"msg_killer"`)) {
			return before
		}
		return none
	}
	ids := []string{"msg_killer"}
	for _, name := range []string{
		"user.created.founder", "user.created", "user.created.invited", "organization.created", "role.created",
		"permission.created", "user.created.phone_only", "user.created.two_emails",
	} {
		id := fmt.Sprintf("msg_%d", len(ids))
		ids = append(ids, id)
		send(t, w, id, name)
	}
	send(t, w, "msg_killer", "user.updated")
	most := map[string]int{}
	for {
		out, err := w.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &w.queue, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			break
		}
		for _, m := range out.Messages {
			n, _ := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
			most[*m.MessageAttributes["svix-id"].StringValue] = n
		}
		failed, ok := l.invoke(t, eventsource.Event(out.Messages))
		w.ahead.Add(int64(visibility + time.Second)) // what was not deleted shows again
		for _, m := range out.Messages {
			if ok && !failed[*m.MessageId] {
				if _, err := w.queues.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &w.queue, ReceiptHandle: m.ReceiptHandle}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if dead := w.dead(t); len(dead) != 1 || dead["msg_killer"] != 1 {
		t.Errorf("dead letters = %v, want the killer alone", dead)
	}
	if got := w.rows(t, w.names.Deliveries); len(got) != len(ids)-1 {
		t.Errorf("%d deliveries, want %d", len(got), len(ids)-1)
	}
	for id, n := range most {
		// From the third receive on each has an even chance to come before the killer.
		if id != "msg_killer" && n > 18 {
			t.Errorf("%s was received %d times, want few: the killer held it back", id, n)
		}
	}
}

func send(t *testing.T, w *world, id, sample string) {
	t.Helper()
	m := message(t, id, sample, 1)
	if _, err := w.queues.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: &w.queue, MessageBody: m.Body, MessageAttributes: m.MessageAttributes,
	}); err != nil {
		t.Fatal(err)
	}
}
