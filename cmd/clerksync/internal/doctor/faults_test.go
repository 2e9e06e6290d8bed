package doctor_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/doctor"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

type stack = deploymenttest.Stack

// fault is something wrong with a stack that is well otherwise.
type fault struct {
	plant  func(*stack)
	status doctor.Status // Fail unless set
	says   string        // in the detail
	mend   string        // in the advice
	wait   time.Duration // for an event that will not come through
}

// testFaults wants each fault, by its name, to be found by the check, which says
// how to mend it.
func testFaults(t *testing.T, check string, faults map[string]fault) {
	t.Helper()
	for name, f := range faults {
		t.Run(check+", "+name, func(t *testing.T) {
			s := deploymenttest.New(t)
			s.UseAsAWS()
			s.SetBusy(10 * time.Minute)
			f.plant(s)
			if f.status == "" {
				f.status = doctor.Fail
			}
			o := ofStack(s)
			if f.wait > 0 {
				o.Wait = f.wait
			}
			v := examine(t, o)[check]
			if v.Status != f.status || !strings.Contains(v.Detail, f.says) ||
				v.Mend == "" || !strings.Contains(v.Mend, f.mend) {
				t.Errorf("doctor: %s = %+v, want %s that says %q, mend %q", check, v, f.status, f.says, f.mend)
			}
		})
	}
}

func denied(operation string) func(*stack) {
	return func(s *stack) { s.Account.Denied[operation] = true }
}

func output(name, value string) func(*stack) {
	return func(s *stack) { s.Account.Outputs[name] = value }
}

// A stack in any state but three has lost something, or is about to change. Where
// it is not found at all the checks of its parts have nothing to look at.
func TestStackFaults(t *testing.T) {
	status := func(status string) func(*stack) { return func(s *stack) { s.Account.StackStatus = status } }
	testFaults(t, "credentials", map[string]fault{
		"unknown to AWS": {plant: denied("GetCallerIdentity"), says: "does not know these", mend: "aws sso login"},
	})
	testFaults(t, "stack", map[string]fault{
		"not there":      {plant: denied("DescribeStacks"), says: "read stack mirror", mend: "--stack"},
		"output missing": {plant: output("QueueUrl", ""), says: "no output QueueUrl"},
		"failed":         {plant: status("UPDATE_ROLLBACK_FAILED"), says: "UPDATE_ROLLBACK_FAILED", mend: "events"},
		"rolled back": {
			plant: status("UPDATE_ROLLBACK_COMPLETE"), status: doctor.Warn, says: "the version before", mend: "deploy",
		},
		"in the middle": {
			plant: status("UPDATE_IN_PROGRESS"), status: doctor.Warn, says: "IN_PROGRESS", mend: "wait",
		},
	})
}

// Tables are looked at for what sync relies on, and for what is missed too late:
// expiry, without which a table grows for ever, and backups.
func TestTableFaults(t *testing.T) {
	other := func(keys ...string) func(*stack) {
		return func(s *stack) {
			createTable(t, s, "other", keys...)
			s.Account.Outputs["DirectoryTableName"] = "other"
		}
	}
	testFaults(t, "tables", map[string]fault{
		"gone":              {plant: output("DirectoryTableName", "nosuch"), says: "nosuch", mend: "deploy"},
		"another program's": {plant: other("id"), says: "has the key id", mend: "not clerksync's"},
		"indexes gone":      {plant: other("pk", "sk"), says: "by_email", mend: "deploy"},
	})
	testFaults(t, "ttl", map[string]fault{
		"off": {plant: func(s *stack) { switchExpiryOff(t, s) }, says: "nothing expires", mend: "update-time-to-live"},
	})
	off := func(s *stack) { s.SetRecovery(false) }
	byParameter := func(s *stack) { off(s); s.Account.Parameters["TablePointInTimeRecovery"] = "false" }
	testFaults(t, "backups", map[string]fault{
		"off": {plant: off, says: "is off", mend: "update-continuous-backups"},
		"off by parameter": {
			plant: byParameter, status: doctor.Warn, says: "by the stack's parameter", mend: "TablePointInTimeRecovery",
		},
		"not readable": {
			plant: denied("DescribeContinuousBackups"), says: "AccessDenied", mend: "dynamodb:Describe",
		},
	})
}

