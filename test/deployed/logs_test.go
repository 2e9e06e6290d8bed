package deployed_test

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/test/program"
)

// testMetrics looks for what the alarms watch: by now every condition of theirs that lies in the functions has been
// forced, so that each metric must stand in the deployed functions' logs, in the format that CloudWatch makes metrics
// of.
func (s *stack) testMetrics(t *testing.T) {
	for function, names := range map[string][]string{
		"IngestFunction": {
			lambdafn.MetricReceived, lambdafn.MetricVerified, lambdafn.MetricQueued, lambdafn.MetricIgnored,
			lambdafn.MetricRejected, lambdafn.MetricSecretUnreadable, lambdafn.MetricColdStart,
		},
		"SyncFunction": {
			lambdafn.MetricApplied, lambdafn.MetricStale, lambdafn.MetricDuplicate, lambdafn.MetricFailed,
			lambdafn.MetricDead, lambdafn.MetricDeletions, lambdafn.MetricLag, lambdafn.MetricBatchSize,
			lambdafn.MetricTableRequests, lambdafn.MetricTableThrottles, lambdafn.MetricTableErrors,
			lambdafn.MetricColdStart,
		},
	} {
		log := s.logs(t, function, "CloudWatchMetrics")
		for _, name := range names {
			if !regexp.MustCompile(`"` + name + `":\[?[1-9]`).MatchString(log) {
				t.Errorf("%s never wrote a value of %s", function, name)
			}
		}
	}
	t.Log("every metric that an alarm of ours watches was written by the deployed functions")
}

// testMakeLogs runs `make logs` until it has shown the lines of both functions about a message that came after it
// started. It must not show the API's access log, which sam follows too where it is given no names.
func (s *stack) testMakeLogs(t *testing.T) {
	const access = "a line of the access log"
	s.writeAccessLog(t, access)
	output := program.Command{
		Env: emulatorEnv(s.aws.url), Args: []string{"make", "logs", "SAM=" + s.sam, "ENV=local"},
	}.Start(t)
	shown := func() string {
		text, err := os.ReadFile(output)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	program.WaitUntil(t, effectTimeout, "make logs shows what there is", func() bool {
		return strings.Contains(shown(), "RequestId")
	})
	s.deliver(t, request{id: "msg_followed", body: withID(sample(t, "user.created"), "user_followed")}, secretRefresh)
	program.WaitUntil(t, effectTimeout, "make logs shows both functions' lines about a message", func() bool {
		text := strings.Join(strings.Fields(shown()), "") // it indents JSON
		return strings.Contains(text, `"stage":"queued","svix_id":"msg_followed"`) && strings.Contains(text,
			`"svix_id":"msg_followed","event_type":"user.created","entity":"user/user_followed","outcome":"applied"`)
	})
	if strings.Contains(shown(), access) {
		t.Fatal("make logs shows the API's access log, want only the two functions'")
	}
	t.Log("make logs: follows ingest's and sync's logs, and not the API's access log")
}

// writeAccessLog writes to the API's access log as the gateway does; the emulator's does not.
func (s *stack) writeAccessLog(t *testing.T, line string) {
	t.Helper()
	group := s.physicalID(t, "ApiLogGroup")
	s.setAccessLogARN(t, group)
	stream := map[string]any{"logGroupName": group, "logStreamName": t.Name()}
	s.callLogs(t, "CreateLogStream", stream)
	stream["logEvents"] = []map[string]any{{"timestamp": time.Now().UnixMilli(), "message": line}}
	s.callLogs(t, "PutLogEvents", stream)
}

func (s *stack) callLogs(t *testing.T, action string, in any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	s.aws.send(t, "logs", "POST", "/", http.Header{
		"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"Logs_20140328." + action},
	}, body)
}
