package dynamodb_test

import (
	"fmt"
	"net/http"
	"runtime"
	"testing"

	"github.com/clerksync/clerksync/internal/emulator"
)

// What the emulator holds grows with what its tables hold, not with the requests
// that it has seen: here every message overwrites one of 50 users and leaves a
// row of its own, as in the Deliveries table. It runs alone, for it looks at the heap of the process.
func TestMemoryGrowsWithTheTables(t *testing.T) {
	service := emulator.New(emulator.Options{})
	const hash = `"BillingMode":"PAY_PER_REQUEST",` +
		`"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],` +
		`"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]`
	must(t, service, "CreateTable", `{"TableName":"deliveries",`+hash+`}`)
	must(t, service, "CreateTable", `{"TableName":"directory",`+hash+`}`)
	write := func(from, to int) {
		for i := from; i < to; i++ {
			must(t, service, "TransactWriteItems", fmt.Sprintf(`{"ClientRequestToken":"%036d","TransactItems":[
				{"Put":{"TableName":"deliveries","Item":{"id":{"S":"msg_%027d"},"event_type":{"S":"user.updated"},
					"entity":{"S":"user/user_2exampleJonahAdeyemi0000000"},"outcome":{"S":"applied"},
					"received_at":{"S":"2026-03-02T10:31:48.000Z"},"processed_at":{"S":"2026-03-02T10:31:48.000Z"},
					"expires_at":{"N":"1780000000"}}}},
				{"Put":{"TableName":"directory","Item":{"id":{"S":"user_%d"},"object":{"S":"%01000d"}}}}]}`,
				i, i, i%50, i))
		}
	}
	const rows = 5000
	write(0, rows/10)
	heap, data := heapSize(), tableSize(t, service)
	write(rows/10, rows)
	heap, data = heapSize()-heap, tableSize(t, service)-data
	t.Logf("%d bytes of heap and %d of data a row", heap/(rows*9/10), data/(rows*9/10))
	if heap > 4*data {
		t.Errorf("the heap grew by %d bytes, the tables by %d, want at most 4 times as much", heap, data)
	}
}

// heapSize is what is in use after a collection; the second one frees what the
// first has only finalized.
func heapSize() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func tableSize(t *testing.T, service http.Handler) (total int) {
	t.Helper()
	for _, name := range []string{"deliveries", "directory"} {
		out := must(t, service, "DescribeTable", `{"TableName":"`+name+`"}`)
		total += int(out["Table"].(map[string]any)["TableSizeBytes"].(float64))
	}
	return total
}
