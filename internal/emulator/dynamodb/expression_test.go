package dynamodb_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	dynamodbemulator "github.com/clerksync/clerksync/internal/emulator/dynamodb"
)

// sample is the item that the expressions below meet.
const sample = `{"pk":{"S":"a"},"n":{"N":"1"},"s":{"S":"text"},"big":{"N":"12345678901234567890123456789012345678"},"neg":{"N":"-5"},
	"b":{"B":"AAEC"},"yes":{"BOOL":true},"nil":{"NULL":true},"l":{"L":[{"S":"x"},{"N":"1"},{"S":"y"}]},
	"m":{"M":{"k":{"S":"v"},"deep":{"M":{"z":{"N":"1"}}}}},"ss":{"SS":["p","q"]},"ns":{"NS":["1","2"]}}`

// values are all that they may name.
func sampleValues() map[string]string {
	return map[string]string{
		":s": `{"S":"text"}`, ":t": `{"S":"te"}`, ":one": `{"N":"1.0"}`, ":two": `{"N":"2"}`, ":five": `{"N":"5"}`, ":near": `{"N":"12345678901234567890123456789012345679"}`,
		":b": `{"B":"AAE="}`, ":yes": `{"BOOL":true}`, ":x": `{"S":"x"}`, ":l": `{"L":[{"S":"z"}]}`, ":qp": `{"SS":["q","p"]}`, ":q": `{"SS":["q","r"]}`, ":v": `{"S":"v"}`,
		":type": `{"S":"N"}`, ":m": `{"M":{}}`, ":ns": `{"NS":["2","3"]}`,
	}
}

// placeholders gives what the expression names, as members of a request.
func placeholders(expression string) string {
	var members []string
	for name, value := range sampleValues() {
		if containsWord(expression, name) {
			members = append(members, `"`+name+`":`+value)
		}
	}
	text := ""
	if len(members) > 0 {
		text = `,"ExpressionAttributeValues":{` + strings.Join(members, ",") + `}`
	}
	if strings.Contains(expression, "#n") {
		text += `,"ExpressionAttributeNames":{"#n":"m"}`
	}
	return text
}

func containsWord(expression, name string) bool {
	for _, word := range strings.FieldsFunc(expression, func(r rune) bool { return strings.ContainsRune(" ,()=<>+-", r) }) {
		if word == name {
			return true
		}
	}
	return false
}

