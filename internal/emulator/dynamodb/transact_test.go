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

	"github.com/clerksync/clerksync/internal/emulator"
)

func key(pk, n string) string { return fmt.Sprintf(`"pk":{"S":%q},"n":{"N":%q}`, pk, n) }

// putAction puts an item of the key, with n = 1, and more.
func putAction(pk, more string) string {
	return `{"Put":` + on(`"Item":{`+key(pk, "1")+more+`}`) + `}`
}

// updateAction updates an item with a value for v.
func updateAction(pk, n, expression, v string) string {
	values := ""
	if v != "" {
		values = `,"ExpressionAttributeValues":{":v":` + v + `}`
	}
	return `{"Update":` + on(`"Key":{`+key(pk, n)+`},"UpdateExpression":"`+expression+`"`+values) + `}`
}

// transaction is the request that has the actions.
func transaction(actions ...string) string {
	return `{"TransactItems":[` + strings.Join(actions, ",") + `]}`
}

// A cancellation has the reason of each action at its position, as DynamoDB
// words it, and leaves nothing behind.
func TestTransactionReasons(t *testing.T) {
	t.Parallel()
	service := withPeople(t)
	const there = `{"pk":{"S":"there"},"n":{"N":"1"},"v":{"S":"old"}}`
	putPeople(t, service, there)
	invalid := func(message string) object { return object{"Code": "ValidationError", "Message": message} }
	none := object{"Code": "None"}
	failed := object{"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
	shown := object{"Code": failed["Code"], "Message": failed["Message"], "Item": decoded(there)}
	tooLarge := invalid("Item size has exceeded the maximum allowed size")
	badPath := invalid("The document path provided in the update expression is invalid for update")
	check := func(more string) string {
		return `{"ConditionCheck":` +
			on(`"Key":{`+key("there", "1")+`},"ConditionExpression":"attribute_not_exists(pk)"`+more) + `}`
	}
	big := `{"S":"` + strings.Repeat("x", 409_600) + `"}`
	for name, test := range map[string]struct {
		actions []string
		want    []any
	}{
		"a failed condition": {actions: []string{putAction("a", ""), check("")}, want: []any{none, failed}},
		"with the item": {
			actions: []string{check(`,"ReturnValuesOnConditionCheckFailure":"ALL_OLD"`), putAction("a", "")},
			want:    []any{shown, none},
		},
		"an item over 400 KB": {
			actions: []string{putAction("a", ""), putAction("b", `,"v":`+big), putAction("c", "")},
			want:    []any{none, tooLarge, none},
		},
		"an update to over 400 KB": {
			actions: []string{putAction("a", ""), updateAction("b", "1", "SET v = :v", big)},
			want:    []any{none, tooLarge},
		},
		"a path that leads nowhere": {
			actions: []string{updateAction("b", "1", "SET v.w = :v", `{"S":"x"}`)}, want: []any{badPath},
		},
		"a condition and a bad path": {
			actions: []string{check(""), updateAction("b", "1", "REMOVE v.w", "")}, want: []any{failed, badPath},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, out := call(t, service, "TransactWriteItems", transaction(test.actions...))
			code, message := refusal(out)
			if status != http.StatusBadRequest || code != "TransactionCanceledException" {
				t.Errorf("transaction = %d %s %s, want it canceled", status, code, message)
			}
			if diff := cmp.Diff(any(test.want), out["CancellationReasons"]); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
			if items := must(t, service, "Scan", `{"TableName":"people"}`)["Count"]; items != 1.0 {
				t.Errorf("items after it = %v, want 1", items)
			}
		})
	}
}

