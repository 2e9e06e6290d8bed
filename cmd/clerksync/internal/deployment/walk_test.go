package deployment_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
)

// randomQueue is a dead-letter queue that hands its messages out at random, as a
// standard queue may, with so much time for each call. It is the HTTP client of
// the SDK, so that the time of a test can be made up.
type randomQueue struct {
	latency  time.Duration
	random   *rand.Rand
	messages map[string]*queuedMessage
	others   int // messages that others have received
	limit    int // of messages that are hidden at once; 0 means none
	sent     int
	relapse  bool // what is sent dies again at once
}

type queuedMessage struct {
	id, svixID, body string
	queued, visible  time.Time
}

// newRandomQueue holds n dead letters, each of them copies times under one svix
// id.
func newRandomQueue(n, copies int) *randomQueue {
	q := &randomQueue{
		latency: 100 * time.Millisecond, random: rand.New(rand.NewPCG(1, 2)), messages: map[string]*queuedMessage{},
	}
	for i := range n * copies {
		q.add(fmt.Sprintf("m%d", i), fmt.Sprintf("msg_%d", i/copies))
	}
	return q
}

func (q *randomQueue) add(id, svixID string) {
	q.messages[id] = &queuedMessage{id: id, svixID: svixID, body: "{}", queued: time.Now()}
}

// deadLetters opens the queue.
func (q *randomQueue) deadLetters(t *testing.T) *deployment.DeadLetters {
	t.Helper()
	d := &deployment.Deployment{
		QueueURL: "http://sqs.example/0/queue", DeadLetterQueueURL: "http://sqs.example/0/dead",
		AWS: aws.Config{
			Region: "us-east-1", HTTPClient: q, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		},
	}
	dead, err := d.DeadLetters(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return dead
}

// Do answers one request of the SDK.
func (q *randomQueue) Do(r *http.Request) (*http.Response, error) {
	time.Sleep(q.latency)
	var in struct {
		MaxNumberOfMessages, VisibilityTimeout int
		ReceiptHandle, MessageBody             string
		MessageAttributes                      map[string]struct{ StringValue string }
		Entries                                []struct {
			ReceiptHandle     string
			VisibilityTimeout int
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	out := map[string]any{}
	switch operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS."); operation {
	case "ReceiveMessage":
		if q.limit > 0 && q.hidden() >= q.limit {
			return answer(http.StatusBadRequest, map[string]any{"__type": "com.amazonaws.sqs#OverLimit"}), nil
		}
		out["Messages"] = q.receive(in.MaxNumberOfMessages, time.Duration(in.VisibilityTimeout)*time.Second)
	case "GetQueueAttributes":
		hidden := q.hidden()
		out["Attributes"] = map[string]string{
			"ApproximateNumberOfMessages":           strconv.Itoa(len(q.messages) - hidden),
			"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(hidden + q.others),
			"MessageRetentionPeriod":                "86400",
		}
	case "ChangeMessageVisibilityBatch":
		for _, e := range in.Entries {
			q.messages[e.ReceiptHandle].visible = time.Now()
		}
	case "DeleteMessage":
		delete(q.messages, in.ReceiptHandle)
	case "SendMessage":
		q.sent++
		if q.relapse {
			q.add(fmt.Sprintf("again%d", q.sent), in.MessageAttributes["svix-id"].StringValue)
		}
		out["MessageId"], out["MD5OfMessageBody"] = "x", sum(in.MessageBody)
	default:
		return nil, fmt.Errorf("no operation %s here", operation)
	}
	return answer(http.StatusOK, out), nil
}

func (q *randomQueue) receive(n int, hidden time.Duration) (out []any) {
	var visible []*queuedMessage
	for _, m := range q.messages {
		if !m.visible.After(time.Now()) {
			visible = append(visible, m)
		}
	}
	q.random.Shuffle(len(visible), func(i, j int) { visible[i], visible[j] = visible[j], visible[i] })
	for _, m := range visible[:min(n, len(visible))] {
		m.visible = time.Now().Add(hidden)
		out = append(out, map[string]any{
			"MessageId": m.id, "ReceiptHandle": m.id, "Body": m.body, "MD5OfBody": sum(m.body),
			"MessageAttributes": map[string]any{
				"svix-id": map[string]string{"DataType": "String", "StringValue": m.svixID},
			},
			"Attributes": map[string]string{"SentTimestamp": strconv.FormatInt(m.queued.UnixMilli(), 10)},
		})
	}
	return out
}

// hidden is how many messages are.
func (q *randomQueue) hidden() (n int) {
	for _, m := range q.messages {
		if m.visible.After(time.Now()) {
			n++
		}
	}
	return n
}

func sum(text string) string {
	s := md5.Sum([]byte(text))
	return hex.EncodeToString(s[:])
}

func answer(status int, out map[string]any) *http.Response {
	text, _ := json.Marshal(out) // plain values always encode
	return &http.Response{
		StatusCode: status, Body: io.NopCloser(bytes.NewReader(text)),
		Header: http.Header{
			"Content-Type": {"application/x-amz-json-1.0"}, "Date": {time.Now().UTC().Format(http.TimeFormat)},
		},
	}
}

// keep is a walk's function that counts what it sees by message id.
func keep(seen map[string]int) func(deployment.DeadLetter) (bool, error) {
	return func(l deployment.DeadLetter) (bool, error) { seen[l.MessageID]++; return false, nil }
}

// A queue whose messages come at random, and again once they have been hidden
// for long enough, is read whole, and shows all of them afterwards.
func TestWalkSeesEachDeadLetterOfARandomQueue(t *testing.T) {
	t.Parallel()
	for _, latency := range []time.Duration{time.Millisecond, 100 * time.Millisecond, time.Second} {
		t.Run(latency.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q, seen := newRandomQueue(3000, 1), map[string]int{}
				q.latency = latency
				if err := q.deadLetters(t).Walk(t.Context(), keep(seen)); err != nil || len(seen) != 3000 {
					t.Errorf("Walk saw %d dead letters, %v, want 3000", len(seen), err)
				}
				for id, n := range seen {
					if n != 1 {
						t.Errorf("Walk saw %s %d times, want once", id, n)
					}
				}
				if n := q.hidden(); n != 0 {
					t.Errorf("%d messages are hidden after the walk, want none", n)
				}
			})
		})
	}
}

