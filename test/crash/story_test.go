package crash_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/internal/emulator/eventsource"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// telling is one message of a story.
type telling struct {
	id, sample string
	other      bool // of Ines and Harbour Lane, where the sample is of Jonah and Lumen & Oak
}

const (
	jonah, ines           = "user_2exampleJonahAdeyemi0000000", "user_2exampleInesCalder000000000"
	lumenOak, harbourLane = "org_2exampleLumenOak00000000000", "org_2exampleHarbourLane00000000"
)

// story is told in three batches, each when the one before is done. It has
// every kind of remote call in it: puts, soft deletions, cascades, late
// children, something stale and a hopeless message. Jonah and Lumen & Oak are
// deleted, with a membership that is theirs, one that is of Lumen & Oak alone,
// a domain, an invitation that comes together with the deletion and one that
// comes after it. Ines, Harbour Lane and what is theirs survive.
func story() [][]telling {
	return [][]telling{{
		{id: "msg_01", sample: "user.created"},
		{id: "msg_02", sample: "user.created.invited"},
		{id: "msg_03", sample: "organization.created"},
		{id: "msg_04", sample: "organization.created.no_slug"},
		{id: "msg_05", sample: "organizationMembership.created"},
		{id: "msg_06", sample: "organizationMembership.created.invited"},
		{id: "msg_07", sample: "organizationMembership.created.invited", other: true},
		{id: "msg_08", sample: "organizationDomain.created"},
		{id: "msg_09", sample: "organizationDomain.created", other: true},
		{id: "msg_10", sample: "role.created"},
	}, {
		{id: "msg_11", sample: "user.updated"},
		{id: "msg_12", sample: "user.deleted"},
		{id: "msg_13", sample: "organization.deleted"},
		{id: "msg_14", sample: "organizationInvitation.revoked"},
		{id: "msg_15", sample: "organizationInvitation.created", other: true},
		{id: "msg_16", sample: "organization.updated", other: true}, // older than the creation of Harbour Lane
		{id: "msg_17", sample: "user.updated", other: true},
		{id: "msg_18", sample: "role.updated"},
		{id: "msg_19", sample: "permission.created"},
		{id: "msg_poison", sample: "user.deleted"},
	}, {
		{id: "msg_20", sample: "organizationInvitation.created"},
	}}
}

// survivors are the keys that are live when the story is told.
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
		directory.PermissionKey("perm_2exampleOrdersApprove000000"),
	}
}

// message is the telling as SQS hands it out.
func (m telling) message(t *testing.T, receives int) types.Message {
	t.Helper()
	body, err := events.Body(m.sample)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case m.id == "msg_poison":
		body = []byte(`{"type":"user.deleted","data":{"deleted":true}}`)
	case m.other:
		body = []byte(strings.NewReplacer(
			jonah, ines, lumenOak, harbourLane,
			"orgmem_2exampleInesLumenOak0000000", "orgmem_2exampleInesHarbourLane0000",
			"orgdmn_2exampleLumenOakExample0000", "orgdmn_2exampleHarbourLaneExample",
			"orginv_2exampleInesCalder000000000", "orginv_2exampleInesHarbourLane000",
		).Replace(string(body)))
	}
	e := delivery.Delivery{
		SvixID: m.id, SvixTimestamp: "1772447460", EventType: m.sample, Body: body,
		ReceivedAt: time.Date(2026, 3, 2, 10, 31, 0, 0, time.UTC),
	}.Encode()
	out := types.Message{
		MessageId: aws.String("id-" + m.id), ReceiptHandle: aws.String("receipt-" + m.id), Body: &e.Body,
		Attributes:        map[string]string{"ApproximateReceiveCount": strconv.Itoa(receives)},
		MessageAttributes: map[string]types.MessageAttributeValue{},
	}
	for name, text := range e.Attributes {
		out.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(text)}
	}
	return out
}

// deliver hands each batch over and over, with what was not acknowledged,
// until nothing is left.
func deliver(t *testing.T, l *lambda, batches ...[]telling) {
	t.Helper()
	for _, left := range batches {
		for receive := 1; len(left) > 0; receive++ {
			if receive > 20 {
				t.Fatalf("%d messages are not done after 20 receives", len(left))
			}
			var batch []types.Message
			for _, m := range left {
				batch = append(batch, m.message(t, receive))
			}
			failed, how := l.invoke(t, eventsource.Event(batch))
			switch how {
			case died: // all of it comes again
				continue
			case late:
				t.Fatal("the function does not answer")
			case answered:
			}
			var again []telling
			for _, m := range left {
				if failed["id-"+m.id] {
					again = append(again, m)
				}
			}
			left = again
		}
	}
}
