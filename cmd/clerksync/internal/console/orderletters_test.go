package console_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/delivery"
)

// putLetter puts a sample event onto the dead-letter queue, as sync does.
func putLetter(t *testing.T, p *pipeline.Pipeline, id, sample string, set ...string) {
	t.Helper()
	body := must(webhook.Edit(must(events.Body(sample)), set))
	m := delivery.Delivery{
		SvixID: id, SvixTimestamp: "1772447508", EventType: sample, ReceivedAt: time.Now(), Body: body,
	}.Encode()
	attributes := map[string]types.MessageAttributeValue{}
	for name, text := range m.Attributes {
		attributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &text}
	}
	if _, err := p.SQS.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: &p.DeadLetterQueueURL, MessageBody: &m.Body, MessageAttributes: attributes,
	}); err != nil {
		t.Fatal(err)
	}
}

// receives are how often each dead letter was received.
func receives(p *pipeline.Pipeline) (counts []string) {
	for _, m := range must(p.BrowseDeadLetters()) {
		counts = append(counts, m.Attributes["ApproximateReceiveCount"])
	}
	return counts
}

// Dead letters of a stack that were looked at can be put in another order, by a button
// beside each and on the pages of their messages. Neither it nor the Order page touches
// the queue, and nobody may write.
func TestDeadLettersOfAStackCanBePutInOrder(t *testing.T) {
	w := newStackWorld(t, false)
	putLetter(t, w.Pipeline, "msg_1", "user.created", "data.first_name=a\x00b") // on the queue as base64
	putLetter(t, w.Pipeline, "msg_2", "user.deleted")
	putLetter(t, w.Pipeline, "msg_mail", "email.created") // by hand: ingest queues none
	w.PutDeadLetter()                                     // likewise
	w.log(deploymenttest.IngestFunction, time.Minute,
		`"message":"request","stage":"queued","svix_id":"msg_1","event_type":"user.created"`)
	w.log(deploymenttest.SyncFunction, time.Minute,
		`"level":"ERROR","message":"message","svix_id":"msg_1","outcome":"dead","attempt":1`)
	waitForLog(w)
	const link = "/order?ids=msg_2,msg_1"
	if page := w.get(link); len(attributes(page, "data-outcome")) > 0 || !strings.Contains(page, "Left out") {
		t.Error("before a look the Order page has the dead letters, or does not say that they are left out")
	}
	const first = "Once you have looked"
	detail := inside(w.get("/messages/msg_1"), "detail", "section")
	if !strings.Contains(detail, first) || strings.Contains(detail, "data-order-add") {
		t.Errorf("before a look the message's page does not lead to the dead letters:\n%s", detail)
	}
	_, page := w.ask(http.MethodPost, "/dead-letters/look")
	buttons := slices.Sorted(slices.Values(attributes(page, "data-order-add")))
	if diff := cmp.Diff([]string{"msg_1", "msg_2"}, buttons); diff != "" {
		t.Errorf("dead letters with a button for the Order page (-want +got): %s", diff)
	}
	if !strings.Contains(page, `href="/messages/msg_1"`) {
		t.Error("a dead letter does not lead to its message in the log")
	}
	before := receives(w.Pipeline)
	detail = inside(w.get("/messages/msg_1"), "detail", "section")
	if diff := cmp.Diff([]string{"msg_1"}, attributes(detail, "data-order-add")); diff != "" {
		t.Errorf("the message's page after a look, buttons (-want +got): %s", diff)
	}
	page = w.get(link + ",msg_mail")
	ids, outcomes, digest := shownOrder(page)
	if strings.Join(ids, " ") != "msg_2 msg_1" || strings.Join(outcomes, " ") != "applied stale" ||
		!strings.Contains(page, "<code>msg_mail</code>") || strings.Contains(page, "424242") {
		t.Errorf("order = %q %q, want the two, and the e-mail left out", ids, outcomes)
	}
	if _, _, same := shownOrder(w.get("/order?ids=msg_1,msg_2")); same != digest {
		t.Errorf("digest of the other order = %s, want %s", same, digest)
	}
	if diff := cmp.Diff(before, receives(w.Pipeline)); diff != "" {
		t.Errorf("receives before and after the Order page (-before +after): %s", diff)
	}
}

// In dev, a dead letter whose request this process has not seen can be put in order,
// too: its event is looked up where it lies.
func TestDeadLettersOfDevCanBePutInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	putLetter(t, w.Pipeline, "msg_1", "user.created", "data.updated_at=-5")
	page := inside(w.page("/dead-letters"), "deadletters", "section")
	if diff := cmp.Diff([]string{"msg_1"}, attributes(page, "data-order-add")); diff != "" {
		t.Errorf("buttons (-want +got): %s", diff)
	}
	if ids, outcomes, _ := shownOrder(w.page("/order?ids=msg_1")); !slices.Equal(ids, []string{"msg_1"}) ||
		outcomes[0] != "dead" {
		t.Errorf("order = %q %q, want it dead again", ids, outcomes)
	}
	_, _ = w.submit("/dead-letters/redrive", map[string][]string{"only": {attributes(page, "value")[0]}})
	detail := inside(w.page("/messages/msg_1"), "detail", "section")
	if diff := cmp.Diff([]string{"msg_1"}, attributes(detail, "data-order-add")); diff != "" {
		t.Errorf("the page of a message that came by the queue alone, buttons (-want +got): %s", diff)
	}
	if counts := receives(w.Pipeline); !slices.Equal(counts, []string{"0"}) {
		t.Errorf("receives = %q, want none", counts)
	}
}
