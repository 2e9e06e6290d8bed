package emulator

import (
	"bytes"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/clerksync/clerksync/internal/emulator/awsjson"
	"github.com/clerksync/clerksync/internal/emulator/dynamodb"
)

// Tables is an emulated DynamoDB in this process, without an address: each request
// is a call. It is for whoever needs many short-lived tables, whom connections
// would cost more than what they ask for.
type Tables struct {
	Config aws.Config // with which the SDK reaches it
	store  *dynamodb.Store
}

// NewTables makes a DynamoDB without tables.
func NewTables(now func() time.Time) *Tables { return serveTables(dynamodb.NewStore(now)) }

// Copy makes a DynamoDB that holds the same, and that no longer changes with this
// one.
func (t *Tables) Copy() *Tables { return serveTables(t.store.Copy()) }

func serveTables(store *dynamodb.Store) *Tables {
	return &Tables{store: store, Config: InProcess(awsjson.New(store.Service()))}
}

// InProcess is a configuration with which the SDK calls the handler, one of New for
// example. There is no network, so a test may run in a bubble of testing/synctest.
func InProcess(h http.Handler) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: aws.String("http://in-process.localhost"),
		HTTPClient:  HandlerClient{h},
		Credentials: aws.AnonymousCredentials{}, // no signature is looked at
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
}

// HandlerClient is an HTTP client, and a transport of one, whose server is the
// handler.
type HandlerClient struct{ Handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (c HandlerClient) RoundTrip(r *http.Request) (*http.Response, error) { return c.Do(r) }

// Do fails only after the end of the request's context.
func (c HandlerClient) Do(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err //nolint:wrapcheck // as net/http's client, whose callers look for it
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := &answer{status: http.StatusOK, header: http.Header{}}
	c.Handler.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err //nolint:wrapcheck // the handler came to an end too late
	}
	return &http.Response{
		StatusCode: w.status, Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
	}, nil
}

// answer keeps what a handler answers.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }
