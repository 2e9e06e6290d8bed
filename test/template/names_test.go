package template_test

import (
	"slices"
	"strings"
	"testing"
)

// Others find resources and outputs by these names.
func TestNamesThatOthersRelyOn(t *testing.T) {
	tmpl := load(t, probing())
	for id, want := range map[string]string{
		"Api":             "AWS::Serverless::HttpApi",
		"IngestFunction":  "AWS::Serverless::Function",
		"SyncFunction":    "AWS::Serverless::Function",
		"Queue":           "AWS::SQS::Queue",
		"DeadLetterQueue": "AWS::SQS::Queue",
		"DirectoryTable":  "AWS::DynamoDB::Table",
		"DeliveriesTable": "AWS::DynamoDB::Table",
		"Dashboard":       "AWS::CloudWatch::Dashboard",
		"ProbeFunction":   "AWS::Serverless::Function",
	} {
		if got := tmpl.Get("Resources", id, "Type"); got != want {
			t.Errorf("type of %s = %v, want %s", id, got, want)
		}
	}
	for _, name := range []string{
		"WebhookUrl", "ApiId", "QueueUrl", "DeadLetterQueueUrl", "DirectoryTableName", "DeliveriesTableName",
		"DashboardUrl",
	} {
		if tmpl.Get("Outputs", name, "Value") == nil || tmpl.Get("Outputs", name, "Description") == nil {
			t.Errorf("Outputs[%s] = %v, want a value and a description", name, tmpl.Get("Outputs", name))
		}
	}
}

// A person who deploys sees the descriptions in the console, and a wrong value must fail before anything is created.
func TestEveryParameterIsDescribedAndBounded(t *testing.T) {
	tmpl := load(t)
	for _, name := range tmpl.Names("Parameters") {
		fields := asMap(tmpl.Get("Parameters", name))
		for _, field := range []string{"Description", "Type", "Default"} {
			if _, has := fields[field]; !has {
				t.Errorf("Parameters[%s] lacks %s", name, field)
			}
		}
		if fields["AllowedValues"] == nil && fields["AllowedPattern"] == nil && fields["MinValue"] == nil {
			t.Errorf("Parameters[%s] takes anything, want AllowedValues, AllowedPattern or MinValue", name)
		}
		if kind := fields["Type"]; kind != "String" && kind != "Number" {
			t.Errorf("type of Parameters[%s] = %v, want String or Number: any other may resolve a secret", name, kind)
		}
	}
}

// Rows of the Deliveries table expire; tombstones of the Directory never do.
func TestTables(t *testing.T) {
	tmpl := load(t)
	index := func(name string) string {
		return `{IndexName: ` + name + `, KeySchema: [{AttributeName: ` + name + `, KeyType: HASH}],
			Projection: {ProjectionType: KEYS_ONLY}}`
	}
	for id, want := range map[string]string{
		"DirectoryTable": `
			KeySchema: [{AttributeName: pk, KeyType: HASH}, {AttributeName: sk, KeyType: RANGE}]
			AttributeDefinitions:
			  - {AttributeName: pk, AttributeType: S}
			  - {AttributeName: sk, AttributeType: S}
			  - {AttributeName: by_email, AttributeType: S}
			  - {AttributeName: by_external_id, AttributeType: S}
			  - {AttributeName: by_username, AttributeType: S}
			  - {AttributeName: by_slug, AttributeType: S}
			GlobalSecondaryIndexes: [` + index("by_email") + `, ` + index("by_external_id") + `,
			  ` + index("by_username") + `, ` + index("by_slug") + `]`,
		"DeliveriesTable": `
			KeySchema: [{AttributeName: svix_id, KeyType: HASH}]
			AttributeDefinitions: [{AttributeName: svix_id, AttributeType: S}]
			TimeToLiveSpecification: {AttributeName: expires_at, Enabled: true}`,
	} {
		wantProperty(t, tmpl, id, want+`
			BillingMode: PAY_PER_REQUEST
			DeletionProtectionEnabled: true
			PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}
			SSESpecification: {SSEEnabled: true}`)
	}
}

// Log groups that Lambda makes by itself never expire and stay when the stack is deleted.
func TestLogsExpireAndBelongToTheStack(t *testing.T) {
	tmpl := load(t, probing())
	groups := tmpl.OfType("AWS::Logs::LogGroup")
	if want := []string{"ApiLogGroup", "IngestLogGroup", "ProbeLogGroup", "SyncLogGroup"}; !slices.Equal(groups, want) {
		t.Errorf("log groups = %v, want %v", groups, want)
	}
	for _, id := range groups {
		if got := property(tmpl, id+".RetentionInDays"); got != 30 {
			t.Errorf("retention of %s = %v days, want 30", id, got)
		}
	}
	for _, id := range tmpl.OfType("AWS::Serverless::Function") {
		wantProperty(t, tmpl, id+".LoggingConfig", `{LogGroup: !Ref `+strings.TrimSuffix(id, "Function")+`LogGroup,
			LogFormat: JSON, ApplicationLogLevel: INFO, SystemLogLevel: INFO}`)
	}
}

// A name that others rely on is also a link that works: each partition has its own console.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-regions-availability-zones.html
func TestDashboardUrlIsOfThePartitionsConsole(t *testing.T) {
	for partition, console := range map[string]string{
		"aws":        "console.aws.amazon.com",
		"aws-cn":     "console.amazonaws.cn",
		"aws-us-gov": "console.amazonaws-us-gov.com",
		"aws-eusc":   "console.amazonaws-eusc.eu",
		"aws-iso":    "console.aws.amazon.com", // its console is not public: a link that fails, not a deployment
	} {
		t.Run(partition, func(t *testing.T) {
			tmpl := load(t, params{"AWS::Partition": partition})
			want := "https://${AWS::Region}." + console +
				"/cloudwatch/home?region=${AWS::Region}#dashboards/dashboard/${Dashboard}"
			if got := asSub(tmpl.Get("Outputs", "DashboardUrl", "Value")); got != want {
				t.Errorf("DashboardUrl in %s = %s, want %s", partition, got, want)
			}
		})
	}
}

// What holds data says what happens to it when the stack, or a property, goes.
func TestEveryStoreSaysWhetherItIsDeleted(t *testing.T) {
	tmpl := load(t)
	for kind, want := range map[string]string{
		"AWS::DynamoDB::Table": "Retain", "AWS::SQS::Queue": "Delete", "AWS::Logs::LogGroup": "Delete",
	} {
		for _, id := range tmpl.OfType(kind) {
			t.Run(id, func(t *testing.T) {
				for _, policy := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
					if got := tmpl.Get("Resources", id, policy); got != want {
						t.Errorf("%s of %s = %v, want %s", policy, id, got, want)
					}
				}
			})
		}
	}
}
