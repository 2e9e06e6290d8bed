// Package deliverytest builds records of the queue for tests.
package deliverytest

import (
	"time"

	"github.com/clerksync/clerksync/pkg/delivery"
)

// Record is the record in which SQS first hands out the webhook of that svix
// id. Its SQS message id and its receipt are made of the svix id and differ
// from it.
func Record(svixID, eventType, body string) delivery.Record {
	return RecordOf(delivery.Delivery{
		SvixID:        svixID,
		SvixTimestamp: "1772447460",
		EventType:     eventType,
		ReceivedAt:    time.Date(2026, 3, 2, 10, 31, 1, 0, time.UTC),
		Body:          []byte(body),
	}.Encode())
}

// RecordOf is the record in which SQS first hands out the message.
func RecordOf(m delivery.Message) delivery.Record {
	r := m.Record()
	r.MessageID, r.Receipt = "sqs-"+r.MessageID, "receipt-"+r.Receipt
	return r
}
