package clerk_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/clerk"
)

// object parses a text that must be an object.
func object(t *testing.T, text string) clerk.Object {
	t.Helper()
	if !json.Valid([]byte(text)) {
		t.Fatalf("%s is not JSON", text)
	}
	o, ok := clerk.ParseObject([]byte(text))
	if !ok {
		t.Fatalf("ParseObject(%s) reports no object", text)
	}
	return o
}

func TestParseObjectOfSomethingElse(t *testing.T) {
	for _, text := range []string{
		"", " ", "[]", "1", `"{}"`, "null", " [{}]", "{}{}", "{},", "{} \x00", "\ufeff{}", "{}\u00a0", "\v{}",
	} {
		if _, ok := clerk.ParseObject([]byte(text)); ok {
			t.Errorf("ParseObject(%q) reports an object", text)
		}
	}
}

// Names decide what a row becomes, so they are compared by exact case, after
// escapes are undone, and the last of doubled ones counts.
func TestNames(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		raw   string // of member id
		count int
	}{
		"plain":         {text: `{"id":"a"}`, raw: `"a"`, count: 1},
		"absent":        {text: `{}`},
		"white space":   {text: " {\n\t\"id\" \r:\n \"a\" \t}\n", raw: `"a"`, count: 1},
		"doubled: last": {text: `{"id":"a","id":"b"}`, raw: `"b"`, count: 2},
		// https://github.com/golang/go/issues/14750
		"another case":              {text: `{"id":"a","ID":"b","Id":"c"}`, raw: `"a"`, count: 1},
		"another case only":         {text: `{"ID":"b"}`},
		"letter that folds":         {text: `{"ıd":"b"}`},
		"escaped":                   {text: `{"\u0069d":"a"}`, raw: `"a"`, count: 1},
		"doubled in two spellings":  {text: `{"id":"a","i\u0064":"b"}`, raw: `"b"`, count: 2},
		"nested names do not count": {text: `{"x":{"id":"b"},"y":[{"id":"c"}],"z":"\"id\":"}`},
		"quote in a name before":    {text: `{"a\"":1,"id":2}`, raw: `2`, count: 1},
		"backslashes before quotes": {text: `{"a\\":"\\\\\"","id":2}`, raw: `2`, count: 1},
		"braces in strings":         {text: `{"a":{"b":"}]\"{"},"id":[1,"]"],"c":0}`, raw: `[1,"]"]`, count: 1},
		"number at the end":         {text: `{"id":1.0e+3}`, raw: `1.0e+3`, count: 1},
		"number before a blank":     {text: `{"id":-0 ,"x":1}`, raw: `-0`, count: 1},
		"empty name":                {text: `{"":1,"id":2}`, raw: `2`, count: 1},
		"null is there":             {text: `{"id":null}`, raw: `null`, count: 1},
	} {
		t.Run(name, func(t *testing.T) {
			o := object(t, c.text)
			if got := string(o.Raw("id")); got != c.raw {
				t.Errorf("Raw(id) of %s = %s, want %s", c.text, got, c.raw)
			}
			if got := o.Count("id"); got != c.count {
				t.Errorf("Count(id) of %s = %d, want %d", c.text, got, c.count)
			}
		})
	}
}

