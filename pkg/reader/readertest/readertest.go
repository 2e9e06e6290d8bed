// Package readertest is what pkg/reader promises, as a suite for any engine. The
// rows are written by the consumer from webhooks, as in a deployment.
package readertest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/delivery/deliverytest"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
	"github.com/clerksync/clerksync/pkg/projector"
)

// Base is the time from which the times of events count, in Unix milliseconds.
const Base = 1_772_000_000_000

// SyncedAt is when every row is written.
func SyncedAt() time.Time { return time.UnixMilli(Base).UTC().AddDate(0, 0, 1) }

// Sync is a consumer that applies webhooks to a pair of tables.
type Sync struct {
	consumer *consumer.Consumer
	failure  error // of the last message
	sent     int
}

// noQueue is never asked: a message that fails is an error of the test.
type noQueue struct{ consumer.Queue }

func (noQueue) Delay(context.Context, []delivery.Delay) error { return nil }

// NewSync returns a Sync for the tables.
func NewSync(client *dynamodb.Client, names dynamotest.Names, policy consumer.DeletionPolicy) *Sync {
	s := &Sync{}
	s.consumer = consumer.New(consumer.Config{
		Table: dynamo.New(client, names.Directory, names.Deliveries), Queue: noQueue{},
		Projector: projector.New(projector.StoreFull), Policy: policy, Retention: time.Hour,
		Now: SyncedAt, Random: func() float64 { return 0 },
		Observe: func(_ context.Context, r consumer.Report) { s.failure = r.Err },
		Warn:    func(context.Context, string, error) {},
	})
	return s
}

// Apply applies the webhook bodies one after the other, under the svix ids
// msg_0001, msg_0002 and so on.
func (s *Sync) Apply(ctx context.Context, bodies ...string) error {
	for _, body := range bodies {
		s.sent++
		record := deliverytest.Record(fmt.Sprintf("msg_%04d", s.sent), "any", body)
		failed := s.consumer.Handle(ctx, []delivery.Record{record})
		if err := s.failure; len(failed) > 0 || err != nil {
			return errors.Join(fmt.Errorf("apply %s: not applied", body), err)
		}
	}
	return nil
}

// Event is a webhook's body. at is its envelope's time after Base, and more are
// the members of its data, without braces.
func Event(eventType, instance string, at int64, more ...string) string {
	return fmt.Sprintf(`{"type":%q,"object":"event","timestamp":%d,"instance_id":%q,"data":{%s}}`,
		eventType, Base+at, instance, strings.Join(more, ","))
}

// User is an event about a user, who was updated at that time.
func User(what, instance, id string, at int64, more ...string) string {
	more = append([]string{fmt.Sprintf(`"id":%q,"updated_at":%d`, id, Base+at)}, more...)
	return Event("user."+what, instance, at, more...)
}

// Email is the member of a user's data that makes this the primary address.
func Email(address string) string {
	return fmt.Sprintf(`"email_addresses":[{"id":"idn_1","email_address":%q,`+
		`"verification":{"status":"verified"}}]`, address)
}

// Member is an event about a membership that was created at Base.
func Member(what, instance, org, user, role string, at int64) string {
	return Event("organizationMembership."+what, instance, at, fmt.Sprintf(
		`"id":"orgmem_%s_%s","created_at":%d,"updated_at":%d,"role":%q,"role_name":"Role",`+
			`"permissions":["org:copied:in"],"organization":{"id":%q},"public_user_data":{"user_id":%q}`,
		org, user, Base, Base+at, role, org, user))
}

// Role is an event about a role, which has the permissions.
func Role(what, instance, id, key string, at int64, permissions ...string) string {
	var objects []string
	for _, p := range permissions {
		objects = append(objects, fmt.Sprintf(`{"key":%q}`, p))
	}
	return Event("role."+what, instance, at, fmt.Sprintf(`"id":%q,"key":%q,"updated_at":%d,"permissions":[%s]`,
		id, key, Base+at, strings.Join(objects, ",")))
}
