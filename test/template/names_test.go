package template_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNamesThatOthersRelyOn(t *testing.T) {
	tmpl := load(t)
	types := map[string]string{
		"Api":             "AWS::Serverless::HttpApi",
		"IngestFunction":  "AWS::Serverless::Function",
		"SyncFunction":    "AWS::Serverless::Function",
		"Queue":           "AWS::SQS::Queue",
		"DeadLetterQueue": "AWS::SQS::Queue",
		"DirectoryTable":  "AWS::DynamoDB::Table",
		"DeliveriesTable": "AWS::DynamoDB::Table",
		"Dashboard":       "AWS::CloudWatch::Dashboard",
	}
	for id, want := range types {
		t.Run("resource "+id, func(t *testing.T) {
			if got := tmpl.Get("Resources", id, "Type"); got != want {
				t.Errorf("Type of %s = %v, want %s", id, got, want)
			}
		})
	}
	outputs := []string{
		"WebhookUrl", "ApiId", "QueueUrl", "DeadLetterQueueUrl", "DirectoryTableName", "DeliveriesTableName", "DashboardUrl",
	}
	for _, name := range outputs {
		t.Run("output "+name, func(t *testing.T) {
			if tmpl.Get("Outputs", name, "Value") == nil || tmpl.Get("Outputs", name, "Description") == nil {
				t.Errorf("Outputs[%s] = %v, want a value and a description", name, tmpl.Get("Outputs", name))
			}
		})
	}
}

func TestEveryParameterIsDescribedAndBounded(t *testing.T) {
	tmpl := load(t)
	for _, name := range tmpl.Names("Parameters") {
		t.Run(name, func(t *testing.T) {
			p := tmpl.Names("Parameters", name)
			for _, field := range []string{"Description", "Type", "Default"} {
				if !slices.Contains(p, field) {
					t.Errorf("Parameters[%s] has no %s", name, field)
				}
			}
			bounded := slices.ContainsFunc(p, func(field string) bool {
				return field == "AllowedValues" || field == "AllowedPattern" || field == "MinValue"
			})
			if !bounded {
				t.Errorf("Parameters[%s] takes anything, want AllowedValues, AllowedPattern or MinValue", name)
			}
			if kind, _ := tmpl.Get("Parameters", name, "Type").(string); kind != "String" && kind != "Number" {
				t.Errorf("type of Parameters[%s] = %s, want String or Number: any other may resolve a secret", name, kind)
			}
		})
	}
}

func TestEnvironmentIsExactlyWhatTheProgramsRead(t *testing.T) {
	tmpl := load(t)
	// The Go runtime's own, which no program of ours reads.
	runtime := []string{"GOGC", "GOMEMLIMIT", "SSL_CERT_DIR"}
	both := []string{"LOG_LEVEL", "AWS_ENDPOINT_URL"}
	tests := map[string][]string{
		"IngestFunction": {
			"QUEUE_URL", "CLERK_WEBHOOK_SIGNING_SECRET", "CLERK_WEBHOOK_SECRET_PARAMETER", "CLERK_INSTANCE_ID",
			"GOMAXPROCS", // the runtime's, for one request at a time
		},
		"SyncFunction": {
			"DIRECTORY_TABLE", "DELIVERIES_TABLE", "QUEUE_URL", "DEAD_LETTER_QUEUE_URL", "DELETION_POLICY", "OBJECT_STORAGE",
			"DELIVERY_RETENTION_DAYS",
		},
	}
	for id, own := range tests {
		t.Run(id, func(t *testing.T) {
			want := slices.Sorted(slices.Values(slices.Concat(own, both, runtime)))
			got := slices.Concat(
				tmpl.Names("Globals", "Function", "Environment", "Variables"),
				tmpl.Names("Resources", id, "Properties", "Environment", "Variables"),
			)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("environment of %s (-want +got):\n%s", id, diff)
			}
		})
	}
}

