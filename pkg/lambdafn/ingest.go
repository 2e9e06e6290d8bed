// Package lambdafn is what Lambda calls: it turns the events of API Gateway and
// SQS into what ingest and consumer work on, and their answers back.
package lambdafn

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clerksync/clerksync/pkg/ingest"
)

// Ingest serves API Gateway HTTP APIs, payload format 2.0. It is a
// lambda.Handler.
type Ingest struct {
	Handler *ingest.Ingest
	// OldFormat is called for a request in payload format 1.0, which has no
	// rawPath and is answered 404.
	OldFormat func(context.Context)
	Metrics   *Metrics // nil writes none
}

// request are the fields of a payload format 2.0 request that are read:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
type request struct {
	RawPath         string            `json:"rawPath"`
	Headers         map[string]string `json:"headers"`
	Body            text              `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	HTTPMethod      string            `json:"httpMethod"` // format 1.0
	RequestContext  struct {
		HTTP struct {
			Method string `json:"method"`
		} `json:"http"`
	} `json:"requestContext"`
}

// text is a JSON string as bytes, which a body is wanted as.
type text []byte

// UnmarshalText is an encoding.TextUnmarshaler.
func (t *text) UnmarshalText(b []byte) error {
	*t = bytes.Clone(b)
	return nil
}

// answerMargin is left of the invocation's deadline to say that the queue did
// not take the message.
const answerMargin = time.Second

// Invoke answers one request.
func (h *Ingest) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var in request
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, fmt.Errorf("decode the gateway's request: %w", err)
	}
	if in.RawPath == "" && in.HTTPMethod != "" {
		h.OldFormat(ctx)
	}
	if d, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, d.Add(-answerMargin))
		defer cancel()
	}
	reply := h.Handler.Handle(ctx, in.request())
	h.Metrics.Flush()
	return answer(reply), nil
}

// answer is a reply as the gateway reads it. It is put together by hand, as the
// metrics are. JSON and Go quote printable ASCII alike, and a reply is no more.
func answer(r ingest.Reply) []byte {
	b := make([]byte, 0, 2*len(r.Body)+128)
	b = strconv.AppendInt(append(b, `{"statusCode":`...), int64(r.Status), 10)
	b = append(b, `,"headers":{`...)
	for i, f := range r.Header {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendQuote(append(strconv.AppendQuote(b, f.Name), ':'), f.Value)
	}
	b = strconv.AppendQuote(append(b, `},"body":`...), r.Body)
	return append(b, '}')
}

func (in request) request() ingest.Request {
	r := ingest.Request{
		Method: in.RequestContext.HTTP.Method,
		Path:   in.RawPath,
		Header: in.header(),
		Body:   in.Body,
	}
	if strings.HasSuffix(r.Path, ingest.Path) {
		r.Path = ingest.Path // a stage's name may come first
	}
	if in.IsBase64Encoded {
		var err error
		r.Body, err = base64.StdEncoding.AppendDecode(nil, in.Body)
		r.Unreadable = err != nil
	}
	return r
}

// header returns what finds a header whatever the case of its name: the gateway
// writes it small, local runs do not.
func (in request) header() func(name string) string {
	for k := range in.Headers {
		if k != strings.ToLower(k) {
			return in.anyCase
		}
	}
	return func(name string) string { return in.Headers[name] }
}

func (in request) anyCase(name string) string {
	var values []string
	for _, k := range slices.Sorted(maps.Keys(in.Headers)) {
		if strings.EqualFold(k, name) {
			values = append(values, in.Headers[k])
		}
	}
	return strings.Join(values, ",")
}
