package dynamodbtest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	dynamodbemulator "github.com/clerksync/clerksync/internal/emulator/dynamodb"
)

type object = map[string]any

// broken is a good engine with one fault: ask changes what it is asked, and
// answer what it answers; forward calls the good engine.
type broken struct {
	ask    func(operation string, in object)
	answer func(operation string, in object, status int, out object, forward forward) int
}

type forward func(operation string, in object) (status int, out object)

func (b broken) engine() http.Handler {
	good := dynamodbemulator.New(time.Now)
	const prefix = "DynamoDB_20120810."
	forward := func(operation string, in object) (int, object) {
		// What came as JSON goes as JSON.
		body, _ := json.Marshal(in)
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set("X-Amz-Target", prefix+operation)
		w := httptest.NewRecorder()
		good.ServeHTTP(w, r)
		out := object{}
		_ = json.Unmarshal(w.Body.Bytes(), &out)
		return w.Code, out
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), prefix)
		in := object{}
		body, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(body, &in)
		if b.ask != nil {
			b.ask(operation, in)
		}
		status, out := forward(operation, in)
		if b.answer != nil {
			status = b.answer(operation, in, status, out, forward)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(out)
	})
}

// ignore drops members of the requests of one operation.
func ignore(operation string, members ...string) broken {
	return broken{ask: func(asked string, in object) {
		if asked == operation {
			for _, member := range members {
				delete(in, member)
			}
		}
	}}
}

// actions are the requests within a transaction, or the one of a single write.
func actions(in object) []object {
	list, ok := in["TransactItems"].([]any)
	if !ok {
		return []object{in}
	}
	var all []object
	for _, element := range list {
		for _, action := range element.(object) {
			all = append(all, action.(object))
		}
	}
	return all
}

func removesNothing() broken {
	return broken{ask: func(_ string, in object) {
		for _, action := range actions(in) {
			if expression, ok := action["UpdateExpression"].(string); ok {
				action["UpdateExpression"], _, _ = strings.Cut(expression, " REMOVE")
			}
		}
	}}
}

// reasonsAre rewrites the reasons of canceled transactions.
func reasonsAre(rewrite func(reasons []any)) broken {
	return broken{answer: func(_ string, _ object, status int, out object, _ forward) int {
		if reasons, ok := out["CancellationReasons"].([]any); ok {
			rewrite(reasons)
		}
		return status
	}}
}

func rotated(reasons []any) {
	last := reasons[len(reasons)-1]
	copy(reasons[1:], reasons)
	reasons[0] = last
}

func onlyTheFirst(reasons []any) {
	found := false
	for i, element := range reasons {
		if element.(object)["Code"] == "None" {
			continue
		}
		if found {
			reasons[i] = object{"Code": "None"}
		}
		found = true
	}
}

func withoutItems(reasons []any) {
	for _, element := range reasons {
		delete(element.(object), "Item")
	}
}

// torn carries out the first put of a transaction that it cancels.
func torn() broken {
	return broken{answer: func(operation string, in object, status int, _ object, forward forward) int {
		if operation == "TransactWriteItems" && status != http.StatusOK {
			put := actions(in)[0]
			forward("PutItem", object{"TableName": put["TableName"], "Item": put["Item"]})
		}
		return status
	}}
}

// accepts says yes, without effect, to whatever is refused for this reason.
func accepts(operation, message string) broken {
	return broken{answer: func(asked string, _ object, status int, out object, _ forward) int {
		text, _ := out["message"].(string)
		if asked != operation || !strings.Contains(text, message) {
			return status
		}
		clear(out)
		return http.StatusOK
	}}
}

// neverForgets answers queries of an index with all it ever answered.
func neverForgets() broken {
	var mu sync.Mutex
	var all []any
	return broken{answer: func(operation string, in object, status int, out object, _ forward) int {
		items, ok := out["Items"].([]any)
		if operation != "Query" || in["IndexName"] == nil || !ok {
			return status
		}
		mu.Lock()
		defer mu.Unlock()
		if len(items) > 0 {
			all = items
		}
		out["Items"] = all
		return status
	}}
}

// showsAll answers queries of an index with whole items.
func showsAll() broken {
	return broken{answer: func(operation string, in object, status int, out object, forward forward) int {
		items, ok := out["Items"].([]any)
		if operation != "Query" || in["IndexName"] == nil || !ok {
			return status
		}
		for i, element := range items {
			key := maps.Clone(element.(object))
			delete(key, "email")
			_, found := forward("GetItem", object{"TableName": in["TableName"], "Key": key})
			items[i] = found["Item"]
		}
		return status
	}}
}

// changes applies a function to each text that an item brings along.
func changes(change func(string) string) broken {
	return broken{ask: func(operation string, in object) {
		item, ok := in["Item"].(object)
		if operation != "PutItem" || !ok {
			return
		}
		for name, v := range item {
			if text, ok := v.(object)["S"].(string); ok && name != "pk" && name != "sk" {
				item[name] = object{"S": change(text)}
			}
		}
	}}
}

func wholeItems(operation string, in object) {
	if operation != "BatchGetItem" {
		return
	}
	for _, request := range in["RequestItems"].(object) {
		delete(request.(object), "ProjectionExpression")
		delete(request.(object), "ExpressionAttributeNames")
	}
}

func loseOne(operation string, _ object, status int, out object, _ forward) int {
	responses, _ := out["Responses"].(object)
	for table, items := range responses {
		if list := items.([]any); operation == "BatchGetItem" && len(list) > 0 {
			responses[table] = list[1:]
		}
	}
	return status
}

func noTTL(operation string, _ object, status int, out object, _ forward) int {
	if operation == "DescribeTimeToLive" {
		out["TimeToLiveDescription"] = object{"TimeToLiveStatus": "DISABLED"}
	}
	return status
}

func firstPageOnly(_ string, _ object, status int, out object, _ forward) int {
	delete(out, "LastEvaluatedKey")
	return status
}
