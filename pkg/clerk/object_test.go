package clerk_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/events"
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

// isObject reports whether text is one object by encoding/json.
func isObject(text []byte) bool {
	return json.Valid(text) && bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{"))
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

// The contract promises the grammar of encoding/json. Every text that is one
// byte away from one that uses the whole grammar is accepted or refused as
// json.Valid does it. Since Go 1.27 both read with jsontext, so this holds how
// we use it: its options, what may stand around the object, where it ends.
func TestParseObjectAcceptsWhatEncodingJSONAccepts(t *testing.T) {
	check := func(text []byte) {
		if _, ok := clerk.ParseObject(text); ok != isObject(text) {
			t.Errorf("ParseObject(%q) reports %v, encoding/json %v", text, ok, !ok)
		}
	}
	for _, text := range []string{
		`{"a":[true,false,null,{}],"b":{"c":[]},"d":"\u00eF\"\\\/\b\f\n\r\t"}`,
		`{"n":[0,-0,10,-1.50,1e5,1E+05,0.1e-7]}`,
		"\t{ \"a long name\" :\r\"eight bytes and more, é\" , \"\":[ 1 ,2 ] }\n",
	} {
		check([]byte(text))
		for i := range len(text) + 1 {
			check([]byte(text[:i]))
			for c := range 256 {
				one := string([]byte{byte(c)})
				check([]byte(text[:i] + one + text[i:]))
				if i < len(text) {
					check([]byte(text[:i] + one + text[i+1:]))
				}
			}
			if i < len(text) {
				check([]byte(text[:i] + text[i+1:]))
			}
		}
	}
	for _, depth := range []int{9_999, 10_000} { // within the outermost object
		check([]byte(`{"a":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + "}"))
		check([]byte(strings.Repeat(`{"a":`, depth) + "{}" + strings.Repeat("}", depth)))
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

// member is one member of an object as encoding/json reads it.
type member struct {
	Name, Value string
}

// oracle reads the members in order with json.Decoder.
func oracle(t *testing.T, text []byte) (list []member) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	if tok, err := d.Token(); err != nil || tok != json.Delim('{') {
		t.Fatalf("first token of %s = %v, %v", text, tok, err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		list = append(list, member{name.(string), string(value)})
	}
	return list
}

// ParseObject accepts the objects that encoding/json accepts, and finds the
// members that it finds, text for text. Without one of them, exactly the others
// are left.
func FuzzParseObject(f *testing.F) {
	for _, name := range events.Names() {
		body, err := events.Body(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	for _, s := range []string{
		`{}`, ` { } `, `{"a":[{"b":"]}"}],"a":1}`, `{"\\":"\\\"","":{"":""}}`,
		`{"a":-0.0e-1,"b":1E400,"\ud800":"\udfff"}`,
		"{\"a\"\t:\r\n[ ] ,\"b\":[[],[1 , 2]]}", `{"data":{"private_metadata":{"a":1},"id":"x"},"x":{"data":1}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		o, ok := clerk.ParseObject(text)
		if ok != isObject(text) {
			t.Fatalf("ParseObject(%q) reports %v, encoding/json %v", text, ok, !ok)
		}
		if !ok || !utf8.Valid(text) {
			t.Skip() // the members are defined for UTF-8 only
		}
		if o.String() != string(text) {
			t.Errorf("String = %s, want %s", o.String(), text)
		}
		want := oracle(t, text)
		last, count := map[string]string{}, map[string]int{}
		for _, m := range want {
			last[m.Name] = m.Value
			count[m.Name]++
		}
		for name, value := range last {
			if got := string(o.Raw(name)); got != value || o.Count(name) != count[name] {
				t.Errorf("Raw(%q) = %s, %d times, want %s, %d times", name, got, o.Count(name), value, count[name])
			}
			checkList(t, o, name)
			var rest []member
			for _, m := range want {
				if m.Name != name {
					rest = append(rest, m)
				}
			}
			without := o.Without([]string{name}, nil)
			if !json.Valid([]byte(without)) {
				t.Fatalf("Without(%q) of %s = %s, which is not JSON", name, text, without)
			}
			if diff := cmp.Diff(rest, oracle(t, []byte(without))); diff != "" {
				t.Errorf("Without(%q) of %s: %s", name, text, diff)
			}
		}
		if o.Count("no such name "+strings.Repeat("x", 20)) != 0 {
			t.Error("Count of a name that is not there is not 0")
		}
	})
}

// checkList compares the elements of the member of that name with encoding/json's.
func checkList(t *testing.T, o clerk.Object, name string) {
	t.Helper()
	var want []json.RawMessage
	if json.Unmarshal(o.Raw(name), &want) != nil {
		want = nil
	}
	got := clerk.Elements(o.Raw(name))
	if len(got) != len(want) {
		t.Fatalf("Elements of %q: %d elements, want %d", name, len(got), len(want))
	}
	for i := range got {
		if string(got[i]) != string(want[i]) {
			t.Errorf("Elements of %q: [%d] = %s, want %s", name, i, got[i], want[i])
		}
	}
}
