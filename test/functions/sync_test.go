package functions_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/delivery/deliverytest"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
	"github.com/clerksync/clerksync/test/program"
)

// record is a message of a batch. Its body is an event of a user.
func record(id, eventType, user string, receives int) delivery.Record {
	body := fmt.Sprintf(`{"type":%q,"timestamp":1772449375640,"data":{"id":%q,"first_name":"Zoé"}}`, eventType, user)
	r := deliverytest.Record(id, eventType, body)
	r.Receives = receives
	return r
}

// order returns the numbers of the messages msg_PREFIX_NUMBER in the order in which they were written.
func (e *endpoint) order(prefix string) (numbers []string) {
	_, requests := e.seen()
	for _, r := range requests {
		m := regexp.MustCompile("msg_" + prefix + `_(\d)`).FindStringSubmatch(r.body)
		if m != nil && strings.HasSuffix(r.target, "TransactWriteItems") {
			numbers = append(numbers, m[1])
		}
	}
	return numbers
}

func TestSyncObeysEverySetting(t *testing.T) { //nolint:tparallel // its parts look at one function
	t.Parallel()
	emulators := emulator.New(emulator.Options{})
	cfg := emulatortest.Start(t, emulators)
	admin, queues := dynamodb.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	names := dynamotest.OpenAt(t, admin)
	queue := emulatortest.CreateQueue(t, queues, "another-queue", nil)
	dead := emulatortest.CreateQueue(t, queues, "other-dead-letters", nil)
	tables, messages := newEndpoint(t, emulators), newEndpoint(t, emulators)
	bootstrap := program.Build(t, "./functions/sync")
	env := append(account("another-sync", tables.certFile),
		"DIRECTORY_TABLE="+names.Directory, "DELIVERIES_TABLE="+names.Deliveries,
		"QUEUE_URL="+queue, "DEAD_LETTER_QUEUE_URL="+dead,
		"AWS_ENDPOINT_URL_DYNAMODB="+tables.url, "AWS_ENDPOINT_URL_SQS="+messages.url,
		"OBJECT_STORAGE=none", "DELETION_POLICY=hard", "DELIVERY_RETENTION_DAYS=3", "LOG_LEVEL=warn", "WARM_UP=off",
	)
	f := program.StartFunction(t, bootstrap, env...)
	atStart, _ := tables.seen()

	const withoutID = `{"type":"user.deleted","data":{"id":null}}`
	invalid := record("msg_invalid", "user.deleted", "user_x", 1)
	invalid.Body = withoutID
	begin := time.Now()
	first := f.Invoke(t, deliverytest.Event(
		record("msg_kept", "user.created", "user_kept", 1),
		record("msg_gone", "user.created", "user_gone", 1),
		invalid))
	const noFailures = `{"batchItemFailures":[]}`
	if string(first) != noFailures {
		t.Errorf("Invoke = %s, want no failures", first)
	}
	deletion := record("msg_deleted", "user.deleted", "user_gone", 1)
	deletion.Body = `{"type":"user.deleted","timestamp":1772449385640,"data":{"id":"user_gone","deleted":true}}`
	unknown := record("msg_unknown", "user.created", "user_y", 1)
	unknown.Attributes[delivery.AttrVersion] = delivery.Attribute{DataType: "String", Text: "2"}
	again := record("msg_kept", "user.created", "user_kept", 2)
	second := f.Invoke(t, deliverytest.Event(deletion, unknown, again))
	if string(second) != `{"batchItemFailures":[{"itemIdentifier":"sqs-msg_unknown"}]}` {
		t.Errorf("Invoke = %s, want msg_unknown to have failed", second)
	}
	table := dynamo.New(admin, names.Directory, names.Deliveries)
	rows, err := table.Read(t.Context(), directory.UserKey("user_kept"), directory.UserKey("user_gone"))
	if err != nil {
		t.Fatal(err)
	}
	kept, gone := rows[0], rows[1]

	t.Run("DIRECTORY_TABLE", func(t *testing.T) {
		if kept.Text("first_name") != "Zoé" || !gone.Gone() {
			t.Errorf("rows = %v, %v, want one that is kept and one that is gone", kept, gone)
		}
	})
	t.Run("OBJECT_STORAGE", func(t *testing.T) {
		if _, has := kept[directory.AttrObject]; has || kept == nil {
			t.Errorf("row = %v, want one without object", kept)
		}
	})
	t.Run("DELETION_POLICY", func(t *testing.T) {
		if _, has := gone["first_name"]; has || gone == nil {
			t.Errorf("row = %v, want a tombstone alone", gone)
		}
	})
	t.Run("DELIVERIES_TABLE and DELIVERY_RETENTION_DAYS", func(t *testing.T) { checkRetention(t, admin, names, begin) })
	t.Run("LOG_LEVEL", func(t *testing.T) {
		checkLine(t, f.Output(t), `"level":"WARN"`, `"svix_id":"msg_unknown"`, `"outcome":"failed"`)
		if out := f.Output(t); strings.Contains(out, `"level":"INFO"`) {
			t.Errorf("output %s has lines of level INFO", out)
		}
	})
	t.Run("Warn: the log of failed calls", func(t *testing.T) {
		checkLine(t, f.Output(t), `"level":"WARN"`, `"message":"a call failed"`, `"operation":"delay failed messages"`)
	})
	t.Run("AWS_LAMBDA_FUNCTION_NAME and the metrics", func(t *testing.T) {
		checkLine(t, f.Output(t),
			`"FunctionName":"another-sync"`, `"Applied":2`, `"TableThrottles":0`, `"TableErrors":0`)
		checkLine(t, f.Output(t), `"FunctionName":"another-sync"`, `"Dead":1`, `"ColdStart":1`)
		checkLine(t, f.Output(t), `"FunctionName":"another-sync"`, `"Deletions":1`, `"Failed":1`,
			`"Duplicate":1`, `"BatchSize":3`, `"ColdStart":0`)
		if !regexp.MustCompile(`"TableRequests":[1-9]`).MatchString(f.Output(t)) {
			t.Errorf("output %s counts no request to the tables", f.Output(t))
		}
	})
	t.Run("QUEUE_URL and DEAD_LETTER_QUEUE_URL", func(t *testing.T) {
		checkQueueURL(t, messages, "ChangeMessageVisibilityBatch", queue)
		checkQueueURL(t, messages, "SendMessage", dead)
		got := emulatortest.Receive(t, queues, dead)
		if len(got) != 1 || *got[0].Body != withoutID ||
			!strings.Contains(*got[0].MessageAttributes[delivery.AttrReason].StringValue, "data.id") {
			t.Errorf("dead letters = %v, want the message alone, and why", got)
		}
	})
	t.Run("region, credentials and endpoints", func(t *testing.T) {
		tables.checkSigner(t, "dynamodb")
		messages.checkSigner(t, "sqs")
	})
	t.Run("WARM_UP off", func(t *testing.T) {
		if atStart != 0 {
			t.Errorf("%d connections before the first event, want none", atStart)
		}
	})
	t.Run("randomness", func(t *testing.T) { checkRandomOrder(t, f, tables) })
	t.Run("the one HTTP client, AWS_CA_BUNDLE", func(t *testing.T) {
		warm := newEndpoint(t, emulators)
		// The environment also has SSL_CERT_FILE, with the roots of another endpoint.
		more := []string{"AWS_ENDPOINT_URL_DYNAMODB=" + warm.url, "AWS_CA_BUNDLE=" + warm.certFile, "WARM_UP=on"}
		f := program.StartFunction(t, bootstrap, append(slices.Clone(env), more...)...)
		f.Invoke(t, deliverytest.Event(record("msg_warm", "user.created", "user_warm", 1)))
		if connections, requests := warm.seen(); connections != 1 || len(requests) == 0 {
			t.Errorf("%d connections for %d requests, want that of the warm-up alone", connections, len(requests))
		}
	})
}

