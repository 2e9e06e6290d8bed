package bench_test

import (
	"runtime/debug"
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

// BenchmarkBatch compares a batch of ten distinct users with one request to the table, where an answer takes 5 ms, and
// with ten batches of one, where it takes none.
func BenchmarkBatch(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // the template's GOGC, for both sides
	ten, one := usersBatch(b, 10), usersBatch(b, 1)
	invoker := func(b *testing.B, url string) (table directory.Table, invoke func(batch []byte)) {
		b.Helper()
		aws := lambdaConfig(url)
		table = dynamo.New(dynamodb.NewFromConfig(aws.For(awsclient.DynamoDB)), "directory", "deliveries")
		queue := sqsqueue.NewQueue(sqs.NewFromConfig(aws.For(awsclient.SQS)), queueURL, queueURL)
		f := newSync(table, queue, consumer.Soft)
		return table, func(batch []byte) { wantProcessed(b, f, batch) }
	}
	b.Run("5ms/ten-against-one-request", func(b *testing.B) {
		table, invoke := invoker(b, startStub(b, 5*time.Millisecond))
		w := directory.Write{
			Row:         directory.Row{directory.AttrPK: "USER#1", directory.AttrSK: "USER", directory.AttrRev: "1"},
			If:          directory.IfNewer("2"),
			LedgerEntry: &directory.LedgerEntry{SvixID: "msg_1", EventType: "user.updated", Outcome: "applied"},
		}
		compare(b, wallClock(50*time.Millisecond), 1.4, func() {
			if _, err := table.Write(b.Context(), w); err != nil {
				b.Fatal(err)
			}
		}, func() { invoke(ten) })
	})
	b.Run("0ms/ten-against-one-by-one", func(b *testing.B) {
		_, invoke := invoker(b, startStub(b, 0))
		compare(b, wallClock(50*time.Millisecond), 0.75, func() {
			for range 10 {
				invoke(one)
			}
		}, func() { invoke(ten) })
	})
}
