package template_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/test/template"
)

const small = `
Parameters:
  Mode: {Type: String, Default: "off"}
  Count: {Type: Number, Default: 0}
Conditions:
  IsOn: !Equals [!Ref Mode, "on"]
  IsOff: !Not [!Condition IsOn]
  HasCount: !Not [!Equals [!Ref Count, 0]]
  Both: !And [!Condition IsOn, !Condition HasCount]
  Either: !Or [!Condition IsOn, !Condition HasCount]
Resources:
  Thing:
    Type: Example::Thing
    Properties:
      Mode: !Ref Mode
      Other: !Ref Thing2
      Arn: !GetAtt Thing2.Arn
      Text: !Sub "a-${Mode}"
      Count: !If [HasCount, !Ref Count, !Ref AWS::NoValue]
      List: [!If [IsOff, quiet, loud], !If [Both, both, !Ref AWS::NoValue], !If [Either, either, neither]]
  Thing2: {Type: Example::Thing, Condition: IsOn}
`

// The tests of the template rely on conditions and references being evaluated as CloudFormation does it.
func TestParseEvaluatesWhatDependsOnParameters(t *testing.T) {
	tmpl, err := template.Parse([]byte(small))
	if err != nil {
		t.Fatalf("Parse(small) = %v", err)
	}
	for name, c := range map[string]struct {
		params params
		want   map[string]any // in addition to what does not depend on parameters
		things []string
	}{
		"by default": {
			want:   map[string]any{"Mode": "off", "List": []any{"quiet", "neither"}},
			things: []string{"Thing"},
		},
		"a number given as text": {
			params: params{"Count": "3"},
			want:   map[string]any{"Mode": "off", "Count": "3", "List": []any{"quiet", "either"}},
			things: []string{"Thing"},
		},
		"both": {
			params: params{"Mode": "on", "Count": 3},
			want:   map[string]any{"Mode": "on", "Count": 3, "List": []any{"loud", "both", "either"}},
			things: []string{"Thing", "Thing2"},
		},
	} {
		c.want["Other"] = map[string]any{"Ref": "Thing2"}
		c.want["Arn"] = map[string]any{"Fn::GetAtt": []any{"Thing2", "Arn"}}
		c.want["Text"] = map[string]any{"Fn::Sub": "a-${Mode}"}
		with := tmpl.With(c.params)
		if diff := cmp.Diff(c.want, with.Get("Resources", "Thing", "Properties")); diff != "" {
			t.Errorf("%s: Get(properties of Thing) (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(c.things, with.OfType("Example::Thing")); diff != "" {
			t.Errorf("%s: OfType(Example::Thing) (-want +got):\n%s", name, diff)
		}
	}
}

// A template that CloudFormation refuses must not pass here: a name that stands twice would hide the first value.
func TestParseRefusesWhatCloudFormationWould(t *testing.T) {
	for text, want := range map[string]string{
		"A: &x {b: 1}\nC: *x\n": "aliases",
		"A:\n  b: 1\n  b: 2\n":  `"b" stands twice`,
		"- a\n":                 "want a mapping",
		"":                      "0 documents",
		"a: [":                  "parse template",
	} {
		if _, err := template.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, want an error that says %q", text, err, want)
		}
	}
}