// docs/performance.md is measured with these.
func TestGoRuntimeIsSetAsMeasured(t *testing.T) {
	tmpl := load(t)
	variables := func(path ...string) any { return tmpl.Get(append(path, "Environment", "Variables")...) }
	for _, c := range []struct {
		of   any
		name string
		want string
	}{
		{variables("Globals", "Function"), "GOGC", "400"},
		{variables("Globals", "Function"), "SSL_CERT_DIR", "/nonexistent"},
		{variables("Resources", "IngestFunction", "Properties"), "GOMAXPROCS", "1"},
		{variables("Resources", "IngestFunction", "Properties"), "GOMEMLIMIT", "200MiB"},
		{variables("Resources", "SyncFunction", "Properties"), "GOMEMLIMIT", "400MiB"},
	} {
		if diff := cmp.Diff(any(c.want), c.of.(map[string]any)[c.name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestEachEnvironmentVariablePointsAtItsResource(t *testing.T) {
	tmpl := load(t)
	tests := []struct{ function, variable, resource string }{
		{"IngestFunction", "QUEUE_URL", "Queue"},
		{"SyncFunction", "QUEUE_URL", "Queue"},
		{"SyncFunction", "DEAD_LETTER_QUEUE_URL", "DeadLetterQueue"},
		{"SyncFunction", "DIRECTORY_TABLE", "DirectoryTable"},
		{"SyncFunction", "DELIVERIES_TABLE", "DeliveriesTable"},
	}
	for _, tt := range tests {
		t.Run(tt.function+" "+tt.variable, func(t *testing.T) {
			want := map[string]any{"Ref": tt.resource}
			if diff := cmp.Diff(want, at(tmpl, tt.function, "Environment", "Variables", tt.variable)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.variable, diff)
			}
		})
	}
}

func TestTables(t *testing.T) {
	tmpl := load(t)
	attribute := func(name string) map[string]any {
		return map[string]any{"AttributeName": name, "AttributeType": "S"}
	}
	key := func(name, kind string) map[string]any { return map[string]any{"AttributeName": name, "KeyType": kind} }
	var indexes []any
	attributes := []any{attribute("pk"), attribute("sk")}
	for _, name := range []string{"by_email", "by_external_id", "by_username", "by_slug"} {
		attributes = append(attributes, attribute(name))
		indexes = append(indexes, map[string]any{
			"IndexName": name, "KeySchema": []any{key(name, "HASH")},
			"Projection": map[string]any{"ProjectionType": "KEYS_ONLY"},
		})
	}
	always := map[string]any{
		"BillingMode":                      "PAY_PER_REQUEST",
		"DeletionProtectionEnabled":        true,
		"PointInTimeRecoverySpecification": map[string]any{"PointInTimeRecoveryEnabled": true},
		"SSESpecification":                 map[string]any{"SSEEnabled": true},
	}
	tests := map[string]map[string]any{
		"DirectoryTable": {
			"KeySchema":              []any{key("pk", "HASH"), key("sk", "RANGE")},
			"AttributeDefinitions":   attributes,
			"GlobalSecondaryIndexes": indexes,
		},
		"DeliveriesTable": {
			"KeySchema":               []any{key("svix_id", "HASH")},
			"AttributeDefinitions":    []any{attribute("svix_id")},
			"TimeToLiveSpecification": map[string]any{"AttributeName": "expires_at", "Enabled": true},
		},
	}
	for id, want := range tests {
		t.Run(id, func(t *testing.T) {
			for name, value := range always {
				want[name] = value
			}
			if diff := cmp.Diff(want, at(tmpl, id)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", id, diff)
			}
			for _, policy := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
				if got := tmpl.Get("Resources", id, policy); got != "Retain" {
					t.Errorf("%s of %s = %v, want Retain", policy, id, got)
				}
			}
		})
	}
}

func TestLogsExpireAndBelongToTheStack(t *testing.T) {
	tmpl := load(t)
	groups := tmpl.OfType("AWS::Logs::LogGroup")
	if want := []string{"ApiLogGroup", "IngestLogGroup", "SyncLogGroup"}; !slices.Equal(groups, want) {
		t.Errorf("log groups = %v, want %v", groups, want)
	}
	for _, id := range groups {
		t.Run(id, func(t *testing.T) {
			if got := at(tmpl, id, "RetentionInDays"); got != 30 {
				t.Errorf("retention of %s = %v days, want 30", id, got)
			}
		})
	}
	for _, id := range tmpl.OfType("AWS::Serverless::Function") {
		t.Run(id, func(t *testing.T) {
			want := map[string]any{
				"LogGroup":  map[string]any{"Ref": strings.TrimSuffix(id, "Function") + "LogGroup"},
				"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO",
			}
			if diff := cmp.Diff(want, at(tmpl, id, "LoggingConfig")); diff != "" {
				t.Errorf("LoggingConfig of %s (-want +got):\n%s", id, diff)
			}
		})
	}
}
