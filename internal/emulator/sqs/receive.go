package sqs

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// longestSleep bounds how long a long poll sleeps before it looks again: the clock
// may be one that a test moves by hand.
const longestSleep = 100 * time.Millisecond

type receiveIn struct {
	QueueURL                    string `json:"QueueUrl"`
	MaxNumberOfMessages         *int
	WaitTimeSeconds             *int
	VisibilityTimeout           *int
	MessageAttributeNames       []string
	MessageSystemAttributeNames []string
	AttributeNames              []string // the older name of the one above
}

type receivedMessage struct {
	MessageID              string `json:"MessageId"`
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             map[string]string `json:",omitempty"`
	MD5OfMessageAttributes string            `json:",omitempty"`
	MessageAttributes      attributes        `json:",omitempty"`
}

type receiveOut struct {
	Messages []receivedMessage `json:",omitempty"`
}

func (in *receiveIn) check() error {
	if n := in.MaxNumberOfMessages; n != nil && (*n < 1 || *n > maxBatch) {
		return errValue(*n, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
	}
	if n := in.WaitTimeSeconds; n != nil && (*n < 0 || *n > 20) {
		return errValue(*n, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
	}
	return checkVisibility(in.VisibilityTimeout)
}

func checkVisibility(n *int) error {
	if n != nil && (*n < 0 || *n > 43_200) {
		return errValue(*n, "VisibilityTimeout", "VisibilityTimeout must be an integer between 0 and 43200")
	}
	return nil
}

// receiveMessage returns what is there at once; else it waits, as long as the
// caller or the queue says, for a message to be sent or to become visible.
func (s *service) receiveMessage(r *http.Request, in receiveIn) (receiveOut, error) {
	if err := in.check(); err != nil {
		return receiveOut{}, err
	}
	var deadline time.Time
	for {
		got, wait, changed, err := s.tryReceive(&in)
		if err != nil {
			return receiveOut{}, err
		}
		if deadline.IsZero() {
			deadline = time.Now().Add(wait)
		}
		left := time.Until(deadline)
		if len(got) > 0 || left <= 0 || !pause(r.Context(), min(left, longestSleep), changed) {
			return receiveOut{got}, nil
		}
	}
}

// pause sleeps until the queue has changed or the time is over; false if the
// caller is gone.
func pause(ctx context.Context, d time.Duration, changed <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-changed:
	case <-timer.C:
	}
	// A caller that is gone must get no message: it would be in flight, unseen,
	// until its visibility timeout ends.
	return ctx.Err() == nil
}

// tryReceive receives what is there now. It also returns how long the caller is
// to wait for more, and the channel that is closed when it has to look again.
func (s *service) tryReceive(
	in *receiveIn,
) (got []receivedMessage, wait time.Duration, changed <-chan struct{}, err error) {
	q, now, err := s.lockQueue(in.QueueURL)
	defer s.mu.Unlock()
	if err != nil {
		return nil, 0, nil, err
	}
	wait = q.settings.wait
	if in.WaitTimeSeconds != nil {
		wait = time.Duration(*in.WaitTimeSeconds) * time.Second
	}
	most, visibility := 1, q.settings.visibility
	if in.MaxNumberOfMessages != nil {
		most = *in.MaxNumberOfMessages
	}
	if in.VisibilityTimeout != nil {
		visibility = time.Duration(*in.VisibilityTimeout) * time.Second
	}
	room := s.inFlightLimit - q.inFlight()
	// A long poll just finds nothing at the limit, a short one is refused:
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
	if room <= 0 && wait == 0 {
		return nil, 0, nil, refuse("OverLimit", "Too many messages in flight.")
	}
	for _, m := range s.detachReady(q, min(most, room), now) {
		if visibility > 0 {
			q.makeWait(m, now.Add(visibility))
		} else {
			q.makeReady(m)
		}
		got = append(got, m.received(in))
	}
	return got, wait, q.changed, nil
}

// detachReady detaches up to so many of the ready messages, each with a new
// receipt. Those that were received too often it moves to the dead-letter queue,
// if there is one.
func (s *service) detachReady(q *queue, most int, now time.Time) []*message {
	var received []*message
	for len(received) < most && q.ready.Len() > 0 {
		m := q.ready.Front().Value.(*message) //nolint:forcetypeassert // holds only messages
		if r := q.settings.redrive; r != nil && m.tries >= r.max {
			if target := s.byARN(r.target); target != nil {
				q.remove(m)
				// The id and the time of sending stay, so that retention goes on, as
				// SQS documents in setting-up-dead-letter-queue-retention.html.
				m.source, m.tries, m.receipt = q.arn, 0, ""
				target.add(m, now, 0)
				continue
			}
		}
		q.detach(m)
		m.receives++
		m.tries++
		if m.firstReceive.IsZero() {
			m.firstReceive = now
		}
		m.receipt = newReceipt(q, m)
		received = append(received, m)
	}
	return received
}

// received is the message as its receiver gets it.
func (m *message) received(in *receiveIn) receivedMessage {
	out := receivedMessage{
		MessageID: m.id, ReceiptHandle: m.receipt, MD5OfBody: m.md5, Body: m.body,
		MessageAttributes: m.attributes.pick(in.MessageAttributeNames),
		Attributes:        make(map[string]string),
	}
	out.MD5OfMessageAttributes = out.MessageAttributes.md5()
	millis := func(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
	for name, value := range map[string]string{
		"SenderId":                         account,
		"SentTimestamp":                    millis(m.sent),
		"ApproximateReceiveCount":          strconv.Itoa(m.receives),
		"ApproximateFirstReceiveTimestamp": millis(m.firstReceive),
		"DeadLetterQueueSourceArn":         m.source,
	} {
		wanted := func(names []string) bool { return slices.Contains(names, name) || slices.Contains(names, "All") }
		if value != "" && (wanted(in.MessageSystemAttributeNames) || wanted(in.AttributeNames)) {
			out.Attributes[name] = value
		}
	}
	return out
}
