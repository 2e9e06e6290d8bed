package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
	"github.com/clerksync/clerksync/pkg/ingest"
)

// roleKey is the access key of RedriveRole.
const roleKey = "ASIAROLE"

// cloud is AWS around a running pipeline. It answers what the emulators do not know from its fields, the way AWS would
// if all were well, and passes the rest on. A test changes the fields.
type cloud struct {
	stack    *deploymenttest.Stack
	wait     time.Duration  // for what comes later: long, for the machine may be busy
	requests sync.WaitGroup // that are being carried out

	givesUp      bool              // SQS moves our message to the dead-letter queue
	assumes      bool              // RedriveRole may be assumed
	otherMoves   string            // how a move with other rights than the role's ends
	traces       bool              // Lambda switches tracing on
	tracing      map[string]string // mode by function
	alarm        string            // state
	alarmEnds    bool              // a look at the alarm ends it
	published    string            // how its messages to the topic end
	lines        map[string]string // of the logs, by filter
	restored     map[string]string // source by table
	lacksIndexes bool              // a restored table does
	on           func(operation string)
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	s := deploymenttest.New(t)
	s.UseAsAWS()
	s.SetBusy(0)
	s.Account.Count("Rejected", deploymenttest.IngestFunction, 0, 1, ingest.ReasonMissingHeaders)
	s.Account.Parameters["AlarmEmail"] = "ada@example.test"
	c := &cloud{
		stack: s, wait: time.Minute, givesUp: true, assumes: true, otherMoves: "FAILED", traces: true,
		tracing: map[string]string{}, alarm: "OK", alarmEnds: true, published: "Succeeded",
		lines: map[string]string{
			`"` + ingest.Path + `"`: `{"route":"POST /webhooks/clerk","status":"200"}`,
			`"platform.report"`: `{"type":"platform.report","record":{"metrics":` +
				`{"durationMs":40.5,"initDurationMs":80.2}}}`,
		},
		restored: map[string]string{}, on: func(string) {},
	}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	for _, service := range []string{
		"CLOUDFORMATION", "CLOUDWATCH", "CLOUDWATCH_LOGS", "DYNAMODB", "LAMBDA", "SQS", "SSM", "STS",
	} {
		t.Setenv("AWS_ENDPOINT_URL_"+service, server.URL)
	}
	return c
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.requests.Add(1)
	defer c.requests.Done()
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	// AWS does what it was asked, though nobody waits any more. With a time limit, for the proxy ignores a context that
	// has no end.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), time.Minute)
	defer cancel()
	r = r.WithContext(ctx)
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if strings.Contains(r.URL.Path, "/operation/") {
		operation = path.Base(r.URL.Path)
	}
	c.on(operation)
	var in map[string]any
	_ = json.Unmarshal(body, &in)
	asRole := strings.Contains(r.Header.Get("Authorization"), roleKey)
	switch {
	case strings.Contains(r.URL.Path, "/functions/"):
		c.serveLambda(w, r, in)
	case strings.Contains(string(body), "Action=AssumeRole"), strings.Contains(string(body), "LogicalResourceId=") &&
		strings.Contains(string(body), "LogGroup"):
		c.serveQuery(w, string(body))
	case operation == "FilterLogEvents":
		c.serveLogs(w, in)
	case strings.Contains(r.URL.Path, "/operation/") && operation != "GetMetricData":
		c.serveAlarms(w, operation, body)
	case strings.HasSuffix(operation, "MessageMoveTask"), strings.HasSuffix(operation, "MessageMoveTasks"):
		c.serveMoves(w, asRole)
	case operation == "SendMessage" && asRole:
		c.serveSend(w, r, string(body))
	default:
		c.serveTables(w, r, operation, in)
	}
}

func answer(w io.Writer, format string, args ...any) { fmt.Fprintf(w, format, args...) }

