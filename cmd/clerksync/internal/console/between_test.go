package console_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
	"github.com/clerksync/clerksync/pkg/dynamo"
)

const inBetween = "nother write came in between"

// setFirstName writes to Jonah's row past the pipeline, as somebody with the AWS command does.
func (w *world) setFirstName(name string) {
	w.t.Helper()
	if _, err := w.Pipeline.DynamoDB.UpdateItem(w.t.Context(), &dynamodb.UpdateItemInput{
		TableName: &w.Pipeline.DirectoryTable, Key: dynamo.Key(jonahKey()),
		UpdateExpression:          aws.String("SET first_name = :n"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":n": &types.AttributeValueMemberS{Value: name}},
	}); err != nil {
		w.t.Fatal(err)
	}
}

// What was written past this pipeline is said: on the row's page as soon as it is opened,
// and of the next message, whose row before is not what the last one has left.
func TestAnotherWriteInBetween(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := view.RowLink(jonahKey())
	w.send("msg_a", "user.created", "applied")
	if strings.Contains(w.page(path), inBetween) {
		t.Error("the row's page speaks of another write, and there was none")
	}
	w.setFirstName("Outside")
	if page := w.page(path); !strings.Contains(inside(page, "between", "p"), inBetween) {
		t.Error("the row's page says nothing of the write from outside")
	}
	w.send("msg_b", "user.updated", "applied")
	page := w.page("/messages/msg_b")
	if !strings.Contains(inside(page, "detail", "section"), inBetween) || !strings.Contains(page, "Outside") {
		t.Error("the message after it does not say so, or does not show the row before")
	}
	page = w.page(path)
	stops := strings.SplitAfter(inside(page, "history", "section"), "</li>")
	if strings.Contains(stops[0], inBetween) || !strings.Contains(stops[1], inBetween) {
		t.Errorf("the history does not say it of the second stop alone:\n%s", strings.Join(stops[:2], ""))
	}
	if strings.Contains(page, `id="between"`) {
		t.Error("the row is as the last message has left it, and its page says otherwise")
	}
	for _, write := range w.message("msg_a").Writes {
		if write.Note != "" {
			t.Errorf("the message before it has the note %q", write.Note)
		}
	}
}

// Where all writes come through the pipeline none has another in between, whatever their
// order is, how many there are at once, and how the rows were read.
func TestNoOtherWriteInBetween(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, story := range []string{"week", "org-life", "race", "sign-in-race"} {
		w.posts("/send", url.Values{"scenario": {story}, "action": {"send"}})
	}
	w.until("all stories have come out", func() bool {
		list := w.Recorder.Messages(recorder.Filter{}, 1000).Messages
		for _, m := range list {
			if !m.Ended() {
				return false
			}
		}
		return len(list) > 0
	})
	for _, m := range w.Recorder.Messages(recorder.Filter{}, 1000).Messages {
		for _, write := range w.message(m.ID).Writes {
			if strings.Contains(write.Note, inBetween) {
				t.Errorf("%s, %s %s: %s", m.ID, write.PK, write.SK, write.Note)
			}
			if page := w.page(write.Link); strings.Contains(page, inBetween) {
				t.Errorf("the page of %s %s speaks of another write", write.PK, write.SK)
			}
		}
	}
}
