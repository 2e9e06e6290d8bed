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

// fault is something wrong with a stack that is well otherwise.
type fault struct {
	name   string
	plant  func(*deploymenttest.Stack)
	check  string        // that finds it
	status doctor.Status // Fail unless set
	says   string        // in the detail
	mend   string        // in the advice
}

// testFaults wants each fault to be named by its check, with how to mend it.
func testFaults(t *testing.T, faults []fault) {
	t.Helper()
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			s := deploymenttest.New(t)
			s.UseAsAWS()
			s.SetBusy(10 * time.Minute)
			f.plant(s)
			if f.status == "" {
				f.status = doctor.Fail
			}
			v := examine(t, ofStack(s))[f.check]
			if v.Status != f.status || !strings.Contains(v.Detail, f.says) ||
				v.Mend == "" || !strings.Contains(v.Mend, f.mend) {
				t.Errorf("doctor: %s = %+v, want %s that says %q, mend %q", f.check, v, f.status, f.says, f.mend)
			}
		})
	}
}

func denied(operation string) func(*deploymenttest.Stack) {
	return func(s *deploymenttest.Stack) { s.Account.Denied[operation] = true }
}

func stackStatus(status string) func(*deploymenttest.Stack) {
	return func(s *deploymenttest.Stack) { s.Account.StackStatus = status }
}

func TestStackFaults(t *testing.T) {
	testFaults(t, []fault{
		{
			name: "credentials unknown to AWS", plant: denied("GetCallerIdentity"),
			check: "credentials", says: "does not know these credentials", mend: "aws sso login",
		},
		{
			name: "stack not there", plant: denied("DescribeStacks"),
			check: "stack", says: "read stack mirror", mend: "--stack",
		},
		{
			name:  "output missing",
			plant: func(s *deploymenttest.Stack) { delete(s.Account.Outputs, "QueueUrl") },
			check: "stack", says: "no output QueueUrl",
		},
		{
			name: "stack failed", plant: stackStatus("UPDATE_ROLLBACK_FAILED"),
			check: "stack", says: "UPDATE_ROLLBACK_FAILED", mend: "events",
		},
		{
			name: "stack rolled back", plant: stackStatus("UPDATE_ROLLBACK_COMPLETE"),
			check: "stack", status: doctor.Warn, says: "the version before", mend: "deploy",
		},
		{
			name: "stack in the middle", plant: stackStatus("UPDATE_IN_PROGRESS"),
			check: "stack", status: doctor.Warn, says: "IN_PROGRESS", mend: "wait",
		},
	})
}

func TestTableFaults(t *testing.T) {
	otherTable := func(keys ...string) func(*deploymenttest.Stack) {
		return func(s *deploymenttest.Stack) {
			createTable(t, s, "other", keys...)
			s.Account.Outputs["DirectoryTableName"] = "other"
		}
	}
	testFaults(t, []fault{
		{
			name:  "table gone",
			plant: func(s *deploymenttest.Stack) { s.Account.Outputs["DirectoryTableName"] = "nosuch" },
			check: "tables", says: "nosuch", mend: "deploy",
		},
		{
			name: "another program's table", plant: otherTable("id"),
			check: "tables", says: "has the key id", mend: "not clerksync's",
		},
		{
			name: "indexes gone", plant: otherTable("pk", "sk"),
			check: "tables", says: "by_email", mend: "deploy",
		},
		{
			name: "expiry off", plant: func(s *deploymenttest.Stack) { switchExpiryOff(t, s) },
			check: "ttl", says: "nothing expires", mend: "update-time-to-live",
		},
		{
			name:  "backups off",
			plant: func(s *deploymenttest.Stack) { s.SetRecovery(false) },
			check: "backups", says: "is off", mend: "update-continuous-backups",
		},
		{
			name: "backups off by parameter",
			plant: func(s *deploymenttest.Stack) {
				s.SetRecovery(false)
				s.Account.Parameters["TablePointInTimeRecovery"] = "false"
			},
			check: "backups", status: doctor.Warn, says: "by the stack's parameter", mend: "TablePointInTimeRecovery",
		},
		{
			name: "backups not to be read", plant: denied("DescribeContinuousBackups"),
			check: "backups", says: "AccessDenied", mend: "dynamodb:DescribeContinuousBackups",
		},
	})
}

