package dynamo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
)

// canary stands for Clerk's data, which DynamoDB's messages may quote. No error
// may hold it: errors are logged.
const canary = "canary@example.com"

// tableAnswering returns a table whose DynamoDB gives one answer after the
// other, and then the last one again and again.
func tableAnswering(t *testing.T, status int, bodies ...string) *dynamo.Table {
	t.Helper()
	calls := 0
	cfg := emulatortest.Start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, bodies[min(calls, len(bodies)-1)])
		calls++
	}))
	client := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} })
	return dynamo.New(client, "directory", "deliveries")
}

// exception is DynamoDB's error of that code:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
func exception(code string) string {
	return `{"__type":"com.amazonaws.dynamodb.v20120810#` + code + `","message":"it quotes ` + canary + `"}`
}

// cancellation is DynamoDB's answer to a transaction that it canceled, with a
// reason for each item.
func cancellation(reasons ...string) string {
	type reason struct{ Code, Message string }
	var list []reason
	for _, r := range reasons {
		list = append(list, reason{r, "it quotes " + canary})
	}
	text, _ := json.Marshal(map[string]any{
		"__type":  "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
		"Message": "it quotes " + canary, "CancellationReasons": list,
	})
	return string(text)
}

// result is a write's result, errors by what the caller may do about them.
type result struct {
	directory.Result
	Err string // "", "rejected" or "unknown"
}

func errorKind(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, directory.ErrWriteRefused):
		return "rejected"
	}
	return "unknown"
}

// From DynamoDB's answer to the result of a write. A retryable answer that is
// taken for a lost condition loses the message, and one that is taken for a
// rejection makes a dead letter of it. TestErrorCodes and TestCancellationCodes
// have all that is retryable.
func TestWriteErrors(t *testing.T) {
	t.Parallel()
	const (
		none, conflict  = "None", "TransactionConflict"
		failed, invalid = "ConditionalCheckFailed", "ValidationError"
	)
	var (
		recorded = result{Result: directory.AlreadyRecorded}
		lost     = result{Result: directory.ConditionFailed}
		unknown  = result{Err: "unknown"}
		rejected = result{Err: "rejected"}
		message  = directory.Write{LedgerEntry: ledgerEntry("msg_1")}
		row      = directory.Write{Row: user("u1", "1")}
		pointer  = directory.Write{Row: row.Row, Put: []directory.Row{user("u2", "1")}}
		both     = directory.Write{LedgerEntry: message.LedgerEntry, Row: row.Row, Put: pointer.Put}
	)
	for name, c := range map[string]struct {
		write  directory.Write
		status int // 400 unless set
		answer string
		want   result
	}{
		"the message is recorded":    {write: both, answer: cancellation(failed, none, none), want: recorded},
		"the row is newer":           {write: both, answer: cancellation(none, failed, none), want: lost},
		"recorded and newer":         {write: both, answer: cancellation(failed, failed, none), want: recorded},
		"recorded, and a conflict":   {write: both, answer: cancellation(failed, conflict, none), want: recorded},
		"the row is invalid":         {write: both, answer: cancellation(none, invalid, none), want: rejected},
		"the pointer is invalid":     {write: both, answer: cancellation(none, none, invalid), want: rejected},
		"the message is invalid":     {write: both, answer: cancellation(invalid, none, none), want: rejected},
		"no reasons":                 {write: both, answer: cancellation(), want: unknown},
		"reasons that are all none":  {write: both, answer: cancellation(none, none, none), want: unknown},
		"no message: first the row":  {write: pointer, answer: cancellation(failed, none), want: lost},
		"the transaction is invalid": {write: both, answer: exception("ValidationException"), want: rejected},
		"no DynamoDB at all":         {write: both, status: 503, answer: "<html>" + canary + "</html>", want: unknown},

		"a row alone is newer":   {write: row, answer: exception(failed + "Exception"), want: lost},
		"a row alone is invalid": {write: row, answer: exception("ValidationException"), want: rejected},

		"a message alone is recorded": {write: message, answer: exception(failed + "Exception"), want: recorded},
		"a message alone is invalid":  {write: message, answer: exception("ValidationException"), want: rejected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tableAnswering(t, max(c.status, 400), c.answer).Write(t.Context(), c.write)
			if diff := cmp.Diff(c.want, result{got, errorKind(err)}); diff != "" {
				t.Errorf("Write = %v, %v (-want +got):\n%s", got, err, diff)
			}
			mayQuoteItem := c.want.Err == "rejected" || strings.Contains(c.answer, "Canceled")
			if mayQuoteItem && err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("Write = %q, want an error without the item's data", err)
			}
		})
	}
}

// No failed read is a rejection: the message whose rows are read must not become
// a dead letter because of it.
func TestReadErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		answer string
	}{
		"throttling":     {status: 400, answer: exception("ThrottlingException")},
		"invalid":        {status: 400, answer: exception("ValidationException")},
		"a fault inside": {status: 500, answer: exception("InternalServerError")},
		"cut off":        {status: 200, answer: `{"Item":{"pk":{"S":"US`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := tableAnswering(t, c.status, c.answer)
			for _, operation := range []string{"GetItem", "BatchGetItem", "Query"} {
				if err := operations()[operation](t.Context(), table); errorKind(err) != "unknown" {
					t.Errorf("%s = %v, want an error that is not ErrWriteRefused", operation, err)
				}
			}
		})
	}
}

