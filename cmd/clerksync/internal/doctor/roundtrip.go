package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/ingest"
)

const (
	// testType has no projection, so that nothing of the event is kept.
	testType = "clerksync.test"
	// deletionType goes the whole way with the least data: a tombstone. A role has
	// no children, so sync looks for nothing else to delete.
	deletionType = "role.deleted"
	// idPrefix makes our rows easy to tell from Clerk's.
	idPrefix = "clerksyncdoctor"

	pollInterval = 200 * time.Millisecond
)

// testEvent is an event as Clerk sends it.
type testEvent struct {
	Data       testData `json:"data"`
	InstanceID string   `json:"instance_id,omitempty"`
	Object     string   `json:"object"`
	Timestamp  int64    `json:"timestamp"`
	Type       string   `json:"type"`
}

type testData struct {
	ID      string `json:"id,omitempty"`
	Object  string `json:"object,omitempty"`
	Deleted bool   `json:"deleted,omitempty"`
}

// prober sends events to the webhook.
type prober struct {
	url      string
	names    deployment.Names
	endpoint endpoint
	secret   *signingSecret // nil for none
	now      func() time.Time
}

// cannotSend is the verdict of a check that would send a signed event and may
// not, or cannot.
func (p prober) cannotSend(o Options) (v Verdict, yes bool) {
	switch {
	case o.NoSend:
		return skip("--no-send"), true
	case !p.endpoint.refusesUnsigned:
		return skip("the endpoint is not as it should be"), true
	case p.secret == nil:
		return skip("no secret to sign with"), true
	}
	return v, false
}

// send signs an event by the endpoint's clock, so that a clock that is off is
// found by its own check alone.
func (p prober) send(ctx context.Context, e testEvent) (id string, a webhook.Answer, err error) {
	r := webhook.Request{ID: webhook.RandomID("msg_" + idPrefix)}
	if p.endpoint.skew != nil {
		r.Skew = *p.endpoint.skew
	}
	e.Object, e.Timestamp = "event", p.now().Add(r.Skew).UnixMilli()
	if r.Body, err = json.Marshal(e); err != nil {
		return "", a, fmt.Errorf("encode the test event: %w", err)
	}
	h, body := webhook.Signer{Secrets: p.secret.secrets, Now: p.now}.Sign(r)
	a, err = webhook.Post(ctx, p.url, h, body)
	return r.ID, a, err
}

// checkSignature checks that the endpoint accepts what our secret signs.
func checkSignature(ctx context.Context, o Options, p prober) (accepted bool, v Verdict) {
	if v, yes := p.cannotSend(o); yes {
		return false, v
	}
	_, answer, err := p.send(ctx, testEvent{Type: testType})
	switch {
	case err != nil:
		return false, fail("ask again", "%v", err)
	case answer.Status != http.StatusOK || readReply(answer).Ignored == "":
		return false, judgeSigned(answer, p)
	}
	return true, pass("an event that the secret from %s signed is taken. That Clerk signs with the same one, "+
		"only Clerk's own message shows: Send example on the endpoint's Testing tab", p.secret.from)
}

// judgeSigned judges an answer to a signed event that is not as it should be.
func judgeSigned(a webhook.Answer, p prober) Verdict {
	code, from := readReply(a).Error, p.secret.from
	said := fmt.Sprintf("%d %s", a.Status, code)
	switch code {
	case ingest.ReasonInvalidSignature:
		mend := "which is the dashboard's, Webhooks, the endpoint, Signing Secret? Put that one there: " +
			"clerksync secret set" + p.names.Flags() + "; a running stack reads it within 5 minutes"
		if p.names.Local() { // which reads no parameter
			mend = "clerksync dev keeps the secret that it began with: start it again with this one (--secret), " +
				"or leave this one out"
		}
		return fail(mend, "the endpoint verifies with another secret than the one from %s (%s)", from, said)
	case ingest.ReasonInvalidTimestamp:
		return fail("set the clock by NTP", "the endpoint's clock is off by more than 5 minutes (%s)", said)
	case ingest.ReasonNotConfigured:
		return judgeNotConfigured(said, p.names)
	case ingest.ReasonUnavailable:
		return fail("may ingest send to the queue, and is the queue there? See ingest's log",
			"the queue did not take the event (%s)", said)
	}
	if a.Status == http.StatusOK {
		return fail("is the URL clerksync's?", "an event of no known type was not ignored (%s)", quote(a))
	}
	return fail("see ingest's log", "a signed event is refused (%s)", quote(a))
}

