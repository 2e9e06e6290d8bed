package signature_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/signature"
)

// The forms that people have at hand: curl's output, logs, an object, the gateway's events of both formats.
func TestParseCapture(t *testing.T) {
	t.Parallel()
	type header = map[string][]string
	received := time.UnixMilli(1767225600000)
	for name, c := range map[string]struct {
		text string
		want signature.Capture
	}{
		"lines": {
			text: "svix-id: msg_a\nSvix-Timestamp:1\n",
			want: signature.Capture{Header: header{"svix-id": {"msg_a"}, "Svix-Timestamp": {"1"}}},
		},
		"lines of CR LF": {
			text: "svix-id: msg_a\r\n\r\n{}\r\n",
			want: signature.Capture{Header: header{"svix-id": {"msg_a"}}, Body: []byte("{}\r\n"), HasBody: true},
		},
		"as of curl -v": {
			text: "* Connected\n> POST / HTTP/1.1\n> svix-id: msg_a\n>\n",
			want: signature.Capture{Header: header{"svix-id": {"msg_a"}}},
		},
		"a header that repeats": {text: "\n\nx: 1\nx: 2\n", want: signature.Capture{Header: header{"x": {"1", "2"}}}},
		"byte order mark":       {text: "\ufeffx: 1", want: signature.Capture{Header: header{"x": {"1"}}}},
		"value with a colon":    {text: "x: a:b", want: signature.Capture{Header: header{"x": {"a:b"}}}},
		"an object": {
			text: `{"x":"1","y":["2","3"],"z":1767225600,"w":null}`,
			want: signature.Capture{Header: header{"x": {"1"}, "y": {"2", "3"}, "z": {"1767225600"}}},
		},
		"API Gateway 2.0": {
			text: `{"version":"2.0","rawPath":"/","headers":{"x":"1"},"body":"aGk=","isBase64Encoded":true,` +
				`"requestContext":{"timeEpoch":1767225600000}}`,
			want: signature.Capture{Header: header{"x": {"1"}}, Body: []byte("hi"), HasBody: true, Received: received},
		},
		"API Gateway 1.0": {
			text: `{"httpMethod":"POST","headers":{"x":"2"},"multiValueHeaders":{"x":["1","2"]},"body":"hi",` +
				`"requestContext":{"requestTimeEpoch":1767225600000}}`,
			want: signature.Capture{
				Header: header{"x": {"1", "2"}}, Body: []byte("hi"), HasBody: true, Received: received,
			},
		},
		"API Gateway, no body": {
			text: `{"rawPath":"/","headers":{"x":"1"},"body":null}`,
			want: signature.Capture{Header: header{"x": {"1"}}, HasBody: true},
		},
		"a line of Clerk's CLI": {
			text: `{"type":"event","svix_id":"msg_a","headers":{"svix-id":"msg_a"},` +
				`"body_b64":"aGk=","forward_status":null}`,
			want: signature.Capture{Header: header{"svix-id": {"msg_a"}}, Body: []byte("hi"), HasBody: true},
		},
		"lines of Clerk's CLI, none refused": {
			text: `{"type":"ready","relay_url":"https://example.com"}` + "\n" +
				`{"headers":{"x":"1"},"body_b64":"","forward_status":200}` + "\n" +
				`{"headers":{"x":"2"},"body_b64":"aGk=","forward_status":200}` + "\n" +
				`{"type":"ready","relay_url":"https://example.com"}` + "\n",
			want: signature.Capture{
				Header: header{"x": {"2"}}, Body: []byte("hi"), HasBody: true, Others: []header{{"x": {"1"}}},
			},
		},
		"lines of Clerk's CLI, two refused": {
			text: `{"headers":{"x":"1"},"body_b64":"","forward_status":400}` +
				`{"headers":{"x":"2"},"body_b64":"aGk=","forward_status":401}` +
				`{"headers":{"x":"3"},"body_b64":"","forward_status":200}`,
			want: signature.Capture{
				Header: header{"x": {"2"}}, Body: []byte("hi"), HasBody: true,
				Others: []header{{"x": {"1"}}, {"x": {"3"}}},
			},
		},
		"UTF-16 of PowerShell": {
			text: "\xff\xfex\x00:\x00 \x00\xe9\x00\r\x00\n\x00", want: signature.Capture{Header: header{"x": {"é"}}},
		},
		"UTF-16, the other order": {
			text: "\xfe\xff\x00x\x00:\x001", want: signature.Capture{Header: header{"x": {"1"}}},
		},
		"UTF-16 without a mark": {text: "x\x00:\x001\x00", want: signature.Capture{Header: header{"x": {"1"}}}},
		"API Gateway, broken base64": {
			text: `{"rawPath":"/","headers":{"x":"1"},"body":"aGk","isBase64Encoded":true}`,
			want: signature.Capture{Header: header{"x": {"1"}}, Body: []byte("aGk"), HasBody: true},
		},
	} {
		got, err := signature.ParseCapture([]byte(c.text))
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: ParseCapture() = %v, -want +got:\n%s", name, err, diff)
		}
	}
	for name, text := range map[string]string{
		"empty":                   "",
		"no headers":              "hello\n",
		"broken JSON":             "{",
		"not an event":            `{"headers":{},"body":1}`,
		"an object without names": "{}",
		"JSON and something else": `{"x":"1"} x`,
		"a list after an object":  `{"x":"1"} []`,
	} {
		if got, err := signature.ParseCapture([]byte(text)); err == nil {
			t.Errorf("%s: ParseCapture() = %+v, want an error", name, got)
		}
	}
}

// What is read has headers, and a body that follows a blank line is the file's own end, byte for byte: a signature
// over other bytes would not match.
func FuzzParseCapture(f *testing.F) {
	for _, text := range []string{
		"a: b\n\nbody", `{"headers":{"a":"b"},"body":"x"}`, `{"a":["b"]}`, "> a: b\r\n>\r\n", "\ufeff{",
		`{"headers":{"a":"b"},"body_b64":"eA=="}{"headers":{"a":"c"},"body_b64":"eA=="}`, "a\x00:\x00",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := signature.ParseCapture(text)
		if err != nil {
			return
		}
		if len(got.Header) == 0 {
			t.Errorf("ParseCapture(%q) has no headers and no error", text)
		}
		text, _ = signature.DecodeText(text)
		first := bytes.TrimLeft(text, " \t\r\n\v\f\u0085\u00a0")
		if lines := len(first) > 0 && first[0] != '{'; lines && !bytes.HasSuffix(text, got.Body) {
			t.Errorf("ParseCapture(%q): body %q is not the end of the file", text, got.Body)
		}
	})
}
