package bench_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/delivery/deliverytest"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// eventBody is a sample event with members of its data set (by dotted path) and, unless size is 0, its metadata
// replaced by as much text as brings data to that many bytes.
func eventBody(tb testing.TB, name string, size int, set map[string]any) string {
	tb.Helper()
	text, err := events.Body(name)
	if err != nil {
		tb.Fatal(err)
	}
	var envelope map[string]any
	if err := json.Unmarshal(text, &envelope); err != nil {
		tb.Fatal(err)
	}
	data := envelope["data"].(map[string]any)
	for path, v := range set {
		object := data
		names := strings.Split(path, ".")
		for _, n := range names[:len(names)-1] {
			object = object[n].(map[string]any)
		}
		object[names[len(names)-1]] = v
	}
	if size > 0 {
		data["public_metadata"] = map[string]any{"note": ""}
		data["private_metadata"], data["unsafe_metadata"] = nil, nil
		room := size - len(marshal(tb, data))
		if room < 0 {
			tb.Fatalf("%s does not fit into %d bytes: its data is %d longer", name, size, -room)
		}
		data["public_metadata"] = map[string]any{"note": strings.Repeat("x", room)}
	}
	return string(marshal(tb, envelope))
}

func marshal(tb testing.TB, v any) []byte {
	tb.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// requestEvent is a signed request with that many bytes of data, as API Gateway hands it to ingest.
func requestEvent(tb testing.TB, size int) []byte {
	tb.Helper()
	return svixtest.Signed(time.Now(), eventBody(tb, "user.created", size, nil)).Lambda(false)
}

// usersBatch holds n distinct users, 2 KB each.
func usersBatch(tb testing.TB, n int) []byte {
	tb.Helper()
	records := make([]delivery.Record, n)
	for i := range records {
		id := fmt.Sprintf("2bench%024d", i)
		body := eventBody(tb, "user.created", 2<<10, map[string]any{"id": "user_" + id})
		records[i] = deliverytest.Record("msg_"+id, "user.created", body)
	}
	return deliverytest.Event(records...)
}
