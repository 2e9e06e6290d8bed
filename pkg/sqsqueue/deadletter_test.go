package sqsqueue_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/sqsqueue"
)

func text(s string) delivery.Attribute { return delivery.Attribute{DataType: "String", Text: s} }

func TestDeadLetterKeepsTheMessage(t *testing.T) {
	ours := map[string]delivery.Attribute{
		"svix-id": text("msg_a"), "svix-timestamp": text("1"), "event-type": text("t"), "received-at": text("x"), "v": text("1"), "encoding": text("base64"),
	}
	with := func(n int, more map[string]delivery.Attribute) map[string]delivery.Attribute {
		out := map[string]delivery.Attribute{}
		for k, v := range ours {
			out[k] = v
		}
		for i := range n {
			out[fmt.Sprintf("a-%d", i)] = text("theirs") // sorts before ours
		}
		for k, v := range more {
			out[k] = v
		}
		return out
	}
	for name, c := range map[string]struct {
		attributes map[string]delivery.Attribute
		lost       []string
	}{
		"none":                   {nil, nil},
		"ours":                   {ours, nil},
		"a reason of before":     {with(0, map[string]delivery.Attribute{"reason": text("of before")}), nil},
		"binary, number, labels": {map[string]delivery.Attribute{"b": {DataType: "Binary.png", Binary: []byte{0, 255}}, "n": {DataType: "Number", Text: "1.50"}, "l": {DataType: "String.x", Text: "é"}}, nil},
		// As Lambda's event decodes: an empty, not a nil value.
		"text with an empty binary":  {map[string]delivery.Attribute{"svix-id": {DataType: "String", Text: "msg_a", Binary: []byte{}}}, nil},
		"nine":                       {with(3, nil), nil},
		"ten":                        {with(4, nil), []string{"a-3"}},
		"ten, one before z a reason": {with(2, map[string]delivery.Attribute{"reason": text("of before"), "z": text("last")}), nil},
		"ten, one a reason":          {with(3, map[string]delivery.Attribute{"reason": text("of before")}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			r := delivery.Record{Body: "{ not an event\n", Attributes: c.attributes}
			if err := sqsqueue.NewQueue(b.client, b.queue, b.dead).DeadLetter(t.Context(), r, "because"); err != nil {
				t.Fatalf("DeadLetter = %v, want nil", err)
			}
			got := b.receive(t, b.dead)
			if len(got) != 1 || *got[0].Body != r.Body || len(b.receive(t, b.queue)) != 0 {
				t.Fatalf("dead letters = %v, want the message, and none on the queue", got)
			}
			want := map[string]delivery.Attribute{}
			for k, v := range c.attributes {
				if len(v.Binary) == 0 {
					v.Binary = nil
				}
				want[k] = v
			}
			want["reason"] = text("because")
			for _, k := range c.lost {
				delete(want, k)
			}
			if diff := cmp.Diff(want, record(got[0]).Attributes); diff != "" {
				t.Errorf("attributes: %s", diff)
			}
		})
	}
}

func TestDeadLetterFails(t *testing.T) {
	b := newBench(t)
	b.fault = func(_ string, w http.ResponseWriter) bool { w.WriteHeader(http.StatusServiceUnavailable); return true }
	err := sqsqueue.NewQueue(b.client, b.queue, b.dead).DeadLetter(t.Context(), delivery.Record{Body: "canary"}, "x")
	if err == nil || !strings.HasPrefix(err.Error(), "send to the dead letters: ") || strings.Contains(err.Error(), "canary") {
		t.Errorf("DeadLetter = %v, want an error that names the deed", err)
	}
}
