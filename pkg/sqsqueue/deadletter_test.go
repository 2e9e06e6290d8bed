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
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusOK} { // 200 alone proves nothing
		b := newBench(t)
		b.fault = func(_ string, w http.ResponseWriter) bool { w.WriteHeader(status); return true }
		err := sqsqueue.NewQueue(b.client, b.queue, b.dead).DeadLetter(t.Context(), delivery.Record{Body: "canary"}, "x")
		if err == nil || !strings.HasPrefix(err.Error(), "send to the dead letters: ") || strings.Contains(err.Error(), "canary") {
			t.Errorf("DeadLetter = %v, want an error that names the deed", err)
		}
	}
}

// A message that fills what SQS takes leaves room for a part of the reason, or
// for none.
func TestDeadLetterWithoutRoom(t *testing.T) {
	const limit = 1 << 20
	attributes := map[string]delivery.Attribute{"a": text("b")}
	const used = len("a") + len("String") + len("b") + len("reason") + len("String")
	for _, c := range []struct {
		size int
		want string
	}{
		{limit - used - 10, "because é"}, {limit - used - 9, "because "}, {limit - used - 1, "b"}, {limit - used, ""}, {limit - used + len("reasonString"), ""},
	} {
		b := newBench(t)
		r := delivery.Record{Body: strings.Repeat("x", c.size), Attributes: attributes}
		if err := sqsqueue.NewQueue(b.client, b.queue, b.dead).DeadLetter(t.Context(), r, "because é"); err != nil {
			t.Fatalf("DeadLetter of %d bytes = %v, want nil", c.size, err)
		}
		got := b.receive(t, b.dead)
		if len(got) != 1 || *got[0].Body != r.Body || record(got[0]).Attributes["reason"].Text != c.want {
			t.Errorf("dead letters of %d bytes = %d, want the message with the reason %q", c.size, len(got), c.want)
		}
	}
}
