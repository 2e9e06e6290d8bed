package deployed_test

import (
	"net/http"
	"net/url"
	"testing"
)

// What ministack 1.5.33 leaves out of a deployment of the template is filled in here, by the calls that a user of it
// would make.

// addRoute makes the route that CloudFormation reads from the API's OpenAPI body, where the emulator has not.
func (s *stack) addRoute(t *testing.T) {
	t.Helper()
	var routes struct{ Items []any }
	s.aws.callREST(t, "apigateway", "GET", "/v2/apis/"+s.api+"/routes", nil, &routes)
	if len(routes.Items) > 0 {
		return
	}
	var integration struct{ IntegrationID string }
	s.aws.callREST(t, "apigateway", "POST", "/v2/apis/"+s.api+"/integrations", map[string]string{
		"integrationType": "AWS_PROXY", "payloadFormatVersion": "2.0",
		"integrationUri": "arn:aws:lambda:us-east-1:000000000000:function:" + s.ingest,
	}, &integration)
	s.aws.callREST(t, "apigateway", "POST", "/v2/apis/"+s.api+"/routes", map[string]string{
		"routeKey": "POST /webhooks/clerk", "target": "integrations/" + integration.IntegrationID,
	}, &struct{}{})
}

// setSyncConcurrency sets the event source's MaximumConcurrency to a number. The template takes it from a parameter;
// CloudFormation makes a number of that, and the emulator keeps its text, which its poller cannot compare.
func (s *stack) setSyncConcurrency(t *testing.T) {
	t.Helper()
	var mappings struct {
		EventSourceMappings []struct{ UUID string }
	}
	const path = "/2015-03-31/event-source-mappings/"
	s.aws.callREST(t, "lambda", "GET", path+"?"+url.Values{"FunctionName": {s.sync}}.Encode(), nil, &mappings)
	if len(mappings.EventSourceMappings) != 1 {
		t.Fatalf("%d event source mappings, want 1", len(mappings.EventSourceMappings))
	}
	s.aws.callREST(t, "lambda", "PUT", path+mappings.EventSourceMappings[0].UUID,
		map[string]any{"ScalingConfig": map[string]int{"MaximumConcurrency": 5}}, &struct{}{})
}

// allowBatchActions lets sync call SQS's batch actions. On AWS the permission for the single action, which the template
// gives, is the batch's too, and the batch does not have one of its own:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api-actions.html
func (s *stack) allowBatchActions(t *testing.T) {
	t.Helper()
	queue := "arn:aws:sqs:us-east-1:000000000000:" + stackName + "-deliveries"
	form := url.Values{
		"Action": {"PutRolePolicy"}, "Version": {"2010-05-08"},
		"RoleName": {s.physicalID(t, "SyncRole")}, "PolicyName": {"batches"},
		"PolicyDocument": {`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
			`"Action":["sqs:ChangeMessageVisibilityBatch","sqs:DeleteMessageBatch"],"Resource":"` + queue + `"}]}`},
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	s.aws.send(t, "iam", "POST", "/", header, []byte(form.Encode()))
}

// setAccessLogARN sets the access log's ARN without the ":*" in which a log group's own attribute ends. API Gateway
// takes it off; the emulator keeps it, so that sam does not find a group of that name.
// https://github.com/hashicorp/terraform-provider-aws/pull/4369
func (s *stack) setAccessLogARN(t *testing.T, group string) {
	t.Helper()
	settings := map[string]string{
		"destinationArn": "arn:aws:logs:us-east-1:000000000000:log-group:" + group, "format": "$context.requestId",
	}
	s.aws.callREST(t, "apigateway", "PATCH", "/v2/apis/"+s.api+"/stages/$default",
		map[string]any{"accessLogSettings": settings}, &struct{}{})
}