// The queue's attributes decide what an outage of the tables does: messages are
// lost without a dead-letter queue, and delivered twice with a short visibility
// timeout.
func TestQueueFaults(t *testing.T) {
	attribute := func(name, value string) func(*stack) {
		return func(s *stack) { s.SetQueueAttribute(name, value) }
	}
	testFaults(t, "queue", map[string]fault{
		"gone":                 {plant: output("QueueUrl", "http://x/nosuch"), says: "does not exist", mend: "deploy"},
		"no dead-letter queue": {plant: attribute("RedrivePolicy", ""), says: "no dead-letter queue", mend: "deploy"},
		"visibility too short": {plant: attribute("VisibilityTimeout", "30"), says: "30 s", mend: "deploy"},
		"messages wait": {
			plant: func(s *stack) { s.Account.SetQueueAge(2 * time.Hour) }, says: "the oldest for 2 h", mend: "log",
		},
	})
	testFaults(t, "dead-letters", map[string]fault{
		"two": {
			plant: func(s *stack) { s.PutDeadLetter(); s.PutDeadLetter() },
			says:  "2 dead letters", mend: "dlq ls --stack mirror",
		},
	})
}

// Between queue and sync stands the event source mapping, which can be switched
// off, doubled or led elsewhere without any error in a log.
func TestFunctionFaults(t *testing.T) {
	mappings := func(m ...map[string]any) func(*stack) { return func(s *stack) { s.Account.Mappings = m } }
	mapping := func(name string, value any) func(*stack) {
		return func(s *stack) { s.Account.Mappings[0][name] = value }
	}
	otherARN := "arn:aws:lambda:us-east-1:000000000000:function:other"
	testFaults(t, "event-source", map[string]fault{
		"none": {plant: mappings(), says: "no event source mapping", mend: "deploy"},
		"two": {
			plant: mappings(map[string]any{}, map[string]any{}), says: "2 functions", mend: "delete-event-source",
		},
		"off":                 {plant: mapping("State", "Disabled"), says: "disabled", mend: "--enabled"},
		"of another function": {plant: mapping("FunctionArn", otherARN), says: "other", mend: "deploy"},
		"no batch item failures": {
			plant: mapping("FunctionResponseTypes", []string{}),
			says:  "ReportBatchItemFailures is off", mend: "update-event-source-mapping",
		},
		"in trouble":  {plant: mapping("LastProcessingResult", "PROBLEM: it failed"), says: "it failed", mend: "log"},
		"starting up": {plant: mapping("State", "Enabling"), status: doctor.Warn, says: "Enabling", mend: "wait"},
		"not readable": {
			plant: denied("ListEventSourceMappings"), says: "AccessDenied", mend: "lambda:ListEventSourceMappings",
		},
	})
	reserved := func(n *int) func(*stack) { return func(s *stack) { s.Account.Reserved = n } }
	testFaults(t, "concurrency", map[string]fault{
		"nothing reserved": {
			plant: reserved(nil), status: doctor.Warn, says: "all 1000 executions", mend: "IngestReservedConcurrency",
		},
		"none allowed": {plant: reserved(new(int)), says: "may not run", mend: "delete-function-concurrency"},
	})
}

