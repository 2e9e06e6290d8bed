package dynamodb_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	dynamodbemulator "github.com/clerksync/clerksync/internal/emulator/dynamodb"
)

func put(pk, n, more string) string {
	return fmt.Sprintf(`{"Put":{"TableName":"people","Item":{"pk":{"S":%q},"n":{"N":%q}%s}}}`, pk, n, more)
}

// TestTransactionReasons pins the shape of a cancellation.
func TestTransactionReasons(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	must(t, server, "PutItem", `{"TableName":"people","Item":{"pk":{"S":"there"},"n":{"N":"1"},"v":{"S":"old"}}}`)
	none := object{"Code": "None"}
	failed := object{"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
	shown := object{"Code": "ConditionalCheckFailed", "Message": "The conditional request failed", "Item": decoded(`{"pk":{"S":"there"},"n":{"N":"1"},"v":{"S":"old"}}`)}
	tooLarge := object{"Code": "ValidationError", "Message": "Item size has exceeded the maximum allowed size"}
	check := func(more string) string {
		return `{"ConditionCheck":{"TableName":"people","Key":{"pk":{"S":"there"},"n":{"N":"1"}},"ConditionExpression":"attribute_not_exists(pk)"` + more + `}}`
	}
	big := `,"v":{"S":"` + strings.Repeat("x", 409_600) + `"}`
	tests := map[string]struct {
		actions []string
		want    []any
	}{
		"a failed condition":         {[]string{put("a", "1", ""), check("")}, []any{none, failed}},
		"with the item":              {[]string{check(`,"ReturnValuesOnConditionCheckFailure":"ALL_OLD"`), put("a", "1", "")}, []any{shown, none}},
		"an item over 400 KB":        {[]string{put("a", "1", ""), put("b", "1", big), put("c", "1", "")}, []any{none, tooLarge, none}},
		"an update to over 400 KB":   {[]string{put("a", "1", ""), `{"Update":{"TableName":"people","Key":{"pk":{"S":"b"},"n":{"N":"1"}},"UpdateExpression":"SET v = :v","ExpressionAttributeValues":{":v":{"S":"` + strings.Repeat("x", 409_600) + `"}}}}`}, []any{none, tooLarge}},
		"a path that leads nowhere":  {[]string{`{"Update":{"TableName":"people","Key":{"pk":{"S":"b"},"n":{"N":"1"}},"UpdateExpression":"SET v.w = :v","ExpressionAttributeValues":{":v":{"S":"x"}}}}`}, []any{object{"Code": "ValidationError", "Message": "The document path provided in the update expression is invalid for update"}}},
		"a condition and a bad path": {[]string{check(""), `{"Update":{"TableName":"people","Key":{"pk":{"S":"b"},"n":{"N":"1"}},"UpdateExpression":"REMOVE v.w"}}`}, []any{failed, object{"Code": "ValidationError", "Message": "The document path provided in the update expression is invalid for update"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, out := call(t, server, "TransactWriteItems", `{"TransactItems":[`+strings.Join(test.actions, ",")+`]}`)
			code, message := refusal(out)
			if status != http.StatusBadRequest || code != "TransactionCanceledException" {
				t.Errorf("transaction = %d %s %s, want it canceled", status, code, message)
			}
			if diff := cmp.Diff(any(test.want), out["CancellationReasons"]); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
			if items := must(t, server, "Scan", `{"TableName":"people"}`)["Count"]; items != 1.0 {
				t.Errorf("items after it = %v, want 1", items)
			}
		})
	}
}

func TestTransactionSize(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	actions := func(n int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = put(fmt.Sprintf("%02d", i), "1", `,"v":{"S":"`+strings.Repeat("x", 400_000)+`"}`)
		}
		return `{"TransactItems":[` + strings.Join(list, ",") + `]}`
	}
	status, out := call(t, server, "TransactWriteItems", actions(11))
	if code, _ := refusal(out); status != http.StatusBadRequest || code != "ValidationException" {
		t.Errorf("a transaction of 4.4 MB = %d %s, want 400 ValidationException", status, code)
	}
	must(t, server, "TransactWriteItems", actions(10))
	for i := range 4 {
		// Ten such items do not fit into the 16 MB of an answer four times.
		must(t, server, "TransactWriteItems", strings.ReplaceAll(actions(10), `{"S":"0`, `{"S":"`+strconv.Itoa(i+1)))
	}
	var keys []string
	for i := range 50 {
		keys = append(keys, fmt.Sprintf(`{"pk":{"S":"%02d"},"n":{"N":"1"}}`, i))
	}
	got := must(t, server, "BatchGetItem", `{"RequestItems":{"people":{"Keys":[`+strings.Join(keys, ",")+`],"ProjectionExpression":"v"}}}`)
	read := len(got["Responses"].(object)["people"].([]any))
	left := len(got["UnprocessedKeys"].(object)["people"].(object)["Keys"].([]any))
	if read+left != 50 || read < 50 && left == 0 {
		t.Errorf("BatchGetItem read %d and left %d of 50 keys", read, left)
	}
}

func TestRequestTokenEnds(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1767225600000)
	server := dynamodbemulator.New(func() time.Time { return now })
	must(t, server, "CreateTable", people)
	add := func(by string) (int, object) {
		return call(t, server, "TransactWriteItems", `{"ClientRequestToken":"one","TransactItems":[{"Update":{"TableName":"people","Key":{"pk":{"S":"a"},"n":{"N":"1"}},"UpdateExpression":"ADD v :v","ExpressionAttributeValues":{":v":{"N":"`+by+`"}}}}]}`)
	}
	value := func() any {
		item, _ := must(t, server, "GetItem", `{"TableName":"people","Key":{"pk":{"S":"a"},"n":{"N":"1"}}}`)["Item"].(object)
		return item["v"].(object)["N"]
	}
	steps := []struct {
		wait   time.Duration
		by     string
		status int
		want   string
	}{{0, "1", 200, "1"}, {9*time.Minute + 59*time.Second, "1", 200, "1"}, {0, "1.0", 200, "1"}, {0, "2", 400, "1"}, {time.Second, "2", 200, "3"}, {time.Minute, "1", 400, "3"}}
	for i, step := range steps {
		now = now.Add(step.wait)
		status, out := add(step.by)
		if got := value(); status != step.status || got != step.want {
			t.Errorf("step %d: %d %v, v = %v; want %d and v = %v", i, status, out["__type"], got, step.status, step.want)
		}
	}
}

