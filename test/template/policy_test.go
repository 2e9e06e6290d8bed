package template_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/test/template"
)

// grant is one statement of a role's policy.
type grant struct {
	role, policy string
	actions      []string
	resource     any
}

// grants are all statements of the roles' inline policies and of the policies that stand by themselves.
func grants(t *testing.T, tmpl *template.Template) []grant {
	t.Helper()
	var all []grant
	add := func(role string, policy map[string]any) {
		name, _ := policy["PolicyName"].(string)
		document, _ := policy["PolicyDocument"].(map[string]any)
		statements, _ := document["Statement"].([]any)
		if name == "" || len(statements) != 1 {
			t.Errorf("%s: policy %q has %d statements, want a name and one", role, name, len(statements))
		}
		for _, s := range statements {
			statement, _ := s.(map[string]any)
			if statement["Effect"] != "Allow" {
				t.Errorf("%s: policy %q: Effect = %v, want Allow", role, name, statement["Effect"])
			}
			all = append(all, grant{role, name, list(statement["Action"]), statement["Resource"]})
		}
	}
	for _, id := range tmpl.OfType("AWS::IAM::Role") {
		policies, _ := at(tmpl, id, "Policies").([]any)
		for _, p := range policies {
			policy, _ := p.(map[string]any)
			add(id, policy)
		}
	}
	for _, id := range tmpl.OfType("AWS::IAM::Policy") {
		policy, _ := at(tmpl, id).(map[string]any)
		roles, _ := policy["Roles"].([]any)
		for _, role := range roles {
			ref, _ := role.(map[string]any)
			add(fmt.Sprint(ref["Ref"]), policy)
		}
	}
	return all
}

func list(value any) []string {
	items, isList := value.([]any)
	if !isList {
		items = []any{value}
	}
	texts := make([]string, 0, len(items))
	for _, item := range items {
		texts = append(texts, fmt.Sprint(item))
	}
	return texts
}

