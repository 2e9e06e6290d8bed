package projector_test

import (
	"encoding/json"
	"errors"
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

// reading is what a value is worth where a time or an id is wanted.
type reading struct {
	time bool // readable, or absent
	null bool // absent, as a time
	id   bool
}

// strange are values of other types than Clerk documents.
func strange() map[string]reading {
	return map[string]reading{
		`null`: {time: true, null: true}, `""`: {time: true, null: true},
		`0`: {time: true}, `-0.0`: {time: true}, `5`: {time: true}, `42`: {time: true}, `3.14`: {time: true}, `1.7e12`: {time: true}, `1e-400`: {time: true}, `4102444799999`: {time: true},
		`"0"`: {time: true, id: true}, `"1700000000000"`: {time: true, id: true}, `"1e3"`: {time: true, id: true},
		`-1`: {}, `1e400`: {}, `4102444800000`: {}, `true`: {}, `false`: {}, `[]`: {}, `{}`: {},
		`"some string"`: {id: true}, `"\u0000"`: {id: true}, `" "`: {id: true}, "\"\ufffe\"": {id: true}, `"é#é"`: {id: true},
		`["a",1,null,{},[[]]]`: {}, `{"id":5,"status":[],"key":null}`: {}, `[{"id":"x","email_address":7,"phone_number":{},"key":true}]`: {}, `{"":{"":[]}}`: {},
	}
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

// judge reads a value that is Clerk's own, a good one, or a strange one.
func judge(text string) reading {
	if r, ok := strange()[text]; ok {
		return r
	}
	return reading{time: true, id: true}
}

// hopeless says whether an event can never be applied, by the documented
// reasons alone.
func hopeless(eventType string, envelope, data members) bool {
	family, _, _ := strings.Cut(eventType, ".")
	bad := !judge(pick(data, "id")).id || !judge(pick(data, "updated_at")).time || !judge(pick(envelope, "timestamp")).time
	switch family {
	case "organizationMembership":
		created := judge(pick(data, "created_at"))
		bad = bad || !created.time || created.null ||
			!judge(pick(data, "organization", "id")).id || !judge(pick(data, "public_user_data", "user_id")).id
	case "organizationInvitation":
		bad = bad || !judge(pick(data, "organization_id")).id
	}
	return bad
}

// shuffle replaces members of m by strange ones, or takes them away.
func shuffle(t *rapid.T, m members, names []string) {
	values := slices.Sorted(maps.Keys(strange()))
	for range rapid.IntRange(0, 6).Draw(t, "replacements") {
		name := rapid.SampledFrom(names).Draw(t, "member")
		if rapid.IntRange(0, 9).Draw(t, "take away") == 0 {
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

func kept() (names []string) {
	for _, name := range events.Types() {
		if clerk.KnowledgeOf(name) == clerk.Kept {
			names = append(names, name)
		}
	}
	return names
}

// TestShuffled: whatever types the members have, an event becomes a change or
// is hopeless for a documented reason; what is no text of Clerk's is left out
// of the attributes and kept in object.
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
		if want := hopeless(eventType, envelope, data); (err != nil) != want || want && !errors.Is(err, projector.ErrPermanent) {
			t.Fatalf("Project(%s) = %v, want hopeless %t", body, err, want)
		}
		if err == nil {
			checkChange(t, change, string(envelope["data"]))
		}
	})
}

// checkChange holds a change to what every change is.
func checkChange(t *rapid.T, c projector.Change, data string) {
	if !c.Key.Valid() || c.Row.Key() != c.Key || c.Row.Text("rev") != string(c.Revision) || c.Row.Text("kind") != c.Kind || c.Row.Text("svix_id") != "msg_1" {
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

// TestSecretsOfSamples: no row holds an invitation's ticket.
func TestSecretsOfSamples(t *testing.T) {
	t.Parallel()
	for _, name := range events.Names() {
		for _, storage := range []projector.ObjectStorage{projector.StoreFull, projector.StorePublic, projector.StoreNone} {
			change, err := projector.New(storage).Project(sample(t, name), "msg_1")
			if err != nil {
				continue
			}
			for attribute, v := range change.Row {
				s, _ := v.(string)
				if strings.Contains(s, "FAKE-TICKET") || storage == projector.StorePublic && strings.Contains(s, "private_metadata") {
					t.Errorf("Project(%s) with %s: attribute %s = %s, want no credential or private data", name, storage, attribute, s)
				}
			}
		}
	}
}
