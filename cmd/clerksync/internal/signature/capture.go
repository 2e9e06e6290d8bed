package signature

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Capture is one request as a person recorded it: headers from a log or from
// curl -v, a JSON object of headers, or an event of API Gateway.
type Capture struct {
	Header   map[string][]string
	Body     []byte    // with the gateway's base64 undone
	HasBody  bool      // whether the recording holds the body; it may be empty
	Received time.Time // when the request arrived; zero where the recording does not say
}

// ErrNoHeaders says that a recording holds no headers in any of the forms.
var ErrNoHeaders = errors.New("it holds no headers: want lines (name: value), a JSON object or an API Gateway event")

// ParseCapture reads a recorded request in any of its forms. A text that
// begins with { is JSON, any other text is lines.
func ParseCapture(text []byte) (c Capture, err error) {
	text = bytes.TrimPrefix(text, []byte(byteOrderMark))
	if trimmed := bytes.TrimSpace(text); bytes.HasPrefix(trimmed, []byte("{")) {
		c, err = parseJSONCapture(trimmed)
	} else {
		c = parseLines(text)
	}
	if err == nil && len(c.Header) == 0 {
		err = ErrNoHeaders
	}
	return c, err
}

// gatewayEvent is an event of API Gateway in payload format 1.0 or 2.0, as far
// as it is about the request:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
type gatewayEvent struct {
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
}

// parseJSONCapture reads an event of API Gateway, or a plain object of headers.
func parseJSONCapture(text []byte) (c Capture, err error) {
	var plain map[string]any
	if err := json.Unmarshal(text, &plain); err != nil {
		return c, fmt.Errorf("it begins as JSON but is not valid JSON: %w", err)
	}
	if _, ok := plain["headers"].(map[string]any); !ok {
		c.Header = headerValues(plain)
		return c, nil
	}
	var event gatewayEvent
	if err := json.Unmarshal(text, &event); err != nil {
		return c, fmt.Errorf("it looks like an event of API Gateway but does not decode as one: %w", err)
	}
	c.Header = headerValues(event.Headers)
	for name, v := range headerValues(event.MultiValue) {
		c.Header[name] = v
	}
	if ms := max(event.RequestContext.Milliseconds2, event.RequestContext.Milliseconds1); ms > 0 {
		c.Received = time.UnixMilli(ms)
	}
	if event.Body != nil {
		c.Body = []byte(*event.Body)
	}
	// An event of the gateway without a body is a request with an empty one.
	c.HasBody = event.Body != nil || event.RawPath != "" || event.HTTPMethod != ""
	if event.IsBase64 {
		if b, err := base64.StdEncoding.DecodeString(string(c.Body)); err == nil {
			c.Body = b
		}
	}
	return c, nil
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
