package order

import (
	"context"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
)

// Queue is both ends of a queue for one message at a time: what is sent comes to
// the consumer at once, as what it puts back does. A message that fails stays
// failed: nothing comes again by itself.
type Queue struct{ records []delivery.Record }

// Drain lets the consumer handle what is on the queue, and what it puts there again.
func (q *Queue) Drain(ctx context.Context, c *consumer.Consumer) {
	for len(q.records) > 0 {
		next := q.records
		q.records = nil
		c.Handle(ctx, next)
	}
}

// Send is for ingest.
func (q *Queue) Send(_ context.Context, m delivery.Message) error {
	q.records = append(q.records, m.Record())
	return nil
}

// DeadLetter keeps nothing: the consumer's report says that the message is dead.
func (*Queue) DeadLetter(context.Context, delivery.Record, string) error { return nil }

// Acknowledge has nothing to delete.
func (*Queue) Acknowledge(context.Context, []delivery.Record) error { return nil }

// Delay keeps nothing: the consumer's report says that the message failed.
func (*Queue) Delay(context.Context, []delivery.Delay) error { return nil }

// Requeue is for a deletion that goes on from a position.
func (q *Queue) Requeue(_ context.Context, r delivery.Record, position string) error {
	r.Attributes[delivery.AttrPosition] = delivery.Attribute{
		DataType: "String", Text: delivery.EncodePosition(position),
	}
	q.records = append(q.records, r)
	return nil
}
