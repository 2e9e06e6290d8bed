// Package ssm is the parameters of AWS Systems Manager in memory, for running
// the pipeline on one machine. Nothing that is deployed imports it.
//
// It has the operations that New lists, with versions and with the kinds String,
// StringList and SecureString. A SecureString that is asked for without
// WithDecryption comes as something that is not its value, as at AWS, so that a
// caller who forgets is found out. Of keys it remembers the names alone: nothing is
// encrypted. There are no policies, labels or tiers.
//
// Source: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Operations.html
package ssm

import (
	"fmt"
	"sync"
	"time"

	"github.com/clerksync/clerksync/internal/emulator/awsjson"
)

const (
	arnPrefix = "arn:aws:ssm:us-east-1:000000000000:parameter/"
	maxBody   = 1 << 20
)

// Options say what the emulator takes from outside. The zero value works.
type Options struct {
	// Now is the clock that LastModifiedDate is read from; time.Now if nil.
	Now func() time.Time
	// SecureStrings are parameters that are there from the start, values by name.
	SecureStrings map[string]string
}

// service holds the parameters of one account in one region.
type service struct {
	now func() time.Time

	mu         sync.Mutex
	parameters map[string][]parameter // by name, the first version first
}

// New makes an SSM with the parameters that the options name.
func New(o Options) awsjson.Service {
	s := &service{now: o.Now, parameters: make(map[string][]parameter)}
	if s.now == nil {
		s.now = time.Now
	}
	for name, value := range o.SecureStrings {
		s.parameters[name] = []parameter{{
			name: name, kind: secure, value: value, keyID: defaultKey, version: 1, modified: s.now(),
		}}
	}
	return awsjson.Service{
		Target: "AmazonSSM", Version: "1.1", MaxBody: maxBody,
		Operations: map[string]awsjson.Operation{
			"GetParameter":       awsjson.Handle(s.getParameter),
			"GetParameters":      awsjson.Handle(s.getParameters),
			"DescribeParameters": awsjson.Handle(s.describeParameters),
			"PutParameter":       awsjson.Handle(s.putParameter),
			"DeleteParameter":    awsjson.Handle(s.deleteParameter),
		},
	}
}

func refuse(code, format string, args ...any) error {
	return &awsjson.Error{Type: code, Message: fmt.Sprintf(format, args...)}
}

func invalid(message string) error { return refuse("ValidationException", "%s", message) }