// What cannot be read is an error with its number: others have received some,
// or SQS hides no more at once.
func TestWalkCountsWhatItCannotRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		others, limit int
		want          string
	}{
		{name: "others have received 7", others: 7, want: "7 of about 107 dead letters could not be read"},
		{name: "SQS hides 40 at once", limit: 40, want: "60 of about 100 dead letters could not be read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q, seen := newRandomQueue(100, 1), map[string]int{}
				q.others, q.limit = tt.others, tt.limit
				began := time.Now()
				err := q.deadLetters(t).Walk(t.Context(), keep(seen))
				if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
					t.Errorf("Walk = %v, want %q", err, tt.want)
				}
				if d := time.Since(began); d > 2*time.Minute {
					t.Errorf("Walk took %s, want no more than a person waits", d)
				}
				if n := q.hidden(); n != 0 {
					t.Errorf("%d messages are hidden after the walk, want none", n)
				}
			})
		})
	}
}

// A walk that is stopped shows what it received, the rest of the batch, too.
func TestWalkStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, seen := newRandomQueue(100, 1), 0
		err := q.deadLetters(t).Walk(t.Context(), func(deployment.DeadLetter) (bool, error) {
			seen++
			return false, deployment.ErrStop
		})
		if err != nil || seen != 1 || q.hidden() != 0 {
			t.Errorf("Walk saw %d, leaves %d hidden, %v, want one and none", seen, q.hidden(), err)
		}
	})
}

