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

// canary stands for Clerk's data, which DynamoDB's messages may quote.
const canary = "canary@example.com"

// answers serves one answer after the other, the last one for ever.
func answers(t *testing.T, status int, bodies ...string) *dynamo.Table {
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

func canceled(reasons ...string) string {
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

// result is what became of a write, errors by their kind.
type result struct {
	directory.Result
	Err string // "", "refused" or "unknown"
}

func kind(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, directory.ErrWriteRejected):
		return "refused"
	}
	return "unknown"
}

func TestWriteErrors(t *testing.T) {
	t.Parallel()
	const (
		none, conflict, failed = "None", "TransactionConflict", "ConditionalCheckFailed"
		throttled, invalid     = "ThrottlingError", "ValidationError"
	)
	var (
		recorded = result{Result: directory.AlreadyRecorded}
		lost     = result{Result: directory.ConditionFailed}
		unknown  = result{Err: "unknown"}
		refused  = result{Err: "refused"}
		row      = directory.Write{Row: user("u1", "1")}
		message  = directory.Write{LedgerEntry: record("msg_1")}
		both     = directory.Write{LedgerEntry: record("msg_1"), Row: user("u1", "1"), Put: []directory.Row{user("u2", "1")}}
		pointer  = directory.Write{Row: user("u1", "1"), Put: []directory.Row{user("u2", "1")}}
	)
	for _, c := range []struct {
		name   string
		write  directory.Write
		status int
		answer string
		want   result
	}{
		{"the message is recorded", both, 400, canceled(failed, none, none), recorded},
		{"the row is newer", both, 400, canceled(none, failed, none), lost},
		{"recorded and newer", both, 400, canceled(failed, failed, none), recorded},
		{"recorded, and a conflict", both, 400, canceled(failed, conflict, none), recorded},
		{"newer, and a conflict", both, 400, canceled(none, failed, conflict), unknown},
		{"conflict on the message", both, 400, canceled(conflict, none, none), unknown},
		{"conflict on the row", both, 400, canceled(none, conflict, none), unknown},
		{"conflict on the pointer", both, 400, canceled(none, none, conflict), unknown},
		{"throttled", both, 400, canceled(none, throttled, none), unknown},
		{"capacity", both, 400, canceled(none, "ProvisionedThroughputExceeded", none), unknown},
		{"a reason nobody knows", both, 400, canceled(none, "BrandNew", none), unknown},
		{"the row is invalid", both, 400, canceled(none, invalid, none), refused},
		{"the pointer is invalid", both, 400, canceled(none, none, invalid), refused},
		{"the message is invalid", both, 400, canceled(invalid, none, none), refused},
		{"no reasons", both, 400, canceled(), unknown},
		{"reasons that are all none", both, 400, canceled(none, none, none), unknown},
		{"without a message the first is the row", pointer, 400, canceled(failed, none), lost},
		{"a whole transaction is invalid", both, 400, exception("ValidationException"), refused},
		// https://github.com/aws/aws-sdk-go-v2/issues/1900
		{"a token again", both, 400, exception("IdempotentParameterMismatchException"), unknown},
		{"a transaction in progress", both, 400, exception("TransactionInProgressException"), unknown},
		{"throughput", both, 400, exception("ProvisionedThroughputExceededException"), unknown},
		{"throttling", both, 400, exception("ThrottlingException"), unknown},
		{"request limit", both, 400, exception("RequestLimitExceeded"), unknown},
		{"no such table", both, 400, exception("ResourceNotFoundException"), unknown},
		{"not allowed", both, 400, exception("AccessDeniedException"), unknown},
		{"a fault inside", both, 500, exception("InternalServerError"), unknown},
		{"no DynamoDB at all", both, 503, "<html>" + canary + "</html>", unknown},

		{"a row alone is newer", row, 400, exception("ConditionalCheckFailedException"), lost},
		{"a row alone is invalid", row, 400, exception("ValidationException"), refused},
		{"a row alone meets a transaction", row, 400, exception("TransactionConflictException"), unknown},
		{"a row alone is throttled", row, 400, exception("ProvisionedThroughputExceededException"), unknown},
		{"a message alone is recorded", message, 400, exception("ConditionalCheckFailedException"), recorded},
		{"a message alone is invalid", message, 400, exception("ValidationException"), refused},
		{"a message alone meets a transaction", message, 400, exception("TransactionConflictException"), unknown},
		{"a message alone meets a fault inside", message, 500, exception("InternalServerError"), unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := answers(t, c.status, c.answer).Write(t.Context(), c.write)
			if diff := cmp.Diff(c.want, result{got, kind(err)}); diff != "" {
				t.Errorf("Write = %v, %v (-want +got):\n%s", got, err, diff)
			}
			if c.want.Err == "refused" && strings.Contains(err.Error(), canary) {
				t.Errorf("Write = %q, want an error without the item's data", err)
			}
			if strings.Contains(c.answer, "Canceled") && err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("Write = %q, want an error without the item's data", err)
			}
		})
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		status int
		answer string
	}{
		{"throttling", 400, exception("ThrottlingException")},
		{"invalid", 400, exception("ValidationException")},
		{"a fault inside", 500, exception("InternalServerError")},
		{"cut off", 200, `{"Item":{"pk":{"S":"US`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			table := answers(t, c.status, c.answer)
			if rows, err := table.Read(t.Context(), directory.UserKey("a")); err == nil || errors.Is(err, directory.ErrWriteRejected) {
				t.Errorf("Read(one) = %v, %v, want an error that is not ErrWriteRejected", rows, err)
			}
			if rows, err := table.Read(t.Context(), directory.UserKey("a"), directory.UserKey("b")); err == nil || errors.Is(err, directory.ErrWriteRejected) {
				t.Errorf("Read(two) = %v, %v, want an error that is not ErrWriteRejected", rows, err)
			}
			if rows, next, err := table.Live(t.Context(), "USER#a", "", ""); err == nil || errors.Is(err, directory.ErrWriteRejected) {
				t.Errorf("Live = %v, %q, %v, want an error that is not ErrWriteRejected", rows, next, err)
			}
		})
	}
}

