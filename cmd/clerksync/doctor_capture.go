package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// capture is a request as somebody wrote it down.
type capture struct {
	header  map[string][]string
	body    []byte
	hasBody bool
	at      time.Time // when it arrived, zero where that is not said
}

// file reads a file, or standard input.
func (e env) file(name string) ([]byte, error) {
	var b []byte
	var err error
	if name == "-" {
		b, err = io.ReadAll(e.in)
	} else {
		b, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	return b, nil
}

// capture reads a file of headers in any of its forms.
func (e env) capture(name string) (c capture, err error) {
	text, err := e.file(name)
	if err != nil {
		return c, err
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if t := bytes.TrimSpace(text); len(t) > 0 && t[0] == '{' {
		c, err = parseGateway(t)
	} else {
		c = parseLines(text)
	}
	if err != nil {
		return c, fmt.Errorf("read the headers of %s: %w", name, err)
	}
	if len(c.header) == 0 {
		return c, fmt.Errorf("%s %w", name, errNoHeaders)
	}
	return c, nil
}

// parseGateway reads an event of API Gateway (either payload format), or a
// plain object of headers.
func parseGateway(text []byte) (c capture, err error) {
	var event struct {
		Headers    map[string]any `json:"headers"`
		Multi      map[string]any `json:"multiValueHeaders"`
		Body       *string        `json:"body"`
		Base64     bool           `json:"isBase64Encoded"`
		Context    gatewayContext `json:"requestContext"`
		RawPath    string         `json:"rawPath"`
		HTTPMethod string         `json:"httpMethod"`
	}
	var plain map[string]any
	if err := json.Unmarshal(text, &plain); err != nil {
		return c, fmt.Errorf("it begins as JSON and is none: %w", err)
	}
	if _, ok := plain["headers"].(map[string]any); !ok {
		c.header = values(plain)
		return c, nil
	}
	if err := json.Unmarshal(text, &event); err != nil {
		return c, fmt.Errorf("it looks like an event of API Gateway and is none: %w", err)
	}
	c.header = values(event.Headers)
	for name, v := range values(event.Multi) {
		c.header[name] = v
	}
	if ms := max(event.Context.Epoch, event.Context.RequestEpoch); ms > 0 {
		c.at = time.UnixMilli(ms)
	}
	if event.Body != nil || event.RawPath != "" || event.HTTPMethod != "" {
		c.hasBody = true
		if event.Body != nil {
			c.body = []byte(*event.Body)
		}
	}
	if event.Base64 {
		if b, err := base64.StdEncoding.DecodeString(string(c.body)); err == nil {
			c.body = b
		}
	}
	return c, nil
}

// gatewayContext says when a request arrived, in milliseconds.
type gatewayContext struct {
	Epoch        int64 `json:"timeEpoch"`        // format 2.0
	RequestEpoch int64 `json:"requestTimeEpoch"` // format 1.0
}

func values(in map[string]any) map[string][]string {
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

// parseLines reads `name: value` lines, as of curl -v or of a log. What follows
// a blank line is the body.
func parseLines(text []byte) capture {
	c := capture{header: map[string][]string{}}
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
		l := strings.TrimRight(string(line), "\r")
		for _, mark := range []string{"> ", "< "} {
			l = strings.TrimPrefix(l, mark)
		}
		if strings.TrimSpace(l) == "" || l == ">" || l == "<" {
			if len(c.header) > 0 {
				if c.hasBody = len(text) > 0; c.hasBody {
					c.body = text
				}
				break
			}
			continue
		}
		name, value, ok := strings.Cut(l, ":")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(name, " \t") {
			continue // the request line, a mark of curl's
		}
		c.header[name] = append(c.header[name], strings.Trim(value, " \t"))
	}
	return c
}
