package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// TestDoctorFindsFaults plants each fault that doctor names into a stack that
// is well, and wants it named by its check, with how to mend it.
func TestDoctorFindsFaults(t *testing.T) {
	const secure = ssmtypes.ParameterTypeSecureString
	for name, c := range map[string]struct {
		plant               func(*hospital)
		check, status, says string
		mend                string
	}{
		"credentials unknown to AWS": {denied("GetCallerIdentity"), "credentials", "fail", "does not know these credentials", "aws sso login"},
		"stack not there":            {func(h *hospital) { h.flags = []string{"--stack", "nosuch"} }, "stack", "fail", "does not exist", "--stack"},
		"output missing":             {func(h *hospital) { delete(h.account.outputs, "QueueUrl") }, "stack", "fail", "no output QueueUrl", ""},
		"stack failed":               {func(h *hospital) { h.account.stackStatus = "UPDATE_ROLLBACK_FAILED" }, "stack", "fail", "UPDATE_ROLLBACK_FAILED", "events"},
		"stack rolled back":          {func(h *hospital) { h.account.stackStatus = "UPDATE_ROLLBACK_COMPLETE" }, "stack", "warn", "the version before", "deploy"},
		"stack in the middle":        {func(h *hospital) { h.account.stackStatus = "UPDATE_IN_PROGRESS" }, "stack", "warn", "IN_PROGRESS", "wait"},
		"table gone":                 {func(h *hospital) { h.account.outputs["DirectoryTableName"] = "nosuch" }, "tables", "fail", "nosuch", "deploy"},
		"another table": {func(h *hospital) {
			h.account.outputs["DirectoryTableName"] = h.DeliveriesTable + "x"
			h.foreign()
		}, "tables", "fail", "has the key id", "none of clerksync's"},
		"index gone":  {func(h *hospital) { h.bare() }, "tables", "fail", "by_email", "deploy"},
		"expiry off":  {func(h *hospital) { h.expiry("expires_at", false) }, "ttl", "fail", "nothing expires", "update-time-to-live"},
		"backups off": {func(h *hospital) { h.recover(false) }, "backups", "fail", "is off", "update-continuous-backups"},
		"backups off by parameter": {func(h *hospital) {
			h.recover(false)
			h.account.parameters["TablePointInTimeRecovery"] = "false"
		}, "backups", "warn", "by the stack's parameter", "TablePointInTimeRecovery"},
		"backups not to be read": {denied("DescribeContinuousBackups"), "backups", "fail", "AccessDenied", "dynamodb:DescribeContinuousBackups"},
		"queue gone":             {func(h *hospital) { h.account.outputs["QueueUrl"] += "x" }, "queue", "fail", "does not exist", "deploy"},
		"no dead-letter queue":   {func(h *hospital) { h.attribute(h.QueueURL, "RedrivePolicy", "") }, "queue", "fail", "no dead-letter queue", "deploy"},
		"visibility too short":   {func(h *hospital) { h.attribute(h.QueueURL, "VisibilityTimeout", "30") }, "queue", "fail", "30 s", "deploy"},
		"messages wait": {func(h *hospital) {
			h.account.samples = append(h.account.samples, sample{"AWS/SQS/ApproximateAgeOfOldestMessage", "QueueName=clerksync-deliveries", time.Now().Add(-time.Minute), 7300})
		}, "queue", "fail", "the oldest for 2 h", "sync's log"},
		"no event source": {func(h *hospital) { h.account.mappings = nil }, "event-source", "fail", "no event source mapping", "deploy"},
		"two event sources": {func(h *hospital) {
			h.account.mappings = append(h.account.mappings, h.account.mappings[0])
		}, "event-source", "fail", "2 functions", "delete-event-source-mapping"},
		"event source off":          {mapping("State", "Disabled"), "event-source", "fail", "disabled", "--enabled"},
		"event source of another":   {mapping("FunctionArn", "arn:aws:lambda:us-east-1:000000000000:function:other"), "event-source", "fail", "other", "deploy"},
		"no batch item failures":    {mapping("FunctionResponseTypes", []string{}), "event-source", "fail", "ReportBatchItemFailures is off", "update-event-source-mapping"},
		"event source in trouble":   {mapping("LastProcessingResult", "PROBLEM: Function call failed"), "event-source", "fail", "Function call failed", "log"},
		"event source coming up":    {mapping("State", "Enabling"), "event-source", "warn", "Enabling", "wait"},
		"event source not readable": {denied("ListEventSourceMappings"), "event-source", "fail", "AccessDenied", "lambda:ListEventSourceMappings"},
		"dead letters":              {func(h *hospital) { h.dead() }, "dead-letters", "fail", "2 dead letters", "dlq ls --stack mirror"},
		"two instances": {
			func(h *hospital) { h.user("a", "ins_dev"); h.user("b", "ins_prod") },
			"instances", "fail", "ins_dev (1), ins_prod (1)", "ClerkInstanceId",
		},
		"a stranger's rows": {func(h *hospital) {
			h.user("a", "ins_dev")
			h.user("b", "ins_prod")
			h.account.parameters["ClerkInstanceId"] = "ins_prod"
		}, "instances", "fail", "does not take: ins_dev", "delete"},
		"quiet for 26 hours": {silent(26 * time.Hour), "silence", "fail", "26 h ago", "tries each message again by itself"},
		"quiet for 2 days":   {silent(49 * time.Hour), "silence", "fail", "2 days ago", "replay what failed since"},
		"quiet for 10 days":  {silent(240 * time.Hour), "silence", "fail", "10 days ago", "disables an endpoint"},
		"quiet for 80 days":  {silent(80 * 24 * time.Hour), "silence", "fail", "80 days ago", "enable it"},
		"never an event":     {func(h *hospital) { h.account.samples = nil }, "silence", "warn", "no event came yet", "/webhooks/clerk"},
		"received, not applied": {func(h *hospital) {
			silent(9 * time.Hour)(h)
			h.account.counted("Verified", "mirror-ingest", time.Hour, 3)
		}, "silence", "fail", "none is applied since", "nothing is lost"},
		"metrics not readable": {denied("GetMetricData"), "silence", "fail", "AccessDenied", "cloudwatch:GetMetricData"},
		"every signature wrong": {func(h *hospital) {
			silent(2 * time.Hour)(h)
			h.account.counted("Rejected", "mirror-ingest", time.Minute, 4, "invalid_signature")
		}, "rejections", "fail", "refused, 4 of them", "another endpoint's"},
		"some signatures wrong": {rejected("invalid_signature"), "rejections", "warn", "1 signatures", "second endpoint"},
		"no secret, it said":    {rejected("not_configured"), "rejections", "fail", "found no secret", "secret check"},
		"no queue, it said":     {rejected("unavailable"), "rejections", "warn", "found no queue", "SQS"},
		"late timestamps":       {rejected("invalid_timestamp"), "rejections", "warn", "out of tolerance", "clock"},
		"nothing reserved":      {func(h *hospital) { h.account.reserved = nil }, "concurrency", "warn", "all 1000 executions", "IngestReservedConcurrency"},
		"ingest may not run":    {func(h *hospital) { h.account.reserved = new(int) }, "concurrency", "fail", "may not run", "delete-function-concurrency"},
		"secret missing":        {func(h *hospital) { h.keep("", "") }, "secret", "fail", "no parameter", "secret set --parameter /clerksync/signing-secret"},
		"secret malformed":      {func(h *hospital) { h.keep(`"`+svixtest.Secret+`"`, secure) }, "secret", "fail", "malformed", "secret set"},
		"secret in the open":    {func(h *hospital) { h.keep(svixtest.Secret, ssmtypes.ParameterTypeString) }, "secret", "warn", "is a String", "secret set"},
		"secret not readable":   {denied("GetParameter"), "secret", "fail", "AccessDenied", "ssm:GetParameter"},
		"another secret":        {func(h *hospital) { h.keep(svixtest.OtherSecret, secure) }, "signature", "fail", "another secret", "dashboard"},
		"endpoint down":         {func(h *hospital) { h.account.outputs["WebhookUrl"] = "http://127.0.0.1:1/webhooks/clerk" }, "endpoint", "fail", "connection refused", "deploy"},
		"route gone":            {answers(404, `{"message":"Not Found"}`), "endpoint", "fail", "no such route", "/webhooks/clerk"},
		"wrong path": {func(h *hospital) {
			h.flags = append(h.flags, "--url", strings.TrimSuffix(h.WebhookURL, "clerk"))
		}, "endpoint", "fail", "does not know the path", "without a slash"},
		"authorizer in front": {answers(403, `{"message":"Forbidden"}`), "endpoint", "fail", "refuses requests", "no authorizer"},
		"throttled":           {answers(429, `{"message":"Too Many Requests"}`), "endpoint", "fail", "throttled", "ThrottlingRateLimit"},
		"redirected": {func(h *hospital) {
			h.door = http.RedirectHandler("https://example.com/", http.StatusMovedPermanently).ServeHTTP
		}, "endpoint", "fail", "redirects to", "Svix follows no redirect"},
		"without a secret":       {answers(500, `{"error":"not_configured"}`), "endpoint", "fail", "has no secret", "secret check"},
		"function broken":        {answers(500, `{"message":"Internal Server Error"}`), "endpoint", "fail", "does not answer", "log"},
		"takes anything":         {answers(200, `ok`), "endpoint", "fail", "WITHOUT a signature", "off the internet"},
		"something else":         {answers(418, `I am a teapot`), "endpoint", "fail", "unexpected answer", "clerksync's"},
		"clock 2 minutes behind": {skewed(2 * time.Minute), "clock", "warn", "behind", "NTP"},
		"clock 10 minutes ahead": {skewed(-10 * time.Minute), "clock", "fail", "ahead of", "NTP"},
		"queue refuses":          {signedAnswer(503, `{"error":"unavailable"}`), "signature", "fail", "queue did not take", "ingest"},
		"not clerksync":          {signedAnswer(200, `{"ok":true}`), "signature", "fail", "not told to be ignored", "clerksync's"},
		"event lost":             {eventLost, "way-through", "fail", "is not in the table", "get delivery msg_"},
		"rows not to be deleted": {denied("DeleteItem"), "way-through", "warn", "could not be deleted", "expires"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHospital(t)
			h.inAWS()
			h.busy(10 * time.Minute)
			c.plant(h)
			got, words, status := h.examine("--wait", "500ms")
			v := got[c.check]
			if v.Status != c.status || !strings.Contains(v.Detail, c.says) || v.Mend == "" || !strings.Contains(v.Mend, c.mend) {
				t.Errorf("doctor: %s = %+v, want %s that says %q, mend %q\n%s", c.check, v, c.status, c.says, c.mend, words)
			}
			want := 0
			for _, v := range got {
				if v.Status == statusFail {
					want = 1
				}
			}
			if status != want || c.status == statusFail && status != terminal.ExitFailed {
				t.Errorf("doctor exits %d, want %d for %+v", status, want, got)
			}
		})
	}
}

