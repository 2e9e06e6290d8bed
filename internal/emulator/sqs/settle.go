package sqs

import (
	"encoding/base64"
	"strings"
	"time"
)

// newReceipt makes a handle that names its queue and message, so that one of
// another queue is refused and one of a message that is gone is not.
func newReceipt(q *queue, m *message) string {
	return base64.URLEncoding.EncodeToString([]byte(q.arn + " " + m.id + " " + newID()))
}

// byReceipt returns the message whose latest handle this is; nil if the handle
// is one of this queue's but has been followed by another, or its message is
// gone; an error if it never was a handle of this queue.
func (q *queue) byReceipt(handle string) (*message, error) {
	if handle == "" {
		return nil, errMissing("ReceiptHandle")
	}
	text, err := base64.URLEncoding.DecodeString(handle)
	if err != nil {
		return nil, errHandle(handle)
	}
	parts := strings.Split(string(text), " ")
	if len(parts) != 3 || parts[0] != q.arn {
		return nil, errHandle(handle)
	}
	if m, ok := q.messages[parts[1]]; ok && m.receipt == handle {
		return m, nil
	}
	return nil, nil
}

type settleEntry struct {
	ID                string `json:"Id"`
	ReceiptHandle     string
	VisibilityTimeout *int
}

func (e settleEntry) id() string { return e.ID }

type settleIn struct {
	QueueURL string `json:"QueueUrl"`
	settleEntry
}

type settleBatchIn struct {
	QueueURL string `json:"QueueUrl"`
	Entries  []settleEntry
}

// settlement is what DeleteMessage and ChangeMessageVisibility do with one
// message.
type settlement func(q *queue, e settleEntry, now time.Time) error

// settle is the operation on one message.
func (s *service) settle(do settlement) func(settleIn) (empty, error) {
	return func(in settleIn) (empty, error) {
		q, now, err := s.lockQueue(in.QueueURL)
		defer s.mu.Unlock()
		if err != nil {
			return empty{}, err
		}
		return empty{}, do(q, in.settleEntry, now)
	}
}

// settleBatch is the operation on a batch, which reports each entry.
func (s *service) settleBatch(do settlement) func(settleBatchIn) (batchOut, error) {
	return func(in settleBatchIn) (batchOut, error) {
		if err := checkBatch(in.Entries, settleEntry.id); err != nil {
			return batchOut{}, err
		}
		q, now, err := s.lockQueue(in.QueueURL)
		defer s.mu.Unlock()
		if err != nil {
			return batchOut{}, err
		}
		out := batchOut{Successful: []succeededEntry{}}
		for _, e := range in.Entries {
			if err := do(q, e, now); err != nil {
				out.Failed = append(out.Failed, failed(e.ID, err))
				continue
			}
			out.Successful = append(out.Successful, succeededEntry{e.ID})
		}
		return out, nil
	}
}

// discard deletes a message. With a handle that is not the latest, or of a
// message that is gone, it succeeds and deletes nothing, as SQS reserves itself:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
func (q *queue) discard(e settleEntry, _ time.Time) error {
	m, err := q.byReceipt(e.ReceiptHandle)
	if m != nil {
		q.remove(m)
	}
	return err
}

// changeVisibility makes a message in flight visible so many seconds from now;
// with 0 it is visible at once, after those that are already.
func (q *queue) changeVisibility(e settleEntry, now time.Time) error {
	if e.VisibilityTimeout == nil {
		return errMissing("VisibilityTimeout")
	}
	if err := checkVisibility(e.VisibilityTimeout); err != nil {
		return err
	}
	m, err := q.byReceipt(e.ReceiptHandle)
	if err != nil {
		return err
	}
	if m == nil {
		return errValue(e.ReceiptHandle, "ReceiptHandle",
			"Message does not exist or is not available for visibility timeout change.")
	}
	if !m.isInFlight() {
		return refuseOld("MessageNotInflight", "The specified message isn't in flight.")
	}
	q.detach(m)
	if *e.VisibilityTimeout == 0 {
		q.makeReady(m)
		return nil
	}
	q.makeWait(m, now.Add(time.Duration(*e.VisibilityTimeout)*time.Second))
	return nil
}
