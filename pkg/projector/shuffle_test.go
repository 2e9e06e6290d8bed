package projector_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// reading says what a value is good for where a time or an id is wanted.
type reading struct {
	time bool // as a time: readable, or absent
	null bool // as a time: absent
	id   bool
}

// oddValues are values of other types than Clerk documents.
func oddValues() map[string]reading {
	list := map[string]reading{`null`: {time: true, null: true}, `""`: {time: true, null: true}}
	for _, number := range []string{`0`, `-0.0`, `5`, `42`, `3.14`, `1.7e12`, `1e-400`, `4102444799999`} {
		list[number] = reading{time: true}
	}
	for _, numberInText := range []string{`"0"`, `"1700000000000"`, `"1e3"`} {
		list[numberInText] = reading{time: true, id: true}
	}
	for _, text := range []string{`"some string"`, `"\u0000"`, `" "`, "\"\ufffe\"", `"é#é"`} {
		list[text] = reading{id: true}
	}
	for _, neither := range []string{
		`-1`, `1e400`, `4102444800000`, `true`, `false`, `[]`, `{}`, `["a",1,null,{},[[]]]`, `{"":{"":[]}}`,
		`{"id":5,"status":[],"key":null}`, `[{"id":"x","email_address":7,"phone_number":{},"key":true}]`,
	} {
		list[neither] = reading{}
	}
	return list
}

type members = map[string]json.RawMessage

// pick is the value at a path of members, null where there is none.
func pick(m members, path ...string) string {
	raw, ok := m[path[0]]
	switch {
	case !ok:
		return "null"
	case len(path) == 1:
		return string(raw)
	}
	inner := members{}
	if json.Unmarshal(raw, &inner) != nil {
		return "null"
	}
	return pick(inner, path[1:]...)
}

// readingOf a value: one of oddValues, or Clerk's own, which is good.
func readingOf(text string) reading {
	if r, ok := oddValues()[text]; ok {
		return r
	}
	return reading{time: true, id: true}
}

// isPermanent says whether an event can never be applied, by the documented
// reasons alone.
func isPermanent(eventType string, envelope, data members) bool {
	family, _, _ := strings.Cut(eventType, ".")
	bad := !readingOf(pick(data, "id")).id ||
		!readingOf(pick(data, "updated_at")).time || !readingOf(pick(envelope, "timestamp")).time
	switch family {
	case "organizationMembership":
		created := readingOf(pick(data, "created_at"))
		bad = bad || !created.time || created.null ||
			!readingOf(pick(data, "organization", "id")).id || !readingOf(pick(data, "public_user_data", "user_id")).id
	case "organizationInvitation":
		bad = bad || !readingOf(pick(data, "organization_id")).id
	}
	return bad
}

// shuffle gives members of m odd values, or deletes them.
func shuffle(t *rapid.T, m members, names []string) {
	values := slices.Sorted(maps.Keys(oddValues()))
	for range rapid.IntRange(0, 6).Draw(t, "replacements") {
		name := rapid.SampledFrom(names).Draw(t, "member")
		if rapid.IntRange(0, 9).Draw(t, "delete") == 0 {
			delete(m, name)
			continue
		}
		m[name] = json.RawMessage(rapid.SampledFrom(values).Draw(t, "value"))
	}
}

func text(t *rapid.T, m members) json.RawMessage {
	var b strings.Builder
	b.WriteByte('{')
	for i, name := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b.WriteByte(',')
		}
		quoted, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(quoted)
		b.WriteByte(':')
		b.Write(m[name]) // as it is: json.Marshal would make it compact
	}
	b.WriteByte('}')
	return json.RawMessage(b.String())
}