// TestTransactionsAreIsolated moves units between accounts while others read
// all of them at once: no sum may ever differ.
func TestTransactionsAreIsolated(t *testing.T) {
	t.Parallel()
	const accounts, movers, moves = 4, 4, 100
	server := newServer(t)
	for i := range accounts {
		must(t, server, "PutItem", fmt.Sprintf(`{"TableName":"people","Item":{"pk":{"S":"a"},"n":{"N":"%d"},"v":{"N":"0"}}}`, i))
	}
	step := func(i, by int) string {
		return fmt.Sprintf(`{"Update":{"TableName":"people","Key":{"pk":{"S":"a"},"n":{"N":"%d"}},"UpdateExpression":"ADD v :v","ExpressionAttributeValues":{":v":{"N":"%d"}}}}`, i, by)
	}
	var all sync.WaitGroup
	for m := range movers {
		all.Go(func() {
			for i := range moves {
				status, out := call(t, server, "TransactWriteItems", `{"TransactItems":[`+step((m+i)%accounts, -1-i)+`,`+step((m+i+1)%accounts, 1+i)+`]}`)
				if status != http.StatusOK {
					t.Errorf("move = %d %v", status, out)
				}
			}
		})
		all.Go(func() {
			for range moves {
				if total := totalOf(t, server, accounts); total != 0 {
					t.Errorf("the accounts hold %d together, want 0", total)
				}
			}
		})
	}
	all.Wait()
}

// totalOf reads all accounts in one transaction.
func totalOf(t *testing.T, server *dynamodbemulator.Server, accounts int) int {
	t.Helper()
	var gets []string
	for i := range accounts {
		gets = append(gets, fmt.Sprintf(`{"Get":{"TableName":"people","Key":{"pk":{"S":"a"},"n":{"N":"%d"}}}}`, i))
	}
	_, out := call(t, server, "TransactGetItems", `{"TransactItems":[`+strings.Join(gets, ",")+`]}`)
	responses, _ := out["Responses"].([]any)
	if len(responses) != accounts {
		t.Errorf("TransactGetItems = %v, want %d items", out, accounts)
	}
	total := 0
	for _, response := range responses {
		n, _ := strconv.Atoi(response.(object)["Item"].(object)["v"].(object)["N"].(string))
		total += n
	}
	return total
}

func BenchmarkTransaction(b *testing.B) {
	for _, size := range []int{100, 10_000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			server := newServer(b)
			for i := range size {
				must(b, server, "PutItem", fmt.Sprintf(`{"TableName":"people","Item":{"pk":{"S":"%d"},"n":{"N":"1"},"email":{"S":"%d@example.com"}}}`, i, i))
			}
			i := 0
			for b.Loop() {
				i++
				must(b, server, "TransactWriteItems", `{"TransactItems":[`+put("new", strconv.Itoa(i), "")+`,`+put("other", strconv.Itoa(i), "")+`]}`)
			}
		})
	}
}
