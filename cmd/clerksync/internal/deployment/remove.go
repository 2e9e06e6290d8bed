package deployment

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// Remove applies f to each dead letter that has one of the ids, of Svix or of SQS,
// and deletes it after that. It returns those that it removed, where there is an
// error too, and the ids that no dead letter has. One of SQS's ids is one message,
// so the walk ends as soon as all are found; several messages may have one of
// Svix's.
func (d *DeadLetters) Remove(
	ctx context.Context, ids []string, f func(context.Context, DeadLetter) error,
) (removed []DeadLetter, missing []string, err error) {
	missing = slices.Clone(ids)
	found := 0 // of SQS's ids
	err = d.Walk(ctx, func(l DeadLetter) (remove bool, err error) {
		if d.CameBack(l) || !slices.ContainsFunc(ids, l.HasID) {
			return false, nil
		}
		if err := f(ctx, l); err != nil {
			return false, err
		}
		removed = append(removed, l)
		missing = slices.DeleteFunc(missing, l.HasID)
		if slices.Contains(ids, l.MessageID) {
			found++
		}
		if found == len(ids) {
			return true, ErrStop
		}
		return true, nil
	})
	return removed, missing, err
}

// DeadLettersOf looks at the dead letters of a pipeline in this process, whose
// queues are there too. It receives none of them.
func DeadLettersOf(p *pipeline.Pipeline) ([]DeadLetter, error) {
	messages, err := p.BrowseDeadLetters()
	return FromMessages(messages), err //nolint:wrapcheck // it says what failed
}

// FromMessages are the dead letters of messages that were not received for that.
func FromMessages(messages []types.Message) []DeadLetter {
	dead := make([]DeadLetter, len(messages))
	for i, m := range messages {
		dead[i] = newDeadLetter(m, defaultRetention)
	}
	return dead
}

// QueuedTime is QueuedAt as a time.
func (l DeadLetter) QueuedTime() time.Time { return l.queued }

// Explain is the reason for people.
func (l DeadLetter) Explain() string { return ExplainReason(l.Reason) }

// ExplainReason is why a message failed or is dead, without the words that name the
// kind of error: the outcome says it.
func ExplainReason(text string) string {
	for _, kind := range []error{projector.ErrPermanent, delivery.ErrPermanent} {
		text = strings.TrimPrefix(text, kind.Error()+": ")
	}
	return text
}

// Mend says what to do about the dead letter, by what kind of reason it has. It is
// for people: nothing is decided by it.
func (l DeadLetter) Mend() string {
	switch {
	case strings.HasPrefix(l.Reason, delivery.ErrPermanent.Error()):
		return "It was not queued by clerksync's webhook, or was changed on the way: drop it. " +
			"If it was a real event, let Svix send it again."
	case strings.HasPrefix(l.Reason, projector.ErrPermanent.Error()):
		return "No version of this program can apply it as it is. An example of Clerk's Testing tab: drop it. " +
			"A real change: keep it, report the fault, and redrive it with the version that can."
	case strings.Contains(l.Reason, directory.ErrWriteRefused.Error()):
		return "The table does not take the row: a table or an index is not as it should be. Deploy, then redrive."
	default:
		return "When what failed works again, redrive it. An old message cannot harm a newer row: it is then stale."
	}
}