// What went through says what no configuration shows: rows of two instances in one
// table, silence, and requests that are turned away. The advice about silence
// depends on how long it lasts, for Svix helps differently at each age.
func TestTrafficFaults(t *testing.T) {
	users := func(s *stack) { s.PutUser("a", "ins_dev"); s.PutUser("b", "ins_prod") }
	testFaults(t, "instances", map[string]fault{
		"two": {plant: users, says: "ins_dev (1), ins_prod (1)", mend: "ClerkInstanceId"},
		"another one": {
			plant: func(s *stack) { users(s); s.Account.Parameters["ClerkInstanceId"] = "ins_prod" },
			says:  "does not take: ins_dev", mend: "delete",
		},
	})
	const day = 24 * time.Hour
	silent := func(ago time.Duration) func(*stack) {
		return func(s *stack) { s.Account.Forget(); s.SetBusy(ago) }
	}
	testFaults(t, "silence", map[string]fault{
		"for 26 hours": {plant: silent(26 * time.Hour), says: "26 h ago", mend: "tries each message again by itself"},
		"for 2 days":   {plant: silent(49 * time.Hour), says: "2 days ago", mend: "replay what failed since"},
		"for 10 days":  {plant: silent(10 * day), says: "10 days ago", mend: "disables an endpoint"},
		"for 80 days":  {plant: silent(80 * day), says: "80 days ago", mend: "enable it"},
		"for 85 days": {
			plant: silent(85 * day), says: "85 days ago", mend: "clerksync backfill, then clerksync diff --repair",
		},
		"for ever": {
			plant: func(s *stack) { s.Account.Forget() }, status: doctor.Warn,
			says: "no event came yet", mend: "/webhooks/clerk",
		},
		"of sync alone": {
			plant: func(s *stack) {
				silent(9 * time.Hour)(s)
				s.Account.Count("Verified", deploymenttest.IngestFunction, time.Hour, 3)
			},
			says: "none is applied since", mend: "nothing is lost",
		},
		"not readable": {plant: denied("GetMetricData"), says: "AccessDenied", mend: "cloudwatch:GetMetricData"},
	})
	rejected := func(reason string) func(*stack) {
		return func(s *stack) { s.Account.Count("Rejected", deploymenttest.IngestFunction, time.Minute, 4, reason) }
	}
	testFaults(t, "rejections", map[string]fault{
		"every signature": {
			plant: func(s *stack) { silent(2 * time.Hour)(s); rejected("invalid_signature")(s) },
			says:  "refused, 4 of them", mend: "another endpoint's",
		},
		"some signatures": {
			plant: rejected("invalid_signature"), status: doctor.Warn, says: "4 signatures", mend: "second endpoint",
		},
		"no secret": {plant: rejected("not_configured"), says: "found no secret", mend: "secret check"},
		"no queue":  {plant: rejected("unavailable"), status: doctor.Warn, says: "found no queue", mend: "SQS"},
		"timestamps": {
			plant: rejected("invalid_timestamp"), status: doctor.Warn, says: "out of tolerance", mend: "clock",
		},
	})
}

// A secret can be missing, malformed, readable for too many, or another endpoint's.
func TestSecretFaults(t *testing.T) {
	secret := func(text string, kind ssmtypes.ParameterType) func(*stack) {
		return func(s *stack) { s.SetSecret(text, kind) }
	}
	const secure = ssmtypes.ParameterTypeSecureString
	testFaults(t, "secret", map[string]fault{
		"missing": {
			plant: secret("", ""), says: "no parameter", mend: "secret set --parameter /clerksync/signing-secret",
		},
		"malformed": {plant: secret(`"`+svixtest.Secret+`"`, secure), says: "malformed", mend: "secret set"},
		"in the open": {
			plant: secret(svixtest.Secret, ssmtypes.ParameterTypeString), status: doctor.Warn,
			says: "is a String", mend: "secret set",
		},
		"not readable": {plant: denied("GetParameter"), says: "AccessDenied", mend: "ssm:GetParameter"},
		"key not readable": {
			plant: denied("DescribeParameters"), status: doctor.Warn,
			says: "AccessDenied", mend: "ssm:DescribeParameters",
		},
		"not on the stack's key": {
			plant:  func(s *stack) { s.Account.Parameters["SecretKeyArn"] = "arn:aws:kms:example:0:key/1" },
			status: doctor.Warn, says: "encrypted with alias/aws/ssm", mend: "--key-id arn:aws:kms:example:0:key/1",
		},
		"on another key": {
			plant: func(s *stack) { s.SetSecretKey("alias/other") }, status: doctor.Warn,
			says: "encrypted with alias/other", mend: "SecretKeyArn",
		},
	})
	testFaults(t, "signature", map[string]fault{
		"another secret": {plant: secret(svixtest.OtherSecret, secure), says: "another secret", mend: "dashboard"},
	})
}

