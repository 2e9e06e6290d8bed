package consumer

import (
	"context"
	"errors"
	"math"
	"runtime/debug"
	"time"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// isPermanent tells what can never work, whoever tries it and when, from what
// may work another time. All that is not named here is retried: to retry in
// vain costs some calls, to give up too early loses a message.
func isPermanent(err error) bool {
	return errors.Is(err, delivery.ErrPermanent) || errors.Is(err, clerk.ErrInvalidPayload) ||
		errors.Is(err, projector.ErrPermanent)
}

// maxRefusedReceives is how many receives of a message may end in a write that
// the table refuses: the last of them makes a dead letter of it. The rows are
// made so that DynamoDB takes them, so what is left of such refusals is a
// deployment that is wrong, and another deployment may be on its way; a message
// that is refused because of what it holds must not come 60 times.
const maxRefusedReceives = 3

// isDead says whether the record's error makes a dead letter of it.
func isDead(r delivery.Record, err error) bool {
	return isPermanent(err) || r.Receives >= maxRefusedReceives && errors.Is(err, directory.ErrWriteRefused)
}

// catchPanic returns f's error, or one that a panic of f becomes, so that a
// fault in one message does not end the batch. A panic is retried: a later
// version may do better.
func catchPanic(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{debug.Stack()}
		}
	}()
	return f()
}

// panicError has the panic's stack, but not its value, which may hold Clerk's
// data.
type panicError struct{ stack []byte }

func (e *panicError) Error() string { return "panic\n" + string(e.stack) }

// The waits between the tries of one receive double from the first to the
// longest, less a random part of up to a half.
const (
	triesInPlace = 4
	firstWait    = 50 * time.Millisecond
	longestWait  = 2 * time.Second
)

// retryInPlace calls f until it succeeds, up to four times. Most failures are
// throttles or connections that broke, which a second call heals; what lasts
// longer is left to the queue, so that the rest of the batch gets its turn.
func (c *Consumer) retryInPlace(ctx context.Context, f func() error) error {
	return c.retry(ctx, triesInPlace, f)
}

// retryUntilDeadline calls f until it succeeds or ctx ends. It is for the
// children of a deletion: they are many, and a receive that gives one up
// begins the listing anew.
func (c *Consumer) retryUntilDeadline(ctx context.Context, f func() error) error {
	return c.retry(ctx, math.MaxInt, f)
}

// retry returns f's last error where it is permanent, after so many tries, or
// when ctx ends: f's error says more than that of ctx. A write that
// the table refuses is never tried until the deadline, for the table would
// refuse it again.
func (c *Consumer) retry(ctx context.Context, tries int, f func() error) error {
	for try, wait := 1, firstWait; ; try, wait = try+1, min(2*wait, longestWait) {
		err := f()
		refused := try >= triesInPlace && errors.Is(err, directory.ErrWriteRefused)
		if err == nil || isPermanent(err) || refused || try >= tries {
			return err
		}
		t := time.NewTimer(c.jitter(wait))
		select {
		case <-ctx.Done():
			t.Stop()
			return err
		case <-t.C:
		}
	}
}

// jitter is a random time between half of d and d, so that consumers which
// failed together do not come back together.
func (c *Consumer) jitter(d time.Duration) time.Duration {
	return d/2 + time.Duration(c.Random()*float64(d/2))
}

// What is left of the invocation's deadline when calls end. Lambda would kill
// the process at the deadline, and then nothing of the batch is acknowledged.
const (
	// Margin is left when the messages' own calls end, to delay the failed ones.
	Margin = 3 * time.Second
	// requeueMargin is left when the calls end that send copies of deletions which
	// are not done.
	requeueMargin = 2 * time.Second
	// answerMargin is left when the call ends that delays the failed messages. It
	// is for the answer to Lambda.
	answerMargin = time.Second
)

// beforeDeadline ends calls that long before the invocation's deadline.
func beforeDeadline(ctx context.Context, margin time.Duration) (context.Context, context.CancelFunc) {
	if d, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, d.Add(-margin))
	}
	return context.WithCancel(ctx)
}

// errNotTried is not the message's fault: before its FirstSuspectReceive it comes
// again at once.
var errNotTried = errors.New("consumer: the invocation's time was over before this message's turn")

// outOfTimeError says that the deadline stopped a deletion that had made
// progress: the next receive goes on from the position.
type outOfTimeError struct{ position string }

func (outOfTimeError) Error() string {
	return "consumer: not all children of the deletion are deleted yet"
}

// A failed message is hidden for 30 s at first and 15 min at last: the 59
// waits between the 60 receives that the queue allows are more than 13 hours.
const (
	firstDelay   = 30 * time.Second
	longestDelay = 15 * time.Minute
)

// visibilityDelay is how long a message is hidden that failed with err at that
// receive.
func visibilityDelay(receives int, err error) time.Duration {
	if errors.Is(err, errNotTried) && receives < FirstSuspectReceive {
		// A suspect waits like any other failed message: while DynamoDB does not
		// answer, the first suspect takes the whole invocation, and those behind
		// it would use up their 60 receives long before the 12 hours for which
		// a failed message is retried.
		return 0
	}
	d := firstDelay
	for i := 1; i < receives && d < longestDelay; i++ {
		d *= 2
	}
	return min(d, longestDelay)
}
