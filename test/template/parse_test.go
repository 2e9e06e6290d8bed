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

func TestParseEvaluatesWhatDependsOnParameters(t *testing.T) {
	tmpl, err := template.Parse([]byte(small))
	if err != nil {
		t.Fatalf("Parse(small) = %v", err)
	}
	fixed := func(more map[string]any) map[string]any {
		more["Other"] = map[string]any{"Ref": "Thing2"}
		more["Arn"] = map[string]any{"Fn::GetAtt": []any{"Thing2", "Arn"}}
		more["Text"] = map[string]any{"Fn::Sub": "a-${Mode}"}
		return more
	}
	tests := []struct {
		name   string
		params map[string]any
		want   map[string]any
		things []string
	}{
		{
			"defaults", nil,
			fixed(map[string]any{"Mode": "off", "List": []any{"quiet", "neither"}}),
			[]string{"Thing"},
		},
		{
			"a number given as text",
			map[string]any{"Count": "3"},
			fixed(map[string]any{"Mode": "off", "Count": "3", "List": []any{"quiet", "either"}}),
			[]string{"Thing"},
		},
		{
			"both",
			map[string]any{"Mode": "on", "Count": 3},
			fixed(map[string]any{"Mode": "on", "Count": 3, "List": []any{"loud", "both", "either"}}),
			[]string{"Thing", "Thing2"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			with := tmpl.With(tt.params)
			if diff := cmp.Diff(tt.want, with.Get("Resources", "Thing", "Properties")); diff != "" {
				t.Errorf("Get(properties of Thing) (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.things, with.OfType("Example::Thing")); diff != "" {
				t.Errorf("OfType(Example::Thing) (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefusesWhatCloudFormationWould(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"an alias", "A: &x {b: 1}\nC: *x\n", "aliases"},
		{"a name that is there twice", "A:\n  b: 1\n  b: 2\n", `"b" is there twice`},
		{"no mapping", "- a\n", "want a mapping"},
		{"nothing", "", "0 documents"},
		{"no YAML", "a: [", "parse template"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := template.Parse([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Parse(%q) = %v, want an error that says %q", tt.text, err, tt.want)
			}
		})
	}
}
