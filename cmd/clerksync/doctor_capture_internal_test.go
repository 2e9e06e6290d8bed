package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCapture(t *testing.T) {
	t.Parallel()
	type header = map[string][]string
	for name, c := range map[string]struct {
		text string
		want capture
	}{
		"lines":                 {"svix-id: msg_a\nSvix-Timestamp:1\n", capture{header: header{"svix-id": {"msg_a"}, "Svix-Timestamp": {"1"}}}},
		"lines of CR LF":        {"svix-id: msg_a\r\n\r\n{}\r\n", capture{header: header{"svix-id": {"msg_a"}}, body: []byte("{}\r\n"), hasBody: true}},
		"as of curl -v":         {"* Connected\n> POST / HTTP/1.1\n> svix-id: msg_a\n>\n", capture{header: header{"svix-id": {"msg_a"}}}},
		"a header that repeats": {"\n\nx: 1\nx: 2\n", capture{header: header{"x": {"1", "2"}}}},
		"byte order mark":       {"\ufeffx: 1", capture{header: header{"x": {"1"}}}},
		"value with a colon":    {"x: a:b", capture{header: header{"x": {"a:b"}}}},
		"an object":             {`{"x":"1","y":["2","3"],"z":1767225600,"w":null}`, capture{header: header{"x": {"1"}, "y": {"2", "3"}, "z": {"1767225600"}}}},
		"API Gateway 2.0": {
			`{"version":"2.0","rawPath":"/","headers":{"x":"1"},"body":"aGk=","isBase64Encoded":true,"requestContext":{"timeEpoch":1767225600000}}`,
			capture{header: header{"x": {"1"}}, body: []byte("hi"), hasBody: true, at: time.UnixMilli(1767225600000)},
		},
		"API Gateway 1.0": {
			`{"httpMethod":"POST","headers":{"x":"2"},"multiValueHeaders":{"x":["1","2"]},"body":"hi","requestContext":{"requestTimeEpoch":1767225600000}}`,
			capture{header: header{"x": {"1", "2"}}, body: []byte("hi"), hasBody: true, at: time.UnixMilli(1767225600000)},
		},
		"API Gateway, no body":       {`{"rawPath":"/","headers":{"x":"1"},"body":null}`, capture{header: header{"x": {"1"}}, hasBody: true}},
		"API Gateway, broken base64": {`{"rawPath":"/","headers":{"x":"1"},"body":"aGk","isBase64Encoded":true}`, capture{header: header{"x": {"1"}}, body: []byte("aGk"), hasBody: true}},
	} {
		e := env{in: strings.NewReader(c.text)}
		got, err := e.capture("-")
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(capture{})); err != nil || diff != "" {
			t.Errorf("%s: capture = %v, -want +got:\n%s", name, err, diff)
		}
	}
	for name, text := range map[string]string{"empty": "", "no headers": "hello\n", "no JSON": "{", "no event": `{"headers":{},"body":1}`, "an empty object": "{}"} {
		if got, err := (env{in: strings.NewReader(text)}).capture("-"); err == nil {
			t.Errorf("%s: capture = %+v, want an error", name, got)
		}
	}
}

// FuzzCapture holds that what is read has headers with names, and that a body
// behind a blank line is the file's own end.
func FuzzCapture(f *testing.F) {
	for _, text := range []string{"a: b\n\nbody", `{"headers":{"a":"b"},"body":"x"}`, `{"a":["b"]}`, "> a: b\r\n>\r\n", "\ufeff{"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := (env{in: bytes.NewReader(text)}).capture("-")
		if err != nil {
			return
		}
		if len(got.header) == 0 {
			t.Errorf("capture(%q) has no headers and no error", text)
		}
		if first := bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\ufeff")), " \t\r\n\v\f\u0085\u00a0"); len(first) > 0 && first[0] != '{' && !bytes.HasSuffix(text, got.body) {
			t.Errorf("capture(%q): body %q is not the end of the file", text, got.body)
		}
	})
}
