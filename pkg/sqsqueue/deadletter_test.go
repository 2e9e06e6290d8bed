package sqsqueue_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/pkg/delivery"
)

func text(s string) delivery.Attribute { return delivery.Attribute{DataType: "String", Text: s} }

// A dead-letter queue message must be as it was: `clerksync dlq redrive` puts it
// back on the queue, and sync then reads its attributes.
func TestDeadLetterKeepsTheMessage(t *testing.T) {
	reason := map[string]delivery.Attribute{"reason": text("an earlier reason")}
	ours := map[string]delivery.Attribute{"encoding": text("base64")}
	for _, name := range []string{"svix-id", "svix-timestamp", "event-type", "received-at", "v"} {
		ours[name] = text("ours")
	}
	with := func(others int, more map[string]delivery.Attribute) map[string]delivery.Attribute {
		out := maps.Clone(ours)
		for i := range others {
			out[fmt.Sprintf("a-%d", i)] = text("not ours") // sorts before ours
		}
		maps.Copy(out, more)
		return out
	}
	for name, c := range map[string]struct {
		attributes map[string]delivery.Attribute
		lost       []string
	}{
		"none":              {},
		"ours":              {attributes: ours},
		"an earlier reason": {attributes: with(0, reason)},
		"binary, number, labels": {attributes: map[string]delivery.Attribute{
			"b": {DataType: "Binary.png", Binary: []byte{0, 255}},
			"n": {DataType: "Number", Text: "1.50"},
			"l": {DataType: "String.x", Text: "é"},
		}},
		// As Lambda's event decodes: an empty, not a nil value.
		"text with an empty binary": {attributes: map[string]delivery.Attribute{
			"svix-id": {DataType: "String", Text: "msg_a", Binary: []byte{}},
		}},
		"nine": {attributes: with(3, nil)},
		"ten":  {attributes: with(4, nil), lost: []string{"a-3"}},
		"ten, one after a reason": {attributes: with(2, map[string]delivery.Attribute{
			"reason": text("an earlier reason"), "z": text("last"),
		})},
		"ten, one of them a reason": {attributes: with(3, reason)},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			r := delivery.Record{Body: "{ not an event\n", Attributes: c.attributes}
			if err := h.queue().DeadLetter(t.Context(), r, "because"); err != nil {
				t.Fatalf("DeadLetter = %v, want nil", err)
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
			h.wantCopy(t, h.deadLettersURL, h.queueURL, r, want)
		})
	}
}

// A message of the greatest size that SQS takes leaves room for a part of the
// reason, or for none. It is sent all the same.
func TestDeadLetterWithoutRoom(t *testing.T) {
	const limit = 1 << 20
	const used = len("a") + len("String") + len("b") + len("reason") + len("String")
	for _, c := range []struct {
		size int
		want string
	}{
		{size: limit - used - 10, want: "because é"},
		{size: limit - used - 9, want: "because "},
		{size: limit - used - 1, want: "b"},
		{size: limit - used, want: ""},
		{size: limit - used + len("reasonString"), want: ""},
	} {
		h := newHarness(t)
		attributes := map[string]delivery.Attribute{"a": text("b")}
		r := delivery.Record{Body: strings.Repeat("x", c.size), Attributes: attributes}
		if err := h.queue().DeadLetter(t.Context(), r, "because é"); err != nil {
			t.Fatalf("DeadLetter of %d bytes = %v, want nil", c.size, err)
		}
		want := maps.Clone(attributes)
		if c.want != "" {
			want["reason"] = text(c.want)
		}
		h.wantCopy(t, h.deadLettersURL, h.queueURL, r, want)
	}
}
