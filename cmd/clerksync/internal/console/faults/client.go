package faults

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

var (
	errDown = errors.New("switched off on the console's Traffic page")
	errLost = errors.New("the answer was lost: switched on on the console's Traffic page")
)

const (
	lostShare = 1.0 / 3 // of the answers
	maxDelay  = 3       // seconds by which Shuffle holds a message back
)

// Wrap puts the switches before an HTTP client of the SDK. While all are off it
// only looks at them.
func (s *Switches) Wrap(next aws.HTTPClient) aws.HTTPClient { return client{s, next} }

type client struct {
	switches *Switches
	next     aws.HTTPClient
}

func (c client) Do(r *http.Request) (*http.Response, error) {
	service, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	down := DynamoDBDown
	if service == "AmazonSQS" {
		down = SQSDown
	}
	if _, on := c.switches.isOn(down); on {
		return nil, errDown
	}
	if operation == "SendMessage" {
		if err := c.changeSend(r); err != nil {
			return nil, err
		}
	}
	answer, err := c.next.Do(r)
	// The answer to a receive is never lost: its messages would come again after
	// their visibility timeout, long after the switch has ended.
	if _, on := c.switches.isOn(LostAnswers); on && err == nil && operation != "ReceiveMessage" &&
		c.switches.random() < lostShare {
		_ = answer.Body.Close() // nobody reads it
		return nil, errLost
	}
	return answer, err //nolint:wrapcheck // the client's own
}

// changeSend sends a message once more before it is sent, or delays it, as the
// switches say. Dead letters stay as they are: they are what people look at.
func (c client) changeSend(r *http.Request) error {
	_, twice := c.switches.isOn(Twice)
	_, shuffle := c.switches.isOn(Shuffle)
	if !twice && !shuffle {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return fmt.Errorf("read a request to SQS: %w", err)
	}
	setBody(r, body)
	var message map[string]json.RawMessage
	var url string
	if json.Unmarshal(body, &message) != nil || json.Unmarshal(message["QueueUrl"], &url) != nil ||
		!strings.HasSuffix(url, "/"+c.switches.queue) {
		return nil //nolint:nilerr // it is no message to that queue, and is left alone
	}
	change := func() error {
		if !shuffle {
			setBody(r, body)
			return nil
		}
		message["DelaySeconds"] = fmt.Append(nil, int(c.switches.random()*(maxDelay+1)))
		delayed, err := json.Marshal(message)
		if err != nil {
			return fmt.Errorf("delay a message: %w", err)
		}
		setBody(r, delayed)
		return nil
	}
	if twice {
		if err := change(); err != nil {
			return err
		}
		answer, err := c.next.Do(r)
		if err != nil {
			return err //nolint:wrapcheck // the client's own
		}
		_ = answer.Body.Close() // the second copy's answer is the one that counts
	}
	return change()
}

// setBody gives the request a body. The SDK makes a request for each attempt, so
// that it may be changed.
func setBody(r *http.Request, body []byte) {
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
}
