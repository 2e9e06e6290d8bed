package webhook_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/events"
)

// The path leads through objects and lists, and what is not set stays as it was
// typed.
func TestEdit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		body     string
		settings []string
		texts    []string
		want     string
	}{
		{name: "nothing leaves every byte", body: "{ \"a\" :1.0}\n", want: "{ \"a\" :1.0}\n"},
		{name: "a field", body: `{"a":1}`, settings: []string{"a=2"}, want: `{"a":2}`},
		{name: "a new field", body: `{"a":1}`, settings: []string{"b=2"}, want: `{"a":1,"b":2}`},
		{name: "missing objects are made", body: `{}`, settings: []string{"a.b.c=1"}, want: `{"a":{"b":{"c":1}}}`},
		{name: "below null", body: `{"a":null}`, settings: []string{"a.b=1"}, want: `{"a":{"b":1}}`},
		{
			name: "text where it is not JSON", body: `{}`, settings: []string{"a=Ada", "b=a b", "c={", "d=01", "e=-"},
			want: `{"a":"Ada","b":"a b","c":"{","d":"01","e":"-"}`,
		},
		{
			name: "JSON of every kind", body: `{}`,
			settings: []string{"a=1", `b="x"`, "c=true", "d=null", "e=[1]", `f={"x":1}`},
			want:     `{"a":1,"b":"x","c":true,"d":null,"e":[1],"f":{"x":1}}`,
		},
		{name: "text that looks like a number", body: `{}`, settings: []string{`a="1"`}, want: `{"a":"1"}`},
		{
			name: "what is said to be text", body: `{"a":1}`, texts: []string{"a=1", "b=true", "c=", `d="x"`, "e={}"},
			want: `{"a":"1","b":"true","c":"","d":"\"x\"","e":"{}"}`,
		},
		{
			name: "text below what is set", body: `{}`,
			settings: []string{`a={"n":1}`}, texts: []string{"a.m=2", "a.n=3"},
			want: `{"a":{"m":"2","n":"3"}}`,
		},
		{
			name: "numbers keep their text", body: `{"n":1.0,"m":123456789012345678901234567890}`,
			settings: []string{"o=1e400", "p=-0.0"},
			want:     `{"m":123456789012345678901234567890,"n":1.0,"o":1e400,"p":-0.0}`,
		},
		{name: "an empty value is an empty text", body: `{}`, settings: []string{"a="}, want: `{"a":""}`},
		{name: "the value may hold =", body: `{}`, settings: []string{"a=b=c"}, want: `{"a":"b=c"}`},
		{name: "an element of a list", body: `{"a":[1,2]}`, settings: []string{"a.1=3"}, want: `{"a":[1,3]}`},
		{name: "one past the end appends", body: `{"a":[1]}`, settings: []string{"a.1=2"}, want: `{"a":[1,2]}`},
		{name: "below an element", body: `{"a":[{"b":1}]}`, settings: []string{"a.0.b=2"}, want: `{"a":[{"b":2}]}`},
		{
			name: "into what was set before", body: `{}`, settings: []string{`a={"n":1.0}`, "a.b=2", "l=[]", "l.0=1"},
			want: `{"a":{"b":2,"n":1.0},"l":[1]}`,
		},
		{name: "the last of two", body: `{}`, settings: []string{"a=1", "a=2"}, want: `{"a":2}`},
		{name: "no HTML escapes", body: `{}`, settings: []string{"a=<&>"}, want: `{"a":"<&>"}`},
		{name: "a number as an object's name", body: `{"a":{}}`, settings: []string{"a.0=1"}, want: `{"a":{"0":1}}`},
		{name: "an empty name", body: `{}`, settings: []string{"a.=1"}, want: `{"a":{"":1}}`},
		{name: "a list as envelope", body: `[1]`, settings: []string{"0=2"}, want: `[2]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := webhook.Edit([]byte(tt.body), tt.settings, tt.texts...)
			if err != nil || string(got) != tt.want {
				t.Errorf("Edit(%s, %q, %q) = %s, %v, want %s", tt.body, tt.settings, tt.texts, got, err, tt.want)
			}
		})
	}
}

func TestEditRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, setting, want string }{
		{name: "no =", body: `{}`, setting: "a", want: "want path=value"},
		{name: "no path", body: `{}`, setting: "=1", want: "want path=value"},
		{name: "a body that is not JSON", body: `hello`, setting: "a=1", want: "needs a JSON event"},
		{name: "below a text", body: `{"a":"x"}`, setting: "a.b=1", want: "neither object nor list"},
		{name: "below a number", body: `{"a":1}`, setting: "a.b=1", want: "neither object nor list"},
		{name: "a name in a list", body: `{"a":[1]}`, setting: "a.x=1", want: "not an index from 0 to 1"},
		{name: "an index past the end", body: `{"a":[1]}`, setting: "a.2=1", want: "not an index from 0 to 1"},
		{name: "an index below 0", body: `{"a":[1]}`, setting: "a.-1=1", want: "not an index from 0 to 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := webhook.Edit([]byte(tt.body), []string{tt.setting})
			var usage terminal.UsageError
			if !errors.As(err, &usage) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Edit(%s, %q) = %s, %v, want a usage error with %q", tt.body, tt.setting, got, err, tt.want)
			}
		})
	}
}

// FuzzEdit: what is set is there, the rest of an object is as it was, and
// what is refused is refused as usage.
func FuzzEdit(f *testing.F) {
	for _, name := range []string{"user.created", "organization.created.no_slug", "user.updated.noncharacters"} {
		body, err := events.Body(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(body), "data", "first_name", `"Ada"`)
	}
	f.Add(`{"a":[1,{"b":null}]}`, "a", "1", "1.0")
	f.Add(`{"a":1}`, "b", "c", "{")
	f.Fuzz(func(t *testing.T, body, outer, inner, value string) {
		if outer == "" || strings.ContainsAny(outer+inner, ".=") {
			t.Skip("another path than the two names, or none")
		}
		setting := outer + "." + inner + "=" + value
		got, err := webhook.Edit([]byte(body), []string{setting})
		var usage terminal.UsageError
		if err != nil && !errors.As(err, &usage) {
			t.Errorf("Edit(%q, %q) = %v, want a usage error", body, setting, err)
		}
		before, after := map[string]any{}, map[string]any{}
		if err != nil || !utf8.ValidString(setting) ||
			json.Unmarshal([]byte(body), &before) != nil || json.Unmarshal(got, &after) != nil {
			t.Skip("refused, or a list, or a number beyond what Go holds")
		}
		var want any
		if json.Unmarshal([]byte(value), &want) != nil {
			want = value
		}
		object, isObject := after[outer].(map[string]any)
		if isObject && !reflect.DeepEqual(object[inner], want) {
			t.Errorf("Edit(%q, %q) has %v at the path, want %v", body, setting, object[inner], want)
		}
		delete(before, outer)
		delete(after, outer)
		if !reflect.DeepEqual(before, after) {
			t.Errorf("Edit(%q, %q) changed %v to %v", body, setting, before, after)
		}
	})
}
