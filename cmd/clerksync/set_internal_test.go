package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/events"
)

func TestSetAll(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		body     string
		settings []string
		want     string
	}{
		{"nothing leaves every byte", "{ \"a\" :1.0}\n", nil, "{ \"a\" :1.0}\n"},
		{"a field", `{"a":1}`, []string{"a=2"}, `{"a":2}`},
		{"a new field", `{"a":1}`, []string{"b=2"}, `{"a":1,"b":2}`},
		{"below objects that are missing", `{}`, []string{"a.b.c=1"}, `{"a":{"b":{"c":1}}}`},
		{"below null", `{"a":null}`, []string{"a.b=1"}, `{"a":{"b":1}}`},
		{"text where it is no JSON", `{}`, []string{"a=Ada", "b=a b", "c={", "d=01", "e=-"}, `{"a":"Ada","b":"a b","c":"{","d":"01","e":"-"}`},
		{"JSON of every kind", `{}`, []string{"a=1", `b="x"`, "c=true", "d=null", "e=[1]", `f={"x":1}`}, `{"a":1,"b":"x","c":true,"d":null,"e":[1],"f":{"x":1}}`},
		{"text that looks like a number", `{}`, []string{`a="1"`}, `{"a":"1"}`},
		{"numbers keep their text", `{"n":1.0,"m":123456789012345678901234567890}`, []string{"o=1e400", "p=-0.0"}, `{"m":123456789012345678901234567890,"n":1.0,"o":1e400,"p":-0.0}`},
		{"an empty value is an empty text", `{}`, []string{"a="}, `{"a":""}`},
		{"the value may hold =", `{}`, []string{"a=b=c"}, `{"a":"b=c"}`},
		{"an element of a list", `{"a":[1,2]}`, []string{"a.1=3"}, `{"a":[1,3]}`},
		{"one past the end appends", `{"a":[1]}`, []string{"a.1=2"}, `{"a":[1,2]}`},
		{"below an element", `{"a":[{"b":1}]}`, []string{"a.0.b=2"}, `{"a":[{"b":2}]}`},
		{"into what was set before", `{}`, []string{`a={"n":1.0}`, "a.b=2", "l=[]", "l.0=1"}, `{"a":{"b":2,"n":1.0},"l":[1]}`},
		{"the last of two", `{}`, []string{"a=1", "a=2"}, `{"a":2}`},
		{"no HTML escapes", `{}`, []string{"a=<&>"}, `{"a":"<&>"}`},
		{"a number as an object's name", `{"a":{}}`, []string{"a.0=1"}, `{"a":{"0":1}}`},
		{"an empty name", `{}`, []string{"a.=1"}, `{"a":{"":1}}`},
		{"a list as envelope", `[1]`, []string{"0=2"}, `[2]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := setAll([]byte(tt.body), tt.settings)
			if err != nil || string(got) != tt.want {
				t.Errorf("setAll(%s, %q) = %s, %v, want %s", tt.body, tt.settings, got, err, tt.want)
			}
		})
	}
}

func TestSetAllRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, setting, want string }{
		{"no =", `{}`, "a", "want path=value"},
		{"no path", `{}`, "=1", "want path=value"},
		{"no JSON", `hello`, "a=1", "needs a JSON event"},
		{"below a text", `{"a":"x"}`, "a.b=1", "neither object nor list"},
		{"below a number", `{"a":1}`, "a.b=1", "neither object nor list"},
		{"no index", `{"a":[1]}`, "a.x=1", "no index from 0 to 1"},
		{"an index past the end", `{"a":[1]}`, "a.2=1", "no index from 0 to 1"},
		{"an index below 0", `{"a":[1]}`, "a.-1=1", "no index from 0 to 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := setAll([]byte(tt.body), []string{tt.setting})
			var usage terminal.UsageError
			if !errors.As(err, &usage) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("setAll(%s, %q) = %s, %v, want a usage error with %q", tt.body, tt.setting, got, err, tt.want)
			}
		})
	}
}

// FuzzSetAll: what is set is there, the rest of an object is as it was, and
// what is refused is refused as usage.
func FuzzSetAll(f *testing.F) {
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
		path := outer + "." + inner
		if strings.ContainsAny(outer+inner, ".=") || outer == "" {
			t.Skip("another path than the two names, or none")
		}
		got, err := setAll([]byte(body), []string{path + "=" + value})
		var usage terminal.UsageError
		if err != nil {
			if !errors.As(err, &usage) {
				t.Fatalf("setAll(%q, %q) = %v, want a usage error", body, path, err)
			}
			return
		}
		var want any
		if json.Unmarshal([]byte(value), &want) != nil {
			want = strings.ToValidUTF8(value, "\ufffd")
		}
		before, after := decoded(t, []byte(body)), decoded(t, got)
		top, ok := after.(map[string]any)
		if !ok {
			return // a list: its index was the outer name
		}
		name := strings.ToValidUTF8(outer, "\ufffd")
		if object, ok := top[name].(map[string]any); ok && utf8.ValidString(outer) && utf8.ValidString(inner) && utf8.ValidString(value) {
			if got := object[inner]; !reflect.DeepEqual(got, want) {
				t.Errorf("setAll(%q, %q) has %v at the path, want %v", body, path, got, want)
			}
		}
		was, ok := before.(map[string]any)
		if !ok {
			return
		}
		for k, v := range was {
			if k != outer && k != name && !reflect.DeepEqual(top[k], v) {
				t.Errorf("setAll(%q, %q) changed %q from %v to %v", body, path, k, v, top[k])
			}
		}
	})
}

func decoded(t *testing.T, text []byte) (v any) {
	t.Helper()
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&v); err != nil {
		t.Skip("a number beyond what Go holds")
	}
	return v
}
