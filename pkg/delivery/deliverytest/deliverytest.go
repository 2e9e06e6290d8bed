// Package deliverytest builds records of the queue for tests.
package deliverytest

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

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

// Event is the batch of these records as Lambda hands it to sync.
func Event(records ...delivery.Record) []byte {
	var batch events.SQSEvent
	for _, r := range records {
		m := events.SQSMessage{
			MessageId: r.MessageID, ReceiptHandle: r.Receipt, Body: r.Body,
			Attributes:        map[string]string{"ApproximateReceiveCount": strconv.Itoa(r.Receives)},
			MessageAttributes: map[string]events.SQSMessageAttribute{},
		}
		for name, a := range r.Attributes {
			m.MessageAttributes[name] = events.SQSMessageAttribute{DataType: a.DataType, StringValue: &a.Text}
		}
		batch.Records = append(batch.Records, m)
	}
	text, _ := json.Marshal(batch) // it holds texts alone
	return text
}
