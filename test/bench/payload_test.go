package bench_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/events"
)

// payload is a sample event with members of its data set and, unless size is
// 0, its metadata replaced by as much text as brings data to that many bytes.
func payload(tb testing.TB, name string, size int, set map[string]any) string {
	tb.Helper()
	text, err := events.Body(name)
	if err != nil {
		tb.Fatal(err)
	}
	var envelope, data map[string]any
	if err := json.Unmarshal(text, &envelope); err != nil {
		tb.Fatal(err)
	}
	data = envelope["data"].(map[string]any)
	for path, v := range set {
		into := data
		names := strings.Split(path, ".")
		for _, n := range names[:len(names)-1] {
			into = into[n].(map[string]any)
		}
		into[names[len(names)-1]] = v
	}
	if size > 0 {
		data["public_metadata"], data["private_metadata"], data["unsafe_metadata"] = map[string]any{"note": ""}, nil, nil
		room := size - len(marshal(tb, data))
		if room < 0 {
			tb.Fatalf("payload(%s) has no room in %d bytes: its data is %d longer", name, size, -room)
		}
		data["public_metadata"] = map[string]any{"note": strings.Repeat("x", room)}
	}
	return marshal(tb, envelope)
}

func marshal(tb testing.TB, v any) string {
	tb.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return string(out)
}