func rejected(reason string) func(*hospital) {
	return func(h *hospital) {
		h.account.counted("Rejected", "mirror-ingest", time.Minute, 1, reason)
	}
}

// signedAnswer answers what is signed.
func signedAnswer(status int, text string) func(*hospital) {
	return func(h *hospital) {
		through := proxy(h.t, h.WebhookURL, nil)
		h.door = func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("svix-id") == "" {
				through.ServeHTTP(w, r)
				return
			}
			says(w, status, text)
		}
	}
}

// eventLost acknowledges a deletion and drops it.
func eventLost(h *hospital) {
	through := proxy(h.t, h.WebhookURL, nil)
	h.door = func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && strings.Contains(string(body), "role.deleted") {
			says(w, http.StatusOK, `{"received":true}`)
			return
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		through.ServeHTTP(w, r)
	}
}

// foreign makes a table that is none of ours.
func (h *hospital) foreign() {
	h.t.Helper()
	h.create(h.DeliveriesTable+"x", "id", "")
}

// bare makes a Directory table without indexes.
func (h *hospital) bare() {
	h.t.Helper()
	h.account.outputs["DirectoryTableName"] = "bare"
	h.create("bare", "pk", "sk")
}

func (h *hospital) create(name, hash, sort string) {
	h.t.Helper()
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: ddb.BillingModePayPerRequest}
	for i, key := range []string{hash, sort} {
		if key != "" {
			in.AttributeDefinitions = append(in.AttributeDefinitions, ddb.AttributeDefinition{AttributeName: &key, AttributeType: ddb.ScalarAttributeTypeS})
			in.KeySchema = append(in.KeySchema, ddb.KeySchemaElement{AttributeName: &key, KeyType: []ddb.KeyType{ddb.KeyTypeHash, ddb.KeyTypeRange}[i]})
		}
	}
	if _, err := h.DynamoDB.CreateTable(h.t.Context(), in); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hospital) expiry(attribute string, on bool) {
	h.t.Helper()
	if _, err := h.DynamoDB.UpdateTimeToLive(h.t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName: &h.DeliveriesTable, TimeToLiveSpecification: &ddb.TimeToLiveSpecification{AttributeName: &attribute, Enabled: &on},
	}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hospital) dead() {
	h.t.Helper()
	for range 2 {
		if _, err := h.SQS.SendMessage(h.t.Context(), &sqs.SendMessageInput{QueueUrl: &h.DeadLetterQueueURL, MessageBody: aws.String("{}")}); err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *hospital) user(id, instance string) {
	h.t.Helper()
	h.row(h.DirectoryTable, map[string]string{"pk": "USER#" + id, "sk": "USER", "kind": "user", "instance_id": instance})
}