func encoded(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestConditions(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	must(t, server, "PutItem", `{"TableName":"people","Item":`+sample+`}`)
	tests := map[string]string{ // to "met", "failed" or "refused"
		"s = :s": "met", "s <> :s": "failed", "s > :t": "met", "s <= :t": "failed", "s = :one": "failed", "s <> :one": "met", "s < :one": "failed",
		"n = :one": "met", "n < :two": "met", "neg < :one": "met", "big < :near": "met", "big = :near": "failed", "n >= :one": "met",
		"nothing = :s": "failed", "nothing <> :s": "met", "nothing < :s": "failed", "yes = :yes": "met", "ss = :qp": "met", "b > :b": "met",
		"NOT s = :s": "failed", "not (s = :t or s = :s)": "failed", "s = :t OR n = :one AND neg < :one": "met", "(s = :t OR n = :one) AND neg > :one": "failed",
		"n BETWEEN :one AND :two": "met", "neg BETWEEN :one AND :two": "failed", "n BETWEEN :one AND :two AND s = :t": "failed", "nothing BETWEEN :one AND :two": "failed",
		"s IN (:t, :s)": "met", "s IN (:t)": "failed", "nothing IN (:t)": "failed",
		"attribute_exists(m.k)": "met", "attribute_exists(m.nothing)": "failed", "attribute_not_exists(#n.deep.z)": "failed", "attribute_exists(l[2])": "met", "attribute_exists(l[3])": "failed",
		"attribute_exists(s.k)": "failed", "attribute_type(n, :type)": "met", "attribute_type(s, :type)": "failed",
		"begins_with(s, :t)": "met", "begins_with(s, :x)": "failed", "begins_with(n, :t)": "failed", "begins_with(b, :b)": "met",
		"contains(s, :x)": "met", "contains(l, :x)": "met", "contains(ss, :x)": "failed", "contains(ns, :two)": "met", "contains(nothing, :x)": "failed",
		"size(s) > :two": "met", "size(l) = :two": "failed", "size(nothing) = :two": "failed", "size(ns) BETWEEN :one AND :two": "met", "m.k = :v": "met", "l[0] = :x": "met", "n = n": "met",

		"": "refused", " ": "refused", "s": "refused", ":s": "refused", "s = :s n = :one": "refused", "s = :s,n = :one": "refused", "s = :s AND": "refused", "s == :s": "refused",
		"s = :missing": "refused", "#missing = :s": "refused", "name = :s": "refused", "m.name = :s": "refused", "s = :s\x00garbage": "refused", "size(s)": "refused", "NOT s": "refused",
		"size(s) = size": "refused", "attribute_exists(:s)": "refused", "attribute_exists(s, n)": "refused", "unknown(s)": "refused", "s IN :s)": "refused", "s IN ()": "refused",
		"_s = :s": "refused", "9s = :s": "refused", "s[x] = :s": "refused", "s = :s = :t": "refused", "attribute_type(s, :one)": "refused", "(s = :s": "refused", "s = 'text'": "refused",
		"if_not_exists(s, :s) = :s": "refused", "s.= :s": "refused", "l[-1] = :s": "refused", "n = n + :one": "refused", strings.Repeat("(", 5000): "refused",

		strings.Repeat("NOT ", 299) + "s = :t": "met", strings.Repeat("NOT ", 300) + "s = :s": "refused", // 300 and 301 operators
		strings.Repeat("size(s) <> n OR ", 99) + "size(s) <> n OR s = :s": "refused", // 301 with the functions
	}
	for expression, want := range tests {
		status, out := call(t, server, "DeleteItem", `{"TableName":"people","Key":{"pk":{"S":"a"},"n":{"N":"1"}},"ConditionExpression":`+encoded(expression)+placeholders(expression)+`}`)
		code, message := refusal(out)
		got := map[string]string{"": "met", "ConditionalCheckFailedException": "failed", "ValidationException": "refused"}[code]
		if got != want {
			t.Errorf("condition %.60q = %d %s %s %s, want %s", expression, status, got, code, message, want)
		}
		if status == http.StatusOK {
			must(t, server, "PutItem", `{"TableName":"people","Item":`+sample+`}`)
		}
	}
}

func TestUnusedPlaceholders(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	for _, members := range []string{
		`"ExpressionAttributeValues":{":v":{"S":"x"},":vv":{"S":"x"}},"ConditionExpression":"s = :vv"`,
		`"ExpressionAttributeNames":{"#a":"a","#aa":"b"},"ConditionExpression":"attribute_exists(#aa)"`,
		`"ExpressionAttributeValues":{":v":{"S":"x"}}`, `"ExpressionAttributeNames":{"#a":"a"}`, `"ExpressionAttributeValues":{}`, `"ExpressionAttributeNames":{}`,
		`"ExpressionAttributeValues":{"v":{"S":"x"}},"ConditionExpression":"s = v"`,
	} {
		status, out := call(t, server, "PutItem", `{"TableName":"people","Item":{"pk":{"S":"a"},"n":{"N":"1"}},`+members+`}`)
		if status != http.StatusBadRequest {
			t.Errorf("PutItem(%s) = %d %v, want 400", members, status, out)
		}
	}
}

func TestUpdates(t *testing.T) {
	t.Parallel()
	tests := map[string]string{ // to the attributes that differ afterwards; "refused"
		"SET s = :x":                                   `{"s":{"S":"x"}}`,
		"set s = n, nothing = s":                       `{"s":{"N":"1"},"nothing":{"S":"text"}}`,
		"SET neg = neg + :two":                         `{"neg":{"N":"-3"}}`,
		"SET neg = :two - neg":                         `{"neg":{"N":"7"}}`,
		"SET big = big + :one":                         `{"big":{"N":"12345678901234567890123456789012345679"}}`,
		"SET s = if_not_exists(nothing, :x)":           `{"s":{"S":"x"}}`,
		"SET neg = if_not_exists(nothing, :two) + neg": `{"neg":{"N":"-3"}}`,
		"SET l = list_append(l, :l)":                   `{"l":{"L":[{"S":"x"},{"N":"1"},{"S":"y"},{"S":"z"}]}}`,
		"SET l[1] = :x, l[9] = :v":                     `{"l":{"L":[{"S":"x"},{"S":"x"},{"S":"y"},{"S":"v"}]}}`,
		"SET m.k = :x, #n.fresh = :m":                  `{"m":{"M":{"k":{"S":"x"},"fresh":{"M":{}},"deep":{"M":{"z":{"N":"1"}}}}}}`,
		"REMOVE s, nothing, b":                         `{"s":null,"b":null}`,
		"REMOVE m.deep.z":                              `{"m":{"M":{"k":{"S":"v"},"deep":{"M":{}}}}}`,
		"REMOVE l[0], l[1]":                            `{"l":{"L":[{"S":"y"}]}}`,
		"SET s = :x REMOVE b ADD neg :five":            `{"s":{"S":"x"},"b":null,"neg":{"N":"0"}}`,
		"ADD fresh :two, ss :q":                        `{"fresh":{"N":"2"},"ss":{"SS":["p","q","r"]}}`,
		"DELETE ss :q, nothing :q":                     `{"ss":{"SS":["p"]}}`,
		"DELETE ss :qp":                                `{"ss":null}`,
		"ADD ns :ns":                                   `{"ns":{"NS":["1","2","3"]}}`,

		"": "refused", "SET": "refused", "SET s": "refused", "SET s = ": "refused", "SET s = :x SET n = :x": "refused", "SET pk = :x": "refused", "REMOVE n": "refused", "SET s = :x, s = :v": "refused",
		"SET m = :m REMOVE m.k": "refused", "SET s = nothing": "refused", "SET nothing.k = :x": "refused", "SET s.k = :x": "refused", "REMOVE nothing.k": "refused", "SET m[0] = :x": "refused",
		"SET s = s + :one": "refused", "ADD s :one": "refused", "ADD s :x": "refused", "ADD m.k :one": "refused", "DELETE neg :one": "refused", "SET s = :x garbage": "refused", "SET s = :missing": "refused",
		"SET neg = neg + :one + :one": "refused", "SET name = :x": "refused", "REMOVE :x": "refused", "SET s = attribute_exists(s)": "refused", "SET big = big + fraction": "refused", "SET s = list_append(s, :l)": "refused",
	}
	for expression, want := range tests {
		server := newServer(t)
		must(t, server, "PutItem", `{"TableName":"people","Item":`+sample+`}`)
		status, out := call(t, server, "UpdateItem", `{"TableName":"people","Key":{"pk":{"S":"a"},"n":{"N":"1"}},"ReturnValues":"ALL_NEW","UpdateExpression":`+encoded(expression)+placeholders(expression)+`}`)
		expected := decoded(sample)
		if want == "refused" {
			if status != http.StatusBadRequest {
				t.Errorf("update %q = %d %v, want it refused", expression, status, out)
			}
		} else {
			for name, value := range decoded(want) {
				if expected[name] = value; value == nil {
					delete(expected, name)
				}
			}
			if diff := cmp.Diff(any(expected), out["Attributes"]); diff != "" {
				t.Errorf("update %q: %v (-want +got):\n%s", expression, out["message"], diff)
			}
		}
		stored := must(t, server, "GetItem", `{"TableName":"people","Key":{"pk":{"S":"a"},"n":{"N":"1"}}}`)["Item"]
		if diff := cmp.Diff(any(expected), stored); diff != "" {
			t.Errorf("item after %q (-want +got):\n%s", expression, diff)
		}
	}
}

func decoded(text string) object {
	out := object{}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		panic(err)
	}
	return out
}

