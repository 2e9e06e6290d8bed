package dynamodb_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sample is the item that the expressions below meet.
const sample = `{"pk":{"S":"a"},"n":{"N":"1"},"s":{"S":"text"},"neg":{"N":"-5"},
	"big":{"N":"12345678901234567890123456789012345678"},"b":{"B":"AAEC"},"yes":{"BOOL":true},"nil":{"NULL":true},
	"l":{"L":[{"S":"x"},{"N":"1"},{"S":"y"}]},"m":{"M":{"k":{"S":"v"},"deep":{"M":{"z":{"N":"1"}}}}},
	"ss":{"SS":["p","q"]},"ns":{"NS":["1","2"]}}`

const sampleKey = `"Key":{"pk":{"S":"a"},"n":{"N":"1"}}`

// sampleValues are all the values that the expressions may name.
func sampleValues() map[string]string {
	return map[string]string{
		":s": `{"S":"text"}`, ":t": `{"S":"te"}`, ":x": `{"S":"x"}`, ":v": `{"S":"v"}`, ":type": `{"S":"N"}`,
		":null": `{"NULL":true}`,
		":one":  `{"N":"1.0"}`, ":two": `{"N":"2"}`, ":five": `{"N":"5"}`,
		":near": `{"N":"12345678901234567890123456789012345679"}`,
		":b":    `{"B":"AAE="}`, ":yes": `{"BOOL":true}`, ":l": `{"L":[{"S":"z"}]}`, ":m": `{"M":{}}`,
		":qp": `{"SS":["q","p"]}`, ":q": `{"SS":["q","r"]}`, ":ns": `{"NS":["2","3"]}`,
	}
}

