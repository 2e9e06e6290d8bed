package dynamodb_test

import (
	"strings"
	"testing"

	"github.com/clerksync/clerksync/internal/emulator/dynamodb"
)

// Whatever item a table takes, it gives back: of every type, empty and nested,
// with texts that look like what packing adds.
func FuzzPackedItems(f *testing.F) {
	long := strings.Repeat("x", 300) // its length takes two bytes
	for _, seed := range []string{
		`{}`, `{"":{"S":""}}`,
		`{"pk":{"S":"USER#u"},"sk":{"S":"USER"},"rev":{"S":"000000000000000-0-0"},"object":{"S":"{\"id\":\"u\"}"}}`,
		`{"n":{"N":"-1.5E-130"},"b":{"B":"AAH/"},"t":{"BOOL":true},"f":{"BOOL":false},"z":{"NULL":true}}`,
		`{"l":{"L":[]},"m":{"M":{}},"ll":{"L":[{"L":[{"M":{"a":{"L":[{"NULL":true}]}}}]},{"S":"after"}]}}`,
		`{"ss":{"SS":["b","a"]},"ns":{"NS":["1","10","2"]},"bs":{"BS":["AA==","AQ=="]},"end":{"N":"0"}}`,
		`{"` + long + `":{"S":"` + long + long + `"},"ü\u0000":{"S":"\u0001\u0080é\ud83d\ude00"}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before, after, first, second, err := dynamodb.PackedAgain(data)
		if err != nil {
			return // DynamoDB's JSON has rules of its own, and other tests
		}
		if string(before) != string(after) {
			t.Errorf("item = %s after it was packed, want %s", after, before)
		}
		if first != second {
			t.Errorf("packed again = %q, want the same text %q: equal items count as equal by it", second, first)
		}
	})
}
