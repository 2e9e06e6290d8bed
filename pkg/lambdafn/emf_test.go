package lambdafn_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// emfSchema is the schema at the end of
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
// It names no draft; its $ids are pointers, which drafts after 4 refuse.
func emfSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile("testdata/emf.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft4)
	if err := c.AddResource("emf.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("emf.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestMetricsLinesAreEmbeddedMetricFormat(t *testing.T) {
	schema := emfSchema(t)
	for name, i := range invocations() {
		t.Run(name, func(t *testing.T) {
			first, idle := i.lines(t)
			for _, line := range []string{first, idle} {
				if strings.Contains(line, "canary") {
					t.Errorf("metrics line holds something of the message: %s", line)
				}
				doc, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
				if err != nil {
					t.Fatalf("line %q is no JSON: %v", line, err)
				}
				if err := schema.Validate(doc); err != nil {
					t.Errorf("line %s: %v", line, err)
				}
				checkBeyondSchema(t, line)
			}
		})
	}
}

// checkBeyondSchema holds a line to what the specification says in words: the
// targets are members of the root, values are numbers or up to 100 of them,
// at most 100 metrics; and to our own: two dimensions, nothing else on the line.
func checkBeyondSchema(t *testing.T, line string) {
	t.Helper()
	var root map[string]json.RawMessage
	var doc struct {
		AWS struct {
			Timestamp int64
			Metrics   []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name, Unit string }
			} `json:"CloudWatchMetrics"`
		} `json:"_aws"`
	}
	if err := errors.Join(json.Unmarshal([]byte(line), &root), json.Unmarshal([]byte(line), &doc)); err != nil {
		t.Fatal(err)
	}
	if got, want := doc.AWS.Timestamp, svixtest.Epoch().UnixMilli(); got != want {
		t.Errorf("Timestamp = %d, want %d, in milliseconds", got, want)
	}
	known := []string{"_aws"}
	for _, d := range doc.AWS.Metrics {
		if d.Namespace != lambdafn.Namespace || len(d.Dimensions) != 1 || len(d.Metrics) == 0 || len(d.Metrics) > 100 {
			t.Errorf("directive %+v: want our namespace, one set of dimensions, 1 to 100 metrics", d)
		}
		for _, name := range slices.Concat(d.Dimensions...) {
			var value string
			if err := json.Unmarshal(root[name], &value); err != nil || value == "" || len(value) > 1024 {
				t.Errorf("dimension %s = %s, want a text of 1 to 1024 in the root", name, root[name])
			}
			if name != lambdafn.DimensionFunction && name != lambdafn.DimensionReason {
				t.Errorf("dimension %s, want only FunctionName and Reason", name)
			}
			if name == lambdafn.DimensionReason && !slices.Contains(reasons(), value) {
				t.Errorf("Reason = %q, want one of the replies' errors", value)
			}
			known = append(known, name)
		}
		for _, m := range d.Metrics {
			want := "Count"
			if m.Name == lambdafn.MetricLag {
				want = "Milliseconds"
			}
			if m.Unit != want {
				t.Errorf("unit of %s = %s, want %s", m.Name, m.Unit, want)
			}
			checkValue(t, m.Name, root[m.Name])
			known = append(known, m.Name)
		}
	}
	for name := range root {
		if !slices.Contains(known, name) {
			t.Errorf("member %s is neither a metric nor a dimension", name)
		}
	}
}

func checkValue(t *testing.T, name string, value json.RawMessage) {
	t.Helper()
	var one float64
	var many []float64
	if json.Unmarshal(value, &one) != nil && json.Unmarshal(value, &many) != nil || len(many) > 100 {
		t.Errorf("%s = %s, want a number or up to 100", name, value)
	}
	if slices.Min(append(many, one)) < 0 {
		t.Errorf("%s = %s, want nothing below 0", name, value)
	}
}

// The schema must refuse what CloudWatch would not take for metrics.
func TestSchemaRefusesWhatCloudWatchWould(t *testing.T) {
	schema := emfSchema(t)
	good, _ := invocation{sync: true, count: messages(2, consumer.Applied, nil)}.lines(t)
	for name, swap := range map[string][2]string{
		"unit":       {`"Unit":"Milliseconds"`, `"Unit":"ms"`},
		"namespace":  {`"Namespace":"clerksync",`, ``},
		"dimensions": {`"Dimensions":[["FunctionName"]]`, `"Dimensions":[]`},
		"time":       {`"Timestamp":1767225600000`, `"Timestamp":"2026-01-01"`},
		"metadata":   {`"_aws"`, `"aws"`},
	} {
		t.Run(name, func(t *testing.T) {
			line := strings.Replace(good, swap[0], swap[1], 1)
			if line == good {
				t.Fatalf("line %s has no %s", good, swap[0])
			}
			doc, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
			if err != nil {
				t.Fatal(err)
			}
			if schema.Validate(doc) == nil {
				t.Errorf("Validate(%s) = nil, want an error", line)
			}
		})
	}
}
