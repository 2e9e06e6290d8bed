// Package sqs is Amazon SQS in memory, for running the pipeline on one
// machine. Nothing that is deployed imports it.
//
// It promises what SQS documents for standard queues and refuses what SQS
// documents as refused: limits of size and number, characters, attribute
// names, receipt handles, the codes and shapes of errors. Where SQS leaves a
// choice (a copy delivered twice, another order, a receive that finds nothing
// although messages are there) it takes the orderly one: each message once per
// visibility timeout, the one that has waited longest first, so that none
// starves. Policies and encryption keys are kept and given back, never acted on.
// It has the operations that New lists: those that clerksync sends and the
// ordinary ones of the AWS CLI. FIFO queues, tags, permissions and move tasks
// are refused, by name.
//
// Everything happens inside a request: there are no goroutines to stop. A
// message that becomes visible and a retention period that ends are worked out
// from the clock when a request comes, and a long poll looks again by itself. A
// long poll ends with its request's context.
//
// A queue's attributes are read in settings.go; queue.go moves messages between
// ready and waiting; send.go, receive.go and settle.go are the operations;
// browse.go looks into a queue from the same process.
//
// The package sqstest holds the contract as a suite that also runs against
// other engines.
//
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html
package sqs

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/clerksync/clerksync/internal/emulator/awsjson"
)

const (
	region  = "us-east-1"
	account = "000000000000"
	// maxBody is a batch of 1 MiB in JSON, every byte of it escaped as
	// six, and some room for names.
	maxBody = 8 << 20
	// defaultInFlightLimit is the number of messages of one queue that may be
	// received and not deleted at one time:
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
	defaultInFlightLimit = 120_000
)

// Options say what the emulator takes from outside. The zero value works.
type Options struct {
	// Now is the clock by which delays, visibility and retention are reckoned;
	// time.Now if nil. How long a long poll waits is real time.
	Now func() time.Time
	// InFlightLimit is the number of received, undeleted messages that a queue
	// allows; 120,000, as at SQS, if 0.
	InFlightLimit int
	// Browser, unless nil, is bound to the queues.
	Browser *Browser
}

// service holds the queues of one account in one region.
type service struct {
	now           func() time.Time
	inFlightLimit int

	mu      sync.Mutex
	queues  map[string]*queue    // by name
	deleted map[string]time.Time // by name: when it was deleted last
}

// New makes an SQS without queues.
func New(o Options) awsjson.Service {
	s := &service{
		now:           o.Now,
		inFlightLimit: o.InFlightLimit,
		queues:        make(map[string]*queue),
		deleted:       make(map[string]time.Time),
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.inFlightLimit == 0 {
		s.inFlightLimit = defaultInFlightLimit
	}
	if o.Browser != nil {
		o.Browser.service = s
	}
	return awsjson.Service{
		Target: "AmazonSQS", Version: "1.0", MaxBody: maxBody, QueryErrors: true,
		Operations: map[string]awsjson.Operation{
			"CreateQueue":                  awsjson.HandleRequest(s.createQueue),
			"GetQueueUrl":                  awsjson.HandleRequest(s.getQueueURL),
			"ListQueues":                   awsjson.HandleRequest(s.listQueues),
			"DeleteQueue":                  awsjson.Handle(s.deleteQueue),
			"PurgeQueue":                   awsjson.Handle(s.purgeQueue),
			"GetQueueAttributes":           awsjson.Handle(s.getQueueAttributes),
			"SetQueueAttributes":           awsjson.Handle(s.setQueueAttributes),
			"SendMessage":                  awsjson.Handle(s.sendMessage),
			"SendMessageBatch":             awsjson.Handle(s.sendMessageBatch),
			"ReceiveMessage":               awsjson.HandleRequest(s.receiveMessage),
			"DeleteMessage":                awsjson.Handle(s.settle((*queue).discard)),
			"DeleteMessageBatch":           awsjson.Handle(s.settleBatch((*queue).discard)),
			"ChangeMessageVisibility":      awsjson.Handle(s.settle((*queue).changeVisibility)),
			"ChangeMessageVisibilityBatch": awsjson.Handle(s.settleBatch((*queue).changeVisibility)),
		},
	}
}

// empty is the answer of operations that only succeed.
type empty struct{}

// queueURL is the URL by which the sender of a request reaches a queue: at the
// host that it has reached already, whatever that is called from there.
func queueURL(r *http.Request, name string) string {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	return scheme + r.Host + "/" + account + "/" + name
}

// newID is a random UUID, the form of SQS's message ids.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
