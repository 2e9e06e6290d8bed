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

func TestDecode(t *testing.T) {
	good := map[string]string{
		"svix-id": "msg_a", "svix-timestamp": "1767225600", "event-type": "user.updated",
		"received-at": "2026-01-01T00:00:00.007Z", "v": "1",
	}
	with := func(name, value string) map[string]string {
		m := maps.Clone(good)
		if m[name] = value; value == "-" {
			delete(m, name)
		}
		return m
	}
	body := "canary@example.com {}"
	for name, c := range map[string]struct {
		m    delivery.Message
		want error
		says string
	}{
		"as ingest sends it":           {delivery.Message{Body: body, Attributes: good}, nil, ""},
		"put there by hand, without v": {delivery.Message{Body: body, Attributes: with("v", "-")}, nil, ""},
		"sent again from dead letters": {delivery.Message{Body: body, Attributes: with("reason", "x")}, nil, ""},
		"attribute nobody knows":       {delivery.Message{Body: body, Attributes: with("x", "y")}, nil, ""},
		"received-at in seconds":       {delivery.Message{Body: body, Attributes: with("received-at", "2026-01-01T01:00:00+01:00")}, nil, ""},
		"empty body":                   {delivery.Message{Attributes: good}, nil, ""},
		"version of tomorrow":          {delivery.Message{Body: body, Attributes: with("v", "2")}, delivery.ErrUnknownVersion, "version"},
		"version with more":            {delivery.Message{Body: body, Attributes: with("v", "1.0")}, delivery.ErrUnknownVersion, "version"},
		"unknown version, else empty":  {delivery.Message{Attributes: map[string]string{"v": "2"}}, delivery.ErrUnknownVersion, "version"},
		"no attributes":                {delivery.Message{Body: body}, delivery.ErrHopeless, "svix-id"},
		"no svix-id":                   {delivery.Message{Body: body, Attributes: with("svix-id", "-")}, delivery.ErrHopeless, "svix-id is missing"},
		"no svix-timestamp":            {delivery.Message{Body: body, Attributes: with("svix-timestamp", "-")}, delivery.ErrHopeless, "svix-timestamp is missing"},
		"no event-type":                {delivery.Message{Body: body, Attributes: with("event-type", "-")}, delivery.ErrHopeless, "event-type is missing"},
		"no received-at":               {delivery.Message{Body: body, Attributes: with("received-at", "-")}, delivery.ErrHopeless, "received-at is missing"},
		"without v, and one missing":   {delivery.Message{Body: body, Attributes: map[string]string{"svix-id": "msg_a"}}, delivery.ErrHopeless, "svix-timestamp is missing"},
		"svix-id with a dot":           {delivery.Message{Body: body, Attributes: with("svix-id", "a.canary")}, delivery.ErrHopeless, "svix-id is no message id"},
		"svix-id of 257":               {delivery.Message{Body: body, Attributes: with("svix-id", strings.Repeat("a", 257))}, delivery.ErrHopeless, "svix-id is no message id"},
		"svix-timestamp of 9 digits":   {delivery.Message{Body: body, Attributes: with("svix-timestamp", "176722560")}, delivery.ErrHopeless, "svix-timestamp is no time"},
		"received-at is no time":       {delivery.Message{Body: body, Attributes: with("received-at", "canary")}, delivery.ErrHopeless, "received-at is no RFC 3339"},
		"unknown encoding":             {delivery.Message{Body: body, Attributes: with("encoding", "canary")}, delivery.ErrHopeless, "encoding is unknown"},
		"encoding in capitals":         {delivery.Message{Body: body, Attributes: with("encoding", "BASE64")}, delivery.ErrHopeless, "encoding is unknown"},
		"no base64":                    {delivery.Message{Body: body, Attributes: with("encoding", "base64")}, delivery.ErrHopeless, "not base64"},
		"base64 cut off":               {delivery.Message{Body: "e30", Attributes: with("encoding", "base64")}, delivery.ErrHopeless, "not base64"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := c.m.Decode()
			if !errors.Is(err, c.want) {
				t.Fatalf("Decode = %v, %v, want %v", d, err, c.want)
			}
			if err == nil {
				if string(d.Body) != c.m.Body || d.SvixID != "msg_a" || d.ReceivedAt.IsZero() {
					t.Errorf("Decode = %+v, want what was sent", d)
				}
				return
			}
			if !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "canary") {
				t.Errorf("Decode error = %q, want %q in it and nothing of the message", err, c.says)
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
		got, err := m.Decode()
		if err != nil {
			t.Fatalf("Decode(Encode(%q)) = %v", body, err)
		}
		got.ReceivedAt = got.ReceivedAt.UTC()
		if string(got.Body) != string(body) {
			t.Errorf("Decode(Encode(%q)).Body = %q", body, got.Body)
		}
		got.Body, want.Body = nil, nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Decode(Encode(d)): %s", diff)
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

func TestRecordMessage(t *testing.T) {
	r := delivery.Record{Body: "{}", Attributes: map[string]delivery.Attribute{
		"svix-id": {DataType: "String", Text: "msg_a"},
		"custom":  {DataType: "String.label", Text: "x"},
		"v":       {DataType: "Number", Text: "1"},
		"bytes":   {DataType: "Binary", Binary: []byte{1}},
		"png":     {DataType: "Binary.png", Binary: []byte{1}},
	}}
	want := delivery.Message{Body: "{}", Attributes: map[string]string{"svix-id": "msg_a", "custom": "x", "v": "1", "bytes": "\x01", "png": "\x01"}}
	if diff := cmp.Diff(want, r.Message()); diff != "" {
		t.Errorf("Message: %s", diff)
	}
}
