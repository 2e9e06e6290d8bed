// Package syncfn is the function behind the queue: it turns a batch of SQS
// messages into the records that pkg/consumer works on, and names those that
// failed, so that SQS delivers them again and no others.
//
// One message never holds back or repeats its neighbors: Invoke returns an error,
// which would repeat the whole batch, only where the batch cannot be decoded.
//
//   - syncfn.go: the shapes of Lambda's events and answers
//   - observer.go: what is logged and counted of a message
//   - tables.go: what is counted of the requests to the tables
package syncfn

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/lambdafn"
)

// Handler serves an SQS event source mapping with ReportBatchItemFailures. It is
// a lambda.Handler.
type Handler struct {
	// Consumer is nil where the function is not configured: every message fails
	// and is delivered again.
	Consumer *consumer.Consumer
	Metrics  *lambdafn.Metrics // nil writes none
}

// batch has the fields of an SQS event that are read:
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
type batch struct {
	Records []struct {
		MessageID     string            `json:"messageId"`
		ReceiptHandle string            `json:"receiptHandle"`
		Body          string            `json:"body"`
		Attributes    map[string]string `json:"attributes"`
		Message       map[string]struct {
			DataType    string `json:"dataType"`
			StringValue string `json:"stringValue"`
			BinaryValue string `json:"binaryValue"` // base64
		} `json:"messageAttributes"`
	} `json:"Records"`
}

// response names the messages that failed. SQS deletes all the others, so an
// empty list says that every message is done.
type response struct {
	Failures []failure `json:"batchItemFailures"`
}

type failure struct {
	MessageID string `json:"itemIdentifier"`
}

// Invoke handles one batch.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var in batch
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, fmt.Errorf("decode the batch: %w", err)
	}
	failed := h.handle(ctx, in.records())
	// Lambda freezes the process after the answer: the metrics go before it.
	h.Metrics.Flush()
	out := response{Failures: []failure{}}
	for _, id := range failed {
		out.Failures = append(out.Failures, failure{id})
	}
	return json.Marshal(out)
}

// handle returns the message ids of the records that failed.
func (h *Handler) handle(ctx context.Context, records []delivery.Record) (failed []string) {
	if h.Consumer != nil {
		return h.Consumer.Handle(ctx, records)
	}
	for _, r := range records {
		failed = append(failed, r.MessageID)
		h.Metrics.Count(lambdafn.MetricBatchSize, lambdafn.MetricFailed)
	}
	return failed
}

// records returns the messages as the consumer takes them. The number of receives
// decides how a message is retried: one without a count, from an event made by
// hand, counts as received for the first time.
func (in batch) records() []delivery.Record {
	records := make([]delivery.Record, len(in.Records))
	for i, m := range in.Records {
		r := delivery.Record{
			MessageID: m.MessageID, Receipt: m.ReceiptHandle, Body: m.Body,
			Attributes: make(map[string]delivery.Attribute, len(m.Message)),
		}
		r.Receives, _ = strconv.Atoi(m.Attributes["ApproximateReceiveCount"]) // 0 for an error
		r.Receives = max(r.Receives, 1)
		for name, a := range m.Message {
			b, _ := base64.StdEncoding.DecodeString(a.BinaryValue) // as SQS wrote it
			r.Attributes[name] = delivery.Attribute{DataType: a.DataType, Text: a.StringValue, Binary: b}
		}
		records[i] = r
	}
	return records
}
