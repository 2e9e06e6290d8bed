package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/events"
)

// A redrive is a new attempt, and the page says what became of it.
func TestRedriveFromThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("msg_1", "user.created", "dead", "data.updated_at=-5")
	w.send("msg_2", "user.created", "dead", "data.updated_at=-5")
	attempts := func(id string) int {
		m, _ := w.Recorder.Message(id)
		return len(m.Attempts)
	}
	id := attributes(w.page("/dead-letters"), "value")[0] // of the first one's checkbox
	for name, field := range map[string]string{"selected": "id", "by its button": "only"} {
		before := attempts("msg_1")
		status, page := w.submit("/dead-letters/redrive", url.Values{field: {id}})
		result := inside(page, "results", "div")
		if status != http.StatusOK || !strings.Contains(result, "msg_1") || strings.Contains(result, "msg_2") ||
			!strings.Contains(result, "dead</span> again") || !strings.Contains(result, "data.updated_at") {
			t.Errorf("%s: %d, it does not say that msg_1 is dead again, and why:\n%s", name, status, result)
		}
		if attempts("msg_1") != before+1 || attempts("msg_2") != 1 {
			t.Errorf("%s: msg_1 has %d attempts, msg_2 %d, want %d and 1",
				name, attempts("msg_1"), attempts("msg_2"), before+1)
		}
		for _, l := range must(deployment.DeadLettersOf(w.Pipeline)) { // it has another id of SQS's now
			if l.SvixID == "msg_1" {
				id = l.MessageID
			}
		}
	}
	if _, err := w.Pipeline.SQS.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: &w.Pipeline.DeadLetterQueueURL, MessageBody: aws.String("by hand"),
	}); err != nil {
		t.Fatal(err)
	}
	for _, l := range must(deployment.DeadLettersOf(w.Pipeline)) {
		if l.SvixID == "" {
			id = l.MessageID
		}
	}
	_, page := w.submit("/dead-letters/redrive", url.Values{"id": {id}})
	if result := inside(page, "results", "div"); !strings.Contains(result, "dead</span> again") {
		t.Errorf("one without svix id: it does not say that it is dead again:\n%s", result)
	}
	if status, page := w.submit("/dead-letters/redrive", url.Values{}); status != http.StatusBadRequest ||
		!strings.Contains(page, "select some") {
		t.Errorf("nothing selected = %d, want 400 that says so", status)
	}
	for path, want := range map[string]int{
		"/api/v1/dead-letters/msg_2/redrive": 200, "/api/v1/dead-letters/msg_none/redrive": 404,
	} {
		resp, answer := ask(t, w.Console, request{method: http.MethodPost, path: path})
		if resp.StatusCode != want || want == 200 && !strings.Contains(answer, `"outcome":"dead"`) {
			t.Errorf("POST %s = %d %s, want %d", path, resp.StatusCode, answer, want)
		}
	}
	resp, answer := ask(t, w.Console, request{
		method: http.MethodPost, path: "/api/v1/dead-letters/redrive", body: `{"ids":["msg_1","msg_2","msg_none"]}`,
	})
	if resp.StatusCode != http.StatusOK || strings.Count(answer, `"outcome":"dead"`) != 2 ||
		!strings.Contains(answer, "msg_none") {
		t.Errorf("redrive of three = %d %s, want two dead again, one missing", resp.StatusCode, answer)
	}
	if got := w.deadLetters(); len(got) != 3 {
		t.Errorf("dead letters after all redrives: %q, want the three", got)
	}
}

// Where nothing is recorded, the Deliveries table says what became of a redriven
// message.
func TestRedriveElsewhereAsksTheTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := startConsole(t, console.Options{Deployment: deployment.OfPipeline(w.Pipeline), Write: true})
	body := must(events.Body("user.created"))
	for _, want := range []string{`"outcome":"applied"`, `"outcome":"duplicate"`} {
		attributes := map[string]types.MessageAttributeValue{}
		for name, text := range map[string]string{
			"svix-id": "msg_outage", "svix-timestamp": "1772447508", "event-type": "user.created",
			"received-at": "2026-03-02T10:31:48.000Z", "v": "1",
		} {
			attributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &text}
		}
		if _, err := w.Pipeline.SQS.SendMessage(t.Context(), &sqs.SendMessageInput{
			QueueUrl: &w.Pipeline.DeadLetterQueueURL, MessageBody: aws.String(string(body)),
			MessageAttributes: attributes,
		}); err != nil {
			t.Fatal(err)
		}
		id := *must(w.Pipeline.BrowseDeadLetters())[0].MessageId
		resp, answer := ask(t, c, request{method: http.MethodPost, path: "/api/v1/dead-letters/" + id + "/redrive"})
		if resp.StatusCode != http.StatusOK || !strings.Contains(answer, want) {
			t.Errorf("redrive = %d %s, want %s", resp.StatusCode, answer, want)
		}
	}
}
