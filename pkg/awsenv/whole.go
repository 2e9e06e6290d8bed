package awsenv

import (
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// WholeAnswers wraps a client of the SDK so that no answer is broken off.
//
// The SDK closes a request's body as soon as the answer begins. A closed body's
// WriteTo returns io.EOF (smithy-go's transport/http/internal/io), where io.Copy
// wants nil at the end. If net/http still looks whether the body has more than
// was announced, which a fast server makes likely, it takes that for a failure
// and closes the connection: an answer of more than a few KB then ends in "use
// of closed network connection". A body without WriteTo is read instead.
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
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return w.HTTPClient.Do(r)
}
