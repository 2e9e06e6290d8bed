package deployed_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/test/program"
)

// testAccept runs `make accept` on the stack, as far as the emulator goes: nothing fails, what it can do passes, and
// all is as before.
func (s *stack) testAccept(t *testing.T) {
	if _, err := s.queues.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: &s.deadLetters}); err != nil {
		t.Fatal(err)
	}
	s.waitForEmptyQueue(t)
	s.writeAccessLog(t, `{"route":"POST /webhooks/clerk","status":"200"}`)
	tables, policy := s.tableNames(t), s.attributes(t, s.queue)["RedrivePolicy"]
	rows := len(s.scan(t, s.directory)) + len(s.scan(t, s.deliveries))

	stdout, stderr, err := program.Command{Env: emulatorEnv(s.aws.url), Args: []string{
		program.Build(t, "./cmd/clerksync/internal/accept"), "--stack", stackName, "--wait", "75s",
	}}.Output(t)
	t.Logf("make accept:\n%s%s", stdout, stderr)
	if err != nil {
		t.Errorf("accept: %v", err)
	}
	var passed []string
	for line := range strings.Lines(stdout) {
		if name, ok := strings.CutPrefix(line, "pass "); ok {
			passed = append(passed, strings.Fields(name)[0])
		}
	}
	// Of the others the emulator knows too little.
	for _, name := range []string{"access-log", "give-up", "tracing", "restore", "clean-up"} {
		if !slices.Contains(passed, name) {
			t.Errorf("%s did not pass", name)
		}
	}
	if got := s.tableNames(t); !slices.Equal(got, tables) {
		t.Errorf("tables %v, want those of before: %v", got, tables)
	}
	if got := s.attributes(t, s.queue)["RedrivePolicy"]; got != policy {
		t.Errorf("the queue's redrive policy is %s, want that of before: %s", got, policy)
	}
	if n := s.depth(t, s.queue) + s.depth(t, s.deadLetters); n > 0 {
		t.Errorf("%d messages are left in the queues", n)
	}
	if got := len(s.scan(t, s.directory)) + len(s.scan(t, s.deliveries)); got != rows {
		t.Errorf("%d rows, want the %d of before", got, rows)
	}
}

func (s *stack) tableNames(t *testing.T) []string {
	t.Helper()
	out, err := s.tables.ListTables(t.Context(), &dynamodb.ListTablesInput{})
	if err != nil {
		t.Fatal(err)
	}
	return out.TableNames
}
