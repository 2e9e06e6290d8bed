package template_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/test/template"
)

// grant is one statement of a role's policy.
type grant struct {
	role, policy string
	apart        bool // the policy is a resource of its own, not a part of the role
	actions      []string
	resource     any
}

// grants are all statements of the roles' own policies and of the policies that stand apart.
func grants(t *testing.T, tmpl *template.Template) (all []grant) {
	t.Helper()
	add := func(role string, policy map[string]any, apart bool) {
		name, _ := policy["PolicyName"].(string)
		statements := asMaps(asMap(policy["PolicyDocument"])["Statement"])
		if name == "" || len(statements) != 1 {
			t.Errorf("%s: policy %q has %d statements, want a name and one", role, name, len(statements))
		}
		for _, s := range statements {
			if s["Effect"] != "Allow" {
				t.Errorf("%s: policy %q: Effect = %v, want Allow", role, name, s["Effect"])
			}
			all = append(all, grant{
				role: role, policy: name, apart: apart, actions: texts(s["Action"]), resource: s["Resource"],
			})
		}
	}
	for _, id := range tmpl.OfType("AWS::IAM::Role") {
		for _, policy := range asMaps(property(tmpl, id+".Policies")) {
			add(id, policy, false)
		}
	}
	for _, id := range slices.Concat(tmpl.OfType("AWS::IAM::Policy"), tmpl.OfType("AWS::IAM::ManagedPolicy")) {
		policy := asMap(property(tmpl, id))
		for _, role := range asMaps(policy["Roles"]) {
			add(fmt.Sprint(role["Ref"]), policy, true)
		}
	}
	return all
}

