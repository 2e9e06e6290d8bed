package crash_test

import (
	"bytes"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator/eventsource"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/test/program"
)

// poisonMessage ends or stops the process that works on it, every time. It is
// an update of the user whom the first neighbour creates and the second makes a
// member.
const poisonMessage = "msg_poison"

// neighbours are in a batch with the poison message.
func neighbours() []message {
	return []message{
		{svixID: "msg_1", sample: "user.created"},
		{svixID: "msg_2", sample: "organizationMembership.created"},
		{svixID: "msg_3", sample: "organization.created"},
		{svixID: "msg_4", sample: "user.created.invited"},
		{svixID: "msg_5", sample: "user.created.founder"},
		{svixID: "msg_6", sample: "role.created"},
		{svixID: "msg_7", sample: "permission.created"},
		{svixID: "msg_8", sample: "user.created.phone_only"},
	}
}

func withPoison() []message {
	return append(neighbours(), message{svixID: poisonMessage, sample: "user.updated"})
}

// How many receives a poison message may cost its neighbours, each a visibility
// timeout after the one before.
//
// In its first consumer.FirstSuspectReceive-1 receives a message runs at once with all
// others of its batch: the process dies, and the whole batch is received again,
// even if the message had its effect. From then on the messages run alone, in
// random order, and those that are done are deleted from the queue before the
// next one runs. So in each further receive a neighbour is done with if it runs
// before the poison message, which it does with a chance of 1/2. It needs 2
// further receives on average, which makes consumer.FirstSuspectReceive+1.
//
// As it is a matter of chance, no limit is certain. These are so wide that a
// correct function almost never passes them, and still far below
// maxReceiveCount, where a neighbour would be lost to the dead letters:
//
//   - mostReceives is for each neighbour. It needs more than 20 further receives
//     with a chance of 1/2^20, one of the eight neighbours does so in 1 of
//     131,000 runs.
//   - averageReceives is for the average over the eight neighbours. Of n that are
//     left when a receive begins, 0 to n are left after it, each number with the
//     same chance 1/(n+1), for the poison message is as likely at each place. So
//     the sum of the further receives is 8, plus those that are left after the
//     first of them, plus those left after the second, and so on; it passes 8*9
//     in 1 of 619,000 runs (computed exactly, by that recursion).
//
// In 36 runs, no neighbour needed more than 9 receives, and the greatest average
// was 6.0.
const (
	mostReceives    = consumer.FirstSuspectReceive - 1 + 20
	averageReceives = consumer.FirstSuspectReceive - 1 + 9
)

// skipTo is how long a process has left when the poison message hangs: enough
// for the neighbours that run at once with it. A timeout of a second or two
// would not do instead, for the function makes no remote call in the last
// consumer.Margin before its deadline.
const skipTo = 50 * time.Millisecond

// A poison message neither holds back its neighbours for long nor takes them
// along to the dead letters, and no write is made twice. The process is
// killed for want of memory (by the kernel, at any moment, here at the poison
// message's own remote call), or nothing in it runs any more, or the poison
// message's goroutine alone does not go on. Of these, the last two do not end by
// themselves: Lambda kills the process at the function's timeout, and so does
// the test, which skips the rest of the minute.
// https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
//
// No test can make a goroutine of the real function loop without end; instead it
// waits for an answer, and the process is killed before the call's own timeout.
func TestPoisonMessage(t *testing.T) {
	t.Parallel()
	bootstrap := program.Build(t, "./functions/sync")
	calm := newEnvironment(t)
	calm.processAll(t, newLambda(t, bootstrap, calm), neighbours())
	want := calm.state(t)
	t.Run("no poison: a call without an answer", func(t *testing.T) {
		t.Parallel()
		testUnansweredCall(t, bootstrap, want)
	})
	poisoned := want
	poisoned.DeadLetters = map[string]int{poisonMessage: 1}
	for _, c := range []struct {
		name  string
		fault fault
		end   invocationEnd
	}{
		{name: "out of memory", fault: killedBefore, end: died},
		{name: "stopped", fault: stopped, end: timedOut},
		{name: "endless", fault: unanswered, end: timedOut},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := newEnvironment(t)
			e.proxy.inject = atPoisonMessage(c.fault)
			l := newLambda(t, bootstrap, e)
			l.skipTo = skipTo
			p := e.processAll(t, l, withPoison())
			if diff := cmp.Diff(poisoned, e.state(t)); diff != "" {
				t.Errorf("state (-without the poison message +with it):\n%s", diff)
			}
			if n := p.receives[poisonMessage]; n != maxReceiveCount {
				t.Errorf("receives of the poison message = %d, want %d", n, maxReceiveCount)
			}
			if len(p.ends) != 1 || p.ends[c.end] < consumer.FirstSuspectReceive {
				t.Errorf("invocations ended %v, want each %s", p.ends, c.end)
			}
			delete(p.receives, poisonMessage)
			checkReceives(t, p.receives)
		})
	}
}

func atPoisonMessage(f fault) func(call) fault {
	return func(c call) fault {
		if bytes.Contains(c.body, []byte(`"`+poisonMessage+`"`)) {
			return f
		}
		return none
	}
}

// checkReceives checks the receives of the neighbours.
func checkReceives(t *testing.T, receives map[string]int) {
	t.Helper()
	sum := 0
	for id, n := range receives {
		sum += n
		if n > mostReceives {
			t.Errorf("receives of %s = %d, want at most %d", id, n, mostReceives)
		}
	}
	if sum > averageReceives*len(receives) {
		t.Errorf("receives of the neighbours = %v, want at most %d on average", receives, averageReceives)
	}
	t.Logf("receives of the neighbours: %v, %.1f on average", receives, float64(sum)/float64(len(receives)))
}

// A remote call without an answer does not make a message poison: the function
// gives the call up consumer.Margin before its deadline, fails the one message
// and answers in time. How long the neighbours need depends on the machine, so
// what the invocation has before the margin grows if it was not enough. It stays
// so short that no timeout of a call, which is 5 s, ends the call instead.
func testUnansweredCall(t *testing.T, bootstrap string, want state) {
	t.Helper()
	const tries, longest = 6, 1900 * time.Millisecond
	const inTime = 500 * time.Millisecond // one who answers at the deadline itself may win against Lambda
	for try := range tries {
		left := min(250*time.Millisecond<<try, longest)
		e := newEnvironment(t)
		e.proxy.inject = atPoisonMessage(unanswered)
		l := newLambda(t, bootstrap, e)
		l.timeout = consumer.Margin + left
		e.send(t, withPoison())
		batch := e.receive(t, e.queueURL)
		began := time.Now()
		failed, end := l.invoke(t, eventsource.Event(batch))
		took := time.Since(began)
		wantFailed := map[string]bool{*batch[0].MessageId: true}
		if end == answered && maps.Equal(failed, wantFailed) && took < l.timeout-inTime {
			if diff := cmp.Diff(want, e.state(t)); diff != "" {
				t.Errorf("state (-without the unanswered call +with it):\n%s", diff)
			}
			return
		}
		text := fmt.Sprintf("of %v the function took %v, %s and failed %v, want it to answer %v before and fail %v",
			l.timeout, took, end, failed, inTime, wantFailed)
		if try == tries-1 {
			t.Fatal(text)
		}
		t.Log(text)
	}
}