func TestQueueFaults(t *testing.T) {
	attribute := func(name, value string) func(*deploymenttest.Stack) {
		return func(s *deploymenttest.Stack) { s.SetQueueAttribute(name, value) }
	}
	mapping := func(name string, value any) func(*deploymenttest.Stack) {
		return func(s *deploymenttest.Stack) { s.Account.Mappings[0][name] = value }
	}
	testFaults(t, []fault{
		{
			name:  "queue gone",
			plant: func(s *deploymenttest.Stack) { s.Account.Outputs["QueueUrl"] += "x" },
			check: "queue", says: "does not exist", mend: "deploy",
		},
		{
			name: "no dead-letter queue", plant: attribute("RedrivePolicy", ""),
			check: "queue", says: "no dead-letter queue", mend: "deploy",
		},
		{
			name: "visibility too short", plant: attribute("VisibilityTimeout", "30"),
			check: "queue", says: "30 s", mend: "deploy",
		},
		{
			name:  "messages wait",
			plant: func(s *deploymenttest.Stack) { s.Account.SetQueueAge(2 * time.Hour) },
			check: "queue", says: "the oldest for 2 h", mend: "sync's log",
		},
		{
			name:  "dead letters",
			plant: func(s *deploymenttest.Stack) { s.PutDeadLetter(); s.PutDeadLetter() },
			check: "dead-letters", says: "2 dead letters", mend: "dlq ls --stack mirror",
		},
		{
			name:  "no event source",
			plant: func(s *deploymenttest.Stack) { s.Account.Mappings = nil },
			check: "event-source", says: "no event source mapping", mend: "deploy",
		},
		{
			name: "two event sources",
			plant: func(s *deploymenttest.Stack) {
				s.Account.Mappings = append(s.Account.Mappings, s.Account.Mappings[0])
			},
			check: "event-source", says: "2 functions", mend: "delete-event-source-mapping",
		},
		{
			name: "event source off", plant: mapping("State", "Disabled"),
			check: "event-source", says: "disabled", mend: "--enabled",
		},
		{
			name:  "event source of another function",
			plant: mapping("FunctionArn", "arn:aws:lambda:us-east-1:000000000000:function:other"),
			check: "event-source", says: "other", mend: "deploy",
		},
		{
			name: "no batch item failures", plant: mapping("FunctionResponseTypes", []string{}),
			check: "event-source", says: "ReportBatchItemFailures is off", mend: "update-event-source-mapping",
		},
		{
			name: "event source in trouble", plant: mapping("LastProcessingResult", "PROBLEM: Function call failed"),
			check: "event-source", says: "Function call failed", mend: "log",
		},
		{
			name: "event source coming up", plant: mapping("State", "Enabling"),
			check: "event-source", status: doctor.Warn, says: "Enabling", mend: "wait",
		},
		{
			name: "event source not readable", plant: denied("ListEventSourceMappings"),
			check: "event-source", says: "AccessDenied", mend: "lambda:ListEventSourceMappings",
		},
		{
			name:  "nothing reserved",
			plant: func(s *deploymenttest.Stack) { s.Account.Reserved = nil },
			check: "concurrency", status: doctor.Warn, says: "all 1000 executions", mend: "IngestReservedConcurrency",
		},
		{
			name:  "ingest may not run",
			plant: func(s *deploymenttest.Stack) { s.Account.Reserved = new(int) },
			check: "concurrency", says: "may not run", mend: "delete-function-concurrency",
		},
	})
}

