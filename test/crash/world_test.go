package crash_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
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

	signal func(syscall.Signal)
	hangs  chan struct{} // when the process does

	mu     sync.Mutex
	strike func(call) blow
	last   call
	writes map[write]int // that took place
}

// call is one of the function's to AWS.
type call struct {
	n, changes int // of calls so far, and of those that may change something
	target     string
	body       []byte
}

// next is the call that follows.
func (c call) next(target string, body []byte) call {
	c = call{c.n + 1, c.changes, target, body}
	if c.change() {
		c.changes++
	}
	return c
}

func (c call) change() bool {
	_, action, _ := strings.Cut(c.target, ".")
	return action != "GetItem" && action != "BatchGetItem" && action != "Query"
}

// blow is what happens at a call.
type blow string

const (
	none    blow = ""
	before  blow = "killed before"         // the process dies and the call is not made
	after   blow = "killed after"          // the call is made, the process dies and has no answer
	stopped blow = "stopped"               // nothing in the process moves any more, and the call is not made
	silent  blow = "waiting for an answer" // the call is not made and never answered, the rest of the process goes on
)

// write is a row as one write of it made it. Within a test none takes place
// twice: a row's rev and a delivery's id are each their message's own.
type write struct{ table, key, rev string }

// visibility is the queue's visibility timeout, and receives how often it
// hands a message out, as in the template.
const (
	visibility = 6 * time.Minute
	receives   = 60
)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{strike: func(call) blow { return none }, hangs: make(chan struct{}, 1), writes: map[write]int{}}
	clock := func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }
	inner := emulator.New(emulator.Options{Now: clock})
	cfg := emulatortest.Start(t, inner)
	w.endpoint = *emulatortest.Start(t, w.door(inner)).BaseEndpoint
	w.tables, w.queues = dynamodb.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	w.names = dynamotest.OpenAt(t, w.tables)
	w.letters = w.makeQueue(t, "letters", nil)
	w.queue = w.makeQueue(t, "queue", map[string]string{
		"VisibilityTimeout": strconv.Itoa(int(visibility.Seconds())),
		"RedrivePolicy":     `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:letters","maxReceiveCount":` + strconv.Itoa(receives) + `}`,
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
		c := w.last.next(r.Header.Get("X-Amz-Target"), body)
		w.last = c
		blow := w.strike(c)
		w.mu.Unlock()
		if blow == none || blow == after {
			answer := httptest.NewRecorder()
			inner.ServeHTTP(answer, r)
			w.note(c, answer.Code)
			if blow == none {
				maps.Copy(rw.Header(), answer.Header())
				rw.WriteHeader(answer.Code)
				_, _ = rw.Write(answer.Body.Bytes())
				return
			}
		}
		switch blow {
		case before, after:
			w.signal(syscall.SIGKILL)
		case stopped:
			w.signal(syscall.SIGSTOP)
		case none, silent:
		}
		if blow == stopped || blow == silent {
			select {
			case w.hangs <- struct{}{}:
			default: // it is known
			}
		}
		<-r.Context().Done() // until the process is gone
	})
}

// note counts the rows that a call wrote.
func (w *world) note(c call, code int) {
	type put struct {
		TableName string
		Item      map[string]struct{ S string }
	}
	var in struct {
		put
		TransactItems []struct{ Put put }
	}
	if !c.change() || code != http.StatusOK || json.Unmarshal(c.body, &in) != nil {
		return
	}
	puts := []put{in.put}
	for _, it := range in.TransactItems {
		puts = append(puts, it.Put)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range puts {
		if it := p.Item; p.TableName == w.names.Deliveries {
			w.writes[write{p.TableName, it["svix_id"].S, ""}]++
		} else if p.TableName == w.names.Directory {
			w.writes[write{p.TableName, it["pk"].S + " " + it["sk"].S, it["rev"].S}]++
		}
	}
}

func (w *world) env() []string {
	return []string{
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_ENDPOINT_URL=" + w.endpoint,
		"DIRECTORY_TABLE=" + w.names.Directory, "DELIVERIES_TABLE=" + w.names.Deliveries,
		"QUEUE_URL=" + w.queue, "DEAD_LETTER_QUEUE_URL=" + w.letters, "LOG_LEVEL=error",
	}
}