// TestUnprocessedKeys: DynamoDB may leave keys of a batch unread:
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
func TestUnprocessedKeys(t *testing.T) {
	t.Parallel()
	item := func(id string) string {
		return `{"pk":{"S":"USER#` + id + `"},"sk":{"S":"USER"},"kind":{"S":"user"},"rev":{"S":"1"}}`
	}
	key := func(id string) string { return `{"pk":{"S":"USER#` + id + `"},"sk":{"S":"USER"}}` }
	answer := func(items, keys string) string {
		return `{"Responses":{"directory":[` + items + `]},"UnprocessedKeys":{"directory":{"Keys":[` + keys + `],"ConsistentRead":true}}}`
	}
	a, b := directory.UserKey("a"), directory.UserKey("b")

	rows, err := answers(t, 200, answer(item("b"), key("a")), answer(item("a"), "")).Read(t.Context(), a, b)
	if diff := cmp.Diff([]directory.Row{user("a", "1"), user("b", "1")}, rows); err != nil || diff != "" {
		t.Errorf("Read with a key left over = %v, differs (-want +got):\n%s", err, diff)
	}
	rows, err = answers(t, 200, answer(item("b"), key("a")), answer("", key("a"))).Read(t.Context(), a, b)
	if err == nil {
		t.Errorf("Read with a key that is never read = %v, want an error", rows)
	}
	rows, err = answers(t, 200, answer("", key("a")+","+key("b"))).Read(t.Context(), a, b)
	if err == nil {
		t.Errorf("Read with no key read = %v, want an error", rows)
	}
}

// lossy takes the effect and loses the answer, as often as it is told.
type lossy struct {
	lose  int
	calls []string // tokens of the requests
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
	l.calls = append(l.calls, in.ClientRequestToken)
	r.Body = io.NopCloser(bytes.NewReader(body))
	out, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && l.lose > 0 {
		l.lose--
		_ = out.Body.Close()
		return nil, io.ErrUnexpectedEOF
	}
	return out, err
}

// https://github.com/aws/aws-sdk-java/issues/2667
func TestLostResponses(t *testing.T) {
	t.Parallel()
	w := directory.Write{LedgerEntry: record("msg_1"), Row: user("u1", "1"), If: directory.IfNewer("1")}
	open := func(t *testing.T, l *lossy, attempts int) *dynamo.Table {
		t.Helper()
		client, names := dynamotest.Open(t, func(o *dynamodb.Options) { o.HTTPClient, o.RetryMaxAttempts = l, attempts })
		return dynamo.New(client, names.Directory, names.Deliveries)
	}

	t.Run("the SDK's own attempt repeats the answer", func(t *testing.T) {
		t.Parallel()
		l := &lossy{lose: 1}
		if got, err := open(t, l, 3).Write(t.Context(), w); got != directory.Written || err != nil {
			t.Errorf("Write = %v, %v, want written", got, err)
		}
		if len(l.calls) != 2 || l.calls[0] == "" || l.calls[0] != l.calls[1] {
			t.Errorf("request tokens = %q, want the same one twice", l.calls)
		}
	})
	t.Run("our own repetition is told so", func(t *testing.T) {
		t.Parallel()
		l := &lossy{lose: 1}
		table := open(t, l, 1)
		if got, err := table.Write(t.Context(), w); kind(err) != "unknown" {
			t.Errorf("Write with a lost response = %v, %v, want an error that says unknown", got, err)
		}
		if got, err := table.Write(t.Context(), w); got != directory.AlreadyRecorded || err != nil {
			t.Errorf("Write again = %v, %v, want already recorded", got, err)
		}
		if len(l.calls) != 2 || l.calls[0] == l.calls[1] {
			t.Errorf("request tokens = %q, want two", l.calls)
		}
	})
	t.Run("a row alone loses against itself", func(t *testing.T) {
		t.Parallel()
		l := &lossy{lose: 1}
		table := open(t, l, 1)
		alone := directory.Write{Row: w.Row, If: w.If}
		if got, err := table.Write(t.Context(), alone); kind(err) != "unknown" {
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
		if got, err := open(t, &lossy{}, 1).Write(ctx, w); kind(err) != "unknown" {
			t.Errorf("Write = %v, %v, want an error that says unknown", got, err)
		}
	})
}