// The list is complete: a permission that is added by mistake fails as one that is missing does.
func TestEachRoleMayDoExactlyThis(t *testing.T) {
	const (
		parameter = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter${SecretParameterName}"
		key       = "arn:aws:kms:us-east-1:111122223333:key/example"
		clerkKey  = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter${ClerkSecretKeyParameter}"
	)
	probe := map[string][]string{ // it reads by key alone, and no other role reads Clerk's secret key
		"ProbeRole ${ProbeLogGroup.Arn}":  {"logs:CreateLogStream", "logs:PutLogEvents"},
		"ProbeRole " + clerkKey:           {"ssm:GetParameter"},
		"ProbeRole ${DirectoryTable.Arn}": {"dynamodb:BatchGetItem", "dynamodb:GetItem"},
		"ProbeRole *":                     {"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
	}
	probeWithKey := maps.Clone(probe)
	probeWithKey["IngestRole "+key], probeWithKey["ProbeRole "+key] = []string{"kms:Decrypt"}, []string{"kms:Decrypt"}
	always := map[string][]string{ // by role and resource
		"IngestRole ${IngestLogGroup.Arn}": {"logs:CreateLogStream", "logs:PutLogEvents"},
		"IngestRole ${Queue.Arn}":          {"sqs:SendMessage"},
		"IngestRole " + parameter:          {"ssm:GetParameter"},
		"IngestRole *":                     {"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
		"SyncRole ${SyncLogGroup.Arn}":     {"logs:CreateLogStream", "logs:PutLogEvents"},
		"SyncRole ${Queue.Arn}": {
			"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage",
			"sqs:SendMessage",
		},
		"SyncRole ${DeadLetterQueue.Arn}": {"sqs:SendMessage"},
		"SyncRole ${DirectoryTable.Arn}": {
			"dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query",
		},
		"SyncRole ${DeliveriesTable.Arn}": {"dynamodb:PutItem"},
		"SyncRole *":                      {"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
		"RedriveRole ${Queue.Arn}":        {"sqs:GetQueueAttributes", "sqs:SendMessage"},
		"RedriveRole ${DeadLetterQueue.Arn}": {
			"sqs:CancelMessageMoveTask", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes",
			"sqs:ListMessageMoveTasks", "sqs:ReceiveMessage", "sqs:StartMessageMoveTask",
		},
	}
	for name, c := range map[string]struct {
		params params
		more   map[string][]string
	}{
		"by default": {},
		"tracing":    {params: params{"Tracing": "Active"}}, // Lambda looks for the actions before it is on
		"a customer's key": {
			params: params{"SecretKeyArn": key},
			more:   map[string][]string{"IngestRole " + key: {"kms:Decrypt"}},
		},
		"the probe": {params: probing(), more: probe},
		"the probe and a customer's key": {
			params: params{"ClerkSecretKeyParameter": "/k", "SecretKeyArn": key}, more: probeWithKey,
		},
	} {
		t.Run(name, func(t *testing.T) {
			want, got := maps.Clone(always), map[string][]string{}
			maps.Copy(want, c.more)
			for _, g := range grants(t, load(t, c.params)) {
				to := g.role + " " + asSub(g.resource)
				got[to] = append(got[to], g.actions...)
				slices.Sort(got[to])
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("grants (-want +got):\n%s", diff)
			}
		})
	}
}

// A wildcard would grant what a later version of the code, or of AWS, adds.
func TestEveryStatementNamesItsActionsAndOneARN(t *testing.T) {
	tmpl := load(t, probing(), params{
		"Tracing": "Active", "SecretKeyArn": "arn:aws:kms:us-east-1:111122223333:key/x",
	})
	for _, g := range grants(t, tmpl) {
		for _, action := range g.actions {
			if strings.Contains(action, "*") {
				t.Errorf("%s %s: action = %s, want it spelled out", g.role, g.policy, action)
			}
		}
		// X-Ray's two actions do not take a resource.
		_, several := g.resource.([]any)
		if several || strings.Contains(asSub(g.resource), "*") && g.policy != "send-traces" {
			t.Errorf("%s %s: resource = %v, want one ARN", g.role, g.policy, g.resource)
		}
	}
}

// Lambda looks for these actions in a function's role when it creates or updates the function or its event source
// mapping. CloudFormation waits for a role before it creates the function, but not for a policy that stands apart and
// names the role, and IAM's changes take seconds to arrive: where such a policy granted the action, the deployment
// would fail now and then.
// https://github.com/aws/serverless-application-model/issues/225
// https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
func TestNoPolicyApartGrantsWhatLambdaChecks(t *testing.T) {
	checked := []string{
		"xray:PutTraceSegments", "xray:PutTelemetryRecords",
		"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes",
		"sqs:SendMessage", "sns:Publish", // for the dead-letter queue of a function
	}
	apart := 0
	traced := params{"Tracing": "Active", "SecretKeyArn": "arn:aws:kms:example"}
	for _, g := range grants(t, load(t, probing(), traced)) {
		if !g.apart {
			continue
		}
		apart++
		for _, action := range g.actions {
			if slices.Contains(checked, action) {
				t.Errorf("%s grants %s, which Lambda checks: want it in the role's own Policies", g.policy, action)
			}
		}
	}
	if apart == 0 {
		t.Error("no policy stands apart from its role: does the test still find them?")
	}
}

// SAM adds policies and roles by itself where a template leaves room for it.
func TestFunctionsHaveTheirOwnRolesAndNothingIsAdded(t *testing.T) {
	tmpl := load(t, probing())
	for _, id := range tmpl.OfType("AWS::Serverless::Function") {
		want := "${" + strings.TrimSuffix(id, "Function") + "Role.Arn}"
		if got := asSub(property(tmpl, id+".Role")); got != want {
			t.Errorf("role of %s = %s, want %s", id, got, want)
		}
		if got := property(tmpl, id+".Policies"); got != nil {
			t.Errorf("Policies of %s = %v, want its role only", id, got)
		}
	}
	for _, id := range tmpl.OfType("AWS::IAM::Role") {
		function := strings.TrimSuffix(id, "Role") + "Function" // without a condition too, or there is none
		want := tmpl.Get("Resources", function, "Condition")
		if got := tmpl.Get("Resources", id, "Condition"); got != want {
			t.Errorf("Condition of %s = %v, want its function's, %v: it must be there before it", id, got, want)
		}
		if got := property(tmpl, id+".ManagedPolicyArns"); got != nil {
			t.Errorf("ManagedPolicyArns of %s = %v, want none: they grant on every resource", id, got)
		}
	}
}

// The queue has a name of its own, so that this is not a circle: queue -> dead letters -> queue.
func TestOnlyTheQueueMayUseItsDeadLetters(t *testing.T) {
	tmpl := load(t)
	name, isSub := asMap(property(tmpl, "Queue.QueueName"))["Fn::Sub"].(string)
	if !isSub {
		t.Fatalf("QueueName of Queue = %v, want an Fn::Sub", property(tmpl, "Queue.QueueName"))
	}
	wantProperty(t, tmpl, "DeadLetterQueue.RedriveAllowPolicy", `
		redrivePermission: byQueue
		sourceQueueArns: [!Sub "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:`+name+`"]`)
}

// Only those who have a reason may send, and nothing comes over plain HTTP.
func TestQueuePolicies(t *testing.T) {
	tmpl := load(t)
	for queue, senders := range map[string]string{
		"Queue":           "[!GetAtt IngestRole.Arn, !GetAtt SyncRole.Arn, !GetAtt RedriveRole.Arn]",
		"DeadLetterQueue": "!GetAtt SyncRole.Arn",
	} {
		wantProperty(t, tmpl, queue+"Policy.Queues", "[!Ref "+queue+"]")
		wantProperty(t, tmpl, queue+"Policy.PolicyDocument.Statement", `
			- Sid: DenyPlainHttp
			  Effect: Deny
			  Principal: "*"
			  Action: sqs:*
			  Resource: !GetAtt `+queue+`.Arn
			  Condition: {Bool: {aws:SecureTransport: "false"}}
			- Sid: DenyOtherSenders
			  Effect: Deny
			  Principal: "*"
			  Action: sqs:SendMessage
			  Resource: !GetAtt `+queue+`.Arn
			  Condition:
			    ArnNotEquals: {aws:PrincipalArn: `+senders+`}
			    Bool: {aws:PrincipalIsAWSService: "false"}`)
	}
}