func TestReturnValues(t *testing.T) {
	t.Parallel()
	for want, text := range map[string]string{
		"ALL_OLD": sample, "NONE": "", "UPDATED_OLD": `{"s":{"S":"text"},"m":{"M":{"k":{"S":"v"}}}}`, "UPDATED_NEW": `{"s":{"S":"x"},"m":{"M":{"k":{"S":"x"}}},"fresh":{"S":"x"}}`,
	} {
		server := newServer(t)
		must(t, server, "PutItem", `{"TableName":"people","Item":`+sample+`}`)
		out := must(t, server, "UpdateItem", `{"TableName":"people","Key":{"pk":{"S":"a"},"n":{"N":"1"}},"ReturnValues":"`+want+`","UpdateExpression":"SET s = :x, m.k = :x, fresh = :x","ExpressionAttributeValues":{":x":{"S":"x"}}}`)
		expected := object{}
		if text != "" {
			expected["Attributes"] = decoded(text)
		}
		if diff := cmp.Diff(expected, out); diff != "" {
			t.Errorf("ReturnValues %s (-want +got):\n%s", want, diff)
		}
	}
}

// FuzzExpressions: whatever the text, the server answers, and a condition that
// it refuses writes nothing.
func FuzzExpressions(f *testing.F) {
	for _, seed := range []string{"s = :s", "SET s = :s REMOVE b, l[0]", "a.b[1].#n", "NOT (s IN (:s))", "s BETWEEN :s AND :s", "size(s) < :s", "((", "ADD n :s", "begins_with(s,:s)"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		server := dynamodbemulator.New(time.Now)
		must(t, server, "CreateTable", people)
		must(t, server, "PutItem", `{"TableName":"people","Item":`+sample+`}`)
		key, text := `{"TableName":"people","Key":{"pk":{"S":"a"},"n":{"N":"1"}}`, encoded(expression)
		more := `,"ExpressionAttributeNames":{"#n":"m"},"ExpressionAttributeValues":{":s":{"S":"text"}}}`
		call(t, server, "UpdateItem", key+`,"UpdateExpression":`+text+more)
		call(t, server, "GetItem", key+`,"ProjectionExpression":`+text+`,"ExpressionAttributeNames":{"#n":"m"}}`)
		call(t, server, "Query", `{"TableName":"people","KeyConditionExpression":`+text+more)
		if status, _ := call(t, server, "DeleteItem", key+`,"ConditionExpression":`+text+more); status != http.StatusOK {
			if out := must(t, server, "GetItem", key+`}`); out["Item"] == nil {
				t.Errorf("condition %q was refused and the item is gone", expression)
			}
		}
	})
}
