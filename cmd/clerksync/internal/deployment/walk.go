package deployment

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// ErrStop is what a function that sees dead letters returns when it needs no
// more of them. Walk then ends without an error, and deletes this last one too
// where the function says so.
var ErrStop = errors.New("no more dead letters are needed")

const (
	maxBatch = 10 // messages of one request, as SQS has it
	// Messages that were received are hidden for a while that grows with the queue:
	// ten messages take a call, and each call is given half a second. A walk that is
	// slower meets messages again and hides them for twice as long from then on.
	minHidden     = 30 * time.Second
	hiddenPerCall = 500 * time.Millisecond
	maxHidden     = 12 * time.Hour // as SQS has it
	// SQS's counts may be a minute old, so a difference counts only after that. A
	// longer wait for what others have received is right up to a point: a person
	// sits before it.
	minPatience, maxPatience = time.Minute, 5 * time.Minute
	defaultRetention         = 14 * 24 * time.Hour // of our template
)

// walk is the state of one Walk.
type walk struct {
	*DeadLetters
	see       func(DeadLetter) (remove bool, err error)
	hidden    time.Duration // for how long a message that was received is hidden
	retention time.Duration
	removed   map[string]bool          // by message id: seen, and deleted where it is true
	held      map[string]types.Message // seen and not deleted, with the newest receipt handle
}

// Walk calls see with each dead letter once. Those for which it returns true
// are deleted from the queue; the others show again after the walk. SQS hands
// messages out at random and hides them for a time only, so that a receive which
// brings nothing new proves nothing: the walk ends well when it has seen as many
// messages as the queue says that it holds. Otherwise its error says how many it
// has not seen.
func (d *DeadLetters) Walk(ctx context.Context, see func(DeadLetter) (remove bool, err error)) error {
	q, err := d.deployment.ReadQueue(ctx, d.deployment.DeadLetterQueueURL)
	if err != nil {
		return err
	}
	w := &walk{
		DeadLetters: d, see: see, removed: map[string]bool{}, held: map[string]types.Message{},
		hidden:    min(minHidden+time.Duration(q.Messages()/maxBatch)*hiddenPerCall, maxHidden),
		retention: q.Retention(defaultRetention),
	}
	defer func() {
		if err := d.release(context.WithoutCancel(ctx), slices.Collect(maps.Values(w.held))); err != nil {
			d.hidden = hidden{time.Now().Add(w.hidden), err}
		}
	}()
	if err := w.receiveAll(ctx); !errors.Is(err, ErrStop) {
		return err
	}
	return nil
}

// receiveAll receives until all dead letters were seen, or nothing new has come
// for longer than is worth waiting.
func (w *walk) receiveAll(ctx context.Context) error {
	patience := min(max(w.hidden, minPatience), maxPatience)
	for progress := time.Now(); ; {
		messages, err := w.receive(ctx, w.hidden)
		var tooMany *types.OverLimit // as many messages are hidden as SQS allows
		if err != nil && !errors.As(err, &tooMany) {
			return err
		}
		fresh, err := w.seeAll(ctx, messages)
		if err != nil {
			return err
		}
		if fresh {
			progress = time.Now()
			continue
		}
		q, err := w.deployment.ReadQueue(ctx, w.deployment.DeadLetterQueueURL)
		if err != nil {
			return err
		}
		missing, tired := q.Messages()-len(w.held), tooMany != nil || time.Since(progress) > patience
		switch {
		case missing <= 0 && (len(messages) == 0 || tired):
			return nil
		case tired:
			return fmt.Errorf("%d of about %d dead letters could not be read: someone else has received them, "+
				"or SQS hides no more at once. Those that were read show again now, the others within %s; "+
				"try again then",
				missing, q.Messages(), w.hidden)
		}
	}
}

// seeAll shows messages that were not seen before to see, and says whether there
// were any. A message that was deleted and comes all the same, as SQS says that
// it may, is deleted again.
func (w *walk) seeAll(ctx context.Context, messages []types.Message) (fresh bool, err error) {
	slow := slices.ContainsFunc(messages, func(m types.Message) bool {
		_, held := w.held[aws.ToString(m.MessageId)]
		return held
	})
	if slow {
		w.hidden = min(2*w.hidden, maxHidden)
	}
	for i, m := range messages {
		l := newDeadLetter(m, w.retention)
		remove, seen := w.removed[l.MessageID]
		w.held[l.MessageID] = m
		if !seen {
			fresh = true
			remove, err = w.see(l)
		}
		if (err == nil || errors.Is(err, ErrStop)) && remove {
			if _, failed := w.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{
				QueueUrl: &w.deployment.DeadLetterQueueURL, ReceiptHandle: m.ReceiptHandle,
			}); failed != nil {
				err, remove = failed, false
			}
		}
		if w.removed[l.MessageID] = remove; remove {
			delete(w.held, l.MessageID)
		}
		if err != nil {
			for _, unseen := range messages[i+1:] { // they show again with the rest
				w.held[aws.ToString(unseen.MessageId)] = unseen
			}
			return fresh, fmt.Errorf("dead letter %s: %w", l.MessageID, err)
		}
	}
	return fresh, nil
}

func (d *DeadLetters) receive(ctx context.Context, hidden time.Duration) ([]types.Message, error) {
	out, err := d.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:                    &d.deployment.DeadLetterQueueURL,
		MaxNumberOfMessages:         maxBatch,
		WaitTimeSeconds:             1, // asks every server of the queue
		VisibilityTimeout:           int32(hidden.Seconds()),
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		return nil, fmt.Errorf("receive dead letters: %w", err)
	}
	return out.Messages, nil
}

// release shows messages again at once. Where that fails they show again after
// the visibility timeout: the walk has seen what it was to see, so this is no error
// of it.
func (d *DeadLetters) release(ctx context.Context, messages []types.Message) error {
	var failed error
	for part := range slices.Chunk(messages, maxBatch) {
		entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(part))
		for i, m := range part {
			entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle,
			}
		}
		if _, err := d.client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{
			QueueUrl: &d.deployment.DeadLetterQueueURL, Entries: entries,
		}); err != nil {
			failed = fmt.Errorf("show dead letters again: %w", err)
		}
	}
	return failed
}
