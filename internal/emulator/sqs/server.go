// Package sqs is Amazon SQS in memory: an http.Handler that speaks the
// AWS JSON protocol 1.0, as the SDKs and the AWS CLI send it, for running the
// whole pipeline on one machine. Nothing that is deployed imports it.
//
// It promises what SQS documents for standard queues and refuses what SQS
// documents as refused: limits of size and number, characters, attribute
// names, receipt handles, the codes and shapes of errors. Where SQS leaves a
// choice (a copy delivered twice, another order, a receive that finds nothing
// although messages are there) it takes the orderly one: each message once per
// visibility timeout, the one that has waited longest first, so none starves.
// FIFO queues are refused. Policies, encryption keys and tags are kept and
// given back, never acted on; any credentials do.
//
// The package sqstest holds the contract as a suite that also runs against
// other engines.
//
// Everything happens inside a request: there are no goroutines to stop. A
// message that becomes visible, a retention period that ends and a move task
// that goes on are all worked out from the clock when somebody asks, and a
// long poll asks again by itself. A long poll ends with its request's context,
// so a host that shuts down cancels the server's base context first.
//
// Protocol: https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
// Actions: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html
package sqs

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	targetPrefix = "AmazonSQS."
	region       = "us-east-1"
	account      = "000000000000"
	// maxRequest is a whole batch of 1 MiB in JSON, every byte of it escaped
	// as six, and some room for names.
	maxRequest = 8 << 20
	// defaultInFlightLimit is the number of messages of one queue that may be
	// received and not deleted at one time:
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
	defaultInFlightLimit = 120_000
)

// Options says what a Server takes from outside. The zero value is a working
// server on the wall clock.
type Options struct {
	// Now is the clock that delays, visibility, retention and move tasks are
	// reckoned by; time.Now if nil. How long a long poll waits is real time.
	Now func() time.Time
	// Rand is the source of message ids, receipt and task handles;
	// crypto/rand's Reader if nil. It is never read by two at once.
	Rand io.Reader
	// BaseURL starts every queue URL, as "http://127.0.0.1:4566". If empty, a
	// queue's URL is built from the Host of the request that asks for it, so
	// that it can be reached the way the server was.
	BaseURL string
	// InFlightLimit is the number of received, undeleted messages that a queue
	// allows; 120,000, as at SQS, if 0.
	InFlightLimit int
}

// Server keeps the queues of one account in one region. It is an http.Handler,
// safe for concurrent use.
type Server struct {
	now           func() time.Time
	rand          io.Reader
	baseURL       string
	inFlightLimit int
	actions       map[string]action

	mu      sync.Mutex
	queues  map[string]*queue    // by name
	deleted map[string]time.Time // by name: when it was deleted last
	tasks   []*moveTask          // oldest first
}

// New makes a server without queues.
func New(o Options) *Server {
	s := &Server{
		now:           o.Now,
		rand:          o.Rand,
		baseURL:       strings.TrimSuffix(o.BaseURL, "/"),
		inFlightLimit: o.InFlightLimit,
		actions:       actions(),
		queues:        make(map[string]*queue),
		deleted:       make(map[string]time.Time),
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.rand == nil {
		s.rand = rand.Reader
	}
	if s.inFlightLimit == 0 {
		s.inFlightLimit = defaultInFlightLimit
	}
	return s
}

// ServeHTTP answers one action: a POST to any path, named by the header
// X-Amz-Target as AmazonSQS.<Action>.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := s.serve(w, r)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amzn-Requestid", s.newID())
	if err != nil {
		writeError(w, err)
		return
	}
	body, err := json.Marshal(out)
	if err != nil {
		writeError(w, fmt.Errorf("encode answer: %w", err))
		return
	}
	// The status is out and the caller gone if this fails: nobody to tell.
	_, _ = w.Write(body)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) (any, error) {
	if r.Method != http.MethodPost {
		return nil, errUnsupported("requests are POST, not " + r.Method)
	}
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	if !ok {
		return nil, errUnsupported("no header X-Amz-Target that starts with AmazonSQS.: only the AWS JSON protocol is spoken, not the older query protocol")
	}
	do, ok := s.actions[name]
	if !ok {
		return nil, errUnsupported("action " + name + " is not there")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, errTooLarge()
		}
		return nil, errMalformed("read request: " + err.Error())
	}
	return do(s, &call{ctx: r.Context(), baseURL: s.urlBase(r)}, body)
}

func (s *Server) urlBase(r *http.Request) string {
	if s.baseURL != "" {
		return s.baseURL
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// lock takes the server for one action and brings everything that the clock
// moves up to date. The caller unlocks s.mu.
func (s *Server) lock() time.Time {
	s.mu.Lock()
	now := s.now()
	s.runTasks(now)
	return now
}

// newID is a random UUID, the form of SQS's message ids.
func (s *Server) newID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newIDLocked()
}

func (s *Server) newIDLocked() string {
	var b [16]byte
	if _, err := io.ReadFull(s.rand, b[:]); err != nil {
		// crypto/rand never fails; a source that a test hands in and that ends
		// is a mistake in the test.
		panic(fmt.Sprintf("sqs emulator: read random source: %v", err))
	}
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
