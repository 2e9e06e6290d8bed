package crashtest_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/pkg/awsenv"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
	"github.com/clerksync/clerksync/pkg/dynamoserver"
	"github.com/clerksync/clerksync/pkg/sqsserver"
)

// world is the AWS that the function sees, through a door that strikes.
type world struct {
	tables   *dynamodb.Client
	queues   *sqs.Client
	names    dynamotest.Names
	queue    string
	letters  string
	endpoint string // the door

	ahead atomic.Int64 // ns by which the queue's clock runs ahead

	mu     sync.Mutex
	calls  int
	strike func(call int, body []byte) blow
	kill   func()
}

// blow is what happens at a call.
type blow int

const (
	none   blow = iota
	before      // the process dies and the call is not made
	after       // the call is made, the process dies and has no answer
)

// visibility is the queue's visibility timeout.
const visibility = 6 * time.Minute

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{strike: func(int, []byte) blow { return none }}
	clock := func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }
	tables, queues := dynamoserver.New(time.Now), sqsserver.New(sqsserver.Options{Now: clock})
	inner := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB") {
			tables.ServeHTTP(rw, r)
			return
		}
		queues.ServeHTTP(rw, r)
	})
	serve := func(h http.Handler) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	ours := serve(inner)
	w.endpoint = serve(w.door(inner))
	cfg := aws.Config{HTTPClient: awsenv.WholeAnswers(nil), Region: "us-east-1", BaseEndpoint: &ours, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	w.tables, w.queues = dynamodb.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	w.names = dynamotest.OpenAt(t, w.tables)
	w.letters = w.makeQueue(t, "letters", nil)
	w.queue = w.makeQueue(t, "queue", map[string]string{
		"VisibilityTimeout": strconv.Itoa(int(visibility.Seconds())),
		"RedrivePolicy":     `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:letters","maxReceiveCount":60}`,
	})
	return w
}

func (w *world) makeQueue(t *testing.T, name string, attributes map[string]string) string {
	t.Helper()
	out, err := w.queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	return *out.QueueUrl
}

func (w *world) door(inner http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost { // the warm-up
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		w.mu.Lock()
		w.calls++
		blow := w.strike(w.calls, body)
		w.mu.Unlock()
		switch blow {
		case none:
			inner.ServeHTTP(rw, r)
		case before:
			w.kill()
		case after:
			inner.ServeHTTP(httptest.NewRecorder(), r)
			w.kill()
		}
	})
}

func (w *world) env() []string {
	return []string{
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_ENDPOINT_URL=" + w.endpoint,
		"DIRECTORY_TABLE=" + w.names.Directory, "DELIVERIES_TABLE=" + w.names.Deliveries,
		"QUEUE_URL=" + w.queue, "DEAD_LETTER_QUEUE_URL=" + w.letters, "LOG_LEVEL=error",
	}
}

// rows are the items of a table by key, as text, without what our clock says.
func (w *world) rows(t *testing.T, table string) map[string]map[string]string {
	t.Helper()
	out, err := w.tables.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]map[string]string{}
	for _, it := range out.Items {
		row := map[string]string{}
		for name, v := range it {
			switch v := v.(type) {
			case *types.AttributeValueMemberS:
				row[name] = v.Value
			case *types.AttributeValueMemberN:
				row[name] = v.Value
			default:
				row[name] = fmt.Sprintf("%+v", v)
			}
		}
		for _, name := range []string{"synced_at", "processed_at", "expires_at"} {
			delete(row, name)
		}
		key := row["pk"] + " " + row["sk"]
		if table == w.names.Deliveries {
			key = row["svix_id"]
		}
		rows[key] = row
	}
	return rows
}

// dead are the svix ids of the dead letters.
func (w *world) dead(t *testing.T) map[string]int {
	t.Helper()
	ids := map[string]int{}
	for {
		out, err := w.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &w.letters, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
			MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{sqstypes.MessageSystemAttributeNameAll},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return ids
		}
		for _, m := range out.Messages {
			ids[aws.ToString(m.MessageAttributes["svix-id"].StringValue)]++
		}
	}
}