// A member of another type than the one that is asked for reads as absent.
func TestValues(t *testing.T) {
	o := object(t, `{"t":"a\u0000\ud83d\ude92é","e":"","n":null,"f":false,"y":true,"i":1,"o":{"k":"v"},
		"l":["a","",1,null,{"k":1},["b"],{"k":2},"c"],"none":[]}`)
	for name, want := range map[string]string{
		"t": "a\x00🚒é", "e": "", "n": "", "f": "", "i": "", "o": "", "l": "", "absent": "",
	} {
		if got := o.Text(name); got != want {
			t.Errorf("Text(%s) = %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string][2]bool{
		"f": {false, true}, "y": {true, true}, "n": {}, "t": {}, "i": {}, "absent": {},
	} {
		if value, ok := o.Bool(name); value != want[0] || ok != want[1] {
			t.Errorf("Bool(%s) = %v, %v, want %v", name, value, ok, want)
		}
	}
	for name, want := range map[string]bool{
		"t": true, "e": false, "n": false, "f": true, "i": true, "none": true, "absent": false,
	} {
		if got := o.Has(name); got != want {
			t.Errorf("Has(%s) = %v, want %v", name, got, want)
		}
	}
	if got := o.Object("o").Text("k"); got != "v" {
		t.Errorf("Object(o).Text(k) = %q, want v", got)
	}
	for _, name := range []string{"t", "n", "l", "absent"} {
		if got := o.Object(name).Raw("k"); got != nil {
			t.Errorf("Object(%s).Raw(k) = %s, want none", name, got)
		}
	}
	if diff := cmp.Diff([]string{"a", "c"}, o.Texts("l")); diff != "" {
		t.Errorf("Texts(l): %s", diff)
	}
	if got := o.Objects("l"); len(got) != 2 || string(got[1].Raw("k")) != "2" {
		t.Errorf("Objects(l) = %v, want two", got)
	}
	for _, name := range []string{"none", "n", "o", "t", "absent"} {
		if got := clerk.Elements(o.Raw(name)); len(got) != 0 {
			t.Errorf("Elements of %s = %s, want none", name, got)
		}
	}
}

// A credential or private metadata that stays in the text would be stored; a
// value whose text changes would no longer be Clerk's.
func TestWithout(t *testing.T) {
	const digits = "1234567890123456789012345678901234567890"
	url, p := []string{"url"}, []string{"p"}
	for name, c := range map[string]struct {
		text          string
		names, nested []string
		want          string
	}{
		"nothing": {text: ` { "a" : 1.0 , "b":"\u00e9" } `, want: `{"a" : 1.0,"b":"\u00e9"}`},
		// https://github.com/clerk/clerk-sdk-go/issues/420
		"the first":           {text: `{"url":"https://example.com/t","b":2}`, names: url, want: `{"b":2}`},
		"the last":            {text: `{"b":2,"url":null}`, names: url, want: `{"b":2}`},
		"all":                 {text: `{"url":1}`, names: url, want: `{}`},
		"of an empty object":  {text: `{ }`, names: url, nested: url, want: `{}`},
		"every double":        {text: `{"url":1,"a":0,"url":2,"\u0075rl":3}`, names: url, want: `{"a":0}`},
		"exact case":          {text: `{"URL":1,"url":2}`, names: url, want: `{"URL":1}`},
		"not the nested ones": {text: `{"a":{"url":1}}`, names: url, want: `{"a":{"url":1}}`},
		"in objects inside": {
			text:  `{"p":1,"a":{"p":2,"q" : 3},"b":[{"p":4}],"c":{"d":{"p":5}}}`,
			names: p, nested: p,
			want: `{"a":{"q" : 3},"b":[{"p":4}],"c":{"d":{"p":5}}}`,
		},
		"inside only": {text: `{"p":1, "a" : {"p":2}}`, nested: p, want: `{"p":1,"a" : {}}`},
		"text of values stays": {
			text:  `{"p":0,"n":1e400,"m":-0.0,"k":0e-0}`,
			names: p,
			want:  `{"n":1e400,"m":-0.0,"k":0e-0}`,
		},
		"forty digits":          {text: `{"n":` + digits + `,"p":1}`, names: p, want: `{"n":` + digits + `}`},
		"escapes of slash stay": {text: `{"s":"\/\u002F\ud800","p":1}`, names: p, want: `{"s":"\/\u002F\ud800"}`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := object(t, c.text).Without(c.names, c.nested); got != c.want {
				t.Errorf("Without(%v, %v) of %s = %s, want %s", c.names, c.nested, c.text, got, c.want)
			}
		})
	}
}
