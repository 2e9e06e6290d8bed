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

// isObject reports whether text is one object by encoding/json.
func isObject(text []byte) bool {
	return json.Valid(text) && bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{"))
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
