package dynamodb_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// numbers are sorted; in the order of their text they would not be.
func numbers() []string {
	return []string{
		"-9999999999999999999999999999999999999900000000", "-100", "-99.5", "-10", "-9", "-1.5", "-1", "-0.5", "-0.05",
		"0", "0.05", "0.5", "0.55", "1", "1.5", "9", "10", "99.5", "100",
		"12345678901234567890123456789012345678", "12345678901234567890123456789012345679",
	}
}

// Sort keys that are numbers are in the order of numbers, negative ones and those
// of many digits too, and a key condition cuts that order where it should.
func TestNumbersSortAsNumbers(t *testing.T) {
	t.Parallel()
	service := withPeople(t)
	for _, i := range []int{5, 0, 20, 13, 7, 1, 19, 2, 18, 3, 17, 4, 16, 6, 15, 8, 14, 9, 10, 12, 11} {
		putPeople(t, service, `{`+key("a", numbers()[i])+`}`)
	}
	backwards := slices.Clone(numbers())
	slices.Reverse(backwards)
	for name, test := range map[string]struct {
		condition, values, more string // except for pk
		want                    []string
	}{
		"all":       {want: numbers()},
		"backwards": {more: `,"ScanIndexForward":false`, want: backwards},
		"greater":   {condition: " AND n > :n", values: `,":n":{"N":"9.0"}`, want: numbers()[16:]},
		"at least":  {condition: " AND n >= :n", values: `,":n":{"N":"9e0"}`, want: numbers()[15:]},
		"less":      {condition: " AND n < :n", values: `,":n":{"N":"-1"}`, want: numbers()[:6]},
		"between": {
			condition: " AND n BETWEEN :n AND :m", values: `,":n":{"N":"-1"},":m":{"N":"0.5"}`, want: numbers()[6:12],
		},
		"equal": {condition: " AND n = :n", values: `,":n":{"N":"00.50"}`, want: numbers()[11:12]},
	} {
		out := must(t, service, "Query", on(`"KeyConditionExpression":"pk = :a`+test.condition+`",`+
			`"ExpressionAttributeValues":{":a":{"S":"a"}`+test.values+`}`+test.more))
		var got []string
		for _, it := range out["Items"].([]any) {
			got = append(got, it.(object)["n"].(object)["N"].(string))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// However a list is paged, forwards or backwards, filtered or not, its pages
// together are the list, and a page reads no more than its limit. Only a page
// without LastEvaluatedKey is the last.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
func TestPagesAreWhole(t *testing.T) {
	t.Parallel()
	service := withPeople(t)
	for i := range 30 {
		for _, pk := range []string{"a", "b", "c"} {
			putPeople(t, service, fmt.Sprintf(`{%s,"odd":{"N":"%d"},"email":{"S":"%d@example.com"}}`,
				key(pk, strconv.Itoa(i)), i%2, i%3))
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.IntRange(1, 40).Draw(rt, "limit")
		members := fmt.Sprintf(`"Limit":%d,"ScanIndexForward":%v,`, limit, rapid.Bool().Draw(rt, "forward"))
		filter, indexed := rapid.Bool().Draw(rt, "filter"), rapid.Bool().Draw(rt, "index")
		condition, values, want := "pk = :k", `":k":{"S":"b"}`, 30
		switch {
		case indexed:
			members += `"IndexName":"by_email",`
			condition, values = "email = :k", `":k":{"S":"1@example.com"}`
		case filter:
			members += `"FilterExpression":"odd = :odd",`
			values, want = values+`,":odd":{"N":"1"}`, 15
		}
		members += `"KeyConditionExpression":"` + condition + `","ExpressionAttributeValues":{` + values + `}`
		seen := map[string]bool{}
		for start := ""; ; {
			out := must(t, service, "Query", on(members+start))
			if out["ScannedCount"].(float64) > float64(limit) {
				rt.Fatalf("a page scanned %v, more than its limit", out["ScannedCount"])
			}
			for _, it := range out["Items"].([]any) {
				key := fmt.Sprint(it.(object)["pk"], it.(object)["n"])
				if seen[key] {
					rt.Fatalf("%s came twice", key)
				}
				seen[key] = true
			}
			last, more := out["LastEvaluatedKey"]
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

// Any number of segments holds each item once, in the table and in its index.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html#Scan.ParallelScan
func TestSegments(t *testing.T) {
	t.Parallel()
	service := withPeople(t)
	for i := range 300 {
		putPeople(t, service, fmt.Sprintf(`{%s,"email":{"S":"%d@example.com"}}`, key(strconv.Itoa(i), "1"), i))
	}
	for _, total := range []int{1, 2, 3, 7, 64} {
		for _, index := range []string{"", `,"IndexName":"by_email"`} {
			count, filled := 0.0, 0
			for segment := range total {
				out := must(t, service, "Scan",
					on(fmt.Sprintf(`"Select":"COUNT","Segment":%d,"TotalSegments":%d%s`, segment, total, index)))
				if n := out["Count"].(float64); n > 0 {
					count, filled = count+n, filled+1
				}
				if out["Items"] != nil {
					t.Errorf("COUNT gave items")
				}
			}
			if count != 300 || filled < min(total, 50) {
				t.Errorf("%d segments%s: %v items in %d of them, want 300 in most", total, index, count, filled)
			}
		}
	}
}

// A projection keeps exactly what its paths lead to, and one that overlaps or is
// malformed is refused.
func TestProjections(t *testing.T) {
	t.Parallel()
	service := withPeople(t)
	putPeople(t, service, sample)
	get := func(projection string) (int, object) {
		return call(t, service, "GetItem", on(sampleKey+`,"ProjectionExpression":"`+projection+`"`))
	}
	for projection, want := range map[string]string{
		"s, n":               `{"s":{"S":"text"},"n":{"N":"1"}}`,
		"m.k":                `{"m":{"M":{"k":{"S":"v"}}}}`,
		"m.deep.z, m.k":      `{"m":{"M":{"k":{"S":"v"},"deep":{"M":{"z":{"N":"1"}}}}}}`,
		"l[2], l[0]":         `{"l":{"L":[{"S":"x"},{"S":"y"}]}}`,
		"nothing, m.nothing": `{}`,
	} {
		_, out := get(projection)
		got, _ := out["Item"].(object)
		if diff := cmp.Diff(decoded(want), got); diff != "" {
			t.Errorf("projection %q (-want +got):\n%s", projection, diff)
		}
	}
	for _, projection := range strings.Split(";s,;s, s;m, m.k;size(s);s = n;name", ";") {
		if status, out := get(projection); status != http.StatusBadRequest {
			t.Errorf("projection %q = %d %v, want 400", projection, status, out)
		}
	}
	out := must(t, service, "Scan", `{"TableName":"people"}`)
	if diff := cmp.Diff(any([]any{decoded(sample)}), out["Items"]); diff != "" {
		t.Errorf("Scan (-want +got):\n%s", diff)
	}
}
