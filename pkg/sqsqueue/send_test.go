package sqsqueue_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/delivery/deliverytest"
)

// What is sent is received byte for byte: sync must read the bytes that were
// signed. Its attributes are of the type String: SQS would trim the zeros of a
// Number.
func TestSend(t *testing.T) {
	bodies := map[string]string{
		"white space kept":   "{ \"n\":1.0 }\r\n\t",
		"emoji":              `{"n":"Zoé 🚒"}`,
		"noncharacters":      "{\"n\":\"\ufffe\uffff\"}",
		"controls escaped":   `{"n":"\u0000\u001f"}`,
		"1,000,000 bytes":    `{"n":"` + strings.Repeat("a", 999_992) + `"}`,
		"750,000 as base64":  strings.Repeat("\uffff", 250_000),
		"signs of XML, HTML": `{"n":"<&>'\u2028"}`,
	}
	for _, name := range events.Names() {
		body, err := events.Body(name)
		if err != nil {
			t.Fatal(err)
		}
		bodies[name] = string(body)
	}
	h := newHarness(t)
	for name, body := range bodies {
		m := message(body)
		if err := h.sender().Send(t.Context(), m); err != nil {
			t.Errorf("Send(%s) = %v, want nil", name, err)
			continue
		}
		got := h.receive(t, h.queueURL)
		if len(got) != 1 {
			t.Fatalf("Send(%s): %d messages, want 1", name, len(got))
		}
		r := toRecord(got[0])
		if diff := cmp.Diff(deliverytest.RecordOf(m).Attributes, r.Attributes); diff != "" {
			t.Errorf("Send(%s): %.300s", name, diff)
		}
		if d, err := r.Delivery(); err != nil || string(d.Body) != body {
			t.Errorf("Delivery of %s = %.80q, %v, want the body", name, d.Body, err)
		}
	}
}

// Ingest answers 200 only after nil, and sync deletes a message only after nil: so
// nil without proof that SQS holds the message would lose it.
// https://github.com/prisma/prisma-examples/pull/8389
func TestSendFails(t *testing.T) {
	answer := func(status int, body string) func(string, http.ResponseWriter) bool {
		return func(_ string, w http.ResponseWriter) bool {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
			return true
		}
	}
	for name, fault := range map[string]func(string, http.ResponseWriter) bool{
		"server error": answer(500, `{"__type":"InternalFailure"}`),
		"throttled":    answer(400, `{"__type":"com.amazonaws.sqs#RequestThrottled","message":"slow down"}`),
		"refused":      answer(400, `{"__type":"com.amazonaws.sqs#InvalidMessageContents","message":"no"}`),
		"no queue":     answer(400, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}`),
		"no JSON":      answer(200, `<html>`),
		"no answer":    answer(200, ``),
		"no content":   answer(204, ``),
		"no proof":     answer(200, `{}`),
		"no id":        answer(200, `{"MD5OfMessageBody":"c7e14f1d1c2c3bd9f3d5b5a9bd1c7fd6"}`),
		"no MD5":       answer(200, `{"MessageId":"x"}`),
		// https://github.com/aws/aws-sdk-go/issues/339
		"other bytes stored": answer(200, `{"MessageId":"x","MD5OfMessageBody":"00000000000000000000000000000000"}`),
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			h.injectFault = fault
			record := delivery.Record{Body: "canary"}
			for operation, err := range map[string]error{
				"send to the queue":             h.sender().Send(t.Context(), message(`{"canary":1}`)),
				"send to the dead-letter queue": h.queue().DeadLetter(t.Context(), record, "x"),
				"send a copy to the queue":      h.queue().Requeue(t.Context(), record, "MEMBER#canary"),
			} {
				if err == nil || !strings.HasPrefix(err.Error(), operation+": ") ||
					strings.Contains(err.Error(), "canary") {
					t.Errorf("%s = %v, want an error that names the operation, not the body or the position",
						operation, err)
				}
			}
		})
	}
	// https://github.com/aws/aws-sdk-js/issues/1567
	t.Run("with effect", func(t *testing.T) {
		h := newHarness(t)
		h.loseAnswers = true
		if err := h.sender().Send(t.Context(), message("{}")); err == nil {
			t.Error("Send = nil, want an error")
		}
		if n := len(h.receive(t, h.queueURL)); n != 1 {
			t.Errorf("%d messages, want 1", n)
		}
	})
}