// checkRetention checks when the rows of messages expire.
func checkRetention(t *testing.T, admin *dynamodb.Client, names dynamotest.Names, begin time.Time) {
	t.Helper()
	out, err := admin.Scan(t.Context(), &dynamodb.ScanInput{TableName: &names.Deliveries})
	if err != nil || len(out.Items) != 3 {
		t.Fatalf("Scan = %v, %v, want three rows", out, err)
	}
	for _, item := range out.Items {
		row := dynamo.PlainValues(item)
		at, _ := row["expires_at"].(json.Number).Int64()
		expires := time.Unix(at, 0)
		if after := expires.Sub(begin); after < 72*time.Hour-time.Second || after > 72*time.Hour+time.Minute {
			t.Errorf("%v expires after %v, want 72h", row["svix_id"], after)
		}
	}
}

func checkQueueURL(t *testing.T, e *endpoint, operation, queue string) {
	t.Helper()
	_, requests := e.seen()
	for _, r := range requests {
		if strings.HasSuffix(r.target, "."+operation) && strings.Contains(r.body, `"`+queue+`"`) {
			return
		}
	}
	t.Errorf("no %s came for %s", operation, queue)
}

// checkRandomOrder hands over two batches of messages that are suspected to be poison, which run one by one in random
// order. Two orders of eight are the same in 1 of 40,320 runs; four batches are enough for 1 in 6*10^13.
func checkRandomOrder(t *testing.T, f *program.Function, tables *endpoint) {
	t.Helper()
	orders := map[string]bool{}
	for i := range 4 {
		prefix := strconv.Itoa(i)
		var records []delivery.Record
		for n := range 8 {
			id := fmt.Sprintf("%s_%d", prefix, n)
			records = append(records, record("msg_"+id, "user.created", "user_"+id, consumer.FirstSuspectReceive))
		}
		f.Invoke(t, deliverytest.Event(records...))
		order := tables.order(prefix)
		if len(order) != len(records) {
			t.Fatalf("order = %v, want each of %d messages once", order, len(records))
		}
		orders[strings.Join(order, " ")] = true
	}
	if len(orders) == 1 {
		t.Errorf("suspects ran in the same order in four batches: %v", orders)
	}
}