// placeholders gives what the expression names, as members of a request.
func placeholders(expression string) string {
	var members []string
	words := strings.FieldsFunc(expression, func(r rune) bool { return strings.ContainsRune(" ,()=<>+-", r) })
	found := map[string]bool{}
	for _, word := range words {
		if value, ok := sampleValues()[word]; ok && !found[word] {
			found[word] = true
			members = append(members, `"`+word+`":`+value)
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

func encoded(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func decoded(text string) object {
	out := object{}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		panic(err)
	}
	return out
}

// conditions are expressions by what becomes of a deletion of the sample on
// them.
func conditions() map[string][]string {
	return map[string][]string{
		"met": {
			"s = :s", "s > :t", "s <> :one", "n = :one", "n < :two", "neg < :one", "big < :near", "n >= :one",
			"nothing <> :s", "yes = :yes", "ss = :qp", "b > :b",
			"s = :t OR n = :one AND neg < :one", "n BETWEEN :one AND :two", "s IN (:t, :s)",
			"attribute_exists(m.k)", "attribute_exists(l[2])", "attribute_type(n, :type)",
			"begins_with(s, :t)", "begins_with(b, :b)", "contains(s, :x)", "contains(l, :x)", "contains(ns, :two)",
			"size(s) > :two", "size(ns) BETWEEN :one AND :two", "m.k = :v", "l[0] = :x", "n = size(nothing) OR s = :s",
			strings.Repeat("NOT ", 299) + "s = :t", // 300 operators
		},
		"failed": {
			"s <> :s", "s <= :t", "s = :one", "s < :one", "big = :near", "nothing = :s", "nothing < :s",
			"NOT s = :s", "not (s = :t or s = :s)", "(s = :t OR n = :one) AND neg > :one",
			"neg BETWEEN :one AND :two", "n BETWEEN :one AND :two AND s = :t", "nothing BETWEEN :one AND :two",
			"s IN (:t)", "nothing IN (:t)",
			"attribute_exists(m.nothing)", "attribute_not_exists(#n.deep.z)", "attribute_exists(l[3])",
			"attribute_exists(s.k)", "attribute_type(s, :type)", "begins_with(s, :x)", "begins_with(n, :t)",
			"contains(ss, :x)", "contains(nothing, :x)", "size(l) = :two", "size(nothing) = :two",
		},
		"refused": {
			"", " ", "s", ":s", "s = :s n = :one", "s = :s,n = :one", "s = :s AND", "s == :s", "s = :s = :t", "(s = :s",
			"s = :missing", "#missing = :s", "name = :s", "m.name = :s", "s = :s\x00garbage", "size(s)", "NOT s",
			"size(s) = size", "attribute_exists(:s)", "attribute_exists(s, n)", "unknown(s)", "s IN :s)", "s IN ()",
			"_s = :s", "9s = :s", "s[x] = :s", "attribute_type(s, :one)", "s = 'text'", "if_not_exists(s, :s) = :s",
			"s.= :s", "l[-1] = :s", "n = n + :one", strings.Repeat("(", 5000),
			strings.Repeat("NOT ", 300) + "s = :s",             // 301 operators
			strings.Repeat("size(s) <> n OR ", 100) + "s = :s", // 301 with the functions
		},
	}
}

// Each condition decides a deletion, so that what it lets through has an effect
// that shows. Values of different types are unequal and in no order, and what is
// absent is equal to nothing; that is no error.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
func TestConditions(t *testing.T) {
	t.Parallel()
	service := withPeople(t)
	putPeople(t, service, sample)
	results := map[string]string{
		"": "met", "ConditionalCheckFailedException": "failed", "ValidationException": "refused",
	}
	for want, expressions := range conditions() {
		for _, expression := range expressions {
			body := on(sampleKey + `,"ConditionExpression":` + encoded(expression) + placeholders(expression))
			status, out := call(t, service, "DeleteItem", body)
			code, message := refusal(out)
			if got := results[code]; got != want {
				t.Errorf("condition %.60q = %d %s %s, want it %s", expression, status, code, message, want)
			}
			if status == http.StatusOK {
				putPeople(t, service, sample)
			}
		}
	}
}

// What no expression uses is refused, as a request with a slip in it. Names begin
// with #, values with a colon, and neither map is empty.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ExpressionAttributeNames.html
func TestUnusedPlaceholders(t *testing.T) {
	t.Parallel()
	service := withPeople(t)
	for _, members := range []string{
		`"ExpressionAttributeValues":{":v":{"S":"x"},":vv":{"S":"x"}},"ConditionExpression":"s = :vv"`,
		`"ExpressionAttributeNames":{"#a":"a","#aa":"b"},"ConditionExpression":"attribute_exists(#aa)"`,
		`"ExpressionAttributeValues":{":v":{"S":"x"}}`, `"ExpressionAttributeNames":{"#a":"a"}`,
		`"ExpressionAttributeValues":{}`, `"ExpressionAttributeNames":{}`,
		`"ExpressionAttributeValues":{"v":{"S":"x"}},"ConditionExpression":"s = v"`,
	} {
		status, out := call(t, service, "PutItem", on(`"Item":{"pk":{"S":"a"},"n":{"N":"1"}},`+members))
		if status != http.StatusBadRequest {
			t.Errorf("PutItem(%s) = %d %v, want 400", members, status, out)
		}
	}
}

// An update changes what it names and nothing else; one that is refused changes
// nothing. All of its parts read the item as it was before.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
func TestUpdates(t *testing.T) {
	t.Parallel()
	refused := []string{
		"", "SET", "SET s", "SET s = ", "SET s = :x SET n = :x", "SET pk = :x", "REMOVE n", "SET s = :x, s = :v",
		"SET m = :m REMOVE m.k", "SET s = nothing", "SET nothing.k = :x", "SET s.k = :x", "REMOVE nothing.k",
		"SET m[0] = :x", "SET s = s + :one", "ADD s :one", "ADD s :x", "ADD m.k :one", "DELETE neg :one",
		"SET s = :x garbage", "SET s = :missing", "SET neg = neg + :one + :one", "SET name = :x", "REMOVE :x",
		"SET s = attribute_exists(s)", "SET big = big + fraction", "SET s = list_append(s, :l)",
	}
	changes := map[string]string{ // the attributes that differ afterwards
		"SET s = :x":                                   `{"s":{"S":"x"}}`,
		"set s = n, nothing = s":                       `{"s":{"N":"1"},"nothing":{"S":"text"}}`,
		"SET neg = neg + :two":                         `{"neg":{"N":"-3"}}`,
		"SET neg = :two - neg":                         `{"neg":{"N":"7"}}`,
		"SET big = big + :one":                         `{"big":{"N":"12345678901234567890123456789012345679"}}`,
		"SET s = if_not_exists(nothing, :x)":           `{"s":{"S":"x"}}`,
		"SET neg = if_not_exists(nothing, :two) + neg": `{"neg":{"N":"-3"}}`,
		"SET l = list_append(l, :l)":                   `{"l":{"L":[{"S":"x"},{"N":"1"},{"S":"y"},{"S":"z"}]}}`,
		"SET l[1] = :x, l[9] = :v":                     `{"l":{"L":[{"S":"x"},{"S":"x"},{"S":"y"},{"S":"v"}]}}`,
		"SET m.k = :x, #n.fresh = :m": `{"m":{"M":{
			"k":{"S":"x"},"fresh":{"M":{}},"deep":{"M":{"z":{"N":"1"}}}}}}`,
		"REMOVE s, nothing, b":              `{"s":null,"b":null}`,
		"REMOVE m.deep.z":                   `{"m":{"M":{"k":{"S":"v"},"deep":{"M":{}}}}}`,
		"REMOVE l[0], l[1]":                 `{"l":{"L":[{"S":"y"}]}}`,
		"SET s = :x REMOVE b ADD neg :five": `{"s":{"S":"x"},"b":null,"neg":{"N":"0"}}`,
		"ADD fresh :two, ss :q":             `{"fresh":{"N":"2"},"ss":{"SS":["p","q","r"]}}`,
		"DELETE ss :q, nothing :q":          `{"ss":{"SS":["p"]}}`,
		"DELETE ss :qp":                     `{"ss":null}`,
		"ADD ns :ns":                        `{"ns":{"NS":["1","2","3"]}}`,
	}
	for _, expression := range refused {
		changes[expression] = ""
	}
	for expression, change := range changes {
		service := withPeople(t)
		putPeople(t, service, sample)
		status, out := call(t, service, "UpdateItem",
			on(sampleKey+`,"ReturnValues":"ALL_NEW","UpdateExpression":`+encoded(expression)+placeholders(expression)))
		want := decoded(sample)
		if change == "" {
			if status != http.StatusBadRequest {
				t.Errorf("update %q = %d %v, want it refused", expression, status, out)
			}
		} else {
			maps.Copy(want, decoded(change))
			maps.DeleteFunc(want, func(_ string, value any) bool { return value == nil })
			if diff := cmp.Diff(any(want), out["Attributes"]); diff != "" {
				t.Errorf("update %q: %v (-want +got):\n%s", expression, out["message"], diff)
			}
		}
		if diff := cmp.Diff(any(want), must(t, service, "GetItem", on(sampleKey))["Item"]); diff != "" {
			t.Errorf("item after %q (-want +got):\n%s", expression, diff)
		}
	}
}

// An update returns the item before or after it, all of it or what it touched.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
func TestReturnValues(t *testing.T) {
	t.Parallel()
	for returns, want := range map[string]string{
		"ALL_OLD":     sample,
		"NONE":        "null",
		"UPDATED_OLD": `{"s":{"S":"text"},"m":{"M":{"k":{"S":"v"}}}}`,
		"UPDATED_NEW": `{"s":{"S":"x"},"m":{"M":{"k":{"S":"x"}}},"fresh":{"S":"x"}}`,
	} {
		service := withPeople(t)
		putPeople(t, service, sample)
		got, _ := must(t, service, "UpdateItem", on(sampleKey+`,"ReturnValues":"`+returns+`",`+
			`"UpdateExpression":"SET s = :x, m.k = :x, fresh = :x"`+placeholders(":x")))["Attributes"].(object)
		if diff := cmp.Diff(decoded(want), got); diff != "" {
			t.Errorf("ReturnValues %s (-want +got):\n%s", returns, diff)
		}
	}
}

// FuzzExpressions: whatever the text, the emulator answers, and a condition that
// it refuses deletes nothing.
func FuzzExpressions(f *testing.F) {
	for _, seed := range []string{
		"s = :s", "SET s = :s REMOVE b, l[0]", "a.b[1].#n", "NOT (s IN (:s))", "s BETWEEN :s AND :s", "size(s) < :s",
		"((", "ADD n :s", "begins_with(s,:s)",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		service := withPeople(t)
		putPeople(t, service, sample)
		text, names := encoded(expression), `,"ExpressionAttributeNames":{"#n":"m"}`
		more := names + `,"ExpressionAttributeValues":{":s":{"S":"text"}}`
		call(t, service, "UpdateItem", on(sampleKey+`,"UpdateExpression":`+text+more))
		call(t, service, "GetItem", on(sampleKey+`,"ProjectionExpression":`+text+names))
		call(t, service, "Query", on(`"KeyConditionExpression":`+text+more))
		status, _ := call(t, service, "DeleteItem", on(sampleKey+`,"ConditionExpression":`+text+more))
		if status != http.StatusOK && must(t, service, "GetItem", on(sampleKey))["Item"] == nil {
			t.Errorf("condition %q was refused and the item is gone", expression)
		}
	})
}