// checkWayThrough sends the deletion of a role that never existed, waits for its
// tombstone and deletes what it left. accepted is checkSignature's result: an
// endpoint that refused one event of ours would refuse this one for the same
// reason.
func checkWayThrough(ctx context.Context, o Options, d *deployment.Deployment, p prober, accepted bool) Verdict {
	if d == nil {
		return notFound()
	}
	if v, yes := p.cannotSend(o); yes {
		return v
	}
	if !accepted {
		return skip("no signed event is taken")
	}
	e := testEvent{Type: deletionType, InstanceID: o.Instance}
	if allowed := o.allowedInstances(d); e.InstanceID == "" && len(allowed) > 0 {
		e.InstanceID = allowed[0]
	}
	e.Data = testData{ID: webhook.RandomID("role_" + idPrefix), Object: "role", Deleted: true}
	began := time.Now()
	id, answer, err := p.send(ctx, e)
	switch r := readReply(answer); {
	case err != nil:
		return fail("ask again", "%v", err)
	case answer.Status == http.StatusOK && r.Ignored == ingest.ReasonInstance:
		return skip("the endpoint takes one Clerk instance only: name it with --instance ins_...")
	case answer.Status != http.StatusOK || r.Ignored != "":
		return judgeSigned(answer, p)
	}
	found, err := awaitDelivery(ctx, d, id, began.Add(o.Wait))
	took := time.Since(began).Round(10 * time.Millisecond)
	switch {
	case err != nil:
		return couldNotRead(d, err, "dynamodb:GetItem")
	case !found:
		return fail(fmt.Sprintf("see event-source and queue above, and sync's log; clerksync get delivery %s%s says "+
			"what happened to it. It leaves a tombstone that no query for live rows sees", id, d.Names.TableFlags()),
			"the endpoint took an event (%s), and after %s it is not in the table", id, o.Wait)
	}
	if err := deleteTraces(ctx, d, id, directory.RoleKey(e.Data.ID)); err != nil {
		return warn("delete the two by hand, or leave them: the record expires, and a tombstone is never seen",
			"an event came through in %s, and %s", took, firstLine(err))
	}
	return pass("an event came through to the table in %s, and its two rows are deleted again", took)
}

// awaitDelivery waits until the message is in the Deliveries table, which shows
// it in the same transaction as its tombstone.
func awaitDelivery(ctx context.Context, d *deployment.Deployment, id string, until time.Time) (found bool, err error) {
	for {
		rows, err := d.Rows().Delivery(ctx, id)
		if err != nil || len(rows) > 0 {
			return err == nil, err
		}
		if time.Now().After(until) {
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, terminal.ErrInterrupted
		case <-time.After(pollInterval):
		}
	}
}

// deleteTraces deletes the two rows of our event. The tombstone goes first, and
// only if it is ours: if SQS delivers the event again in between, its entry in
// the Deliveries table still makes that a duplicate.
func deleteTraces(ctx context.Context, d *deployment.Deployment, id string, k directory.Key) error {
	svixID := &types.AttributeValueMemberS{Value: id}
	if err := deleteRow(ctx, d, &dynamodb.DeleteItemInput{
		TableName:                 &d.DirectoryTable,
		Key:                       dynamo.Key(k),
		ConditionExpression:       aws.String("svix_id = :id"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":id": svixID},
	}); err != nil {
		return fmt.Errorf("its tombstone %s could not be deleted: %w", k.PK, err)
	}
	if err := deleteRow(ctx, d, &dynamodb.DeleteItemInput{
		TableName: &d.DeliveriesTable, Key: map[string]types.AttributeValue{"svix_id": svixID},
	}); err != nil {
		return fmt.Errorf("its record %s could not be deleted: %w", id, err)
	}
	return nil
}

// deleteRow wants proof that the table gave the answer: without it the row may
// still be there.
func deleteRow(ctx context.Context, d *deployment.Deployment, in *dynamodb.DeleteItemInput) error {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := dynamodb.NewFromConfig(d.AWS).DeleteItem(ctx, in)
	if err != nil {
		return err //nolint:wrapcheck // the caller names the row
	}
	return dynamo.Confirm(out.ConsumedCapacity, *in.TableName) //nolint:wrapcheck // as above
}
