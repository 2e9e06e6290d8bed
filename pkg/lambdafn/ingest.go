// Package lambdafn is what Lambda calls: it turns the events of API Gateway and
// SQS into what ingest and consumer work on, and their answers back.
package lambdafn

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
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
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	HTTPMethod      string            `json:"httpMethod"` // format 1.0
	RequestContext  struct {
		HTTP struct {
			Method string `json:"method"`
		} `json:"http"`
	} `json:"requestContext"`
}

type response struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
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
	return json.Marshal(response{reply.Status, reply.Header, string(reply.Body)})
}

func (in request) request() ingest.Request {
	r := ingest.Request{
		Method: in.RequestContext.HTTP.Method,
		Path:   in.RawPath,
		Header: in.header,
		Body:   []byte(in.Body),
	}
	if strings.HasSuffix(r.Path, ingest.Path) {
		r.Path = ingest.Path // a stage's name may come first
	}
	if in.IsBase64Encoded {
		var err error
		r.Body, err = base64.StdEncoding.DecodeString(in.Body)
		r.Unreadable = err != nil
	}
	return r
}

// header finds a header whatever the case of its name: the gateway writes it
// small, local runs do not.
func (in request) header(name string) string {
	var names []string
	for k := range in.Headers {
		if strings.EqualFold(k, name) {
			names = append(names, k)
		}
	}
	if len(names) == 1 {
		return in.Headers[names[0]]
	}
	var values []string
	for _, k := range slices.Sorted(slices.Values(names)) {
		values = append(values, in.Headers[k])
	}
	return strings.Join(values, ",")
}
