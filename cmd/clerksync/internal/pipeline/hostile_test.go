package pipeline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/lambdafn/ingestfn"
	"github.com/clerksync/clerksync/pkg/lambdafn/syncfn"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/svix"
)

const (
	hostileSecret = "whsec_aG9zdGlsZS1pbnB1dC10ZXN0LXNlY3JldCE="
	otherSecret   = "whsec_YW5vdGhlci1lbmRwb2ludHMtc2VjcmV0LTI="
)

// whole is a pipeline whose log and outcomes are kept.
type whole struct {
	*pipeline.Pipeline
	secrets *svix.Secrets

	mu   sync.Mutex
	log  bytes.Buffer
	ends map[string]string // outcome by svix id
}

func (w *whole) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(b)
}

func startWhole(t *testing.T, secret string) *whole {
	t.Helper()
	secrets, err := svix.ParseSecrets(secret)
	if err != nil {
		t.Fatal(err)
	}
	w := &whole{secrets: secrets, ends: map[string]string{}}
	log := lambdafn.NewLogger(w, slog.LevelDebug)
	storage, err := settings.ReadStorage(func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	w.Pipeline, err = pipeline.Start(t.Context(), pipeline.Options{
		Addr: "127.0.0.1:0", AWSAddr: "127.0.0.1:0", Secrets: secrets, Secret: secret, Storage: storage,
		Warn:      lambdafn.Warn(log),
		OnRequest: func(ctx context.Context, r ingest.Report) { ingestfn.Observer{Log: log}.Request(ctx, r) },
		OnMessage: func(ctx context.Context, r consumer.Report) {
			syncfn.Observer{Log: log}.Message(ctx, r)
			w.mu.Lock()
			w.ends[r.SvixID] = string(r.Outcome)
			w.mu.Unlock()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Stop(context.WithoutCancel(t.Context())) })
	return w
}

// post signs and posts a body and returns the answer's status.
func (w *whole) post(t *testing.T, id string, body []byte) int {
	t.Helper()
	at := strconv.FormatInt(time.Now().Unix(), 10)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.WebhookURL, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("svix-id", id)
	r.Header.Set("svix-timestamp", at)
	r.Header.Set("svix-signature", w.secrets.Sign(id, at, body))
	out, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = out.Body.Close()
	return out.StatusCode
}

// forget what became of a message, so that its copy can be waited for.
func (w *whole) forget(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.ends, id)
}

// end waits for what becomes of a message.
func (w *whole) end(t *testing.T, id string) string {
	t.Helper()
	for range 400 {
		w.mu.Lock()
		end := w.ends[id]
		w.mu.Unlock()
		if end != "" {
			return end
		}
		time.Sleep(25 * time.Millisecond)
	}
	return "nothing"
}

func user(id, rest string) string {
	return `{"type":"user.updated","timestamp":1772447460000,"data":{"id":"` + id + `","updated_at":1772447460000` + rest + `}}`
}

// Whatever a signed body holds, it is refused at the edge, or ignored, or has
// its row, or is a dead letter; and a sound message that comes after it is
// never held back.
func TestHostileInput(t *testing.T) {
	t.Parallel()
	w := startWhole(t, hostileSecret)
	long := strings.Repeat("x", 3000)
	membership := `{"type":"organizationMembership.created","timestamp":1,"data":{"id":"orgmem_h","created_at":%s,"organization":{"id":"org_h"},"public_user_data":{"user_id":"user_h"},"role":"org:admin"%s}}`
	for _, c := range []struct {
		name   string
		body   string
		status int
		end    string // "" for what does not reach the queue
	}{
		{"over a megabyte", user("user_big", `,"x":"`+strings.Repeat("x", 1_000_000)+`"`), 413, ""},
		{"object over 400 KB", user("user_400", `,"public_metadata":{"x":"`+strings.Repeat("x", 450_000)+`"}`), 200, "applied"},
		{"a name of nearly a million characters", user("user_name", `,"first_name":"`+strings.Repeat("n", 990_000)+`"`), 200, "applied"},
		{"10,000 deep", user("user_deep", `,"x":`+strings.Repeat("[", 9_998)+strings.Repeat("]", 9_998)), 200, "applied"},
		{"10,001 deep", user("user_deeper", `,"x":`+strings.Repeat("[", 9_999)+strings.Repeat("]", 9_999)), 400, ""},
		{"a number of 400 digits", user("user_digits", `,"public_metadata":{"n":`+strings.Repeat("9", 400)+`,"m":1e400,"z":-0.0}`), 200, "applied"},
		{"NUL, escaped", user("user_nul", `,"first_name":"a\u0000b","username":"\u0000"`), 200, "applied"},
		{"NUL, raw", user("user_rawnul", ",\"first_name\":\"a\x00b\""), 400, ""},
		{"halves of surrogates", user("user_half", `,"first_name":"\ud800","last_name":"\udc00\ud800"`), 200, "applied"},
		{"U+FFFE and U+FFFF", user("user_fffe", ",\"first_name\":\"\uFFFE\uFFFF\""), 200, "applied"},
		{"not UTF-8", user("user_utf8", ",\"first_name\":\"\xff\""), 400, ""},
		{"type twice", `{"type":"user.updated","type":"user.deleted","data":{"id":"u"}}`, 400, ""},
		{"type twice, once escaped", `{"type":"user.updated","t\u0079pe":"user.deleted","data":{"id":"u"}}`, 400, ""},
		{"names of another case", `{"type":"user.updated","Type":"user.deleted","DATA":1,"data":{"id":"user_case","ID":"user_other","updated_at":1}}`, 200, "applied"},
		{"empty texts in indexes", user("user_empty", `,"username":"","external_id":"","email_addresses":[{"id":"i","email_address":""}]`), 200, "applied"},
		{"index values too long", user("user_index", `,"username":"`+long+`","external_id":"`+long+`"`), 200, "applied"},
		{"an id with separators", user("user#/a|b", ``), 200, "applied"},
		{"an id too long for a key", user(long, ``), 200, "dead"},
		{"300 permissions", fmt.Sprintf(membership, "1772447460000", `,"permissions":["`+strings.Repeat(`org:p","`, 299)+`org:q"]`), 200, "applied"},
		{"a negative time", fmt.Sprintf(membership, "-5", ""), 200, "dead"},
		{"a time of another world", fmt.Sprintf(membership, "99999999999999", ""), 200, "dead"},
		{"seconds with a fraction", fmt.Sprintf(membership, `"1772447461.5"`, ""), 200, "applied"},
		{"no times", `{"type":"user.created","data":{"id":"user_timeless"}}`, 200, "applied"},
		{"times of another type", `{"type":"user.created","timestamp":{},"data":{"id":"user_t"}}`, 200, "dead"},
		{"unknown object", user("user_object", `,"object":"spaceship","new_field":{"a":[1,2,{"b":null}]}`), 200, "applied"},
		{"members of the wrong shape", user("user_shape", `,"email_addresses":{"a":1},"phone_numbers":"x","first_name":["x"],"banned":"yes","username":5,"image_url":{},"last_sign_in_at":"never"`), 200, "applied"},
		{"lists with anything in them", user("user_list", `,"email_addresses":[null,1,"x",[],{},{"email_address":5},{"email_address":"a@b.example"}]`), 200, "applied"},
		{"data is a list", `{"type":"user.updated","data":[]}`, 400, ""},
		{"data is null", `{"type":"user.updated","data":null}`, 400, ""},
		{"not an object", `[1]`, 400, ""},
		{"two values", `{"type":"user.updated","data":{"id":"u"}} {}`, 400, ""},
		{"nothing", ``, 400, ""},
		{"the dashboard's filler", `{"type":"some string","object":"some string","timestamp":42,"data":{"id":"some string","n":3.14}}`, 200, ""},
		{"the filler under a type that is kept", `{"type":"user.created","object":"some string","timestamp":42,"data":{"id":"some string","created_at":42,"updated_at":42,"email_addresses":"some string"}}`, 200, "applied"},
	} {
		id := "msg_" + strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
				return r
			}
			return '_'
		}, c.name)
		if got := w.post(t, id, []byte(c.body)); got != c.status {
			t.Errorf("%s: status = %d, want %d", c.name, got, c.status)
		}
		if c.end != "" {
			if got := w.end(t, id); got != c.end {
				t.Errorf("%s: end = %s, want %s", c.name, got, c.end)
			}
		}
		next := id + "_next"
		if w.post(t, next, []byte(user("user_next", ``))); w.end(t, next) == "nothing" {
			t.Errorf("%s: the message after it was held back", c.name)
		}
	}
}

