package sqs_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/awsjson"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	sqsemulator "github.com/clerksync/clerksync/internal/emulator/sqs"
	"github.com/clerksync/clerksync/internal/emulator/sqs/sqstest"
)

// The suite, which also runs against other engines, holds for the emulator.
func TestConformance(t *testing.T) {
	t.Parallel()
	sqstest.RunInMemory(t, inMemory)
}

// The digests are what SQS itself answered.
func TestChecksumsAreThoseOfSQS(t *testing.T) {
	t.Parallel()
	q := newQueue(t, client(t, emulator.New(emulator.Options{})), "q", nil)
	for want, values := range map[string]map[string]string{
		"ae7155c6026991b6d54b11589678bf9c": {"Foo": "Bar"},
		"adb59cd4678ea5a855436b949cd07ab6": {"MyAttribute": "foobar"},
		"4c360f3fdafd970e05fae2f149d997f5": {"Hello": "There", "General": "Kenobi", "Help.Me": "Me"},
	} {
		in := &sqs.SendMessageInput{
			QueueUrl: &q.url, MessageBody: aws.String("m"), MessageAttributes: map[string]types.MessageAttributeValue{},
		}
		for name, value := range values {
			in.MessageAttributes[name] = types.MessageAttributeValue{
				DataType: aws.String("String"), StringValue: &value,
			}
		}
		out, err := q.c.SendMessage(t.Context(), in)
		if err != nil || aws.ToString(out.MD5OfMessageAttributes) != want {
			t.Errorf("SendMessage(%v) = %+v, %v, want MD5OfMessageAttributes %s", values, out, err, want)
		}
	}
}

// A queue has at most 120,000 messages in flight, here 2. At the limit a short
// poll is refused, and a long poll finds nothing.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
func TestInFlightLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limited := awsjson.New(sqsemulator.New(sqsemulator.Options{InFlightLimit: 2}))
		q := newQueue(t, sqs.NewFromConfig(emulator.InProcess(limited)), "q", nil)
		q.send("a", "b", "c")
		got := q.wantBodies("up to the limit", 10, "a", "b")
		_, err := q.c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &q.url})
		emulatortest.WantType[*types.OverLimit](t, "short poll at the limit", err)
		long, err := q.c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &q.url, WaitTimeSeconds: 1})
		if err != nil || len(long.Messages) != 0 {
			t.Errorf("long poll at the limit = %v, %v, want nothing", long, err)
		}
		q.delete(got[0].ReceiptHandle)
		q.wantBodies("below the limit again", 10, "c")
	})
}

// A queue is purged at most once in 60 seconds, and its name is free 60 seconds
// after it was deleted.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_PurgeQueue.html
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteQueue.html
func TestOnceAMinute(t *testing.T) {
	t.Parallel()
	c, clock := onClock(t)
	q := newQueue(t, c, "q", nil)
	purge := func() error {
		_, err := c.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: &q.url})
		return err
	}
	if err := purge(); err != nil {
		t.Fatalf("PurgeQueue = %v", err)
	}
	emulatortest.WantType[*types.PurgeQueueInProgress](t, "PurgeQueue again", purge())
	clock.Advance(time.Minute)
	if err := purge(); err != nil {
		t.Errorf("PurgeQueue after a minute = %v", err)
	}
	if _, err := c.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &q.url}); err != nil {
		t.Fatalf("DeleteQueue = %v", err)
	}
	_, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q")})
	emulatortest.WantType[*types.QueueDeletedRecently](t, "CreateQueue just after DeleteQueue", err)
	clock.Advance(time.Minute)
	newQueue(t, c, "q", nil)
}

// Queues that the emulator cannot be are refused; and so is one that names a
// dead-letter queue which does not allow it.
func TestCreateQueueRefuses(t *testing.T) {
	t.Parallel()
	c := client(t, emulator.New(emulator.Options{}))
	newQueue(t, c, "dead", map[string]string{
		"RedriveAllowPolicy": `{"redrivePermission":"byQueue",` +
			`"sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:friend"]}`,
	})
	newQueue(t, c, "friend", redrivesTo("dead", `"5"`))
	for name, test := range map[string]struct {
		queue      string
		attributes map[string]string
		want       string
	}{
		"fifo by name": {queue: "a.fifo", want: "AWS.SimpleQueueService.UnsupportedOperation"},
		"fifo by attribute": {
			queue: "a", attributes: map[string]string{"FifoQueue": "true"},
			want: "AWS.SimpleQueueService.UnsupportedOperation",
		},
		"name with a blank":     {queue: "a b", want: "InvalidParameterValue"},
		"name of 81 characters": {queue: strings.Repeat("a", 81), want: "InvalidParameterValue"},
		"not allowed to redrive there": {
			queue: "stranger", attributes: redrivesTo("dead", "5"), want: "InvalidParameterValue",
		},
		"redrives to itself, not there": {
			queue: "new", attributes: redrivesTo("new", "5"), want: "InvalidParameterValue",
		},
	} {
		in := &sqs.CreateQueueInput{QueueName: &test.queue, Attributes: test.attributes}
		_, err := c.CreateQueue(t.Context(), in)
		emulatortest.WantCode(t, "CreateQueue, "+name, err, test.want)
	}
}

// A consumer that goes away while it waits receives no message: it would be in
// flight, unseen.
func TestCancelledPollReceivesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, inMemory(), "q", nil)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			_, err := q.c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &q.url, WaitTimeSeconds: 20})
			if err == nil {
				t.Error("cancelled ReceiveMessage = nil, want an error")
			}
		}()
		synctest.Wait() // the poll waits
		cancel()
		q.send("m")
		synctest.Wait() // the poll has ended
		q.wantBodies("after a cancelled poll", 10, "m")
	})
}

// Consumers that run at once share the messages: each comes exactly once.
func TestConcurrentConsumers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const messages, consumers = 400, 4
		q := newQueue(t, inMemory(), "q", nil)
		var mu sync.Mutex
		seen := make(map[string]int)
		var all sync.WaitGroup
		for range consumers {
			all.Go(func() {
				for {
					out, err := q.c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
						QueueUrl: &q.url, MaxNumberOfMessages: 10, WaitTimeSeconds: 2,
					})
					if err != nil || len(out.Messages) == 0 {
						return
					}
					for _, m := range out.Messages {
						mu.Lock()
						seen[*m.Body]++
						mu.Unlock()
						in := &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: m.ReceiptHandle}
						_, _ = q.c.DeleteMessage(t.Context(), in)
					}
				}
			})
		}
		for i := range messages {
			q.send(strconv.Itoa(i))
		}
		all.Wait()
		if len(seen) != messages {
			t.Errorf("%d different messages came, want %d", len(seen), messages)
		}
		for body, n := range seen {
			if n != 1 {
				t.Errorf("message %s came %d times, want once", body, n)
			}
		}
	})
}

// A queue's URL has the host by which the caller came, for it may be called
// otherwise from there: in a container, through a tunnel.
func TestQueueURLs(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "http://host.example:9/", strings.NewReader(`{"QueueName":"q"}`))
	r.Header.Set("X-Amz-Target", "AmazonSQS.CreateQueue")
	w := httptest.NewRecorder()
	emulator.New(emulator.Options{}).ServeHTTP(w, r)
	if want := `{"QueueUrl":"http://host.example:9/000000000000/q"}`; w.Body.String() != want {
		t.Errorf("CreateQueue = %s, want %s", w.Body, want)
	}
}