func (c *cloud) serveQuery(w http.ResponseWriter, body string) {
	if !strings.Contains(body, "AssumeRole") {
		name := "/aws/vendedlogs/mirror/api"
		if strings.Contains(body, "Ingest") {
			name = "ingest-log"
		}
		answer(w, `<R><DescribeStackResourceResult><StackResourceDetail><PhysicalResourceId>%s</PhysicalResourceId>`+
			`</StackResourceDetail></DescribeStackResourceResult></R>`, name)
		return
	}
	if !c.assumes {
		w.WriteHeader(http.StatusForbidden)
		answer(w, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`)
		return
	}
	answer(w, `<R><AssumeRoleResult><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>s</SecretAccessKey>`+
		`<SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></R>`,
		roleKey, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}

func (c *cloud) serveLogs(w http.ResponseWriter, in map[string]any) {
	events := []map[string]string{}
	if line := c.lines[in["filterPattern"].(string)]; line != "" {
		events = append(events, map[string]string{"message": line + "\n"})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"events": events})
}

func (c *cloud) serveLambda(w http.ResponseWriter, r *http.Request, in map[string]any) {
	function := strings.Split(r.URL.Path, "/")[3]
	if r.Method == http.MethodPut {
		mode := in["TracingConfig"].(map[string]any)["Mode"].(string)
		if mode == "Active" && !c.traces {
			w.Header().Set("X-Amzn-Errortype", "InvalidParameterValueException")
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c.tracing[function] = mode
	}
	mode := c.tracing[function]
	if mode == "" {
		mode = "PassThrough"
	}
	text := fmt.Sprintf(`{"TracingConfig":{"Mode":%q},"LastUpdateStatus":"Successful"}`, mode)
	if !strings.HasSuffix(r.URL.Path, "/configuration") {
		text = `{"Configuration":` + text + `}`
	}
	answer(w, "%s", text)
}

func (c *cloud) serveAlarms(w http.ResponseWriter, operation string, body []byte) {
	out := cbor.Map{}
	switch operation {
	case "SetAlarmState":
		v, _ := cbor.Decode(body)
		c.alarm = string(v.(cbor.Map)["StateValue"].(cbor.String))
	case "DescribeAlarms":
		out["MetricAlarms"] = cbor.List{cbor.Map{"StateValue": cbor.String(c.alarm)}}
		if c.alarmEnds {
			c.alarm = "OK"
		}
	case "DescribeAlarmHistory":
		data := cbor.String(fmt.Sprintf(`{"actionState":%q}`, c.published))
		out["AlarmHistoryItems"] = cbor.List{cbor.Map{"HistoryData": data}}
	}
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.Header().Set("Content-Type", "application/cbor")
	_, _ = w.Write(cbor.Encode(out))
}

// serveMoves answers as if every move had ended, and ours had come back to the dead letters.
func (c *cloud) serveMoves(w http.ResponseWriter, asRole bool) {
	status, moved := c.otherMoves, 0
	if asRole {
		status = "COMPLETED"
	}
	if status == "COMPLETED" {
		moved = 1
	}
	answer(w, `{"TaskHandle":"h","Results":[{"Status":%q,"FailureReason":"AccessDenied",`+
		`"ApproximateNumberOfMessagesMoved":%d}]}`, status, moved)
}

// serveSend moves what is sent to the queue to the dead-letter queue, as SQS does after some receives.
func (c *cloud) serveSend(w http.ResponseWriter, r *http.Request, body string) {
	if c.givesUp {
		body = strings.ReplaceAll(body, c.stack.Pipeline.QueueURL, c.stack.Pipeline.DeadLetterQueueURL)
	} else {
		body = strings.ReplaceAll(body, poisonVersion, "1") // sync deals with it, and nothing is given up
	}
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	c.stack.Account.ServeHTTP(w, r)
}

// serveTables restores tables in name only: a restored one is described as its source.
func (c *cloud) serveTables(w http.ResponseWriter, r *http.Request, operation string, in map[string]any) {
	name, _ := in["TableName"].(string)
	switch {
	case operation == "RestoreTableToPointInTime":
		c.restored[in["TargetTableName"].(string)] = in["SourceTableName"].(string)
		answerTable(w, "{}")
	case c.restored[name] == "":
		c.stack.Account.ServeHTTP(w, r)
	case operation == "DeleteTable":
		delete(c.restored, name)
		answerTable(w, "{}")
	case c.lacksIndexes:
		answerTable(w, `{"Table":{"TableStatus":"ACTIVE","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}}`)
	default:
		body := `{"TableName":"` + c.restored[name] + `"}`
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		c.stack.Account.ServeHTTP(w, r)
	}
}

// answerTable answers as DynamoDB does, with a checksum.
func answerTable(w http.ResponseWriter, text string) {
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(text))), 10))
	answer(w, "%s", text)
}
