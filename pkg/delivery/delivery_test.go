package delivery_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/delivery/deliverytest"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// The body crosses the queue byte for byte, as text wherever SQS keeps it.
func TestEncode(t *testing.T) {
	t.Parallel()
	d := delivery.Delivery{
		SvixID: "msg_a", SvixTimestamp: "1767225600", EventType: "user.updated",
		ReceivedAt: time.Date(2026, 1, 1, 1, 0, 0, 7_900_000, time.FixedZone("", 3600)),
	}
	check := func(body, want, encoding string) {
		t.Helper()
		d.Body = []byte(body)
		m := delivery.Message{Body: want, Attributes: map[string]string{
			"svix-id": "msg_a", "svix-timestamp": "1767225600", "event-type": "user.updated",
			"received-at": "2026-01-01T00:00:00.007Z", "v": "1",
		}}
		if encoding != "" {
			m.Attributes["encoding"] = encoding
		}
		if diff := cmp.Diff(m, d.Encode()); diff != "" {
			t.Errorf("Encode(%q): %s", body, diff)
		}
	}
	// https://github.com/SatyamPandey-07/WorkSphere/issues/481
	check("{ \"n\":1.0 ,\"s\":\"\\u00e9\"}\n", "{ \"n\":1.0 ,\"s\":\"\\u00e9\"}\n", "")
	// https://github.com/octokit/webhooks.js/issues/1155
	check(`{"n":"Zoé 🚒"}`, `{"n":"Zoé 🚒"}`, "")
	// https://github.com/asim/nitro-plugins/issues/437
	check("{\"n\":\"\ufffe\"}", "eyJuIjoi77++In0=", "base64")
	check("{\"n\":\"\uffff\"}", "eyJuIjoi77+/In0=", "base64")
}

// SQS keeps tab, LF, CR, U+0020 to U+D7FF, U+E000 to U+FFFD and U+10000 to
// U+10FFFF:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
func TestNeedsBase64ForEveryCharacter(t *testing.T) {
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue // surrogates, which UTF-8 does not hold
		}
		kept := r == '\t' || r == '\n' || r == '\r' ||
			r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000
		if got := delivery.NeedsBase64([]byte("a" + string(r) + "b")); got == kept {
			t.Fatalf("NeedsBase64(%U) = %v, want %v", r, got, !kept)
		}
	}
	for _, s := range []string{"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\x80", "\x80", "not \x80 UTF-8"} {
		if !delivery.NeedsBase64([]byte(s)) {
			t.Errorf("NeedsBase64(%q) = false, want true: it is not UTF-8", s)
		}
	}
	if delivery.NeedsBase64(nil) {
		t.Error("NeedsBase64 of nothing = true, want false")
	}
}

// A message by hand, a dead letter that is sent again and another clock's time
// zone are read; everything that cannot be read says which attribute is at
// fault, and nothing of the message, for the text goes into the log.
func TestRecordDelivery(t *testing.T) {
	const body = "canary@example.com {}"
	intact := map[string]string{
		"svix-id":        "msg_a",
		"svix-timestamp": "1767225600",
		"event-type":     "user.updated",
		"received-at":    "2026-01-01T00:00:00.007Z",
		"v":              "1",
	}
	type attributes map[string]string
	nothing := attributes{"v": "", "svix-id": "", "svix-timestamp": "", "event-type": "", "received-at": ""}
	permanent, unknown := delivery.ErrPermanent, delivery.ErrUnknownVersion
	deliveryWith := func(set attributes, body string) (delivery.Delivery, error) {
		m := delivery.Message{Body: body, Attributes: maps.Clone(intact)}
		for name, value := range set {
			if m.Attributes[name] = value; value == "" {
				delete(m.Attributes, name)
			}
		}
		return deliverytest.RecordOf(m).Delivery()
	}
	read := func(name string, set attributes, body string) {
		t.Helper()
		d, err := deliveryWith(set, body)
		if err != nil || string(d.Body) != body || d.SvixID != "msg_a" || d.ReceivedAt.IsZero() {
			t.Errorf("%s: Delivery = %+v, %v, want what was sent", name, d, err)
		}
	}
	refused := func(name string, set attributes, want error, reason string) {
		t.Helper()
		d, err := deliveryWith(set, body)
		if !errors.Is(err, want) || !strings.Contains(err.Error(), reason) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: Delivery = %v, %v, want %v: %s, and nothing of the message", name, d, err, want, reason)
		}
	}
	read("as ingest sends it", nil, body)
	read("an empty body", nil, "")
	read("put there by hand, without v", attributes{"v": ""}, body)
	read("a dead letter sent again", attributes{"reason": "x"}, body)
	read("an unknown attribute", attributes{"x": "y"}, body)
	read("received-at in seconds", attributes{"received-at": "2026-01-01T01:00:00+01:00"}, body)

	refused("version of tomorrow", attributes{"v": "2"}, unknown, "version")
	refused("version with more", attributes{"v": "1.0"}, unknown, "version")
	refused("unknown version, nothing else", attributes{"v": "2", "svix-id": "", "event-type": ""}, unknown, "version")
	refused("nothing", nothing, permanent, "svix-id is missing")
	refused("no svix-id", attributes{"svix-id": ""}, permanent, "svix-id is missing")
	refused("no svix-timestamp", attributes{"svix-timestamp": ""}, permanent, "svix-timestamp is missing")
	refused("no event-type", attributes{"event-type": ""}, permanent, "event-type is missing")
	refused("no received-at", attributes{"received-at": ""}, permanent, "received-at is missing")
	refused("one missing, without v", attributes{"v": "", "event-type": ""}, permanent, "event-type is missing")
	refused("svix-id with a dot", attributes{"svix-id": "a.canary"}, permanent, "svix-id is not a message id")
	refused("svix-id of 257", attributes{"svix-id": strings.Repeat("a", 257)}, permanent, "svix-id is not a message id")
	refused("9 digits", attributes{"svix-timestamp": "176722560"}, permanent, "svix-timestamp is not a time")
	refused("not a time", attributes{"received-at": "canary"}, permanent, "received-at is not an RFC 3339 time")
	refused("unknown encoding", attributes{"encoding": "canary"}, permanent, "encoding is unknown")
	refused("encoding in capitals", attributes{"encoding": "BASE64"}, permanent, "encoding is unknown")
	refused("not base64", attributes{"encoding": "base64"}, permanent, "body is not base64")
	if d, err := deliveryWith(attributes{"encoding": "base64"}, "e30"); !errors.Is(err, permanent) {
		t.Errorf("base64 cut off: Delivery = %v, %v, want a permanent error", d, err)
	}
}

