package template_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/test/template"
)

// checkedByLambda are the actions that Lambda looks for in a function's role when it creates or updates the function or
// its event source mapping. CloudFormation waits for a role before it creates the function, but not for a policy that
// names the role, and IAM's changes take seconds to arrive: where such a policy grants the action, the deployment fails
// now and then.
// https://github.com/aws/serverless-application-model/issues/225
// https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
func checkedByLambda() []string {
	return []string{
		"xray:PutTraceSegments", "xray:PutTelemetryRecords",
		"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes",
		"sqs:SendMessage", "sns:Publish", // for the dead-letter queue of a function
	}
}

func TestRolesMaySendTracesBeforeTracingIsOn(t *testing.T) {
	for _, tracing := range []string{"PassThrough", "Active"} {
		tmpl := load(t).With(map[string]any{"Tracing": tracing})
		for _, function := range tmpl.OfType("AWS::Serverless::Function") {
			t.Run(tracing+" "+function, func(t *testing.T) {
				role := strings.TrimSuffix(function, "Function") + "Role"
				if condition := tmpl.Get("Resources", role, "Condition"); condition != nil {
					t.Errorf("Condition of %s = %v, want none", role, condition)
				}
				got := inlineActions(tmpl, role)
				for _, action := range []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"} {
					if !slices.Contains(got, action) {
						t.Errorf("own policies of %s grant %v, want %s among them", role, got, action)
					}
				}
			})
		}
	}
}

// inlineActions are the actions of the policies in the role itself.
func inlineActions(tmpl *template.Template, role string) (all []string) {
	policies, _ := at(tmpl, role, "Policies").([]any)
	for _, p := range policies {
		policy, _ := p.(map[string]any)
		document, _ := policy["PolicyDocument"].(map[string]any)
		statements, _ := document["Statement"].([]any)
		for _, s := range statements {
			statement, _ := s.(map[string]any)
			all = append(all, list(statement["Action"])...)
		}
	}
	return all
}

func TestNoPolicyApartGrantsWhatLambdaChecks(t *testing.T) {
	// Every condition that an own policy may hang on holds.
	tmpl := load(t).With(map[string]any{
		"Tracing": "Active", "SecretKeyArn": "arn:aws:kms:us-east-1:111122223333:key/example",
	})
	apart := slices.Concat(tmpl.OfType("AWS::IAM::Policy"), tmpl.OfType("AWS::IAM::ManagedPolicy"))
	if len(apart) == 0 {
		t.Fatal("no policy stands apart from its role: does the test still find them?")
	}
	for _, id := range apart {
		t.Run(id, func(t *testing.T) {
			statements, _ := at(tmpl, id, "PolicyDocument", "Statement").([]any)
			for _, s := range statements {
				statement, _ := s.(map[string]any)
				for _, action := range list(statement["Action"]) {
					if slices.Contains(checkedByLambda(), action) {
						t.Errorf("%s grants %s, which Lambda checks: want it in the role's own Policies", id, action)
					}
				}
			}
		})
	}
}
