package signature

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Capture is one request as a person recorded it: headers from a log or from
// curl -v, a JSON object of headers, an event of API Gateway, or what
// `clerk webhooks listen --json` printed or `clerksync dev --record` wrote.
type Capture struct {
	Header   map[string][]string
	Body     []byte                // with the gateway's base64 undone
	HasBody  bool                  // whether the recording holds the body; it may be empty
	Received time.Time             // when the request arrived; zero where the recording does not say
	Others   []map[string][]string // the headers of other requests of the same recording
}

// errNoHeaders says that a recording holds no headers in any of the forms.
var errNoHeaders = errors.New("it holds no headers: want lines (name: value), a JSON object, an API Gateway event, " +
	"or lines of clerk webhooks listen --json")

// ParseCapture reads a recorded request in any of its forms and encodings. A text
// that begins with { is JSON, any other text is lines.
func ParseCapture(text []byte) (c Capture, err error) {
	text, _ = DecodeText(text)
	if trimmed := bytes.TrimSpace(text); bytes.HasPrefix(trimmed, []byte("{")) {
		c, err = parseJSON(trimmed)
	} else {
		c = parseLines(text)
	}
	if err == nil && len(c.Header) == 0 {
		err = errNoHeaders
	}
	return c, err
}

// recorded is one JSON object of a recording, as far as it is about the request:
// an event of API Gateway in payload format 1.0 or 2.0, a line of Clerk's CLI, or a
// line of `clerksync dev --record`.
//   - https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
//   - https://github.com/clerk/cli, packages/cli-core/src/commands/webhooks/render.ts
type recorded struct {
	Time           string         `json:"time"` // of dev --record, RFC 3339
	Headers        map[string]any `json:"headers"`
	MultiValue     map[string]any `json:"multiValueHeaders"` // format 1.0
	Body           *string        `json:"body"`
	IsBase64       bool           `json:"isBase64Encoded"`
	RawPath        string         `json:"rawPath"`    // format 2.0
	HTTPMethod     string         `json:"httpMethod"` // format 1.0
	RequestContext struct {
		Milliseconds2 int64 `json:"timeEpoch"`        // format 2.0
		Milliseconds1 int64 `json:"requestTimeEpoch"` // format 1.0
	} `json:"requestContext"`
	ForwardedBody *string `json:"body_b64"`       // of Clerk's CLI
	ForwardStatus int     `json:"forward_status"` // what the endpoint answered; null or 0 where it did not
}

// parseJSON reads a JSON object, or several: Clerk's CLI and `clerksync dev
// --record` write one a line. Of several requests the one in doubt is the last that
// was refused, else the last; the others lend their headers. A line without headers
// is about no request.
func parseJSON(text []byte) (chosen Capture, err error) {
	objects, err := splitObjects(text)
	if err != nil {
		return chosen, fmt.Errorf("it begins as JSON but is not valid JSON: %w", err)
	}
	requests := make([]Capture, 0, len(objects))
	wasRefused := false
	for _, object := range objects {
		next, refused, err := parseObject(object)
		if err != nil {
			return chosen, err
		}
		requests = append(requests, next)
		if refused || !wasRefused && (next.HasBody || !chosen.HasBody) {
			chosen, wasRefused = next, refused
		}
	}
	for _, r := range requests {
		if r.HasBody && !maps.EqualFunc(r.Header, chosen.Header, slices.Equal) {
			chosen.Others = append(chosen.Others, r.Header)
		}
	}
	return chosen, nil
}

// splitObjects returns the JSON values of a text, mostly one a line.
func splitObjects(text []byte) (objects []json.RawMessage, err error) {
	for dec := json.NewDecoder(bytes.NewReader(text)); ; {
		var object json.RawMessage
		if err := dec.Decode(&object); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, err //nolint:wrapcheck // parseJSON says what failed
		}
		objects = append(objects, object)
	}
}

// parseObject reads one object, which is a plain object of headers where it has
// no member with that name. It says whether the endpoint refused the request.
func parseObject(text []byte) (c Capture, refused bool, err error) {
	var plain map[string]any
	if err := json.Unmarshal(text, &plain); err != nil {
		return c, false, fmt.Errorf("it begins as JSON but holds something else than objects: %w", err)
	}
	if _, ok := plain["headers"].(map[string]any); !ok {
		c.Header = headerValues(plain)
		return c, false, nil
	}
	var r recorded
	if err := json.Unmarshal(text, &r); err != nil {
		return c, false, fmt.Errorf("it looks like an event of API Gateway but does not decode as one: %w", err)
	}
	c.Header = headerValues(r.Headers)
	c.Received, _ = time.Parse(time.RFC3339Nano, r.Time) // a tool may call something else a time
	for name, v := range headerValues(r.MultiValue) {
		c.Header[name] = v
	}
	if ms := max(r.RequestContext.Milliseconds2, r.RequestContext.Milliseconds1); ms > 0 {
		c.Received = time.UnixMilli(ms)
	}
	// An event of the gateway without a body is a request with an empty one.
	c.HasBody = r.Body != nil || r.ForwardedBody != nil || r.RawPath != "" || r.HTTPMethod != ""
	if r.Body != nil {
		c.Body = []byte(*r.Body)
	}
	if r.ForwardedBody != nil {
		c.Body, r.IsBase64 = []byte(*r.ForwardedBody), true
	}
	if r.IsBase64 {
		if b, err := base64.StdEncoding.DecodeString(string(c.Body)); err == nil {
			c.Body = b
		}
	}
	return c, r.ForwardStatus >= http.StatusBadRequest, nil
}

// headerValues keeps what a header's value can be in JSON: a text, a list of
// texts, or a number (the timestamp, where a person wrote the object).
func headerValues(in map[string]any) map[string][]string {
	out := map[string][]string{}
	for name, v := range in {
		switch v := v.(type) {
		case string:
			out[name] = []string{v}
		case float64:
			out[name] = []string{fmt.Sprintf("%.0f", v)}
		case []any:
			for _, e := range v {
				if s, ok := e.(string); ok {
					out[name] = append(out[name], s)
				}
			}
		}
	}
	return out
}

// parseLines reads `name: value` lines, as curl -v or a log prints them. What
// follows the first blank line after a header is the body.
func parseLines(text []byte) Capture {
	c := Capture{Header: map[string][]string{}}
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
		l := strings.TrimRight(string(line), "\r")
		for _, mark := range []string{"> ", "< "} { // curl's, for what it sends and receives
			l = strings.TrimPrefix(l, mark)
		}
		if strings.TrimSpace(l) == "" || l == ">" || l == "<" {
			if len(c.Header) == 0 {
				continue
			}
			if c.HasBody = len(text) > 0; c.HasBody {
				c.Body = text
			}
			break
		}
		name, value, ok := strings.Cut(l, ":")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(name, " \t") {
			continue // the request line, or a note of curl's
		}
		c.Header[name] = append(c.Header[name], strings.Trim(value, " \t"))
	}
	return c
}
