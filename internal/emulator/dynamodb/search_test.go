package dynamodb_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// numbers are sorted; in the order of their text they would not be.
func numbers() []string {
	return []string{
		"-9999999999999999999999999999999999999900000000", "-100", "-99.5", "-10", "-9", "-1.5", "-1", "-0.5", "-0.05", "0", "0.05", "0.5", "0.55", "1", "1.5", "9", "10", "99.5", "100",
		"12345678901234567890123456789012345678", "12345678901234567890123456789012345679",
	}
}

func sortKeys(out object) []string {
	var keys []string
	for _, element := range out["Items"].([]any) {
		keys = append(keys, element.(object)["n"].(object)["N"].(string))
	}
	return keys
}

func TestNumbersSortAsNumbers(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	for _, i := range []int{5, 0, 20, 13, 7, 1, 19, 2, 18, 3, 17, 4, 16, 6, 15, 8, 14, 9, 10, 12, 11} {
		must(t, server, "PutItem", `{"TableName":"people","Item":{"pk":{"S":"a"},"n":{"N":"`+numbers()[i]+`"}}}`)
	}
	query := func(condition, values, more string) []string {
		return sortKeys(must(t, server, "Query", `{"TableName":"people","KeyConditionExpression":"pk = :a`+condition+`","ExpressionAttributeValues":{":a":{"S":"a"}`+values+`}`+more+`}`))
	}
	backwards := slices.Clone(numbers())
	slices.Reverse(backwards)
	tests := map[string]struct{ got, want []string }{
		"all":       {query("", "", ""), numbers()},
		"backwards": {query("", "", `,"ScanIndexForward":false`), backwards},
		"greater":   {query(" AND n > :n", `,":n":{"N":"9.0"}`, ""), numbers()[16:]},
		"at least":  {query(" AND n >= :n", `,":n":{"N":"9e0"}`, ""), numbers()[15:]},
		"less":      {query(" AND n < :n", `,":n":{"N":"-1"}`, ""), numbers()[:6]},
		"between":   {query(" AND n BETWEEN :n AND :m", `,":n":{"N":"-1"},":m":{"N":"0.5"}`, ""), numbers()[6:12]},
		"equal":     {query(" AND n = :n", `,":n":{"N":"00.50"}`, ""), numbers()[11:12]},
	}
	for name, test := range tests {
		if diff := cmp.Diff(test.want, test.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestPagesAreWhole: however a list is paged, forwards or backwards, filtered
// or not, its pages together are the list.
func TestPagesAreWhole(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	for i := range 30 {
		for _, pk := range []string{"a", "b", "c"} {
			must(t, server, "PutItem", fmt.Sprintf(`{"TableName":"people","Item":{"pk":{"S":%q},"n":{"N":"%d"},"odd":{"N":"%d"},"email":{"S":"%d@example.com"}}}`, pk, i, i%2, i%3))
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.IntRange(1, 40).Draw(rt, "limit")
		forward := rapid.Bool().Draw(rt, "forward")
		filter := rapid.Bool().Draw(rt, "filter")
		indexed := rapid.Bool().Draw(rt, "index")
		request := fmt.Sprintf(`"TableName":"people","Limit":%d,"ScanIndexForward":%v,`, limit, forward)
		want := 30
		if indexed {
			request += `"IndexName":"by_email","KeyConditionExpression":"email = :k","ExpressionAttributeValues":{":k":{"S":"1@example.com"}`
		} else {
			request += `"KeyConditionExpression":"pk = :k","ExpressionAttributeValues":{":k":{"S":"b"}`
		}
		if filter && !indexed {
			request = strings.Replace(request, `"TableName"`, `"FilterExpression":"odd = :odd","TableName"`, 1) + `,":odd":{"N":"1"}`
			want = 15
		}
		request += "}"
		seen, start := map[string]bool{}, ""
		for {
			out := must(t, server, "Query", "{"+request+start+"}")
			if out["ScannedCount"].(float64) > float64(limit) {
				rt.Fatalf("a page scanned %v, more than its limit", out["ScannedCount"])
			}
			for _, element := range out["Items"].([]any) {
				key := fmt.Sprint(element.(object)["pk"], element.(object)["n"])
				if seen[key] {
					rt.Fatalf("%s came twice", key)
				}
				seen[key] = true
			}
			last, more := out["LastEvaluatedKey"].(object)
			if !more {
				break
			}
			start = `,"ExclusiveStartKey":` + encoded(last)
		}
		if len(seen) != want {
			rt.Fatalf("pages hold %d items, want %d", len(seen), want)
		}
	})
}

// TestSegments: any number of segments holds each item once, in the table and
// in its index.
func TestSegments(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	for i := range 300 {
		must(t, server, "PutItem", fmt.Sprintf(`{"TableName":"people","Item":{"pk":{"S":"%d"},"n":{"N":"1"},"email":{"S":"%d@example.com"}}}`, i, i))
	}
	for _, total := range []int{1, 2, 3, 7, 64, 1_000_000} {
		for _, index := range []string{"", `,"IndexName":"by_email"`} {
			count, filled := 0.0, 0
			step := max(1, total/64)
			for segment := 0; segment < total; segment += step {
				out := must(t, server, "Scan", fmt.Sprintf(`{"TableName":"people","Select":"COUNT","Segment":%d,"TotalSegments":%d%s}`, segment, total, index))
				if n := out["Count"].(float64); n > 0 {
					count, filled = count+n, filled+1
				}
				if out["Items"] != nil {
					t.Errorf("COUNT gave items")
				}
			}
			if step == 1 && (count != 300 || filled < min(total, 50)) {
				t.Errorf("%d segments%s: %v items in %d of them, want 300 in most", total, index, count, filled)
			}
		}
	}
}

func TestProjections(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	must(t, server, "PutItem", `{"TableName":"people","Item":`+sample+`}`)
	for projection, want := range map[string]string{
		"s, n":               `{"s":{"S":"text"},"n":{"N":"1"}}`,
		"m.k":                `{"m":{"M":{"k":{"S":"v"}}}}`,
		"m.deep.z, m.k":      `{"m":{"M":{"k":{"S":"v"},"deep":{"M":{"z":{"N":"1"}}}}}}`,
		"l[2], l[0]":         `{"l":{"L":[{"S":"x"},{"S":"y"}]}}`,
		"nothing, m.nothing": `{}`,
	} {
		out := must(t, server, "GetItem", `{"TableName":"people","Key":{"pk":{"S":"a"},"n":{"N":"1"}},"ProjectionExpression":"`+projection+`"}`)
		got, _ := out["Item"].(object)
		if got == nil {
			got = object{}
		}
		if diff := cmp.Diff(decoded(want), got); diff != "" {
			t.Errorf("projection %q (-want +got):\n%s", projection, diff)
		}
	}
	for _, projection := range []string{"", "s,", "s, s", "m, m.k", "size(s)", "s = n", "name"} {
		if status, out := call(t, server, "GetItem", `{"TableName":"people","Key":{"pk":{"S":"a"},"n":{"N":"1"}},"ProjectionExpression":"`+projection+`"}`); status != 400 {
			t.Errorf("projection %q = %d %v, want 400", projection, status, out)
		}
	}
	out := must(t, server, "Scan", `{"TableName":"people"}`)
	if diff := cmp.Diff(any([]any{decoded(sample)}), out["Items"]); diff != "" {
		t.Errorf("Scan (-want +got):\n%s", diff)
	}
}
