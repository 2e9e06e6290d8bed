package sqsqueue_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/pkg/delivery"
)

// The copy of a deletion that goes on is the message as it was, on the queue at
// once, with the new position: it replaces the one before, and a reason goes.
func TestRequeue(t *testing.T) {
	t.Parallel()
	eleven := map[string]delivery.Attribute{"svix-id": text("msg_1"), "v": text("1")}
	for i := range 9 {
		eleven[fmt.Sprint("x", i)] = text("y")
	}
	for name, c := range map[string]struct {
		attributes map[string]delivery.Attribute
		lost       string
	}{
		"first time":        {attributes: map[string]delivery.Attribute{"svix-id": text("msg_1"), "v": text("1")}},
		"no attributes":     {},
		"second time":       {attributes: map[string]delivery.Attribute{"v": text("1"), "position": text("before")}},
		"from dead letters": {attributes: map[string]delivery.Attribute{"reason": text("because")}, lost: "reason"},
		"no room":           {attributes: eleven, lost: "x7 x8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			r := delivery.Record{Body: `{"a":"\u00e9"}`, Attributes: c.attributes}
			const sortKey = "MEMBER#a\x01\ufffe\"ö"
			if err := h.queue().Requeue(t.Context(), r, sortKey); err != nil {
				t.Fatalf("Requeue = %v, want nil", err)
			}
			want := map[string]delivery.Attribute{}
			for name, a := range c.attributes {
				if !strings.Contains(c.lost, name) {
					want[name] = a
				}
			}
			want["position"] = text(delivery.EncodePosition(sortKey))
			copied := h.wantCopy(t, h.queueURL, h.deadLettersURL, r, want)
			if copied.Position() != sortKey {
				t.Errorf("Position = %q, want %q", copied.Position(), sortKey)
			}
		})
	}
}
