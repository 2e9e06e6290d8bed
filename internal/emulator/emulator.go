// Package emulator stands in for AWS on one machine: DynamoDB, SQS and the
// parameters of SSM in memory, behind one address. The dev command and the
// tests use it; nothing that is deployed imports it.
//
// New makes the handler, Start gives it an address, and Config is the
// configuration with which the SDK reaches that address. Each service is a
// package of its own below this one, and says what it promises.
package emulator

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/clerksync/clerksync/internal/emulator/awsjson"
	"github.com/clerksync/clerksync/internal/emulator/dynamodb"
	"github.com/clerksync/clerksync/internal/emulator/guard"
	"github.com/clerksync/clerksync/internal/emulator/sqs"
	"github.com/clerksync/clerksync/internal/emulator/ssm"
	"github.com/clerksync/clerksync/pkg/awsclient"
)

// region is the one that the emulators' ARNs name.
const region = "us-east-1"

// Options say what the emulators take from outside. The zero value works.
type Options struct {
	// Now is the clock of all services; time.Now if nil.
	Now func() time.Time
	// SecureStrings are SSM parameters that are there from the start, values by
	// name.
	SecureStrings map[string]string
	// Describe says what stands behind the emulators: GET / answers its value as
	// JSON, by which a program that knows only this address finds the rest. While it
	// is nil, or returns nil, that is 404.
	Describe func() any
	// Queues, unless nil, looks into the queues once New has returned.
	Queues *Queues
}

// Queues looks into queues without receiving their messages.
type Queues = sqs.Browser

// New makes the three services, empty but for the parameters. Each request is
// served by the service that its header X-Amz-Target names; GET / is answered by
// Describe.
func New(o Options) http.Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	services := awsjson.New(
		dynamodb.New(o.Now),
		sqs.New(sqs.Options{Now: o.Now, Browser: o.Queues}),
		ssm.New(ssm.Options{Now: o.Now, SecureStrings: o.SecureStrings}),
	)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == "/" {
			describe(w, r, o.Describe)
			return
		}
		services.ServeHTTP(w, r)
	})
}

func describe(w http.ResponseWriter, r *http.Request, value func() any) {
	var v any
	if value != nil {
		v = value()
	}
	if v == nil {
		http.NotFound(w, r)
		return
	}
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "encode the description: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store") // the next process here has other addresses
	_, _ = w.Write(append(body, '\n'))          // the caller is gone if this fails
}

// Config is how the SDK reaches an endpoint on this machine, at the URL, that
// takes any credentials.
func Config(url string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: &url, HTTPClient: awsclient.NewHTTPClient(nil),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
}

// Endpoint is a handler at an address, until Close.
type Endpoint struct {
	URL    string // http://host:port
	Config aws.Config
	// InProcess reaches the same without a connection: at a tenth of the cost, and
	// past whatever stands before the address.
	InProcess aws.Config
	server    *http.Server
}

// Start serves a handler, as New makes one, on a TCP address HOST:PORT, guarded
// against pages that a browser shows (see guard.LocalHosts). Port 0 stands for
// any that is free.
func Start(ctx context.Context, addr string, h http.Handler) (*Endpoint, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", addr, err)
	}
	url := "http://" + l.Addr().String()
	e := &Endpoint{
		URL: url, Config: Config(url), InProcess: InProcess(h),
		server: guard.NewServer(guard.Protect(h, guard.LocalHosts(addr))),
	}
	go func() { _ = e.server.Serve(l) }() // returns when Close is called
	return e, nil
}

// Close frees the address. Requests in flight lose their connection, so that a
// long poll does not hold up the end of the process.
func (e *Endpoint) Close() { _ = e.server.Close() } // what is in memory is lost in any case