func parse(t *rapid.T, raw []byte) members {
	m := members{}
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// kept are the event types that become rows.
func kept() (names []string) {
	for _, name := range events.Types() {
		if clerk.KnowledgeOf(name) == clerk.Kept {
			names = append(names, name)
		}
	}
	return names
}

// Whatever types the members have, an event becomes a change, or a permanent
// error for a documented reason: never a panic, an empty attribute, or a value
// that DynamoDB refuses.
func TestShuffled(t *testing.T) {
	t.Parallel()
	names := kept()
	full, again := projector.New(projector.StoreFull), projector.New(projector.StoreFull)
	rapid.Check(t, func(t *rapid.T) {
		eventType := rapid.SampledFrom(names).Draw(t, "event")
		sample, err := events.Body(eventType)
		if err != nil {
			t.Fatal(err)
		}
		envelope := parse(t, sample)
		data := parse(t, envelope["data"])
		for _, nested := range []string{"organization", "public_user_data"} {
			if raw, ok := data[nested]; ok {
				inner := parse(t, raw)
				shuffle(t, inner, []string{"id", "user_id", "name"})
				data[nested] = text(t, inner)
			}
		}
		shuffle(t, data, slices.Sorted(maps.Keys(data)))
		shuffle(t, envelope, []string{"timestamp", "instance_id", "object", "event_attributes"})
		envelope["data"] = text(t, data)
		body := text(t, envelope)

		e, err := clerk.Decode(body)
		if err != nil {
			t.Fatalf("Decode(%s) = %v, want an event", body, err)
		}
		change, err := full.Project(e, "msg_1")
		second, err2 := again.Project(e, "msg_1")
		if diff := cmp.Diff(goldenOf(change, err), goldenOf(second, err2)); diff != "" {
			t.Fatalf("Project(%s) differs the second time:\n%s", body, diff)
		}
		want := isPermanent(eventType, envelope, data)
		if (err != nil) != want || want && !errors.Is(err, projector.ErrPermanent) {
			t.Fatalf("Project(%s) = %v, want a permanent error = %t", body, err, want)
		}
		if err == nil {
			checkChange(t, change, string(envelope["data"]))
		}
	})
}

// checkChange holds a change to what every change is.
func checkChange(t *rapid.T, c projector.Change, data string) {
	r := c.Row
	if !c.Key.Valid() || r.Key() != c.Key || r.Text("rev") != string(c.Revision) || r.Text("kind") != c.Kind ||
		r.Text("svix_id") != "msg_1" {
		t.Fatalf("Project = row %v for change %s, %s, %s", c.Row, c.Key, c.Kind, c.Revision)
	}
	for name, v := range c.Row {
		switch v := v.(type) {
		case string:
			if v == "" {
				t.Fatalf("attribute %s is empty, want none", name)
			}
		case []string:
			if len(v) == 0 || slices.Contains(v, "") {
				t.Fatalf("attribute %s = %q, want no empty list or text", name, v)
			}
		case directory.Number:
			if v == "" || strings.Trim(strings.TrimPrefix(string(v), "-"), "0123456789") != "" {
				t.Fatalf("attribute %s = %q, want a decimal integer", name, v)
			}
		case bool:
		default:
			t.Fatalf("attribute %s = %T, want a value of the directory", name, v)
		}
		if slices.Contains(directory.Indexes(), name) && len(c.Row.Text(name)) > directory.MaxIndexKey {
			t.Fatalf("attribute %s has %d bytes, want what an index takes", name, len(c.Row.Text(name)))
		}
	}
	switch object, there := c.Row.Text("object"), c.Row.Text("object") != ""; {
	case c.Delete && c.Kind != directory.KindMembership:
		if there {
			t.Fatalf("a stub's object = %s, want none", object)
		}
	case c.Kind == directory.KindInvitation:
		if strings.Contains(object, `"url"`) || strings.Contains(object, "ticket") {
			t.Fatalf("object = %s, want no url in it", object)
		}
	case object != data:
		t.Fatalf("object = %s, want %s", object, data)
	}
}

// No row holds an invitation's ticket, nor private metadata where they are not
// wanted.
func TestSecretsOfSamples(t *testing.T) {
	t.Parallel()
	secrets := map[projector.ObjectStorage][]string{
		projector.StoreFull:   {"FAKE-TICKET"},
		projector.StorePublic: {"FAKE-TICKET", "private_metadata"},
		projector.StoreNone:   {"FAKE-TICKET", "private_metadata"},
	}
	for _, name := range events.Names() {
		for storage, words := range secrets {
			change, err := projector.New(storage).Project(sample(t, name), "msg_1")
			if err != nil {
				continue // the event is not kept
			}
			for _, word := range words {
				if strings.Contains(fmt.Sprint(change.Row), word) {
					t.Errorf("Project(%s) with %s = %v, want no %s in it", name, storage, change.Row, word)
				}
			}
		}
	}
}
