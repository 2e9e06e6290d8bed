package template_test

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// policyStatement is one of a policy in docs/iam.
type policyStatement struct {
	Sid       string
	Effect    string
	Action    any // a text or a list
	Resource  any
	Condition any
}

// readPolicy reads a policy of docs/iam.
func readPolicy(t *testing.T, name string) []policyStatement {
	t.Helper()
	var document struct {
		Version   string
		Statement []policyStatement
	}
	if err := json.Unmarshal([]byte(readFile(t, "docs/iam/"+name)), &document); err != nil {
		t.Fatalf("docs/iam/%s: %v", name, err)
	}
	if document.Version != "2012-10-17" {
		t.Errorf("docs/iam/%s: Version = %q, want 2012-10-17", name, document.Version)
	}
	return document.Statement
}

// actionsOf are the sorted actions of all statements.
func actionsOf(statements []policyStatement) []string {
	all := map[string]bool{}
	for _, s := range statements {
		for _, action := range texts(s.Action) {
			all[action] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// A managed policy holds 6,144 characters without white space. A placeholder stands for at most 32 more: a stack's
// name.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func TestPoliciesCanBeCreatedAsTheyAre(t *testing.T) {
	for _, name := range []string{"deploy.json", "operate.json", "console.json", "backfill.json", "read.json"} {
		t.Run(name, func(t *testing.T) {
			text := strings.Join(strings.Fields(readFile(t, "docs/iam/"+name)), "")
			if len(text) > 6144 {
				t.Errorf("%s has %d characters, want at most 6144", name, len(text))
			}
			for _, s := range readPolicy(t, name) {
				if s.Sid == "" || s.Effect != "Allow" {
					t.Errorf("statement %+v, want a Sid and Allow", s)
				}
				for _, action := range texts(s.Action) {
					if strings.Contains(action, "*") {
						t.Errorf("%s allows %s, want each action by its name", s.Sid, action)
					}
				}
			}
			if !strings.Contains(readFile(t, "docs/iam.md"), "iam/"+name) {
				t.Errorf("docs/iam.md does not name iam/%s", name)
			}
		})
	}
}

// A query of an index is authorised on the index: a policy on the table alone makes README's own example fail.
func TestReadersMayReadTheTableAndItsIndexes(t *testing.T) {
	tmpl := load(t)
	rows := []string{"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}
	want := map[string][]string{
		"TABLE": rows, "TABLE/index/*": {"dynamodb:Query"},
	}
	ofTemplate := map[string][]string{}
	for _, statement := range asMaps(property(tmpl, "ReaderPolicy.PolicyDocument.Statement")) {
		resource := strings.Replace(asSub(statement["Resource"]), "${DirectoryTable.Arn}", "TABLE", 1)
		ofTemplate[resource] = texts(statement["Action"])
	}
	if diff := cmp.Diff(want, ofTemplate); diff != "" {
		t.Errorf("ReaderPolicy (-want +got):\n%s", diff)
	}
	ofFile := map[string][]string{}
	for _, s := range readPolicy(t, "read.json") {
		resource, _ := s.Resource.(string)
		resource = strings.Replace(resource, "arn:aws:dynamodb:REGION:ACCOUNT:table/STACK-DirectoryTable-*", "TABLE", 1)
		ofFile[resource] = texts(s.Action)
	}
	if diff := cmp.Diff(want, ofFile); diff != "" {
		t.Errorf("docs/iam/read.json (-want +got):\n%s", diff)
	}
	if got := asSub(tmpl.Get("Outputs", "ReaderPolicyArn", "Value")); got != "${ReaderPolicy}" {
		t.Errorf("output ReaderPolicyArn = %s, want the policy's ARN", got)
	}
}

// A name would need CAPABILITY_NAMED_IAM, which samconfig.toml does not give.
func TestNothingNeedsNamedCapabilities(t *testing.T) {
	tmpl := load(t)
	for kind, name := range map[string]string{
		"AWS::IAM::Role": "RoleName", "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
	} {
		for _, id := range tmpl.OfType(kind) {
			if got := property(tmpl, id+"."+name); got != nil {
				t.Errorf("%s of %s = %v, want none", name, id, got)
			}
		}
	}
}

// notCalled are the actions that CloudFormation's schemas list for properties that the template does not set.
func notCalled() map[string][]string {
	return map[string][]string{
		"the tables outlive the stack": {"dynamodb:DeleteTable"},
		"no replica, import, stream, insights or policy of a table": {
			"dynamodb:AssociateTableReplica", "dynamodb:BatchWriteItem", "dynamodb:CreateTableReplica",
			"dynamodb:DeleteItem",
			"dynamodb:DeleteResourcePolicy", "dynamodb:DescribeImport", "dynamodb:*KinesisStreamingDestination",
			"dynamodb:GetItem", "dynamodb:ImportTable", "dynamodb:PutItem",
			"dynamodb:PutResourcePolicy", "dynamodb:Query",
			"dynamodb:Scan", "dynamodb:UpdateContributorInsights", "dynamodb:UpdateItem", "iam:CreateServiceLinkedRole",
			"kinesis:*", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents", "s3:GetObjectMetadata",
		},
		"no VPC, file system, layer, code signing or capacity provider of a function": {
			"ec2:*", "elasticfilesystem:*", "s3files:*", "lambda:*CodeSigningConfig", "lambda:AssociateRuntimeAlias",
			"lambda:GetLayerVersion", "lambda:PassCapacityProvider", "lambda:PublishVersion",
			"lambda:PutFunctionRecursionConfig",
			"lambda:PutFunctionScalingConfig", "lambda:PutRuntimeManagementConfig",
		},
		"AWS's own keys let every principal of the account use them through their service": {"kms:*"},
		"policies are the roles' own, or are attached by the customer": {
			"iam:Attach*Policy", "iam:Detach*Policy", "iam:*UserPolicy", "iam:*GroupPolicy", "iam:*PermissionsBoundary",
		},
		"log groups without key, data protection, index, token or delivery to S3": {
			"logs:*KmsKey", "logs:DeleteDataProtectionPolicy", "logs:PutDataProtectionPolicy", "logs:DeleteIndexPolicy",
			"logs:PutIndexPolicy", "logs:DeleteResourcePolicy", "logs:PutBearerTokenAuthentication",
			"logs:PutLogGroupDeletionProtection", "s3:REST.PUT.OBJECT", "firehose:*",
		},
		"the API's body is in the template": {"s3:getObject"},
		"no data protection of the topic":   {"sns:PutDataProtectionPolicy"},
	}
}

// askedByAPIGateway are the actions that whoever gives an HTTP API an access log needs.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
func askedByAPIGateway() []string {
	return []string{
		"logs:CreateLogDelivery", "logs:PutResourcePolicy", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
		"logs:CreateLogGroup", "logs:DescribeResourcePolicies", "logs:GetLogDelivery", "logs:ListLogDeliveries",
		"logs:DescribeLogGroups",
	}
}

// handlers.json is what AWS's own schemas say that CloudFormation calls for each type of resource.
func TestDeployersMayDoWhatCloudFormationCalls(t *testing.T) {
	var called map[string][]string
	if err := json.Unmarshal([]byte(readFile(t, "test/template/testdata/handlers.json")), &called); err != nil {
		t.Fatal(err)
	}
	kinds := map[string][]string{ // those that sam writes out
		"AWS::Serverless::Function": {
			"AWS::Lambda::Function", "AWS::Lambda::Permission", "AWS::Lambda::EventSourceMapping",
			"AWS::Events::Rule",
		},
		"AWS::Serverless::HttpApi": {"AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage"},
	}
	tmpl := load(t)
	allowed := actionsOf(readPolicy(t, "deploy.json"))
	unused := notCalled()
	for _, action := range askedByAPIGateway() {
		if !slices.Contains(allowed, action) {
			t.Errorf("API Gateway wants %s of whoever deploys, which docs/iam/deploy.json does not allow", action)
		}
	}
	for _, id := range tmpl.Names("Resources") {
		kind, _ := tmpl.Get("Resources", id, "Type").(string)
		written := kinds[kind]
		if written == nil {
			written = []string{kind}
		}
		for _, k := range written {
			if called[k] == nil {
				t.Errorf("%s: handlers.json has no type %s: add it to handlers.py", id, k)
			}
			for _, action := range called[k] {
				if !slices.Contains(allowed, action) && !matchesAny(action, unused) {
					t.Errorf("%s: CloudFormation calls %s, which docs/iam/deploy.json does not allow", id, action)
				}
			}
		}
	}
}

func matchesAny(action string, byReason map[string][]string) bool {
	for _, patterns := range byReason {
		for _, p := range patterns {
			if is, _ := path.Match(p, action); is {
				return true
			}
		}
	}
	return false
}
