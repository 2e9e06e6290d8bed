package view_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
	"github.com/clerksync/clerksync/pkg/directory"
)

func at(ms int) time.Time {
	return time.Date(2026, 3, 2, 10, 32, 7, ms*int(time.Millisecond), time.UTC)
}

func request(stage, reason string, proven bool) recorder.Request {
	return recorder.Request{At: at(1), DecidedAt: at(3), Method: "POST", Stage: stage, Reason: reason, Proven: proven}
}

func attempt(outcome string, ms int) recorder.Attempt {
	return recorder.Attempt{At: at(ms), EndedAt: at(ms + 1), Number: 1, Outcome: outcome, Reason: "first received"}
}

// The steps of a message, by how it came out.
func TestPath(t *testing.T) {
	t.Parallel()
	queued := request("queued", "", true)
	for name, row := range map[string]struct {
		message recorder.Message
		want    string
	}{
		"applied": {
			message: recorder.Message{
				Proven: true, Outcome: "applied", Requests: []recorder.Request{queued},
				Attempts: []recorder.Attempt{attempt("applied", 2)},
			},
			want: "received done, verified done, queued done, attempt done, applied done",
		},
		"waiting": {
			message: recorder.Message{Proven: true, Outcome: "queued", Requests: []recorder.Request{queued}},
			want:    "received done, verified done, queued done, attempt waiting",
		},
		"failed": {
			message: recorder.Message{
				Proven: true, Outcome: "failed", Requests: []recorder.Request{queued},
				Attempts: []recorder.Attempt{attempt("failed", 4)},
			},
			want: "received done, verified done, queued done, attempt failed, failed waiting",
		},
		"dead": {
			message: recorder.Message{
				Proven: true, Outcome: "dead", Requests: []recorder.Request{queued},
				Attempts: []recorder.Attempt{attempt("failed", 4), attempt("dead", 6)},
			},
			want: "received done, verified done, queued done, attempt failed, attempt failed, dead failed",
		},
		"copies after it": {
			message: recorder.Message{
				Proven: true, Outcome: "stale", Requests: []recorder.Request{queued, queued},
				Attempts: []recorder.Attempt{attempt("stale", 4), attempt("duplicate", 6)},
			},
			want: "received done, verified done, queued done, attempt done, stale done, duplicate done",
		},
		"a copy alone": {
			message: recorder.Message{
				Proven: true, Outcome: "duplicate", Requests: []recorder.Request{queued},
				Attempts: []recorder.Attempt{attempt("duplicate", 4)},
			},
			want: "received done, verified done, queued done, attempt done, duplicate done",
		},
		"forged": {
			message: recorder.Message{
				Outcome: "rejected", Requests: []recorder.Request{request("rejected", "invalid_signature", false)},
			},
			want: "received done, verified failed, rejected failed",
		},
		"signed, and no event": {
			message: recorder.Message{
				Proven: true, Outcome: "rejected",
				Requests: []recorder.Request{request("rejected", "invalid_payload", true)},
			},
			want: "received done, verified done, rejected failed",
		},
		"no queue": {
			message: recorder.Message{
				Proven: true, Outcome: "rejected",
				Requests: []recorder.Request{request("rejected", "unavailable", true)},
			},
			want: "received done, verified done, queued failed, rejected failed",
		},
		"no queue, and on it all the same": {
			message: recorder.Message{
				Proven: true, Outcome: "applied",
				Requests: []recorder.Request{request("rejected", "unavailable", true)},
				Attempts: []recorder.Attempt{attempt("applied", 4)},
			},
			want: "received done, verified done, queued failed, attempt done, applied done",
		},
		"ignored": {
			message: recorder.Message{
				Proven: true, Outcome: "ignored", Requests: []recorder.Request{request("ignored", "type", true)},
			},
			want: "received done, verified done, ignored done",
		},
		"forged before, genuine after": {
			message: recorder.Message{
				Proven: true, Outcome: "applied",
				Requests: []recorder.Request{request("rejected", "invalid_signature", false), queued},
				Attempts: []recorder.Attempt{attempt("applied", 4)},
			},
			want: "received done, verified done, queued done, attempt done, applied done",
		},
		"by the queue alone": {
			message: recorder.Message{
				Proven: true, Outcome: "applied", Attempts: []recorder.Attempt{attempt("applied", 4)},
			},
			want: "received done, attempt done, applied done",
		},
	} {
		row.message.ID, row.message.At, row.message.EndedAt = "msg_a", at(1), at(5)
		v := view.Of(row.message)
		var steps []string
		for i, s := range v.Path {
			steps = append(steps, s.Stage+" "+s.State)
			if i > 0 && s.At.Before(v.Path[i-1].At) || s.At.IsZero() {
				t.Errorf("%s: step %s at %v is before the one before it", name, s.Stage, s.At)
			}
			if s.Stage == "duplicate" && !strings.Contains(s.Text, "first") {
				t.Errorf("%s: duplicate says %q, want the first in it", name, s.Text)
			}
		}
		if got := strings.Join(steps, ", "); got != row.want {
			t.Errorf("%s: path = %s, want %s", name, got, row.want)
		}
		if v.Why == "" {
			t.Errorf("%s: why is empty", name)
		}
	}
}