// Each wrong answer to a request without a signature is mended elsewhere: in the
// dashboard's URL, at the gateway, in the function, or by a clock.
func TestEndpointFaults(t *testing.T) {
	answers := func(status int, text string) func(*stack) {
		return func(s *stack) { s.Webhook = func(w http.ResponseWriter, _ *http.Request) { answer(w, status, text) } }
	}
	redirect := http.RedirectHandler("https://example.com/", http.StatusMovedPermanently).ServeHTTP
	testFaults(t, "endpoint", map[string]fault{
		"down": {
			plant: output("WebhookUrl", "http://127.0.0.1:1/webhooks/clerk"), says: "refused", mend: "deploy",
		},
		"wrong path": {
			plant: func(s *stack) { output("WebhookUrl", strings.TrimSuffix(s.Pipeline.WebhookURL, "clerk"))(s) },
			says:  "does not know the path", mend: "without a slash",
		},
		"redirected":      {plant: func(s *stack) { s.Webhook = redirect }, says: "redirects", mend: "no redirect"},
		"route gone":      {plant: answers(404, `{"message":"no"}`), says: "no such route", mend: "/webhooks/clerk"},
		"authorizer":      {plant: answers(403, `{"message":"no"}`), says: "refuses requests", mend: "no authorizer"},
		"throttled":       {plant: answers(429, `{}`), says: "throttled", mend: "ThrottlingRateLimit"},
		"no secret":       {plant: answers(500, `{"error":"not_configured"}`), says: "no secret", mend: "secret check"},
		"function broken": {plant: answers(500, `{"message":"no"}`), says: "does not answer", mend: "log"},
		"takes anything":  {plant: answers(200, `ok`), says: "WITHOUT a signature", mend: "off the internet"},
		"something else":  {plant: answers(418, `a teapot`), says: "unexpected answer", mend: "clerksync's"},
	})
	clock := func(ahead time.Duration) func(*stack) {
		return func(s *stack) {
			through := s.Proxy(s.Pipeline.WebhookURL)
			through.ModifyResponse = func(r *http.Response) error {
				r.Header.Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
				return nil
			}
			s.Webhook = through.ServeHTTP
		}
	}
	testFaults(t, "clock", map[string]fault{
		"2 minutes ahead":   {plant: clock(2 * time.Minute), status: doctor.Warn, says: "behind", mend: "NTP"},
		"10 minutes behind": {plant: clock(-10 * time.Minute), says: "ahead of", mend: "NTP"},
	})
}

// What goes wrong only with a signed event.
func TestRoundtripFaults(t *testing.T) {
	// signed answers the requests that are accepted, and leaves the others to the
	// pipeline.
	signed := func(accept func(body string, h http.Header) bool, status int, text string) func(*stack) {
		return func(s *stack) {
			through := s.Webhook
			s.Webhook = func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err == nil && accept(string(body), r.Header) {
					answer(w, status, text)
					return
				}
				r.Body = io.NopCloser(strings.NewReader(string(body)))
				through(w, r)
			}
		}
	}
	isSigned := func(_ string, h http.Header) bool { return h.Get("svix-id") != "" }
	isDeletion := func(body string, _ http.Header) bool { return strings.Contains(body, "role.deleted") }
	testFaults(t, "signature", map[string]fault{
		"queue refuses": {
			plant: signed(isSigned, 503, `{"error":"unavailable"}`), says: "queue did not take", mend: "ingest",
		},
		"not clerksync": {plant: signed(isSigned, 200, `{"ok":true}`), says: "was not ignored", mend: "clerksync's"},
	})
	testFaults(t, "way-through", map[string]fault{
		"event lost": {
			plant: signed(isDeletion, 200, `{"received":true}`), says: "is not in the table", mend: "get delivery msg_",
			wait: 500 * time.Millisecond,
		},
		"rows not to be deleted": {
			plant: denied("DeleteItem"), status: doctor.Warn, says: "could not be deleted", mend: "expires",
		},
		"rows deleted without proof": {
			plant: func(s *stack) {
				rest := s.Account.Rest
				s.Account.Rest = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DeleteItem") {
						answer(w, http.StatusOK, "{}")
						return
					}
					rest.ServeHTTP(w, r)
				})
			},
			status: doctor.Warn, says: "does not show that the table gave it", mend: "by hand",
		},
	})
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("content-type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// createTable creates a table without indexes.
func createTable(t *testing.T, s *stack, name string, keys ...string) {
	t.Helper()
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
	for i, key := range keys {
		in.AttributeDefinitions = append(in.AttributeDefinitions,
			types.AttributeDefinition{AttributeName: &key, AttributeType: types.ScalarAttributeTypeS})
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{
			AttributeName: &key, KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i],
		})
	}
	if _, err := s.Pipeline.DynamoDB.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

func switchExpiryOff(t *testing.T, s *stack) {
	t.Helper()
	name, off := "expires_at", false
	if _, err := s.Pipeline.DynamoDB.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName:               &s.Pipeline.DeliveriesTable,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: &name, Enabled: &off},
	}); err != nil {
		t.Fatal(err)
	}
}