// Messages that somebody put on the queue by hand.
func TestHandMadeMessages(t *testing.T) {
	t.Parallel()
	w := startWhole(t, hostileSecret)
	full := map[string]string{
		"svix-id": "msg_hand", "svix-timestamp": "1772447460", "event-type": "user.updated", "received-at": "2026-03-02T10:31:00.000Z",
	}
	without := func(name string) map[string]string {
		m := map[string]string{}
		for k, v := range full {
			if k != name {
				m[k] = v
			}
		}
		return m
	}
	dead := 0
	for _, c := range []struct {
		name       string
		body       string
		attributes map[string]string
		dead       bool
	}{
		{"whole but for its version", user("user_hand", ``), full, false},
		{"no attributes", user("user_bare", ``), nil, true},
		{"no id", user("user_noid", ``), without("svix-id"), true},
		{"no time", user("user_notime", ``), without("received-at"), true},
		{"no JSON", "hello", full, true},
		{"no event", `{}`, full, true},
		{"a type that is not kept", `{"type":"session.created","data":{"id":"s"}}`, full, true},
	} {
		attributes := map[string]types.MessageAttributeValue{}
		for name, text := range c.attributes {
			attributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &text}
		}
		if _, err := w.SQS.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &w.QueueURL, MessageBody: &c.body, MessageAttributes: attributes}); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if c.dead {
			dead++
		}
	}
	got := 0
	for range 40 {
		out, err := w.SQS.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &w.DeadLetterQueueURL, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			if r := aws.ToString(m.MessageAttributes["reason"].StringValue); r == "" || len(r) > 1024 {
				t.Errorf("reason of a dead letter = %q, want one of at most 1 KB", r)
			}
		}
		if got += len(out.Messages); got >= dead {
			break
		}
	}
	if got != dead {
		t.Errorf("%d dead letters, want %d", got, dead)
	}
	if end := w.end(t, "msg_hand"); end == "nothing" {
		t.Error("the sound one did not come through")
	}
}