// What is encoded is decoded to the same bytes, and SQS can keep it.
func FuzzRoundTrip(f *testing.F) {
	for _, name := range events.Names() {
		body, err := events.Body(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, "msg_a", "user.updated", int64(1767225600123))
	}
	f.Add([]byte("\uffff\ufffe"), "msg_a", "user.updated", int64(0))
	f.Add([]byte{0xff}, "msg_a", "user.updated", int64(1))
	f.Add([]byte{}, "msg_a", "user.updated", int64(1))
	f.Fuzz(func(t *testing.T, body []byte, id, eventType string, ms int64) {
		if !svix.ValidID(id) || eventType == "" || ms < 0 || ms > 4102444800000 {
			t.Skip("ingest queues no such message")
		}
		want := delivery.Delivery{
			SvixID: id, SvixTimestamp: "1767225600", EventType: eventType,
			ReceivedAt: time.UnixMilli(ms).UTC(), Body: body,
		}
		m := want.Encode()
		if delivery.NeedsBase64([]byte(m.Body)) {
			t.Errorf("Encode of %q has a body that SQS refuses: %q", body, m.Body)
		}
		if (m.Attributes["encoding"] == "base64") != delivery.NeedsBase64(body) {
			t.Errorf("Encode of %q has encoding %q", body, m.Attributes["encoding"])
		}
		got, err := deliverytest.RecordOf(m).Delivery()
		if err != nil {
			t.Fatalf("Delivery of Encode(%q) = %v", body, err)
		}
		got.ReceivedAt = got.ReceivedAt.UTC()
		if string(got.Body) != string(body) {
			t.Errorf("Delivery of Encode(%q) has body %q", body, got.Body)
		}
		got.Body, want.Body = nil, nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Delivery of Encode(d): %s", diff)
		}
	})
}

// Base64 of the largest body, and all attributes, fit 1 MiB.
func TestMaxBase64BodyFits(t *testing.T) {
	d := delivery.Delivery{
		SvixID: strings.Repeat("a", svix.MaxIDLength), SvixTimestamp: "1767225600", EventType: strings.Repeat("t", 64),
		ReceivedAt: svixtest.Epoch(), Body: []byte(strings.Repeat("\uffff", delivery.MaxBase64Body/3)),
	}
	m := d.Encode()
	size := len(m.Body)
	for name, value := range m.Attributes {
		size += len(name) + len("String") + len(value)
	}
	if size > 1<<20 {
		t.Errorf("message has %d bytes, SQS takes %d", size, 1<<20)
	}
}

// What was put into the queue by hand as a number or as bytes is read as the
// text that it is.
func TestRecordAttributesOfAnyType(t *testing.T) {
	r := delivery.Record{Body: "e30=", Attributes: map[string]delivery.Attribute{
		"svix-id":        {DataType: "String.label", Text: "msg_a"},
		"svix-timestamp": {DataType: "Number", Text: "1767225600"},
		"event-type":     {DataType: "Binary", Binary: []byte("user.updated")},
		"received-at":    {DataType: "Binary.png", Binary: []byte("2026-01-01T00:00:00.000Z")},
		"v":              {DataType: "Binary", Binary: []byte("1")},
		"encoding":       {DataType: "Binary", Binary: []byte("base64")},
	}}
	want := delivery.Delivery{
		SvixID:        "msg_a",
		SvixTimestamp: "1767225600",
		EventType:     "user.updated",
		ReceivedAt:    svixtest.Epoch(),
		Body:          []byte("{}"),
	}
	got, err := r.Delivery()
	if err != nil {
		t.Fatalf("Delivery = %v", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Delivery: %s", diff)
	}
}
