package signature_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/signature"
)

// A recording of any tool gives its events in its order, with their ids where it has them; any other text gives none.
func TestParseDeliveries(t *testing.T) {
	t.Parallel()
	const first, second = `{"type":"user.updated","data":{"n":1.0}}`, `{ "type":"user.deleted","data":{}}`
	for name, c := range map[string]struct {
		text string
		want []signature.Delivery
	}{
		"of dev --record": {
			text: `{"time":"2026-03-02T10:31:47.139Z","headers":{"svix-id":"msg_1"},"body":"{\"a\":1.0}"}` + "\n" +
				`{"time":"2026-03-02T10:31:48.139Z","headers":{"svix-id":"msg_2"},"body":"{}"}` + "\n",
			want: []signature.Delivery{{ID: "msg_1", Body: []byte(`{"a":1.0}`)}, {ID: "msg_2", Body: []byte(`{}`)}},
		},
		"of Clerk's CLI": {
			text: `{"type":"ready","relay_url":"https://example.com"}` + "\n" +
				`{"headers":{"Svix-Id":"msg_1"},"body_b64":"aGk=","forward_status":500}`,
			want: []signature.Delivery{{ID: "msg_1", Body: []byte("hi")}},
		},
		"of API Gateway": {
			text: `{"rawPath":"/","headers":{"webhook-id":"msg_1"},"body":"aGk=","isBase64Encoded":true}`,
			want: []signature.Delivery{{ID: "msg_1", Body: []byte("hi")}},
		},
		"a time that is none": {
			text: `{"time":"yesterday","headers":{"svix-id":"msg_1"},"body":"hi"}`,
			want: []signature.Delivery{{ID: "msg_1", Body: []byte("hi")}},
		},
		"in UTF-16": {
			text: inUTF16(`{"headers":{"svix-id":"msg_1"},"body":"hi"}`),
			want: []signature.Delivery{{ID: "msg_1", Body: []byte("hi")}},
		},
		"events alone": {
			text: first + "\n\n" + second + "\n",
			want: []signature.Delivery{{Body: []byte(first)}, {Body: []byte(second)}},
		},
		"one event":           {text: first + "\n"},
		"objects of others":   {text: `{"a":1} {"b":2}`},
		"an event and a list": {text: first + "[]"},
		"half a line":         {text: first + "\n" + second[:9]},
		"no JSON":             {text: "svix-id: msg_1\n\n{}"},
		"nothing":             {text: ""},
	} {
		if diff := cmp.Diff(c.want, signature.ParseDeliveries([]byte(c.text))); diff != "" {
			t.Errorf("%s: ParseDeliveries (-want +got):\n%s", name, diff)
		}
	}
}
