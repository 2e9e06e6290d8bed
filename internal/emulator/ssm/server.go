// Package ssm is the parameters of AWS Systems Manager in memory: an
// http.Handler that speaks the AWS JSON protocol 1.1, as the SDKs and the AWS
// CLI send it, for running the whole pipeline on one machine. Nothing that is
// deployed imports it.
//
// It knows GetParameter, GetParameters, PutParameter and DeleteParameter, with
// versions and with the kinds String, StringList and SecureString. A
// SecureString that is asked for without WithDecryption comes as something that
// is not its value, as at AWS, so that a caller who forgets is found out. There
// are no keys, policies, labels or tiers; any credentials do.
//
// Actions: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Operations.html
package ssm

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	targetPrefix = "AmazonSSM."
	arnPrefix    = "arn:aws:ssm:us-east-1:000000000000:parameter/"
	maxRequest   = 1 << 20
)

// Options says what a Server takes from outside. The zero value is a working
// server on the wall clock.
type Options struct {
	// Now is the clock that LastModifiedDate is read from; time.Now if nil.
	Now func() time.Time
	// SecureStrings are parameters that are there from the start, values by name.
	SecureStrings map[string]string
}

// Server keeps the parameters of one account in one region. It is an
// http.Handler, safe for concurrent use.
type Server struct {
	now func() time.Time

	mu         sync.Mutex
	parameters map[string][]parameter // by name, the first version first
}

// New makes a server with the parameters that the options name.
func New(o Options) *Server {
	s := &Server{now: o.Now, parameters: make(map[string][]parameter)}
	if s.now == nil {
		s.now = time.Now
	}
	for name, value := range o.SecureStrings {
		s.parameters[name] = []parameter{{name: name, kind: secure, value: value, version: 1, modified: s.now()}}
	}
	return s
}

// ServeHTTP answers one action: a POST to any path, named by the header
// X-Amz-Target as AmazonSSM.<Action>.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := s.serve(w, r)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	status := http.StatusOK
	if err != nil {
		var refusal *apiError
		if !errors.As(err, &refusal) {
			refusal = &apiError{code: "InternalServerError", message: err.Error(), status: http.StatusInternalServerError}
		}
		status = refusal.status
		out = map[string]string{"__type": refusal.code, "message": refusal.message}
	}
	// Answers are made of text, numbers and times alone: they always encode.
	body, _ := json.Marshal(out)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) (any, error) {
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	if r.Method != http.MethodPost || !ok {
		return nil, refuse("UnknownOperationException", "requests are POST, with a header X-Amz-Target that starts with AmazonSSM.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		return nil, refuse("SerializationException", "read request: "+err.Error())
	}
	switch name {
	case "GetParameter":
		return do(s.getParameter, body)
	case "GetParameters":
		return do(s.getParameters, body)
	case "PutParameter":
		return do(s.putParameter, body)
	case "DeleteParameter":
		return do(s.deleteParameter, body)
	}
	return nil, refuse("UnknownOperationException", "action "+name+" is not there")
}

func do[In, Out any](method func(In) (Out, error), body []byte) (any, error) {
	var in In
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, refuse("SerializationException", "request is not the JSON that this action takes: "+err.Error())
	}
	return method(in)
}

// apiError is a refusal as the JSON protocol carries it: code is the name that
// SDKs decode into an error type.
type apiError struct {
	code, message string
	status        int
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func refuse(code, message string) *apiError {
	return &apiError{code: code, message: message, status: http.StatusBadRequest}
}
