package bench_test

import (
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/pkg/awsclient"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/sqsqueue"
)

// BenchmarkBatch compares a batch of ten distinct users with one request to
// the table, where an answer takes 5 ms, and with ten batches of one, where it
// takes none.
func BenchmarkBatch(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // the template's GOGC, for both sides
	const n = 10
	ten := batchEvent(b, n)
	ones := make([][]byte, n)
	for i := range ones {
		ones[i] = batchEvent(b, 1)
	}
	invoke := func(b *testing.B, url string) func(event []byte) {
		b.Helper()
		aws := lambdaConfig(b, url)
		f := newSync(dynamo.New(dynamodb.NewFromConfig(aws.For(awsclient.DynamoDB)), "directory", "deliveries"),
			sqsqueue.NewQueue(sqs.NewFromConfig(aws.For(awsclient.SQS)), queueURL, queueURL), consumer.Soft)
		return func(event []byte) {
			if out, err := f.Invoke(b.Context(), event); err != nil || string(out) != `{"batchItemFailures":[]}` {
				b.Fatalf("Invoke() = %s, %v", out, err)
			}
		}
	}
	b.Run("5ms/ten-against-one-request", func(b *testing.B) {
		url := outside(b, 5*time.Millisecond)
		f := invoke(b, url)
		table := dynamo.New(dynamodb.NewFromConfig(lambdaConfig(b, url).For(awsclient.DynamoDB)), "directory", "deliveries")
		c := wall()
		c.block = 50 * time.Millisecond
		versus(b, c, 1.4, func() {
			w := directory.Write{
				Row: directory.Row{directory.AttrPK: "USER#1", directory.AttrSK: "USER", directory.AttrRev: "1"}, If: directory.IfNewer("2"),
				LedgerEntry: &directory.LedgerEntry{SvixID: "msg_1", EventType: "user.updated", Outcome: "applied"},
			}
			if _, err := table.Write(b.Context(), w); err != nil {
				b.Fatal(err)
			}
		}, func() { f(ten) })
	})
	b.Run("0ms/ten-against-one-by-one", func(b *testing.B) {
		f := invoke(b, outside(b, 0))
		c := wall()
		c.block = 50 * time.Millisecond
		versus(b, c, 0.75, func() {
			for _, event := range ones {
				f(event)
			}
		}, func() { f(ten) })
	})
}

// TestTableRequests holds what the function says of itself: the number of its
// requests to the table for each message on the normal path.
func TestTableRequests(t *testing.T) {
	m := newMeter()
	f := syncFunction(t, m, consumer.Soft)
	for i, c := range []struct {
		name string
		want int
	}{
		{"user.created", 1},
		{"user.updated", 1},
		{"organization.created", 1},
		{"organization.updated", 1},
		{"organizationMembership.created", 2},
		{"organizationMembership.updated", 2},
	} {
		m.take()
		handle(t, f, at(strconv.Itoa(i), c.name))
		got := m.take().Requests
		t.Logf("%s: %d (exactly %d)", c.name, got, c.want)
		if got != c.want {
			t.Errorf("table requests of %s = %d, want %d", c.name, got, c.want)
		}
	}
}
