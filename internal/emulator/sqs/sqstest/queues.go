package sqstest

import (
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
)

func queueChecks() []check {
	eleven := map[string]string{"VisibilityTimeout": "11"}
	return []check{
		{name: "attributes of a queue are set and read", run: (*queue).attributesAreSet},
		{name: "unknown attributes and bad values are refused", run: (*queue).attributesRefused},
		{name: "creating a queue again needs the same attributes", attributes: eleven, run: (*queue).createAgain},
		{name: "a queue is found by name and listed by prefix", run: (*queue).foundAndListed},
		{name: "numbers of messages follow", run: (*queue).numbersFollow},
	}
}

// attributesAreSet: a new queue has the defaults that SQS documents, and shows
// what was set.
func (q *queue) attributesAreSet() {
	preset := map[string]string{
		"VisibilityTimeout": "30", "MessageRetentionPeriod": "345600",
		"DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0",
	}
	if got := q.attributes(slices.Collect(maps.Keys(preset))...); !maps.Equal(got, preset) {
		q.t.Errorf("new queue = attributes %v, want %v", got, preset)
	}
	if got := q.attributes("All"); got["CreatedTimestamp"] == "" || got["LastModifiedTimestamp"] == "" {
		q.t.Errorf("new queue = attributes %v, want CreatedTimestamp and LastModifiedTimestamp", got)
	}
	want := map[string]string{
		"VisibilityTimeout": "90", "MessageRetentionPeriod": "604800", "MaximumMessageSize": "1048576",
		"DelaySeconds": "5", "ReceiveMessageWaitTimeSeconds": "20",
	}
	q.noError("set queue attributes", q.setAttributes(want))
	q.wantAttributes(want)
}

// attributesRefused: a slip in a setting must be an error, not a queue with
// another setting.
func (q *queue) attributesRefused() {
	unknown := q.setAttributes(map[string]string{"Colour": "red"})
	emulatortest.WantType[*types.InvalidAttributeName](q.t, "set attribute Colour", unknown)
	for name, values := range map[string][]string{
		"VisibilityTimeout":             {"-1", "43201", "abc"},
		"MessageRetentionPeriod":        {"59", "1209601"},
		"MaximumMessageSize":            {"1023", "1048577"},
		"DelaySeconds":                  {"901"},
		"ReceiveMessageWaitTimeSeconds": {"21"},
	} {
		for _, value := range values {
			err := q.setAttributes(map[string]string{name: value})
			q.wantCode("set "+name+" to "+value, err, "InvalidAttributeValue", invalidValue)
		}
	}
}

// createAgain: a start that finds its queue already there gets its URL, unless
// it wants another one.
func (q *queue) createAgain() {
	create := func(visibility string) (*sqs.CreateQueueOutput, error) {
		return q.c.CreateQueue(q.t.Context(), &sqs.CreateQueueInput{
			QueueName: &q.name, Attributes: map[string]string{"VisibilityTimeout": visibility},
		})
	}
	same, err := create("11")
	if err != nil || aws.ToString(same.QueueUrl) != q.url {
		q.t.Errorf("create queue again = %+v, %v, want %s", same, err, q.url)
	}
	_, err = create("12")
	emulatortest.WantType[*types.QueueNameExists](q.t, "create queue again with another attribute", err)
}

// foundAndListed gives SQS the minute that lists of queues may lag.
func (q *queue) foundAndListed() {
	out, err := q.c.GetQueueUrl(q.t.Context(), &sqs.GetQueueUrlInput{QueueName: &q.name})
	if err != nil || aws.ToString(out.QueueUrl) != q.url {
		q.t.Fatalf("get queue url = %+v, %v, want %s", out, err, q.url)
	}
	q.eventually("queues by prefix", 60*time.Second, func() (got any, ok bool) {
		list, err := q.c.ListQueues(q.t.Context(), &sqs.ListQueuesInput{
			QueueNamePrefix: aws.String(q.name[:len(q.name)-1]),
		})
		q.noError("list queues", err)
		return list.QueueUrls, slices.Equal(list.QueueUrls, []string{q.url})
	})
}

// numbersFollow: status and alarms read how many messages are ready, in flight
// and delayed.
func (q *queue) numbersFollow() {
	for range 2 {
		q.send("m", nil)
	}
	q.noError("send with delay", q.sendDelayed(900))
	out, err := q.c.ReceiveMessage(q.t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &q.url, WaitTimeSeconds: 2, VisibilityTimeout: 300,
	})
	if err != nil || len(out.Messages) != 1 {
		q.t.Fatalf("receive of one = %+v, %v", out, err)
	}
	q.wantAttributes(map[string]string{
		"ApproximateNumberOfMessages": "1", "ApproximateNumberOfMessagesNotVisible": "1",
		"ApproximateNumberOfMessagesDelayed": "1",
	})
}