func TestTrafficFaults(t *testing.T) {
	silent := func(ago time.Duration) func(*deploymenttest.Stack) {
		return func(s *deploymenttest.Stack) { s.Account.Forget(); s.SetBusy(ago) }
	}
	rejected := func(reason string) func(*deploymenttest.Stack) {
		return func(s *deploymenttest.Stack) {
			s.Account.Count("Rejected", deploymenttest.IngestFunction, time.Minute, 1, reason)
		}
	}
	testFaults(t, []fault{
		{
			name:  "two instances",
			plant: func(s *deploymenttest.Stack) { s.PutUser("a", "ins_dev"); s.PutUser("b", "ins_prod") },
			check: "instances", says: "ins_dev (1), ins_prod (1)", mend: "ClerkInstanceId",
		},
		{
			name: "rows of another instance",
			plant: func(s *deploymenttest.Stack) {
				s.PutUser("a", "ins_dev")
				s.PutUser("b", "ins_prod")
				s.Account.Parameters["ClerkInstanceId"] = "ins_prod"
			},
			check: "instances", says: "does not take: ins_dev", mend: "delete",
		},
		{
			name: "quiet for 26 hours", plant: silent(26 * time.Hour),
			check: "silence", says: "26 h ago", mend: "tries each message again by itself",
		},
		{
			name: "quiet for 2 days", plant: silent(49 * time.Hour),
			check: "silence", says: "2 days ago", mend: "replay what failed since",
		},
		{
			name: "quiet for 10 days", plant: silent(240 * time.Hour),
			check: "silence", says: "10 days ago", mend: "disables an endpoint",
		},
		{
			name: "quiet for 80 days", plant: silent(80 * 24 * time.Hour),
			check: "silence", says: "80 days ago", mend: "enable it",
		},
		{
			name:  "never an event",
			plant: func(s *deploymenttest.Stack) { s.Account.Forget() },
			check: "silence", status: doctor.Warn, says: "no event came yet", mend: "/webhooks/clerk",
		},
		{
			name: "received, not applied",
			plant: func(s *deploymenttest.Stack) {
				silent(9 * time.Hour)(s)
				s.Account.Count("Verified", deploymenttest.IngestFunction, time.Hour, 3)
			},
			check: "silence", says: "none is applied since", mend: "nothing is lost",
		},
		{
			name: "metrics not readable", plant: denied("GetMetricData"),
			check: "silence", says: "AccessDenied", mend: "cloudwatch:GetMetricData",
		},
		{
			name: "every signature wrong",
			plant: func(s *deploymenttest.Stack) {
				silent(2 * time.Hour)(s)
				s.Account.Count("Rejected", deploymenttest.IngestFunction, time.Minute, 4, "invalid_signature")
			},
			check: "rejections", says: "refused, 4 of them", mend: "another endpoint's",
		},
		{
			name: "some signatures wrong", plant: rejected("invalid_signature"),
			check: "rejections", status: doctor.Warn, says: "1 signatures", mend: "second endpoint",
		},
		{
			name: "no secret, it said", plant: rejected("not_configured"),
			check: "rejections", says: "found no secret", mend: "secret check",
		},
		{
			name: "no queue, it said", plant: rejected("unavailable"),
			check: "rejections", status: doctor.Warn, says: "found no queue", mend: "SQS",
		},
		{
			name: "late timestamps", plant: rejected("invalid_timestamp"),
			check: "rejections", status: doctor.Warn, says: "out of tolerance", mend: "clock",
		},
	})
}

func TestSecretFaults(t *testing.T) {
	secret := func(text string, kind ssmtypes.ParameterType) func(*deploymenttest.Stack) {
		return func(s *deploymenttest.Stack) { s.SetSecret(text, kind) }
	}
	const secure = ssmtypes.ParameterTypeSecureString
	testFaults(t, []fault{
		{
			name: "missing", plant: secret("", ""),
			check: "secret", says: "no parameter", mend: "secret set --parameter /clerksync/signing-secret",
		},
		{
			name: "malformed", plant: secret(`"`+svixtest.Secret+`"`, secure),
			check: "secret", says: "malformed", mend: "secret set",
		},
		{
			name: "in the open", plant: secret(svixtest.Secret, ssmtypes.ParameterTypeString),
			check: "secret", status: doctor.Warn, says: "is a String", mend: "secret set",
		},
		{
			name: "not readable", plant: denied("GetParameter"),
			check: "secret", says: "AccessDenied", mend: "ssm:GetParameter",
		},
		{
			name: "another one", plant: secret(svixtest.OtherSecret, secure),
			check: "signature", says: "another secret", mend: "dashboard",
		},
	})
}

