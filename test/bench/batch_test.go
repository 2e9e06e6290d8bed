package bench_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/delivery"
)

// record is a delivery as the event source hands it to sync.
type record struct {
	MessageID     string                       `json:"messageId"`
	ReceiptHandle string                       `json:"receiptHandle"`
	Body          string                       `json:"body"`
	Attributes    map[string]string            `json:"attributes"`
	Message       map[string]map[string]string `json:"messageAttributes"`
}

func newRecord(id, eventType, body string) record {
	m := delivery.Delivery{
		SvixID: "msg_" + id, SvixTimestamp: "1767225600", EventType: eventType,
		ReceivedAt: time.Unix(1767225600, 0), Body: []byte(body),
	}.Encode()
	r := record{
		MessageID: id, ReceiptHandle: id, Body: m.Body,
		Attributes: map[string]string{"ApproximateReceiveCount": "1"}, Message: map[string]map[string]string{},
	}
	for name, text := range m.Attributes {
		r.Message[name] = map[string]string{"dataType": "String", "stringValue": text}
	}
	return r
}

func encode(tb testing.TB, records ...record) []byte {
	tb.Helper()
	out, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// batchEvent holds n distinct users, 2 KB each.
func batchEvent(tb testing.TB, n int) []byte {
	tb.Helper()
	records := make([]record, n)
	for i := range records {
		id := fmt.Sprintf("2bench%024d", i)
		records[i] = newRecord(id, "user.created", payload(tb, "user.created", 2<<10, map[string]any{"id": "user_" + id}))
	}
	return encode(tb, records...)
}
