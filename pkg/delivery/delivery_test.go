package delivery_test

import (
	"encoding/base64"
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

func TestEncode(t *testing.T) {
	d := delivery.Delivery{
		SvixID: "msg_a", SvixTimestamp: "1767225600", EventType: "user.updated",
		ReceivedAt: time.Date(2026, 1, 1, 1, 0, 0, 7_900_000, time.FixedZone("", 3600)),
	}
	attributes := map[string]string{
		"svix-id": "msg_a", "svix-timestamp": "1767225600", "event-type": "user.updated",
		"received-at": "2026-01-01T00:00:00.007Z", "v": "1",
	}
	in64 := maps.Clone(attributes)
	in64["encoding"] = "base64"
	for name, c := range map[string]struct {
		body string
		want delivery.Message
	}{
		// https://github.com/SatyamPandey-07/WorkSphere/issues/481
		"bytes as they are": {"{ \"n\":1.0 ,\"s\":\"\\u00e9\"}\n", delivery.Message{Body: "{ \"n\":1.0 ,\"s\":\"\\u00e9\"}\n", Attributes: attributes}},
		// https://github.com/octokit/webhooks.js/issues/1155
		"emoji": {`{"n":"Zoé 🚒"}`, delivery.Message{Body: `{"n":"Zoé 🚒"}`, Attributes: attributes}},
		// https://github.com/asim/nitro-plugins/issues/437
		"U+FFFE": {"{\"n\":\"\ufffe\"}", delivery.Message{Body: base64.StdEncoding.EncodeToString([]byte("{\"n\":\"\ufffe\"}")), Attributes: in64}},
		"U+FFFF": {"{\"n\":\"\uffff\"}", delivery.Message{Body: base64.StdEncoding.EncodeToString([]byte("{\"n\":\"\uffff\"}")), Attributes: in64}},
	} {
		t.Run(name, func(t *testing.T) {
			d.Body = []byte(c.body)
			if diff := cmp.Diff(c.want, d.Encode()); diff != "" {
				t.Errorf("Encode: %s", diff)
			}
		})
	}
}

// SQS keeps tab, LF, CR, U+0020 to U+D7FF, U+E000 to U+FFFD and U+10000 to
// U+10FFFF:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
func TestNeedsBase64ForEveryCharacter(t *testing.T) {
	for r := rune(0); r <= utf8.MaxRune; r++ {
		kept := r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000
		if !utf8.ValidRune(r) {
			continue // surrogates: no UTF-8 holds them
		}
		var b [8]byte
		b[0] = 'a'
		n := 1 + utf8.EncodeRune(b[1:], r)
		if got := delivery.NeedsBase64(b[:n]); got == kept {
			t.Fatalf("NeedsBase64(%U) = %v, want %v", r, got, !kept)
		}
		const around = "sixteen letters."
		at := int(r) % len(around)
		if long := around[:at] + string(r) + around[at:]; delivery.NeedsBase64([]byte(long)) == kept {
			t.Fatalf("NeedsBase64(%q) = %v, want %v", long, kept, !kept)
		}
	}
	for _, s := range []string{"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\x80", "\x80", "sixteen \x80 letters"} {
		if !delivery.NeedsBase64([]byte(s)) {
			t.Errorf("NeedsBase64(%q) = false, want true: no UTF-8", s)
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
	for name, c := range map[string]struct {
		set  attributes // "" removes one
		body string     // where it is another
		want error
		says string
	}{
		"as ingest sends it":           {},
		"put there by hand, without v": {set: attributes{"v": ""}},
		"sent again from dead letters": {set: attributes{"reason": "x"}},
		"an unknown attribute":         {set: attributes{"x": "y"}},
		"received-at in seconds":       {set: attributes{"received-at": "2026-01-01T01:00:00+01:00"}},
		"version of tomorrow":          {set: attributes{"v": "2"}, want: unknown, says: "version"},
		"version with more":            {set: attributes{"v": "1.0"}, want: unknown, says: "version"},
		"no attributes":                {set: nothing, want: permanent, says: "svix-id is missing"},
		"no svix-id":                   {set: attributes{"svix-id": ""}, want: permanent, says: "svix-id is missing"},
		"no svix-timestamp":            {set: attributes{"svix-timestamp": ""}, want: permanent, says: "svix-timestamp is missing"},
		"no event-type":                {set: attributes{"event-type": ""}, want: permanent, says: "event-type is missing"},
		"no received-at":               {set: attributes{"received-at": ""}, want: permanent, says: "received-at is missing"},
		"one missing, without v":       {set: attributes{"v": "", "event-type": ""}, want: permanent, says: "event-type is missing"},
		"svix-id with a dot":           {set: attributes{"svix-id": "a.canary"}, want: permanent, says: "svix-id is not a message id"},
		"svix-id of 257":               {set: attributes{"svix-id": strings.Repeat("a", 257)}, want: permanent, says: "svix-id is not a message id"},
		"svix-timestamp of 9 digits":   {set: attributes{"svix-timestamp": "176722560"}, want: permanent, says: "svix-timestamp is not a time"},
		"received-at is not a time":    {set: attributes{"received-at": "canary"}, want: permanent, says: "received-at is not an RFC 3339"},
		"unknown encoding":             {set: attributes{"encoding": "canary"}, want: permanent, says: "encoding is unknown"},
		"encoding in capitals":         {set: attributes{"encoding": "BASE64"}, want: permanent, says: "encoding is unknown"},
		"not base64":                   {set: attributes{"encoding": "base64"}, want: permanent, says: "not base64"},
		"base64 cut off":               {set: attributes{"encoding": "base64"}, body: "e30", want: permanent, says: "not base64"},
	} {
		t.Run(name, func(t *testing.T) {
			m := delivery.Message{Body: body, Attributes: maps.Clone(intact)}
			if c.body != "" {
				m.Body = c.body
			}
			for name, value := range c.set {
				if m.Attributes[name] = value; value == "" {
					delete(m.Attributes, name)
				}
			}
			d, err := deliverytest.RecordOf(m).Delivery()
			if !errors.Is(err, c.want) {
				t.Fatalf("Delivery = %v, %v, want %v", d, err, c.want)
			}
			if err == nil {
				if string(d.Body) != m.Body || d.SvixID != "msg_a" || d.ReceivedAt.IsZero() {
					t.Errorf("Delivery = %+v, want what was sent", d)
				}
				return
			}
			if !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "canary") {
				t.Errorf("Delivery error = %q, want %q in it and nothing of the message", err, c.says)
			}
		})
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
			t.Skip()
		}
		want := delivery.Delivery{
			SvixID: id, SvixTimestamp: "1767225600", EventType: eventType, ReceivedAt: time.UnixMilli(ms).UTC(), Body: body,
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