// A transaction writes at most 4 MB, and a batch reads at most 16 MB: the rest
// of its keys come back unprocessed.
func TestTransactionAndBatchSizes(t *testing.T) {
	t.Parallel()
	service := withPeople(t)
	actions := func(from, n int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = putAction(strconv.Itoa(from+i), `,"v":{"S":"`+strings.Repeat("x", 400_000)+`"}`)
		}
		return transaction(list...)
	}
	status, out := call(t, service, "TransactWriteItems", actions(0, 11))
	if code, _ := refusal(out); status != http.StatusBadRequest || code != "ValidationException" {
		t.Errorf("a transaction of 4.4 MB = %d %s, want 400 ValidationException", status, code)
	}
	var keys []string
	for i := range 50 {
		if i%10 == 0 {
			must(t, service, "TransactWriteItems", actions(i, 10))
		}
		keys = append(keys, `{`+key(strconv.Itoa(i), "1")+`}`)
	}
	got := must(t, service, "BatchGetItem",
		`{"RequestItems":{"people":{"Keys":[`+strings.Join(keys, ",")+`],"ProjectionExpression":"v"}}}`)
	read := len(got["Responses"].(object)["people"].([]any))
	left := len(got["UnprocessedKeys"].(object)["people"].(object)["Keys"].([]any))
	if read+left != 50 || left == 0 {
		t.Errorf("BatchGetItem read %d and left %d of 50 keys of 20 MB, want 50 together and some left", read, left)
	}
}

// A request token stands for its transaction for ten minutes: the same content
// has no second effect, other content is refused; then the token is free.
func TestRequestTokenEnds(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1767225600000)
	service := emulator.New(emulator.Options{Now: func() time.Time { return now }})
	must(t, service, "CreateTable", people)
	for i, step := range []struct {
		wait   time.Duration
		add    string // to v
		status int
		want   string // v
	}{
		{add: "1", status: 200, want: "1"},
		{wait: 9*time.Minute + 59*time.Second, add: "1", status: 200, want: "1"},
		{add: "1.0", status: 200, want: "1"},
		{add: "2", status: 400, want: "1"},
		{wait: time.Second, add: "2", status: 200, want: "3"},
		{wait: time.Minute, add: "1", status: 400, want: "3"},
	} {
		now = now.Add(step.wait)
		body := transaction(updateAction("a", "1", "ADD v :v", `{"N":"`+step.add+`"}`))
		status, out := call(t, service, "TransactWriteItems",
			strings.Replace(body, "{", `{"ClientRequestToken":"one",`, 1))
		item, _ := must(t, service, "GetItem", on(`"Key":{`+key("a", "1")+`}`))["Item"].(object)
		if got := item["v"].(object)["N"]; status != step.status || got != step.want {
			t.Errorf("step %d: %d %v, v = %v; want %d and v = %v",
				i, status, out["__type"], got, step.status, step.want)
		}
	}
}

// Transactions are isolated here also from a Query, of which DynamoDB promises less.
// The test moves units between accounts while others read all of them at once: no
// sum may ever differ.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
func TestTransactionsAreIsolated(t *testing.T) {
	t.Parallel()
	const accounts, movers, moves = 4, 4, 100
	service := withPeople(t)
	for i := range accounts {
		putPeople(t, service, `{`+key("a", strconv.Itoa(i))+`,"v":{"N":"0"}}`)
	}
	add := func(account, by int) string {
		return updateAction("a", strconv.Itoa(account%accounts), "ADD v :v", `{"N":"`+strconv.Itoa(by)+`"}`)
	}
	var all sync.WaitGroup
	for m := range movers {
		all.Go(func() {
			for i := range moves {
				status, out := call(t, service, "TransactWriteItems", transaction(add(m+i, -1-i), add(m+i+1, 1+i)))
				if status != http.StatusOK {
					t.Errorf("move = %d %v", status, out)
				}
			}
		})
		all.Go(func() {
			for range moves {
				if n, total := sum(t, service); n != accounts || total != 0 {
					t.Errorf("%d accounts hold %d together, want %d and 0", n, total, accounts)
				}
			}
		})
	}
	all.Wait()
}

// sum reads all accounts in one request.
func sum(t *testing.T, service http.Handler) (n, total int) {
	t.Helper()
	_, out := call(t, service, "Query",
		on(`"KeyConditionExpression":"pk = :a","ExpressionAttributeValues":{":a":{"S":"a"}}`))
	items, _ := out["Items"].([]any)
	for _, it := range items {
		v, _ := strconv.Atoi(it.(object)["v"].(object)["N"].(string))
		total += v
	}
	return len(items), total
}
