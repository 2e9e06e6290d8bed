// Package ingestfn is the function behind the webhook: it turns a request of an
// API Gateway HTTP API into what pkg/ingest decides on, and the decision into the
// answer, a line of the log and counts.
//
// ingest gets the very bytes that the sender signed: base64 is decoded, and
// nothing is encoded again. Whatever the request is, it is answered; only an
// event that is not a request at all is an error.
//
//   - ingestfn.go: the shapes of Lambda's events and answers
//   - observer.go: what is logged and counted of a request
package ingestfn

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
)

// Handler serves requests in payload format 2.0. It is a lambda.Handler.
type Handler struct {
	Ingest  *ingest.Ingest
	Log     *slog.Logger
	Metrics *lambdafn.Metrics // nil writes none
}

// request has the fields of a payload format 2.0 request that are read:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
type request struct {
	RawPath         string            `json:"rawPath"`
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	HTTPMethod      string            `json:"httpMethod"` // of format 1.0 alone
	RequestContext  struct {
		HTTP struct {
			Method string `json:"method"`
		} `json:"http"`
	} `json:"requestContext"`
}

// response is the answer in payload format 2.0. Without the member
// isBase64Encoded its body is text.
type response struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
}

// answerMargin is the part of the invocation's time that is kept to answer that
// the queue did not take the message. Without an answer Svix would wait for its
// own timeout.
const answerMargin = time.Second

// Invoke answers one request. API Gateway answers 500 for an error, so that Svix
// sends the message again.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var in request
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, fmt.Errorf("decode the request of API Gateway: %w", err)
	}
	if in.RawPath == "" && in.HTTPMethod != "" { // format 1.0 has no rawPath, so it is answered 404
		h.Log.LogAttrs(ctx, slog.LevelWarn,
			"request in payload format 1.0: set PayloadFormatVersion 2.0 on the integration")
	}
	if d, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, d.Add(-answerMargin))
		defer cancel()
	}
	reply := h.Ingest.Handle(ctx, in.request())
	// Lambda freezes the process after the answer: the metrics go before it.
	h.Metrics.Flush()
	return json.Marshal(response{StatusCode: reply.Status, Headers: reply.Header, Body: reply.Body})
}

// request returns the parts of the request that the decision needs. A body that
// is not valid base64 is passed on as unreadable, so that the checks before the
// signature's still decide what is answered.
func (in request) request() ingest.Request {
	r := ingest.Request{
		Method: in.RequestContext.HTTP.Method,
		Path:   in.RawPath,
		Header: in.header,
		Body:   []byte(in.Body),
	}
	if strings.HasSuffix(r.Path, ingest.Path) {
		r.Path = ingest.Path // the name of a stage or a base path may come first
	}
	if in.IsBase64Encoded {
		var err error
		r.Body, err = base64.StdEncoding.DecodeString(in.Body)
		r.Unreadable = err != nil
	}
	return r
}

// header returns the values of a header whatever the case of its name: API
// Gateway writes small letters, sam local does not. Values of several cases are
// joined as repeated headers are, in an order that does not depend on the map's.
func (in request) header(name string) string {
	var values []string
	for k, v := range in.Headers {
		if strings.EqualFold(k, name) {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	return strings.Join(values, ",")
}
