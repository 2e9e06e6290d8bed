package lambdafn

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
)

// Sync serves an SQS event source mapping with ReportBatchItemFailures. It is
// a lambda.Handler.
type Sync struct {
	// Consumer is nil where the function is not configured: every message
	// fails and comes again.
	Consumer *consumer.Consumer
	Metrics  *Metrics // nil writes none
}

// batch are the fields of an SQS event that are read:
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

type failures struct {
	Items []item `json:"batchItemFailures"`
}

type item struct {
	ID string `json:"itemIdentifier"` // SQS's message id
}

// Invoke handles one batch.
func (h *Sync) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var in batch
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, fmt.Errorf("decode the batch: %w", err)
	}
	records := in.records()
	var failed []string
	if h.Consumer != nil {
		failed = h.Consumer.Handle(ctx, records)
	} else {
		for _, r := range records {
			failed = append(failed, r.MessageID)
			h.Metrics.Message(ctx, consumer.Report{Outcome: consumer.Failed})
		}
	}
	h.Metrics.Flush()
	out := failures{Items: []item{}}
	for _, id := range failed {
		out.Items = append(out.Items, item{id})
	}
	return json.Marshal(out)
}

func (in batch) records() []delivery.Record {
	records := make([]delivery.Record, len(in.Records))
	for i, m := range in.Records {
		r := delivery.Record{
			MessageID: m.MessageID, Receipt: m.ReceiptHandle, Body: m.Body,
			Attributes: make(map[string]delivery.Attribute, len(m.Message)),
		}
		r.Receives, _ = strconv.Atoi(m.Attributes["ApproximateReceiveCount"]) // 0 for what was made by hand
		r.Receives = max(r.Receives, 1)
		for name, a := range m.Message {
			b, _ := base64.StdEncoding.DecodeString(a.BinaryValue) // as SQS wrote it
			r.Attributes[name] = delivery.Attribute{DataType: a.DataType, Text: a.StringValue, Binary: b}
		}
		records[i] = r
	}
	return records
}
