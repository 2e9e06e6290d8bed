package pipeline_test

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/dynamo"
)

// count is the number of a queue's messages, hidden ones too.
func (h *harness) count(url string) (n int) {
	h.t.Helper()
	out, err := h.queues.GetQueueAttributes(h.t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"All"},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, name := range []string{
		"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed",
	} {
		i, err := strconv.Atoi(out.Attributes[name])
		if err != nil {
			h.t.Fatal(err)
		}
		n += i
	}
	return n
}

// drain waits until the queue is empty.
func (h *harness) drain() {
	h.t.Helper()
	h.until("the queue is empty", func() bool { return h.count(h.p.QueueURL) == 0 })
}

// wantDeadLetters fails unless the dead-letter queue holds so many.
func (h *harness) wantDeadLetters(want int) {
	h.t.Helper()
	if got := h.count(h.p.DeadLetterQueueURL); got != want {
		h.t.Errorf("dead letters = %d, want %d", got, want)
	}
}

// attributes are a message's, as text.
func attributes(m types.Message) map[string]string {
	out := map[string]string{}
	for name, a := range m.MessageAttributes {
		out[name] = aws.ToString(a.StringValue)
	}
	return out
}

// enqueue puts a message on a queue past ingest.
func (h *harness) enqueue(url string, m delivery.Message) {
	h.t.Helper()
	in := &sqs.SendMessageInput{
		QueueUrl: &url, MessageBody: &m.Body, MessageAttributes: map[string]types.MessageAttributeValue{},
	}
	for name, text := range m.Attributes {
		in.MessageAttributes[name] = types.MessageAttributeValue{
			DataType: aws.String("String"), StringValue: &text,
		}
	}
	if _, err := h.queues.SendMessage(h.t.Context(), in); err != nil {
		h.t.Fatal(err)
	}
}

// rows are a table's, as plain values, by key.
func (h *harness) rows(table string) map[string]map[string]any {
	h.t.Helper()
	rows := map[string]map[string]any{}
	pages := dynamodb.NewScanPaginator(h.p.DynamoDB, &dynamodb.ScanInput{
		TableName: &table, ConsistentRead: aws.Bool(true),
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(h.t.Context())
		if err != nil {
			h.t.Fatal(err)
		}
		for _, item := range out.Items {
			row := dynamo.PlainValues(item)
			rows[key(row)] = row
		}
	}
	return rows
}

// key is that of a row of either table.
func key(row map[string]any) string {
	if pk, ok := row["pk"].(string); ok {
		return pk + " " + row["sk"].(string)
	}
	return row["svix_id"].(string)
}

// row is that of a key in the Directory table, nil where none is.
func (h *harness) row(key string) map[string]any {
	h.t.Helper()
	return h.rows(h.p.DirectoryTable)[key]
}
