package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"testing"

	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
)

// An answer is not a write: where something else than DynamoDB answers 200 at the
// table's address (a proxy, a health page, a wrong port), every message fails and
// so stays on the queue.
func TestAnswerIsNotAWrite(t *testing.T) {
	text := func(v string) map[string]any { return map[string]any{"dataType": "String", "stringValue": v} }
	record := func(id, body string) map[string]any {
		return map[string]any{
			"messageId": id, "receiptHandle": "r", "body": body,
			"attributes": map[string]string{"ApproximateReceiveCount": "1"},
			"messageAttributes": map[string]any{
				"svix-id": text("msg_" + id), "svix-timestamp": text("1772449375"), "event-type": text("user.created"),
				"received-at": text("2026-03-02T11:02:55.640Z"), "v": text("1"),
			},
		}
	}
	const member = `{"id":"m","created_at":1,"organization":{"id":"o"},"public_user_data":{"user_id":"u"}}`
	records := []map[string]any{
		record("a", `{"type":"user.created","timestamp":1772449375640,"data":{"id":"user_a1","first_name":"Ada"}}`),
		record("b", `{"type":"user.deleted","timestamp":1772449375640,"data":{"id":"user_b1"}}`),
		record("c", `{"type":"organizationMembership.created","timestamp":1,"data":`+member+`}`),
		record("d", `{"type":"organizationDomain.created","timestamp":1,"data":{"id":"d","organization_id":"o"}}`),
	}
	payload, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{"empty": "", "an object": "{}", "a health page": `{"status":"ok"}`} {
		t.Run(name, func(t *testing.T) {
			cfg := emulatortest.Start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, body)
			}))
			var out bytes.Buffer
			h := start(&out, map[string]string{"AWS_ENDPOINT_URL_DYNAMODB": *cfg.BaseEndpoint})
			reply, err := h.Invoke(t.Context(), payload)
			if err != nil {
				t.Fatal(err)
			}
			failed := regexp.MustCompile(`[a-d]"}`).FindAllString(string(reply), -1)
			slices.Sort(failed)
			if want := []string{`a"}`, `b"}`, `c"}`, `d"}`}; !slices.Equal(failed, want) {
				t.Errorf("Invoke = %s, want that each message failed\n%s", reply, out.String())
			}
		})
	}
}