// DynamoDB may leave keys of a batch unread. They are asked for again as long as
// that makes progress:
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
func TestUnprocessedKeys(t *testing.T) {
	t.Parallel()
	item := func(id string) string {
		return `{"pk":{"S":"USER#` + id + `"},"sk":{"S":"USER"},"kind":{"S":"user"},"rev":{"S":"1"}}`
	}
	key := func(id string) string { return `{"pk":{"S":"USER#` + id + `"},"sk":{"S":"USER"}}` }
	answer := func(items, keys string) string {
		return `{"Responses":{"directory":[` + items + `]},` +
			`"UnprocessedKeys":{"directory":{"Keys":[` + keys + `],"ConsistentRead":true}},` +
			`"ConsumedCapacity":[{"TableName":"directory","CapacityUnits":1}]}`
	}
	a, b := directory.UserKey("a"), directory.UserKey("b")

	rows, err := tableAnswering(t, 200, answer(item("b"), key("a")), answer(item("a"), "")).Read(t.Context(), a, b)
	if diff := cmp.Diff([]directory.Row{user("a", "1"), user("b", "1")}, rows); err != nil || diff != "" {
		t.Errorf("Read with a key left over = %v, differs (-want +got):\n%s", err, diff)
	}
	rows, err = tableAnswering(t, 200, answer(item("b"), key("a")), answer("", key("a"))).Read(t.Context(), a, b)
	if err == nil {
		t.Errorf("Read with a key that is never read = %v, want an error", rows)
	}
	rows, err = tableAnswering(t, 200, answer("", key("a")+","+key("b"))).Read(t.Context(), a, b)
	if err == nil {
		t.Errorf("Read with no key read = %v, want an error", rows)
	}
}

// lossy is an HTTP client whose first requests take effect and lose their answer.
type lossy struct {
	lose   int
	tokens []string // of the requests
}

func (l *lossy) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var in struct{ ClientRequestToken string }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	l.tokens = append(l.tokens, in.ClientRequestToken)
	r.Body = io.NopCloser(bytes.NewReader(body))
	out, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && l.lose > 0 {
		l.lose--
		_ = out.Body.Close()
		return nil, io.ErrUnexpectedEOF
	}
	return out, err
}

// A write whose answer is lost is repeated, by the SDK or by the consumer. It has
// its effect once, and the repetition says so.
// https://github.com/aws/aws-sdk-java/issues/2667
func TestLostResponses(t *testing.T) {
	t.Parallel()
	w := directory.Write{LedgerEntry: ledgerEntry("msg_1"), Row: user("u1", "1"), If: directory.IfNewer("1")}
	open := func(t *testing.T, l *lossy, attempts int) *dynamo.Table {
		t.Helper()
		client, names := dynamotest.Open(t, func(o *dynamodb.Options) {
			o.HTTPClient, o.RetryMaxAttempts = l, attempts
		})
		return dynamo.New(client, names.Directory, names.Deliveries)
	}

	t.Run("the SDK's own attempt repeats the answer", func(t *testing.T) {
		t.Parallel()
		l := &lossy{lose: 1}
		if got, err := open(t, l, 3).Write(t.Context(), w); got != directory.Written || err != nil {
			t.Errorf("Write = %v, %v, want written", got, err)
		}
		if len(l.tokens) != 2 || l.tokens[0] == "" || l.tokens[0] != l.tokens[1] {
			t.Errorf("request tokens = %q, want the same one twice", l.tokens)
		}
	})
	t.Run("our own repetition is already recorded", func(t *testing.T) {
		t.Parallel()
		l := &lossy{lose: 1}
		table := open(t, l, 1)
		if got, err := table.Write(t.Context(), w); errorKind(err) != "unknown" {
			t.Errorf("Write with a lost response = %v, %v, want an error that says unknown", got, err)
		}
		if got, err := table.Write(t.Context(), w); got != directory.AlreadyRecorded || err != nil {
			t.Errorf("Write again = %v, %v, want already recorded", got, err)
		}
		if len(l.tokens) != 2 || l.tokens[0] == l.tokens[1] {
			t.Errorf("request tokens = %q, want two", l.tokens)
		}
	})
	t.Run("a row alone loses against itself", func(t *testing.T) {
		t.Parallel()
		l := &lossy{lose: 1}
		table := open(t, l, 1)
		alone := directory.Write{Row: w.Row, If: w.If}
		if got, err := table.Write(t.Context(), alone); errorKind(err) != "unknown" {
			t.Errorf("Write with a lost response = %v, %v, want an error that says unknown", got, err)
		}
		if got, err := table.Write(t.Context(), alone); got != directory.ConditionFailed || err != nil {
			t.Errorf("Write again = %v, %v, want condition failed", got, err)
		}
	})
	t.Run("a deadline is unknown", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got, err := open(t, &lossy{}, 1).Write(ctx, w); errorKind(err) != "unknown" {
			t.Errorf("Write = %v, %v, want an error that says unknown", got, err)
		}
	})
}