func TestEndpointFaults(t *testing.T) {
	answers := func(status int, text string) func(*deploymenttest.Stack) {
		return func(s *deploymenttest.Stack) {
			s.Intercept = func(w http.ResponseWriter, _ *http.Request) { answer(w, status, text) }
		}
	}
	moved := func(to string) func(*deploymenttest.Stack) {
		return func(s *deploymenttest.Stack) { s.Account.Outputs["WebhookUrl"] = to }
	}
	clock := func(ahead time.Duration) func(*deploymenttest.Stack) {
		return func(s *deploymenttest.Stack) {
			s.Rewrite = func(r *http.Response) error {
				r.Header.Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
				return nil
			}
		}
	}
	testFaults(t, []fault{
		{
			name: "down", plant: moved("http://127.0.0.1:1/webhooks/clerk"),
			check: "endpoint", says: "connection refused", mend: "deploy",
		},
		{
			name: "route gone", plant: answers(404, `{"message":"Not Found"}`),
			check: "endpoint", says: "no such route", mend: "/webhooks/clerk",
		},
		{
			name: "wrong path",
			plant: func(s *deploymenttest.Stack) {
				s.Account.Outputs["WebhookUrl"] = strings.TrimSuffix(s.Pipeline.WebhookURL, "clerk")
			},
			check: "endpoint", says: "does not know the path", mend: "without a slash",
		},
		{
			name: "authorizer in front", plant: answers(403, `{"message":"Forbidden"}`),
			check: "endpoint", says: "refuses requests", mend: "no authorizer",
		},
		{
			name: "throttled", plant: answers(429, `{"message":"Too Many Requests"}`),
			check: "endpoint", says: "throttled", mend: "ThrottlingRateLimit",
		},
		{
			name: "redirected",
			plant: func(s *deploymenttest.Stack) {
				s.Intercept = http.RedirectHandler("https://example.com/", http.StatusMovedPermanently).ServeHTTP
			},
			check: "endpoint", says: "redirects to", mend: "Svix follows no redirect",
		},
		{
			name: "without a secret", plant: answers(500, `{"error":"not_configured"}`),
			check: "endpoint", says: "has no secret", mend: "secret check",
		},
		{
			name: "function broken", plant: answers(500, `{"message":"Internal Server Error"}`),
			check: "endpoint", says: "does not answer", mend: "log",
		},
		{
			name: "takes anything", plant: answers(200, `ok`),
			check: "endpoint", says: "WITHOUT a signature", mend: "off the internet",
		},
		{
			name: "something else", plant: answers(418, `I am a teapot`),
			check: "endpoint", says: "unexpected answer", mend: "clerksync's",
		},
		{
			name: "clock 2 minutes ahead", plant: clock(2 * time.Minute),
			check: "clock", status: doctor.Warn, says: "behind", mend: "NTP",
		},
		{
			name: "clock 10 minutes behind", plant: clock(-10 * time.Minute),
			check: "clock", says: "ahead of", mend: "NTP",
		},
	})
}

// What goes wrong only with a signed event.
func TestRoundtripFaults(t *testing.T) {
	// answers what is signed, and leaves the rest to the pipeline.
	answers := func(status int, text string) func(*deploymenttest.Stack) {
		return func(s *deploymenttest.Stack) {
			through := s.Proxy(s.Pipeline.WebhookURL)
			s.Intercept = func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("svix-id") == "" {
					through.ServeHTTP(w, r)
					return
				}
				answer(w, status, text)
			}
		}
	}
	testFaults(t, []fault{
		{
			name: "queue refuses", plant: answers(503, `{"error":"unavailable"}`),
			check: "signature", says: "queue did not take", mend: "ingest",
		},
		{
			name: "not clerksync", plant: answers(200, `{"ok":true}`),
			check: "signature", says: "was not ignored", mend: "clerksync's",
		},
		{
			name: "event lost", plant: loseDeletions,
			check: "way-through", says: "is not in the table", mend: "get delivery msg_",
		},
		{
			name: "rows not to be deleted", plant: denied("DeleteItem"),
			check: "way-through", status: doctor.Warn, says: "could not be deleted", mend: "expires",
		},
	})
}

// loseDeletions acknowledges a deletion and drops it.
func loseDeletions(s *deploymenttest.Stack) {
	through := s.Proxy(s.Pipeline.WebhookURL)
	s.Intercept = func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && strings.Contains(string(body), "role.deleted") {
			answer(w, http.StatusOK, `{"received":true}`)
			return
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		through.ServeHTTP(w, r)
	}
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("content-type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// createTable creates a table without indexes.
func createTable(t *testing.T, s *deploymenttest.Stack, name string, keys ...string) {
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

func switchExpiryOff(t *testing.T, s *deploymenttest.Stack) {
	t.Helper()
	name, off := "expires_at", false
	if _, err := s.Pipeline.DynamoDB.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName:               &s.Pipeline.DeliveriesTable,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: &name, Enabled: &off},
	}); err != nil {
		t.Fatal(err)
	}
}
