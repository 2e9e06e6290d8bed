package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/svix"
)

const (
	// testType has no projection, so that nothing of it is kept.
	testType = "clerksync.test"
	// deletionType goes the whole way with the least data: a tombstone. Roles
	// have no children, so that nothing else is looked for or ended.
	deletionType = "role.deleted"
	askEvery     = 200 * time.Millisecond
)

// testEvent is an event as Clerk sends it.
type testEvent struct {
	Data struct {
		ID      string `json:"id,omitempty"`
		Object  string `json:"object,omitempty"`
		Deleted bool   `json:"deleted,omitempty"`
	} `json:"data"`
	InstanceID string `json:"instance_id,omitempty"`
	Object     string `json:"object"`
	Timestamp  int64  `json:"timestamp"`
	Type       string `json:"type"`
}

// send signs an event by the endpoint's clock, so that a clock that is off is
// found by its own check alone.
func (d *doctor) send(ctx context.Context, e testEvent) (id string, r reply, err error) {
	at := d.now().Add(d.skew)
	e.Object, e.Timestamp = "event", at.UnixMilli()
	body, err := json.Marshal(e)
	if err != nil {
		return "", r, fmt.Errorf("encode the test event: %w", err)
	}
	h := svix.Headers{ID: "msg_clerksyncdoctor" + letters(idLength), Timestamp: strconv.FormatInt(at.Unix(), 10)}
	h.Signature = d.secrets.Sign(h.ID, h.Timestamp, body)
	r, err = d.call(ctx, body, h)
	return h.ID, r, err
}

// unsendable says why no signed event can be sent.
func (d *doctor) unsendable() (verdict, bool) {
	switch {
	case d.c.Bool("no-send"):
		return skip("--no-send"), true
	case !d.touched:
		return skip("the endpoint is not as it should be"), true
	case d.secrets == nil:
		return skip("no secret to sign with"), true
	}
	return verdict{}, false
}

// signature checks that the endpoint takes what our secret signs.
func (d *doctor) signature(ctx context.Context) verdict {
	if v, ok := d.unsendable(); ok {
		return v
	}
	_, r, err := d.send(ctx, testEvent{Type: testType})
	if err != nil {
		return fail("ask again", "%v", err)
	}
	if d.signed = r.status == http.StatusOK && r.body.Ignored != ""; d.signed {
		return pass("an event that the secret from %s signed is taken. That Clerk signs with the same one, only Clerk's own message shows: Send example on the endpoint's Testing tab", d.from)
	}
	return refused(r, d.from)
}

// refused judges an answer to a signed event that is not as it should be.
func refused(r reply, from string) verdict {
	said := fmt.Sprintf("%d %s", r.status, r.body.Error)
	switch r.body.Error {
	case "invalid_signature":
		return fail("which is the dashboard's, Webhooks, the endpoint, Signing Secret? Put that one there: clerksync secret set; a running stack reads it within 5 minutes",
			"the endpoint verifies with another secret than the one from %s (%s)", from, said)
	case "invalid_timestamp":
		return fail("set the clock by NTP", "the endpoint's clock is off by more than 5 minutes (%s)", said)
	case "not_configured":
		return fail("clerksync secret check; may the function read the parameter, and decrypt it?", "the endpoint has no secret (%s)", said)
	case "unavailable":
		return fail("may ingest send to the queue, and is the queue there? See ingest's log", "the queue did not take the event (%s)", said)
	}
	if r.status == http.StatusOK {
		return fail("is the URL clerksync's?", "an event of no known type was not told to be ignored: %s", r.text[:min(len(r.text), 200)])
	}
	return fail("see ingest's log", "a signed event is refused (%d %s)", r.status, r.text[:min(len(r.text), 200)])
}

// wayThrough sends the deletion of a role that never was and waits for its
// tombstone.
func (d *doctor) wayThrough(ctx context.Context) verdict {
	if v, ok := d.unsendable(); ok {
		return v
	}
	if !d.signed {
		return skip("no signed event is taken")
	}
	e := testEvent{Type: deletionType, InstanceID: d.c.String("instance")}
	if e.InstanceID == "" {
		if allowed := d.allowed(); len(allowed) > 0 {
			e.InstanceID = allowed[0]
		}
	}
	e.Data.ID, e.Data.Object, e.Data.Deleted = "role_clerksyncdoctor"+letters(idLength), "role", true
	began := time.Now()
	id, r, err := d.send(ctx, e)
	switch {
	case err != nil:
		return fail("ask again", "%v", err)
	case r.status == http.StatusOK && r.body.Ignored == "instance":
		return skip("the endpoint takes one Clerk instance only: name it with --instance ins_...")
	case r.status != http.StatusOK || r.body.Ignored != "":
		return refused(r, d.from)
	}
	client := dynamodb.NewFromConfig(d.aws)
	rows := &reader{client, d.DirectoryTable, d.DeliveriesTable}
	for {
		found, err := rows.delivery(ctx, id)
		if err != nil {
			return d.unknown(err, "dynamodb:GetItem")
		}
		if len(found) > 0 {
			took := time.Since(began).Round(10 * time.Millisecond)
			if err := sweep(ctx, client, d.place, id, directory.RoleKey(e.Data.ID)); err != nil {
				return warn("delete the two by hand, or leave them: the record expires, and a tombstone is never seen", "an event came through in %s, and %s", took, firstLine(err))
			}
			return pass("an event came through to the table in %s, and its two rows are deleted again", took)
		}
		if time.Since(began) > d.c.Duration("wait") {
			return fail(fmt.Sprintf("see event-source and queue above, and sync's log; clerksync get delivery %s%s says what becomes of it. It leaves a tombstone that no query for live rows sees", id, d.stackFlag()),
				"the endpoint took an event (%s), and after %s it is not in the table", id, d.c.Duration("wait"))
		}
		select {
		case <-ctx.Done():
			return fail("ask again", "interrupted")
		case <-time.After(askEvery):
		}
	}
}

// sweep deletes the two rows of our event: the tombstone first, and only if it
// is ours, so that an event which comes again meanwhile is a duplicate.
func sweep(ctx context.Context, client *dynamodb.Client, p *place, id string, k directory.Key) error {
	if _, err := client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:                 &p.DirectoryTable,
		Key:                       map[string]types.AttributeValue{"pk": stringValue(k.PK), "sk": stringValue(k.SK)},
		ConditionExpression:       aws.String("svix_id = :id"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":id": stringValue(id)},
	}); err != nil {
		return fmt.Errorf("its tombstone %s could not be deleted: %w", k.PK, err)
	}
	if _, err := client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &p.DeliveriesTable, Key: map[string]types.AttributeValue{"svix_id": stringValue(id)},
	}); err != nil {
		return fmt.Errorf("its record %s could not be deleted: %w", id, err)
	}
	return nil
}
