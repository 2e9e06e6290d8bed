package lambdafn_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
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

// answer is an HTTP client.
type answer struct{ err error }

func (a answer) Do(*http.Request) (*http.Response, error) { return nil, a.err }

func tableRequests(n int) invocation {
	return func(m *lambdafn.Metrics) {
		c := m.CountRequests(answer{errors.New("canary")})
		for range n {
			resp, err := c.Do(nil)
			if err == nil {
				_ = resp.Body.Close()
			}
		}
	}
}

// reasons are the errors of the replies.
func reasons() []string {
	return []string{
		"not_found", "method_not_allowed", "not_configured", "payload_too_large", "missing_headers", "invalid_timestamp",
		"invalid_signature", "invalid_payload", "unavailable",
	}
}

// invocations by function and name.
func invocations() (ofIngest, ofSync map[string]invocation) {
	ofIngest = map[string]invocation{
		"nothing":           nothing,
		"queued":            request(ingest.Queued, ""),
		"ignored type":      request(ingest.Ignored, "type"),
		"ignored instance":  request(ingest.Ignored, "instance"),
		"secret unreadable": together((*lambdafn.Metrics).SecretUnreadable, request(ingest.Rejected, "not_configured")),
	}
	for _, r := range reasons() {
		ofIngest["rejected "+r] = request(ingest.Rejected, r)
	}
	ofSync = map[string]invocation{
		"nothing":        nothing,
		"deletions":      messages(3, consumer.Applied, deletion),
		"no change time": messages(3, consumer.Applied, timeless),
		"a clock ahead":  messages(3, consumer.Applied, early),
		"100 lags":       messages(100, consumer.Applied, nil),
		"101 lags":       messages(101, consumer.Applied, nil),
		"table requests": tableRequests(7),
	}
	outcomes := []consumer.Outcome{consumer.Applied, consumer.Stale, consumer.Duplicate, consumer.Failed, consumer.Dead}
	var mixed []invocation
	for _, o := range outcomes {
		ofSync["a batch of "+string(o)] = messages(10, o, nil)
		mixed = append(mixed, messages(2, o, nil))
	}
	ofSync["mixed"] = together(mixed...)
	return ofIngest, ofSync
}

// flushed is what the first invocation of a function and the next, idle one write.
func flushed(made func(w *bytes.Buffer) *lambdafn.Metrics, f invocation) string {
	var out bytes.Buffer
	m := made(&out)
	f(m)
	m.Flush()
	m.Flush()
	return out.String()
}

func ingestMetrics(w *bytes.Buffer) *lambdafn.Metrics {
	return lambdafn.IngestMetrics(w, "clerksync-ingest", svixtest.Epoch)
}

func syncMetrics(w *bytes.Buffer) *lambdafn.Metrics {
	return lambdafn.SyncMetrics(w, "clerksync-sync", svixtest.Epoch)
}

func TestMetricsLinesAreEmbeddedMetricFormat(t *testing.T) {
	schema := emfSchema(t)
	ofIngest, ofSync := invocations()
	check := func(function string, made func(*bytes.Buffer) *lambdafn.Metrics, all map[string]invocation) {
		for name, f := range all {
			t.Run(function+" "+name, func(t *testing.T) {
				text := flushed(made, f)
				if strings.Contains(text, "canary") {
					t.Errorf("metrics line holds something of the message: %s", text)
				}
				lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
				if len(lines) != 2 {
					t.Fatalf("two invocations wrote %d lines, want 2:\n%s", len(lines), text)
				}
				for _, line := range lines {
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
	check("ingest", ingestMetrics, ofIngest)
	check("sync", syncMetrics, ofSync)
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
			if want := map[bool]string{true: "Milliseconds", false: "Count"}[m.Name == lambdafn.MetricLag]; m.Unit != want {
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

// The schema must be one that bites.
func TestSchemaRefusesWhatCloudWatchWould(t *testing.T) {
	schema := emfSchema(t)
	good := strings.SplitN(flushed(syncMetrics, messages(2, consumer.Applied, nil)), "\n", 2)[0]
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
