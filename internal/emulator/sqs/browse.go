package sqs

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Browser looks into the queues of one emulator. SQS has nothing like it: there a
// message can only be received, which hides it from others and counts. Options
// takes it; it is of use once New has returned.
type Browser struct{ service *service }

// StoredMessage is a message as its queue holds it.
type StoredMessage struct {
	ID, Body, MD5 string
	// Attributes are those of the sender that are text.
	Attributes map[string]string
	Sent       time.Time
	Receives   int
	InFlight   bool // somebody has received it and not yet deleted it
}

// Messages returns the messages of the queue with that URL, the oldest first. The
// queue is as it was before.
func (b *Browser) Messages(url string) ([]StoredMessage, error) {
	q, _, err := b.service.lockQueue(url)
	defer b.service.mu.Unlock()
	if err != nil {
		return nil, err
	}
	stored := make([]StoredMessage, 0, len(q.messages))
	for _, m := range q.messages {
		attributes := make(map[string]string, len(m.attributes))
		for name, a := range m.attributes {
			if a.StringValue != nil {
				attributes[name] = *a.StringValue
			}
		}
		stored = append(stored, StoredMessage{
			ID: m.id, Body: m.body, MD5: m.md5, Attributes: attributes, Sent: m.sent,
			Receives: m.receives, InFlight: m.isInFlight(),
		})
	}
	slices.SortFunc(stored, func(a, b StoredMessage) int {
		return cmp.Or(a.Sent.Compare(b.Sent), strings.Compare(a.ID, b.ID))
	})
	return stored, nil
}

// ShowWaiting makes all messages of the queue with that URL visible at once that
// are delayed, or that were received and neither deleted nor became visible again,
// and returns how many. Those that somebody is still at work on come a second time,
// as SQS allows at any time.
func (b *Browser) ShowWaiting(url string) (n int, err error) {
	q, _, err := b.service.lockQueue(url)
	defer b.service.mu.Unlock()
	if err != nil {
		return 0, err
	}
	for len(q.waiting) > 0 {
		m := q.waiting[0]
		q.detach(m)
		q.makeReady(m)
		n++
	}
	return n, nil
}

// Clear deletes all messages of the queue with that URL. PurgeQueue does so once a
// minute alone, as at AWS.
func (b *Browser) Clear(url string) error {
	q, _, err := b.service.lockQueue(url)
	defer b.service.mu.Unlock()
	if err != nil {
		return err
	}
	q.clear()
	return nil
}