func TestEachRoleMayDoExactlyThis(t *testing.T) {
	want := []string{
		"IngestRole logs:CreateLogStream on IngestLogGroup.Arn",
		"IngestRole logs:PutLogEvents on IngestLogGroup.Arn",
		"IngestRole sqs:SendMessage on Queue.Arn",
		"IngestRole ssm:GetParameter on arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter${SecretParameterName}",
		"IngestRole xray:PutTelemetryRecords on *",
		"IngestRole xray:PutTraceSegments on *",
		"RedriveRole sqs:CancelMessageMoveTask on DeadLetterQueue.Arn",
		"RedriveRole sqs:ChangeMessageVisibility on DeadLetterQueue.Arn",
		"RedriveRole sqs:DeleteMessage on DeadLetterQueue.Arn",
		"RedriveRole sqs:GetQueueAttributes on DeadLetterQueue.Arn",
		"RedriveRole sqs:GetQueueAttributes on Queue.Arn",
		"RedriveRole sqs:ListMessageMoveTasks on DeadLetterQueue.Arn",
		"RedriveRole sqs:ReceiveMessage on DeadLetterQueue.Arn",
		"RedriveRole sqs:SendMessage on Queue.Arn",
		"RedriveRole sqs:StartMessageMoveTask on DeadLetterQueue.Arn",
		"SyncRole dynamodb:BatchGetItem on DirectoryTable.Arn",
		"SyncRole dynamodb:DeleteItem on DirectoryTable.Arn",
		"SyncRole dynamodb:GetItem on DirectoryTable.Arn",
		"SyncRole dynamodb:PutItem on DeliveriesTable.Arn",
		"SyncRole dynamodb:PutItem on DirectoryTable.Arn",
		"SyncRole dynamodb:Query on DirectoryTable.Arn",
		"SyncRole logs:CreateLogStream on SyncLogGroup.Arn",
		"SyncRole logs:PutLogEvents on SyncLogGroup.Arn",
		"SyncRole sqs:ChangeMessageVisibility on Queue.Arn",
		"SyncRole sqs:DeleteMessage on Queue.Arn",
		"SyncRole sqs:GetQueueAttributes on Queue.Arn",
		"SyncRole sqs:ReceiveMessage on Queue.Arn",
		"SyncRole sqs:SendMessage on DeadLetterQueue.Arn",
		"SyncRole xray:PutTelemetryRecords on *",
		"SyncRole xray:PutTraceSegments on *",
	}
	const key = "arn:aws:kms:us-east-1:111122223333:key/example"
	tests := []struct {
		name   string
		params map[string]any
		more   []string
	}{
		{"defaults", nil, nil},
		{"tracing", map[string]any{"Tracing": "Active"}, nil},
		{"a key of one's own", map[string]any{"SecretKeyArn": key}, []string{"IngestRole kms:Decrypt on " + key}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, g := range grants(t, load(t).With(tt.params)) {
				for _, action := range g.actions {
					got = append(got, fmt.Sprintf("%s %s on %s", g.role, action, arn(g.resource)))
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(slices.Sorted(slices.Values(slices.Concat(want, tt.more))), got); diff != "" {
				t.Errorf("grants (-want +got):\n%s", diff)
			}
		})
	}
}

// arn is a resource of a statement in one line: the text, the Fn::Sub's text, or id.attribute of an Fn::GetAtt.
func arn(resource any) string {
	if call, ok := resource.(map[string]any); ok {
		if parts, isAtt := call["Fn::GetAtt"].([]any); isAtt {
			return strings.Join(list(parts), ".")
		}
		if text, isSub := call["Fn::Sub"].(string); isSub {
			return text
		}
	}
	return fmt.Sprint(resource)
}

func TestEveryStatementNamesItsActionsAndOneARN(t *testing.T) {
	traced := load(t).With(map[string]any{"Tracing": "Active", "SecretKeyArn": "arn:aws:kms:us-east-1:111122223333:key/x"})
	for _, g := range grants(t, traced) {
		t.Run(g.role+" "+g.policy, func(t *testing.T) {
			for _, action := range g.actions {
				if strings.Contains(action, "*") {
					t.Errorf("action = %s, want it spelled out", action)
				}
			}
			if _, several := g.resource.([]any); several {
				t.Errorf("resource = %v, want one ARN", g.resource)
			}
			// X-Ray's two actions know no resource.
			if strings.Contains(arn(g.resource), "*") && g.policy != "send-traces" {
				t.Errorf("resource = %s, want one ARN", arn(g.resource))
			}
		})
	}
}

func TestFunctionsHaveTheirOwnRolesAndNothingIsAdded(t *testing.T) {
	tmpl := load(t)
	for _, id := range tmpl.OfType("AWS::Serverless::Function") {
		t.Run(id, func(t *testing.T) {
			want := getAtt(strings.TrimSuffix(id, "Function") + "Role.Arn")
			if diff := cmp.Diff(want, at(tmpl, id, "Role")); diff != "" {
				t.Errorf("Role of %s (-want +got):\n%s", id, diff)
			}
			if got := at(tmpl, id, "Policies"); got != nil {
				t.Errorf("Policies of %s = %v, want none beside its role", id, got)
			}
		})
	}
	for _, id := range tmpl.OfType("AWS::IAM::Role") {
		t.Run(id, func(t *testing.T) {
			if got := at(tmpl, id, "ManagedPolicyArns"); got != nil {
				t.Errorf("ManagedPolicyArns of %s = %v, want none: they grant on every resource", id, got)
			}
		})
	}
}

// The queue is named, or this would be a circle: queue -> dead letters -> queue.
func TestOnlyTheQueueMayUseItsDeadLetters(t *testing.T) {
	tmpl := load(t)
	name, _ := at(tmpl, "Queue", "QueueName").(map[string]any)
	text, _ := name["Fn::Sub"].(string)
	if text == "" {
		t.Fatalf("QueueName of Queue = %v, want an Fn::Sub", name)
	}
	want := map[string]any{
		"redrivePermission": "byQueue",
		"sourceQueueArns": []any{
			map[string]any{"Fn::Sub": "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:" + text},
		},
	}
	if diff := cmp.Diff(want, at(tmpl, "DeadLetterQueue", "RedriveAllowPolicy")); diff != "" {
		t.Errorf("RedriveAllowPolicy (-want +got):\n%s", diff)
	}
}

func TestQueuePolicies(t *testing.T) {
	tmpl := load(t)
	plain := func(queue string) map[string]any {
		return map[string]any{
			"Sid": "DenyPlainHttp", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": getAtt(queue + ".Arn"),
			"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
		}
	}
	others := func(queue string, senders any) map[string]any {
		return map[string]any{
			"Sid": "DenyOtherSenders", "Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": getAtt(queue + ".Arn"),
			"Condition": map[string]any{
				"ArnNotEquals": map[string]any{"aws:PrincipalArn": senders},
				"Bool":         map[string]any{"aws:PrincipalIsAWSService": "false"},
			},
		}
	}
	tests := map[string][]any{
		"Queue":           {plain("Queue"), others("Queue", []any{getAtt("IngestRole.Arn"), getAtt("RedriveRole.Arn")})},
		"DeadLetterQueue": {plain("DeadLetterQueue"), others("DeadLetterQueue", getAtt("SyncRole.Arn"))},
	}
	for queue, want := range tests {
		t.Run(queue, func(t *testing.T) {
			if diff := cmp.Diff([]any{map[string]any{"Ref": queue}}, at(tmpl, queue+"Policy", "Queues")); diff != "" {
				t.Errorf("queues of the policy (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want, at(tmpl, queue+"Policy", "PolicyDocument", "Statement")); diff != "" {
				t.Errorf("statements (-want +got):\n%s", diff)
			}
		})
	}
}