// A row attribute by attribute, and the paths of its object.
func TestChanges(t *testing.T) {
	t.Parallel()
	before := directory.Row{
		"pk": "USER#u", "kind": "user", "first_name": "Jonah", "phone": "+1", "updated_at": directory.Number("1"),
		"email_addresses": []string{"a", "b"}, "banned": false,
		"object": `{"n":1,"big":12345678901234567890,"old":[1]}`,
	}
	after := directory.Row{
		"pk": "USER#u", "kind": "user", "first_name": "Jon", "email": "a", "updated_at": directory.Number("2"),
		"email_addresses": []string{"a", "b"}, "banned": false,
		"object": `{"n":1,"big":12345678901234567891,"a/b":"x"}`,
	}
	w := recorder.Write{Outcome: "applied", Wanted: after, Before: before, BeforeKnown: true}
	want := []view.Change{
		{Attribute: "pk", Change: "same", Before: "USER#u", After: "USER#u"},
		{Attribute: "kind", Change: "same", Before: "user", After: "user"},
		{Attribute: "banned", Change: "same", Before: false, After: false},
		{Attribute: "email", Change: "added", After: "a"},
		{Attribute: "email_addresses", Change: "same", Before: []string{"a", "b"}, After: []string{"a", "b"}},
		{Attribute: "first_name", Change: "changed", Before: "Jonah", After: "Jon"},
		{Attribute: "phone", Change: "removed", Before: "+1"},
		{Attribute: "updated_at", Change: "changed", Before: json.Number("1"), After: json.Number("2")},
		{Attribute: "object", Change: "changed", Before: "44 bytes of JSON", After: "44 bytes of JSON"},
	}
	got := view.WriteOf(w)
	if diff := cmp.Diff(want, got.Changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	wantObject := map[string]view.Change{
		"/a~1b": {Attribute: "/a~1b", Change: "added", After: "x"},
		"/big": {
			Attribute: "/big", Change: "changed", Before: json.Number("12345678901234567890"),
			After: json.Number("12345678901234567891"),
		},
		"/old": {Attribute: "/old", Change: "removed", Before: []any{json.Number("1")}},
	}
	gotObject := map[string]view.Change{}
	for _, c := range got.Object {
		gotObject[c.Attribute] = c
	}
	if diff := cmp.Diff(wantObject, gotObject); diff != "" {
		t.Errorf("object (-want +got):\n%s", diff)
	}
	// What lost leaves the row as it is.
	lost := view.WriteOf(recorder.Write{Outcome: "stale", Wanted: before, Before: after, BeforeKnown: true})
	for _, c := range lost.Changes {
		if c.Change != view.Same || c.Attribute == "first_name" && c.Wanted != "Jonah" {
			t.Errorf("stale: %+v, want the row as it is, and beside it what was wanted", c)
		}
	}
}

// JSON keeps its texts and numbers as a tree, and what is too deep or too long
// stays text.
func TestTree(t *testing.T) {
	t.Parallel()
	n, ok := view.Tree([]byte(`{"n":1e400,"s":"<b>\ud800","l":[true,null],"o":{}}`))
	want := view.Node{Kind: "object", Children: []view.Node{
		{Name: "n", Kind: "number", Text: "1e400"},
		{Name: "s", Kind: "text", Text: "<b>\ufffd"},
		{Name: "l", Kind: "list", Children: []view.Node{
			{Name: "0", Kind: "bool", Text: "true"}, {Name: "1", Kind: "null", Text: "null"},
		}},
		{Name: "o", Kind: "object"},
	}}
	if diff := cmp.Diff(want, n); diff != "" || !ok {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
	deep := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
	depth := 0
	for n, ok = view.Tree([]byte(deep)); len(n.Children) > 0; n = n.Children[0] {
		depth++
	}
	if !ok || depth > 50 || !strings.HasPrefix(n.Text, "[[[") {
		t.Errorf("a deep list has depth %d, then %.10q", depth, n.Text)
	}
	for _, text := range []string{"", "{", `{"a":}`, `"` + strings.Repeat("a", 300_000) + `"`} {
		if _, ok := view.Tree([]byte(text)); ok {
			t.Errorf("Tree(%.10q) is a tree", text)
		}
	}
}

// What people call the things in the table.
func TestNameOf(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]directory.Row{
		"Jonah Adeyemi": {"kind": "user", "first_name": "Jonah", "last_name": "Adeyemi", "username": "j"},
		"j":             {"kind": "user", "username": "j", "email": "e"},
		"e":             {"kind": "user", "email": "e"},
		"Lumen":         {"kind": "organization", "name": "Lumen"},
		"i@x.example":   {"kind": "invitation", "email_address": "i@x.example"},
		"Admin":         {"kind": "membership", "role_name": "Admin"},
		"":              {"kind": "user"},
	} {
		if got := view.NameOf(r); got != want {
			t.Errorf("NameOf(%v) = %q, want %q", r, got, want)
		}
	}
}

// A list cuts long ids in the middle, and leaves what they are of.
func TestShortEntity(t *testing.T) {
	t.Parallel()
	for entity, want := range map[string]string{
		"": "", "user/u1": "user/u1",
		"membership/org_2exampleLumenOak00000000000/user_é_2exampleJonah": "membership/org_2…0000/user_…onah",
	} {
		if got := (view.Message{Entity: entity}).ShortEntity(); got != want {
			t.Errorf("%s in a list = %s, want %s", entity, got, want)
		}
	}
}
