package deployed_test

import (
	"net/http"
	"net/url"
	"testing"
)

// What ministack 1.5.33 leaves out of a deployment of the template, filled in
// by the calls that a user of it would make.

// addRoute makes the route that CloudFormation reads from the API's OpenAPI
// body, where the emulator has not.
func (s *stack) addRoute(t *testing.T) {
	t.Helper()
	var routes struct{ Items []any }
	s.call(t, "apigateway", "GET", "/v2/apis/"+s.api+"/routes", nil, &routes)
	if len(routes.Items) > 0 {
		return
	}
	var integration struct{ IntegrationID string }
	s.call(t, "apigateway", "POST", "/v2/apis/"+s.api+"/integrations", map[string]string{
		"integrationType": "AWS_PROXY", "payloadFormatVersion": "2.0",
		"integrationUri": "arn:aws:lambda:us-east-1:000000000000:function:" + s.ingest,
	}, &integration)
	s.call(t, "apigateway", "POST", "/v2/apis/"+s.api+"/routes", map[string]string{
		"routeKey": "POST /webhooks/clerk", "target": "integrations/" + integration.IntegrationID,
	}, &struct{}{})
}

// limitSync says the event source's MaximumConcurrency as a number. The
// template takes it from a parameter; CloudFormation makes a number of that,
// and the emulator keeps its text, which its poller can't compare.
func (s *stack) limitSync(t *testing.T) {
	t.Helper()
	var mappings struct {
		EventSourceMappings []struct{ UUID string }
	}
	s.call(t, "lambda", "GET", "/2015-03-31/event-source-mappings/?"+url.Values{"FunctionName": {s.sync}}.Encode(), nil, &mappings)
	if len(mappings.EventSourceMappings) != 1 {
		t.Fatalf("%d event source mappings, want 1", len(mappings.EventSourceMappings))
	}
	s.call(t, "lambda", "PUT", "/2015-03-31/event-source-mappings/"+mappings.EventSourceMappings[0].UUID,
		map[string]any{"ScalingConfig": map[string]int{"MaximumConcurrency": 5}}, &struct{}{})
}

// allowBatches lets sync call SQS's batch actions. On AWS the permission for
// the single action, which the template gives, is the batch's too, and the
// batch has none of its own:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api-actions.html
func (s *stack) allowBatches(t *testing.T) {
	t.Helper()
	queue := "arn:aws:sqs:us-east-1:000000000000:" + stackName + "-deliveries"
	s.query(t, "iam", url.Values{
		"Action": {"PutRolePolicy"}, "Version": {"2010-05-08"},
		"RoleName": {s.physical(t, "SyncRole")}, "PolicyName": {"batches"},
		"PolicyDocument": {`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
			`"Action":["sqs:ChangeMessageVisibilityBatch","sqs:DeleteMessageBatch"],"Resource":"` + queue + `"}]}`},
	})
}

// nameAccessLog says the access log's ARN without the ":*" in which a log
// group's own attribute ends. For API Gateway it is no part of the ARN; the
// emulator keeps it, so that sam finds no group of that name.
// https://github.com/hashicorp/terraform-provider-aws/pull/4369
func (s *stack) nameAccessLog(t *testing.T, group string) {
	t.Helper()
	s.call(t, "apigateway", "PATCH", "/v2/apis/"+s.api+"/stages/$default", map[string]any{"accessLogSettings": map[string]string{
		"destinationArn": "arn:aws:logs:us-east-1:000000000000:log-group:" + group, "format": "$context.requestId",
	}}, &struct{}{})
}

// query makes a signed call of a service that takes forms.
func (s *stack) query(t *testing.T, service string, form url.Values) {
	t.Helper()
	s.send(t, service, "POST", "/", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(form.Encode()))
}
