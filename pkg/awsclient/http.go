package awsclient

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// NewHTTPClient returns the HTTP client that every client of the SDK must have:
// in the functions, the command, the emulators and the tests. It sends requests
// through base, or through the SDK's own client where base is nil.
//
// Without it answers may be broken off. The SDK closes a request's body as soon as
// the answer begins, and from then on its WriteTo returns io.EOF (smithy-go,
// transport/http/internal/io), where io.Copy wants nil. If net/http still looks
// whether the body goes on, which a fast server makes likely, it takes that for a
// failure and closes the connection under the answer. So this client hands
// net/http each body as bytes in memory, which are sent with the headers.
//
// The SDK's own client also keeps only 10 connections that are not in use.
func NewHTTPClient(base aws.HTTPClient) aws.HTTPClient {
	if base == nil {
		base = awshttp.NewBuildableClient()
	}
	if b, ok := base.(*awshttp.BuildableClient); ok {
		base = b.WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = maxIdleConnections })
	}
	return bufferingClient{base}
}

type bufferingClient struct{ base aws.HTTPClient }

func (c bufferingClient) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		var body bytes.Buffer
		body.Grow(int(max(r.ContentLength, 0)))
		if _, err := io.Copy(&body, r.Body); err != nil {
			return nil, fmt.Errorf("read the body of a request to AWS: %w", err)
		}
		_ = r.Body.Close() // it was only read
		// The request may be changed: the SDK makes one for each attempt.
		r.Body = io.NopCloser(bytes.NewReader(body.Bytes()))
	}
	return c.base.Do(r)
}
