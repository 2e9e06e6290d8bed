package template_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/test/template"
)

const root = "../.."

func load(t *testing.T) *template.Template {
	t.Helper()
	tmpl, err := template.Load(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatalf("Load(template.yaml) = %v", err)
	}
	return tmpl
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	return string(text)
}

// at are the evaluated properties of a resource, or what is below them.
func at(tmpl *template.Template, id string, path ...string) any {
	return tmpl.Get(append([]string{"Resources", id, "Properties"}, path...)...)
}

func TestNumbersAndSwitches(t *testing.T) {
	tmpl := load(t)
	enough := tmpl.With(map[string]any{"IngestReservedConcurrency": 7, "Architecture": "x86_64", "Tracing": "Active"})
	open := tmpl.With(map[string]any{
		"TableProtection": "false", "TablePointInTimeRecovery": "false", "TableEncryption": "aws-owned",
	})
	loud := tmpl.With(map[string]any{"LogLevel": "DEBUG"})
	quiet := tmpl.With(map[string]any{"LogLevel": "ERROR"})
	event := []string{"Events", "Deliveries", "Properties"}
	tests := []struct {
		name string
		got  any
		want any
	}{
		{"a message is received 60 times before it is dead", at(tmpl, "Queue", "RedrivePolicy", "maxReceiveCount"), 60},
		{"dead letters go to the dead letter queue", at(tmpl, "Queue", "RedrivePolicy", "deadLetterTargetArn"), getAtt("DeadLetterQueue.Arn")},
		{"the queue takes 1 MiB", at(tmpl, "Queue", "MaximumMessageSize"), 1 << 20},
		{"dead letters may be as large", at(tmpl, "DeadLetterQueue", "MaximumMessageSize"), 1 << 20},
		{"the queue keeps messages 7 days", at(tmpl, "Queue", "MessageRetentionPeriod"), 7 * 24 * 3600},
		{"dead letters stay 14 days", at(tmpl, "DeadLetterQueue", "MessageRetentionPeriod"), 14 * 24 * 3600},
		{"the queue is encrypted", at(tmpl, "Queue", "SqsManagedSseEnabled"), true},
		{"dead letters are encrypted", at(tmpl, "DeadLetterQueue", "SqsManagedSseEnabled"), true},
		{"the queue is a standard queue", at(tmpl, "Queue", "FifoQueue"), nil},
		// https://github.com/aws/aws-lambda-go/issues/430
		{"sync answers item by item", at(tmpl, "SyncFunction", append(event, "FunctionResponseTypes")...), []any{"ReportBatchItemFailures"}},
		{"batches of ten", at(tmpl, "SyncFunction", append(event, "BatchSize")...), 10},
		{"sync polls the queue", at(tmpl, "SyncFunction", append(event, "Queue")...), getAtt("Queue.Arn")},
		// https://github.com/DataBiosphere/azul/issues/3708
		{"the mapping bounds sync", at(tmpl, "SyncFunction", append(event, "ScalingConfig", "MaximumConcurrency")...), 5},
		{"sync reserves no concurrency", at(tmpl, "SyncFunction", "ReservedConcurrentExecutions"), nil},
		{"sync reserves none even where ingest does", at(enough, "SyncFunction", "ReservedConcurrentExecutions"), nil},
		{"ingest reserves no concurrency by default", at(tmpl, "IngestFunction", "ReservedConcurrentExecutions"), nil},
		{"ingest reserves what the parameter says", at(enough, "IngestFunction", "ReservedConcurrentExecutions"), 7},
		{"ingest answers before Svix gives up at 15 s", at(tmpl, "IngestFunction", "Timeout"), 10},
		{"Lambda's log filter stays at INFO", at(quiet, "IngestFunction", "LoggingConfig", "ApplicationLogLevel"), "INFO"},
		{"Lambda's log filter lets DEBUG through when asked for", at(loud, "SyncFunction", "LoggingConfig", "ApplicationLogLevel"), "DEBUG"},
		{"throttled at 50 requests a second", at(tmpl, "Api", "DefaultRouteSettings", "ThrottlingRateLimit"), 50},
		{"in bursts of 100", at(tmpl, "Api", "DefaultRouteSettings", "ThrottlingBurstLimit"), 100},
		{"both tables are deletion protected", at(tmpl, "DirectoryTable", "DeletionProtectionEnabled"), true},
		{"unless the parameter says no", at(open, "DirectoryTable", "DeletionProtectionEnabled"), false},
		{"point in time recovery off by parameter", at(open, "DeliveriesTable", "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"), false},
		{"the account's key off by parameter", at(open, "DeliveriesTable", "SSESpecification", "SSEEnabled"), false},
		{"deliveries expire by expires_at", at(tmpl, "DeliveriesTable", "TimeToLiveSpecification"), map[string]any{"AttributeName": "expires_at", "Enabled": true}},
		{"rows and tombstones of the directory never expire", at(tmpl, "DirectoryTable", "TimeToLiveSpecification"), nil},
		{"delivery rows live 90 days", at(tmpl, "SyncFunction", "Environment", "Variables", "DELIVERY_RETENTION_DAYS"), 90},
		{"deletions are soft", at(tmpl, "SyncFunction", "Environment", "Variables", "DELETION_POLICY"), "soft"},
		{"objects are kept whole", at(tmpl, "SyncFunction", "Environment", "Variables", "OBJECT_STORAGE"), "full"},
		{"no secret stands in the template", at(tmpl, "IngestFunction", "Environment", "Variables", "CLERK_WEBHOOK_SIGNING_SECRET"), ""},
		{"the secret's parameter", at(tmpl, "IngestFunction", "Environment", "Variables", "CLERK_WEBHOOK_SECRET_PARAMETER"), "/clerksync/signing-secret"},
		{"no endpoint but AWS's own", tmpl.Get("Globals", "Function", "Environment", "Variables", "AWS_ENDPOINT_URL"), ""},
		{"arm64 by default", tmpl.Get("Globals", "Function", "Architectures"), []any{"arm64"}},
		{"x86_64 by parameter", enough.Get("Globals", "Function", "Architectures"), []any{"x86_64"}},
		{"no traces by default", tmpl.Get("Globals", "Function", "Tracing"), "PassThrough"},
		{"traces by parameter", enough.Get("Globals", "Function", "Tracing"), "Active"},
		{"a bare Amazon Linux", tmpl.Get("Globals", "Function", "Runtime"), "provided.al2023"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.got); diff != "" {
				t.Errorf("template (-want +got):\n%s", diff)
			}
		})
	}
}

// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
// https://github.com/aws/serverless-application-model/issues/1424
func TestVisibilityOutlastsSixTimeoutsAndTheWindow(t *testing.T) {
	tmpl := load(t)
	visibility, _ := at(tmpl, "Queue", "VisibilityTimeout").(int)
	timeout, _ := at(tmpl, "SyncFunction", "Timeout").(int)
	window, hasWindow := at(tmpl, "SyncFunction", "Events", "Deliveries", "Properties", "MaximumBatchingWindowInSeconds").(int)
	if timeout == 0 || !hasWindow {
		t.Fatalf("sync: timeout %d s, window there: %v, want both said in the template", timeout, hasWindow)
	}
	if least := 6*timeout + window; visibility < least {
		t.Errorf("VisibilityTimeout = %d s, want at least 6 x %d + %d = %d", visibility, timeout, window, least)
	}
}

// https://github.com/midudev/hackaton-clerk-2025/issues/26
func TestRouteHasNoAuthorizer(t *testing.T) {
	tmpl := load(t)
	want := map[string]any{
		"Webhook": map[string]any{"Type": "HttpApi", "Properties": map[string]any{
			"ApiId": map[string]any{"Ref": "Api"}, "Method": "POST", "Path": "/webhooks/clerk", "PayloadFormatVersion": "2.0",
		}},
	}
	if diff := cmp.Diff(want, at(tmpl, "IngestFunction", "Events")); diff != "" {
		t.Errorf("IngestFunction's events (-want +got):\n%s", diff)
	}
	if auth := at(tmpl, "Api", "Auth"); auth != nil {
		t.Errorf("Api's Auth = %v, want none: the signature is the authentication", auth)
	}
	format, _ := at(tmpl, "Api", "AccessLogSettings", "Format").(string)
	if format == "" || strings.Contains(strings.ToLower(format), "body") || strings.Contains(format, "authorizer") {
		t.Errorf("access log format = %q, want one without bodies", format)
	}
}

func TestArchitectureOfTemplateAndMakefileAgree(t *testing.T) {
	arch := load(t).Get("Parameters", "Architecture", "Default")
	m := regexp.MustCompile(`(?m)^GOARCH \?= .*\b(arm64|amd64)\)?$`).FindStringSubmatch(readFile(t, "Makefile"))
	if m == nil {
		t.Fatal("Makefile sets no default GOARCH")
	}
	goarch := map[any]string{"arm64": "arm64", "x86_64": "amd64"}
	if goarch[arch] != m[1] {
		t.Errorf("Makefile's default GOARCH = %s, want %s for the template's %v", m[1], goarch[arch], arch)
	}
}

// sam build and sam deploy read the parameter separately: one alone would put a binary on the wrong processor.
func TestSamconfigBuildsWhatItDeploys(t *testing.T) {
	text := readFile(t, "samconfig.toml")
	section := func(name string) string {
		_, rest, _ := strings.Cut(text, "\n["+name+"]\n")
		body, _, _ := strings.Cut(rest, "\n[")
		return body
	}
	arch := regexp.MustCompile(`Architecture=\\?"?(\w+)`)
	for _, env := range []string{"default", "dev", "prod", "local"} {
		t.Run(env, func(t *testing.T) {
			deploy := section(env + ".deploy.parameters")
			for _, line := range []string{`capabilities = "CAPABILITY_IAM"`, "resolve_s3 = true"} {
				if !strings.Contains(deploy, line) {
					t.Errorf("deploy parameters lack %s", line)
				}
			}
			built := arch.FindString(section(env + ".build.parameters"))
			if deployed := arch.FindString(deploy); built != deployed {
				t.Errorf("built with %q, deployed with %q", built, deployed)
			}
		})
	}
}

func getAtt(name string) map[string]any {
	id, attribute, _ := strings.Cut(name, ".")
	return map[string]any{"Fn::GetAtt": []any{id, attribute}}
}
