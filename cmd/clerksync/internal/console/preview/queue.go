package preview

import (
	"context"

	"github.com/clerksync/clerksync/pkg/delivery"
)

// queue is both ends of the queue: what ingest sends comes to the consumer at
// once, as what it puts back does. A message that fails stays failed: nothing
// comes again by itself.
type queue struct{ records []delivery.Record }

// Send is for ingest.
func (q *queue) Send(_ context.Context, m delivery.Message) error {
	id := m.Attributes[delivery.AttrSvixID] // there is one message at a time, so this tells it, too
	r := delivery.Record{
		MessageID: id, Receipt: id, Receives: 1, Body: m.Body, Attributes: map[string]delivery.Attribute{},
	}
	for name, text := range m.Attributes {
		r.Attributes[name] = delivery.Attribute{DataType: "String", Text: text}
	}
	q.records = append(q.records, r)
	return nil
}

// The rest is for the consumer.

func (*queue) DeadLetter(context.Context, delivery.Record, string) error { return nil }
func (*queue) Acknowledge(context.Context, []delivery.Record) error      { return nil }
func (*queue) Delay(context.Context, []delivery.Delay) error             { return nil }

// Requeue is for a deletion that goes on from a position.
func (q *queue) Requeue(_ context.Context, r delivery.Record, position string) error {
	r.Attributes[delivery.AttrPosition] = delivery.Attribute{
		DataType: "String", Text: delivery.EncodePosition(position),
	}
	q.records = append(q.records, r)
	return nil
}
