package template_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Numbers that the code, AWS or Svix rely on, and what each parameter switches.
func TestNumbersAndSwitches(t *testing.T) {
	const mapping = "SyncFunction.Events.Deliveries.Properties."
	arn := func(resource string) any { return map[string]any{"Fn::GetAtt": []any{resource, "Arn"}} }
	for name, c := range map[string]struct {
		params params
		want   map[string]any // by the property's path; nil for a property that is absent
	}{
		"by default": {want: map[string]any{
			"Queue.RedrivePolicy.maxReceiveCount":     60,
			"Queue.RedrivePolicy.deadLetterTargetArn": arn("DeadLetterQueue"),
			"Queue.MaximumMessageSize":                1 << 20,
			"DeadLetterQueue.MaximumMessageSize":      1 << 20,
			"Queue.MessageRetentionPeriod":            7 * 24 * 3600,
			"DeadLetterQueue.MessageRetentionPeriod":  14 * 24 * 3600,
			"Queue.SqsManagedSseEnabled":              true,
			"DeadLetterQueue.SqsManagedSseEnabled":    true,
			"Queue.FifoQueue":                         nil,
			// Without it one failed message fails its batch: https://github.com/aws/aws-lambda-go/issues/430
			mapping + "FunctionResponseTypes": []any{"ReportBatchItemFailures"},
			mapping + "BatchSize":             10,
			mapping + "Queue":                 arn("Queue"),
			// The mapping bounds sync. A reserved concurrency would throttle receives, which count towards 60:
			// https://github.com/DataBiosphere/azul/issues/3708
			mapping + "ScalingConfig.MaximumConcurrency":    5,
			"SyncFunction.ReservedConcurrentExecutions":     nil,
			"IngestFunction.ReservedConcurrentExecutions":   nil,
			"IngestFunction.Timeout":                        10, // Svix gives up at 15 s
			"Api.DefaultRouteSettings.ThrottlingRateLimit":  50,
			"Api.DefaultRouteSettings.ThrottlingBurstLimit": 100,
			"Globals.Function.Architectures":                []any{"arm64"},
			"Globals.Function.Tracing":                      "PassThrough",
			"Globals.Function.Runtime":                      "provided.al2023",
		}},
		"ingest's concurrency": {
			params: params{"IngestReservedConcurrency": 7},
			want: map[string]any{
				"IngestFunction.ReservedConcurrentExecutions": 7,
				"SyncFunction.ReservedConcurrentExecutions":   nil,
			},
		},
		"Lambda's log filter stays at INFO": {
			params: params{"LogLevel": "ERROR"},
			want:   map[string]any{"IngestFunction.LoggingConfig.ApplicationLogLevel": "INFO"},
		},
		"Lambda's log filter lets DEBUG through": {
			params: params{"LogLevel": "DEBUG"},
			want:   map[string]any{"SyncFunction.LoggingConfig.ApplicationLogLevel": "DEBUG"},
		},
		"tables without protection": {
			params: params{
				"TableProtection": "false", "TablePointInTimeRecovery": "false", "TableEncryption": "aws-owned",
			},
			want: map[string]any{
				"DirectoryTable.DeletionProtectionEnabled":                                    false,
				"DeliveriesTable.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled": false,
				"DeliveriesTable.SSESpecification.SSEEnabled":                                 false,
			},
		},
		"another architecture": {
			params: params{"Architecture": "x86_64"},
			want:   map[string]any{"Globals.Function.Architectures": []any{"x86_64"}},
		},
		"traces": {params: params{"Tracing": "Active"}, want: map[string]any{"Globals.Function.Tracing": "Active"}},
	} {
		tmpl := load(t, c.params)
		for path, want := range c.want {
			if diff := cmp.Diff(want, property(tmpl, path)); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", name, path, diff)
			}
		}
	}
}

// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
// https://github.com/aws/serverless-application-model/issues/1424
func TestVisibilityOutlastsSixTimeoutsAndTheWindow(t *testing.T) {
	tmpl := load(t)
	visibility, _ := property(tmpl, "Queue.VisibilityTimeout").(int)
	timeout, _ := property(tmpl, "SyncFunction.Timeout").(int)
	const windowPath = "SyncFunction.Events.Deliveries.Properties.MaximumBatchingWindowInSeconds"
	window, hasWindow := property(tmpl, windowPath).(int)
	if timeout == 0 || !hasWindow {
		t.Fatalf("sync: timeout %d s, has a window: %v, want both in the template", timeout, hasWindow)
	}
	if least := 6*timeout + window; visibility < least {
		t.Errorf("VisibilityTimeout = %d s, want at least 6 x %d + %d = %d", visibility, timeout, window, least)
	}
}

// The signature is the authentication: an authorizer would reject Svix.
// https://github.com/midudev/hackaton-clerk-2025/issues/26
func TestRouteHasNoAuthorizer(t *testing.T) {
	tmpl := load(t)
	wantProperty(t, tmpl, "IngestFunction.Events", `
		Webhook:
		  Type: HttpApi
		  Properties: {ApiId: !Ref Api, Method: POST, Path: /webhooks/clerk, PayloadFormatVersion: "2.0"}`)
	if auth := property(tmpl, "Api.Auth"); auth != nil {
		t.Errorf("Api's Auth = %v, want none", auth)
	}
	format, _ := property(tmpl, "Api.AccessLogSettings.Format").(string)
	if format == "" || strings.Contains(strings.ToLower(format), "body") || strings.Contains(format, "authorizer") {
		t.Errorf("access log format = %q, want one without bodies", format)
	}
}

// A binary for another processor than the function's fails at its first invocation only.
func TestArchitectureOfTemplateAndMakefileAgree(t *testing.T) {
	arch := load(t).Get("Parameters", "Architecture", "Default")
	m := regexp.MustCompile(`(?m)^GOARCH \?= .*\b(arm64|amd64)\)?$`).FindStringSubmatch(readFile(t, "Makefile"))
	if m == nil {
		t.Fatal("Makefile does not set a default GOARCH")
	}
	goarch := map[any]string{"arm64": "arm64", "x86_64": "amd64"}
	if goarch[arch] != m[1] {
		t.Errorf("Makefile's default GOARCH = %s, want %s for the template's %v", m[1], goarch[arch], arch)
	}
}

// sam build and sam deploy read the parameter separately: setting one only would put a binary on the wrong processor.
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
