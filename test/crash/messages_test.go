package crash_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/internal/emulator/eventsource"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/sqsqueue"
)

// message is a message of a history.
type message struct {
	svixID, sample string
	other          bool // about Ines and Harbour Lane, where the sample is about Jonah and Lumen & Oak
}

const (
	jonah, ines           = "user_2exampleJonahAdeyemi0000000", "user_2exampleInesCalder000000000"
	lumenOak, harbourLane = "org_2exampleLumenOak00000000000", "org_2exampleHarbourLane00000000"

	// invalidMessage is a permanent error: it does not say who was deleted.
	invalidMessage = "msg_invalid"
)

// history is three batches, each sent when the one before is done. It has
// every kind of remote call in it: puts, soft deletions, cascades, late
// children, something stale and a permanent error. Jonah and Lumen & Oak are
// deleted, with a membership that is theirs, one that is of Lumen & Oak alone,
// a domain, an invitation that comes together with the deletion and one that
// comes after it. Ines, Harbour Lane and what is theirs survive.
func history() [][]message {
	return [][]message{{
		{svixID: "msg_01", sample: "user.created"},
		{svixID: "msg_02", sample: "user.created.invited"},
		{svixID: "msg_03", sample: "organization.created"},
		{svixID: "msg_04", sample: "organization.created.no_slug"},
		{svixID: "msg_05", sample: "organizationMembership.created"},
		{svixID: "msg_06", sample: "organizationMembership.created.invited"},
		{svixID: "msg_07", sample: "organizationMembership.created.invited", other: true},
		{svixID: "msg_08", sample: "organizationDomain.created"},
		{svixID: "msg_09", sample: "organizationDomain.created", other: true},
		{svixID: "msg_10", sample: "role.created"},
	}, {
		{svixID: "msg_11", sample: "user.updated"},
		{svixID: "msg_12", sample: "user.deleted"},
		{svixID: "msg_13", sample: "organization.deleted"},
		{svixID: "msg_14", sample: "organizationInvitation.revoked"},
		{svixID: "msg_15", sample: "organizationInvitation.created", other: true},
		{svixID: "msg_16", sample: "organization.updated", other: true}, // older than the creation of Harbour Lane
		{svixID: "msg_17", sample: "user.updated", other: true},
		{svixID: "msg_18", sample: "role.updated"},
		{svixID: "msg_19", sample: "permission.created"},
		{svixID: invalidMessage, sample: "user.deleted"},
	}, {
		{svixID: "msg_20", sample: "organizationInvitation.created"},
	}}
}

// survivors are the keys that are live after the history.
func survivors() []directory.Key {
	domain, invitation := "orgdmn_2exampleHarbourLaneExample", "orginv_2exampleInesHarbourLane000"
	return []directory.Key{
		directory.UserKey(ines),
		directory.OrganizationKey(harbourLane),
		directory.MembershipKey(harbourLane, ines),
		directory.MembershipOfKey(harbourLane, ines),
		directory.DomainKey(domain),
		directory.DomainOfKey(harbourLane, domain),
		directory.InvitationKey(harbourLane, invitation),
		directory.RoleKey("role_2exampleProducer00000000000"),
		directory.RoleByKeyKey("org:producer", "role_2exampleProducer00000000000"),
		directory.PermissionKey("perm_2exampleOrdersApprove000000"),
	}
}

// body is what Clerk sends.
func (m message) body(t *testing.T) []byte {
	t.Helper()
	if m.svixID == invalidMessage {
		return []byte(`{"type":"user.deleted","data":{"deleted":true}}`)
	}
	body, err := events.Body(m.sample)
	if err != nil {
		t.Fatal(err)
	}
	if !m.other {
		return body
	}
	return []byte(strings.NewReplacer(
		jonah, ines, lumenOak, harbourLane,
		"orgmem_2exampleInesLumenOak0000000", "orgmem_2exampleInesHarbourLane0000",
		"orgdmn_2exampleLumenOakExample0000", "orgdmn_2exampleHarbourLaneExample",
		"orginv_2exampleInesCalder000000000", "orginv_2exampleInesHarbourLane000",
	).Replace(string(body)))
}

// send puts the messages into the queue as ingest does.
func (e *environment) send(t *testing.T, messages []message) {
	t.Helper()
	for _, m := range messages {
		d := delivery.Delivery{
			SvixID:        m.svixID,
			SvixTimestamp: "1772447460",
			EventType:     m.sample,
			Body:          m.body(t),
			ReceivedAt:    time.Date(2026, 3, 2, 10, 31, 0, 0, time.UTC),
		}
		if err := sqsqueue.NewSender(e.queues, e.queueURL).Send(t.Context(), d.Encode()); err != nil {
			t.Fatal(err)
		}
	}
}

// receive returns a batch of what is visible, in the order of svix ids from
// the last to the first: SQS promises no order, so a poison message may be the
// first, which is the worst.
func (e *environment) receive(t *testing.T, queueURL string) []types.Message {
	t.Helper()
	messages := emulatortest.Receive(t, e.queues, queueURL)
	slices.SortFunc(messages, func(a, b types.Message) int { return strings.Compare(svixID(b), svixID(a)) })
	return messages
}

func svixID(m types.Message) string { return *m.MessageAttributes[delivery.AttrSvixID].StringValue }

// processed is how messages went through the queue.
type processed struct {
	receives map[string]int        // by svix id
	ends     map[invocationEnd]int // how many invocations ended in which way
}

// processAll sends the messages and does what Lambda's event source mapping
// does until the queue is empty: every message is done or among the dead
// letters.
func (e *environment) processAll(t *testing.T, l *lambda, messages []message) processed {
	t.Helper()
	e.send(t, messages)
	p := processed{receives: map[string]int{}, ends: map[invocationEnd]int{}}
	for alone := 0; ; e.skipVisibilityTimeout() {
		batch := e.receive(t, e.queueURL)
		if len(batch) == 0 {
			return p
		}
		for _, m := range batch {
			// SQS documents a number.
			p.receives[svixID(m)], _ = strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
		}
		if len(batch) == 1 && len(messages) > 1 {
			alone++
		}
		if alone > triesAlone {
			continue
		}
		failed, end := l.invoke(t, eventsource.Event(batch))
		p.ends[end]++
		if end == answered {
			e.deleteExcept(t, batch, failed)
		}
	}
}

// triesAlone is how often a message is tried when it is the only one that is
// left. What follows would be more of the same and is left out: the message is
// received without an invocation until the queue moves it to the dead letters.
const triesAlone = 2

// deleteExcept deletes the messages of a batch that did not fail.
func (e *environment) deleteExcept(t *testing.T, batch []types.Message, failed map[string]bool) {
	t.Helper()
	for _, m := range batch {
		if failed[*m.MessageId] {
			continue
		}
		in := &sqs.DeleteMessageInput{QueueUrl: &e.queueURL, ReceiptHandle: m.ReceiptHandle}
		if _, err := e.queues.DeleteMessage(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
}
