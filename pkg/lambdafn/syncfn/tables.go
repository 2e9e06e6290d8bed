package syncfn

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/clerksync/clerksync/pkg/lambdafn"
)

// CountTableRequests returns a client that counts the requests to the tables
// that go through it: all of them, those that DynamoDB throttled, and those that
// failed on its side or on the way.
//
// DynamoDB publishes throttles and errors by table and operation, so alarms on
// its own metrics would have to name every operation of every table. Here they
// are one number each, and a request that never reached DynamoDB counts too.
func CountTableRequests(c aws.HTTPClient, m *lambdafn.Metrics) aws.HTTPClient {
	return countingClient{client: c, metrics: m}
}

type countingClient struct {
	client  aws.HTTPClient
	metrics *lambdafn.Metrics
}

// Do counts the request and sends it, and counts how it was answered. Each
// attempt of the SDK comes through here.
func (c countingClient) Do(r *http.Request) (*http.Response, error) {
	c.metrics.Count(lambdafn.MetricTableRequests)
	resp, err := c.client.Do(r)
	switch {
	case err != nil || resp.StatusCode >= http.StatusInternalServerError:
		c.metrics.Count(lambdafn.MetricTableErrors)
	case resp.StatusCode == http.StatusBadRequest && isThrottled(resp):
		c.metrics.Count(lambdafn.MetricTableThrottles)
	}
	return resp, err
}

// maxRefusal bounds what is read of a refusal. It may hold the row whose
// condition failed, of at most 400 KB.
const maxRefusal = 4 << 20

// isThrottled reports whether a refusal says that DynamoDB had no capacity for
// the request, or for one of the writes of a transaction:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
// A condition that failed is a refusal with the same status. The body stays to
// be read by the SDK, whole.
func isThrottled(resp *http.Response) bool {
	// What cannot be read here cannot be read by the SDK either, which reports it.
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	resp.Body = rereadBody{io.MultiReader(bytes.NewReader(text), resp.Body), resp.Body}
	var refusal struct {
		Type    string                  `json:"__type"`
		Reasons []struct{ Code string } `json:"CancellationReasons"`
	}
	if json.Unmarshal(text, &refusal) != nil {
		return false
	}
	switch refusal.Type[strings.LastIndexByte(refusal.Type, '#')+1:] {
	case "ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded":
		return true
	}
	return slices.ContainsFunc(refusal.Reasons, func(r struct{ Code string }) bool {
		return r.Code == "ThrottlingError" || r.Code == "ProvisionedThroughputExceeded"
	})
}

// rereadBody is a body of which the beginning was read already.
type rereadBody struct {
	io.Reader
	io.Closer
}