// Two dead letters of one message are both removed; what was put back and died
// again is not put back for ever.
func TestWalkRemovesDoubledDeadLetters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 60
		time.Sleep(1500 * time.Millisecond) // between two seconds, as SQS's Date has them
		q := newRandomQueue(n/2, 2)
		q.relapse = true
		time.Sleep(time.Minute)
		dead := q.deadLetters(t)
		err := dead.Walk(t.Context(), func(l deployment.DeadLetter) (bool, error) {
			if dead.CameBack(l) {
				return false, nil
			}
			return true, dead.Redrive(context.WithoutCancel(t.Context()), l)
		})
		if err != nil || q.sent != n || len(q.messages) != n {
			t.Errorf("Redrive was called %d times, %d dead letters are left, %v, want %d and %d", q.sent,
				len(q.messages), err, n, n)
		}
		removed := 0
		err = q.deadLetters(t).Walk(t.Context(), func(deployment.DeadLetter) (bool, error) {
			removed++
			return true, nil
		})
		if err != nil || removed != n || len(q.messages) != 0 {
			t.Errorf("Walk removed %d and leaves %d, %v, want all %d removed", removed, len(q.messages), err, n)
		}
	})
}

// A dead letter says when it was queued and when SQS deletes it.
func TestDeadLetterTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		err := newRandomQueue(1, 1).deadLetters(t).Walk(t.Context(), func(l deployment.DeadLetter) (bool, error) {
			const queued, expires = "2000-01-01T00:00:00.000Z", "2000-01-02T00:00:00.000Z"
			if l.QueuedAt != queued || l.Expires != expires {
				t.Errorf("queued at %s, expires %s, want %s and %s", l.QueuedAt, l.Expires, queued, expires)
			}
			return false, nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// Dead letters are removed by either id, and nothing stays hidden. Once those are
// found that SQS's ids name, the rest of the queue is not read. An id that none
// has is said.
func TestRemoveStopsWhenAllAreFound(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name             string
		ids              []string
		removed, missing int
		whole            bool // the walk reads all, twice
	}{
		{name: "by SQS's ids", ids: []string{"m3", "m7"}, removed: 2},
		{name: "by Svix's id, which two messages have", ids: []string{"msg_1"}, removed: 2, whole: true},
		{name: "one that is not there", ids: []string{"m3", "m99"}, removed: 1, missing: 1, whole: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q := newRandomQueue(5, 2)
				began := time.Now()
				removed, missing, err := q.deadLetters(t).Remove(t.Context(), tt.ids,
					func(context.Context, deployment.DeadLetter) error { return nil })
				if err != nil || len(removed) != tt.removed || len(missing) != tt.missing {
					t.Errorf("Remove(%q) = %d, missing %q, %v, want %d, %d missing",
						tt.ids, len(removed), missing, err, tt.removed, tt.missing)
				}
				if left := 10 - tt.removed; len(q.messages) != left || q.hidden() != 0 {
					t.Errorf("%d are left, %d of them hidden, want %d and none", len(q.messages), q.hidden(), left)
				}
				// A count, a receive, two deletions and a release, and no second receive.
				if whole := time.Since(began) > 5*q.latency; whole != tt.whole {
					t.Errorf("Remove took %s: read all is %t, want %t", time.Since(began), whole, tt.whole)
				}
			})
		})
	}
}

// A dead letter that cannot be put back stays.
func TestRemoveKeepsWhatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newRandomQueue(3, 1)
		removed, _, err := q.deadLetters(t).Remove(t.Context(), []string{"m1"},
			func(context.Context, deployment.DeadLetter) error { return errors.New("refused") })
		if err == nil || len(removed) != 0 || len(q.messages) != 3 || q.hidden() != 0 {
			t.Errorf("Remove = %d, %v; %d are left, %d hidden, want none removed, an error, 3 left, none hidden",
				len(removed), err, len(q.messages), q.hidden())
		}
	})
}
