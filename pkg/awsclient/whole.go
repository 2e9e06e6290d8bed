package awsclient

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// WholeAnswers wraps a client of the SDK so that no answer is broken off: it
// hands each request's body to net/http as bytes in memory.
//
// The SDK closes a request's body as soon as the answer begins. A closed body's
// WriteTo returns io.EOF (smithy-go's transport/http/internal/io), where io.Copy
// wants nil at the end. If net/http still looks whether the body has more than
// was announced, which a fast server makes likely, it takes that for a failure
// and closes the connection: an answer of more than a few KB then ends in "use
// of closed network connection".
//
// It also spares a write: a body that net/http knows to be in memory leaves
// together with its headers, the SDK's after them.
//
// nil stands for the SDK's own client.
func WholeAnswers(c aws.HTTPClient) aws.HTTPClient {
	if c == nil {
		c = awshttp.NewBuildableClient()
	}
	return whole{c}
}

type whole struct{ aws.HTTPClient }

func (w whole) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		var body bytes.Buffer
		body.Grow(int(max(r.ContentLength, 0)))
		if _, err := io.Copy(&body, r.Body); err != nil {
			return nil, fmt.Errorf("read the body of a request to AWS: %w", err)
		}
		_ = r.Body.Close()                                   // was only read
		r.Body = io.NopCloser(bytes.NewReader(body.Bytes())) // the SDK makes a request for each attempt
	}
	return w.HTTPClient.Do(r)
}