// An invitation's link and every one-time code stay out of rows and logs, and
// so do people's names and addresses out of logs and reasons.
func TestCanaries(t *testing.T) {
	t.Parallel()
	w := startWhole(t, hostileSecret)
	for i, name := range events.Names() {
		body, err := events.Body(name)
		if err != nil {
			t.Fatal(err)
		}
		w.post(t, fmt.Sprintf("msg_canary%d", i), body)
	}
	w.post(t, "msg_last", []byte(user("user_last", ``)))
	w.end(t, "msg_last")
	w.drained(t)
	kept := false // the search finds what is there
	for _, table := range []string{w.DirectoryTable, w.DeliveriesTable} {
		out, err := w.DynamoDB.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Items) == 0 {
			t.Fatalf("table %s is empty", table)
		}
		for _, item := range out.Items {
			b, err := json.Marshal(item)
			if err != nil {
				t.Fatal(err)
			}
			text := string(b)
			kept = kept || strings.Contains(text, "made-up-")
			for _, canary := range []string{"FAKE-TICKET", "424242"} {
				if strings.Contains(text, canary) {
					t.Errorf("a row of %s holds %s", table, canary)
				}
			}
		}
	}
	if !kept {
		t.Error("no row holds the samples' private metadata: is the search blind?")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	log := w.log.String()
	if !strings.Contains(log, "msg_last") {
		t.Fatal("nothing was logged")
	}
	for _, canary := range []string{"FAKE-TICKET", "424242", "@lumenoak", "+1555", "made-up", "whsec_"} {
		if strings.Contains(log, canary) {
			t.Errorf("the log holds %s", canary)
		}
	}
}

// drained waits until the queue is empty.
func (w *whole) drained(t *testing.T) {
	t.Helper()
	for range 400 {
		out, err := w.SQS.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &w.QueueURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
		if err != nil {
			t.Fatal(err)
		}
		if out.Attributes["ApproximateNumberOfMessages"] == "0" && out.Attributes["ApproximateNumberOfMessagesNotVisible"] == "0" {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatal("the queue does not run empty")
}
