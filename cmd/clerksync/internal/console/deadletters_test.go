package console_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
)

// submit posts a form as a page of the console does.
func (w *world) submit(path string, form url.Values) (status int, page string) {
	w.t.Helper()
	body := strings.NewReader(form.Encode())
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.Console.URL+path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode, readAll(w.t, resp.Body)
}

// deadLetters are the ids on the page of dead letters.
func (w *world) deadLetters() []string {
	w.t.Helper()
	return attributes(inside(w.page("/dead-letters"), "dead-letters", "ul"), "data-svix-id")
}

// A message that can never be applied is on the page, with its reason and how to
// mend it; opening the page receives nothing.
func TestDeadLettersPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if page := w.page("/dead-letters"); !strings.Contains(page, "No dead letters.") {
		t.Errorf("the empty page does not say so:\n%s", page)
	}
	w.send("msg_dead", "user.created", "dead", "data.updated_at=-5")
	head := inside(w.page("/directory"), "pages", "nav")
	if !strings.Contains(head, `Dead letters <strong class="dead">1<`) {
		t.Errorf("the head does not say that there is one:\n%s", head)
	}
	for range 2 {
		page := inside(w.page("/dead-letters"), "dead-letters", "ul")
		for _, want := range []string{
			`data-svix-id="msg_dead"`, "user.created", "data.updated_at", "report the fault",
			`href="/messages/msg_dead"`,
		} {
			if !strings.Contains(page, want) {
				t.Errorf("the page does not hold %q:\n%s", want, page)
			}
		}
		if strings.Contains(page, "can never be applied:") {
			t.Errorf("the reason begins with words that all have:\n%s", page)
		}
	}
	_, answer := ask(t, w.Console, request{method: http.MethodGet, path: "/api/v1/dead-letters"})
	var api struct {
		Letters []deployment.DeadLetter `json:"dead_letters"`
	}
	err := json.Unmarshal([]byte(answer), &api)
	if err != nil || len(api.Letters) != 1 || api.Letters[0].SvixID != "msg_dead" {
		t.Errorf("the API's dead letters = %s, %v, want msg_dead", answer, err)
	}
	received := emulatortest.Receive(t, w.Pipeline.SQS, w.Pipeline.DeadLetterQueueURL)
	if len(received) != 1 || received[0].Attributes["ApproximateReceiveCount"] != "1" {
		t.Errorf("after the looks %d messages can be received for the first time, want one", len(received))
	}
}

// Nothing is dropped unless its id is typed, and no more than that one.
func TestDropWantsTheIDTyped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("msg_1", "user.created", "dead", "data.updated_at=-5")
	w.send("msg_2", "user.created", "dead", "data.updated_at=-5")
	page := w.page("/dead-letters")
	dialog, _, _ := strings.Cut(page[strings.Index(page, "<dialog id=\"drop-"):], "</dialog>")
	if strings.Count(dialog, `type="text"`) != 1 || !strings.Contains(dialog, `action="/dead-letters/msg_1/drop"`) ||
		!strings.Contains(dialog, ">Drop</button>") {
		t.Errorf("the dialog has not one text field and a Drop button:\n%s", dialog)
	}
	if page := w.page("/dead-letters/msg_1/drop"); !strings.Contains(page, `action="/dead-letters/msg_1/drop"`) {
		t.Errorf("without JavaScript there is no form:\n%s", page)
	}
	for _, typed := range []string{"", "msg_2", "MSG_1", "msg_1 msg_2"} {
		status, page := w.submit("/dead-letters/msg_1/drop", url.Values{"confirm": {typed}})
		if status != http.StatusBadRequest || !strings.Contains(page, "nothing was dropped") {
			t.Errorf("typed %q: %d, want 400 that says that nothing was dropped", typed, status)
		}
	}
	if got := w.deadLetters(); len(got) != 2 {
		t.Fatalf("dead letters = %q, want both", got)
	}
	if status, _ := w.submit("/dead-letters/msg_1/drop", url.Values{"confirm": {" msg_1 "}}); status != http.StatusOK {
		t.Errorf("typed: %d, want the list again", status)
	}
	if got := w.deadLetters(); !cmp.Equal(got, []string{"msg_2"}) {
		t.Errorf("dead letters = %q, want msg_2 alone", got)
	}
	for id, want := range map[string]int{"msg_1": 404, "msg_2": 200} {
		resp, answer := ask(t, w.Console, request{method: http.MethodDelete, path: "/api/v1/dead-letters/" + id})
		if resp.StatusCode != want {
			t.Errorf("DELETE %s = %d %s, want %d", id, resp.StatusCode, answer, want)
		}
	}
	if got := w.deadLetters(); len(got) != 0 {
		t.Errorf("dead letters = %q, want none", got)
	}
}

// Where a look hides dead letters from others, no GET looks, and what changes them
// is there only where the console may write.
//
//nolint:tparallel // the subtests count the receives of one queue
func TestDeadLettersOfAStackAreReadOnRequest(t *testing.T) {
	t.Parallel()
	s := deploymenttest.New(t)
	s.PutDeadLetter()
	for _, write := range []bool{false, true} {
		t.Run(fmt.Sprintf("write %t", write), func(t *testing.T) {
			c := startConsole(t, console.Options{Deployment: deployment.OfPipeline(s.Pipeline), Write: write})
			letters := must(s.Pipeline.BrowseDeadLetters())
			count := func() string { return letters[0].Attributes["ApproximateReceiveCount"] }
			before := count()
			for path, want := range map[string]int{"/dead-letters": 200, "/api/v1/dead-letters": 409} {
				if resp, _ := ask(t, c, request{method: http.MethodGet, path: path}); resp.StatusCode != want {
					t.Errorf("GET %s = %d, want %d", path, resp.StatusCode, want)
				}
			}
			letters = must(s.Pipeline.BrowseDeadLetters())
			if count() != before {
				t.Errorf("opening the page received the dead letter: %s times, before %s", count(), before)
			}
			resp, page := ask(t, c, request{method: http.MethodPost, path: "/dead-letters/look", site: "same-origin"})
			if resp.StatusCode != http.StatusOK || len(attributes(page, "data-svix-id")) != 1 ||
				!strings.Contains(page, "Held from") {
				t.Errorf("POST look = %d, want one dead letter and how long it was held:\n%s", resp.StatusCode, page)
			}
			if has := strings.Contains(page, "Redrive"); has != write {
				t.Errorf("a Redrive button is there: %t, want %t", has, write)
			}
			out, err := s.Pipeline.SQS.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
				QueueUrl:       aws.String(s.Pipeline.DeadLetterQueueURL),
				AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
			})
			if hidden := out.Attributes["ApproximateNumberOfMessagesNotVisible"]; err != nil || hidden != "0" {
				t.Errorf("%s messages stay hidden after the look, %v, want none", hidden, err)
			}
			id := *letters[0].MessageId
			for _, q := range []request{
				{method: http.MethodPost, path: "/dead-letters/redrive"},
				{method: http.MethodGet, path: "/dead-letters/" + id + "/drop"},
				{method: http.MethodPost, path: "/dead-letters/" + id + "/drop"},
				{method: http.MethodPost, path: "/api/v1/dead-letters/redrive"},
				{method: http.MethodPost, path: "/api/v1/dead-letters/" + id + "/redrive"},
				{method: http.MethodDelete, path: "/api/v1/dead-letters/" + id},
			} {
				if write && (q.method == http.MethodDelete || strings.HasSuffix(q.path, id+"/redrive")) {
					continue // it would do so
				}
				resp, _ := ask(t, c, q)
				if there := resp.StatusCode != http.StatusNotFound; there != write {
					t.Errorf("%s %s = %d, want a route: %t", q.method, q.path, resp.StatusCode, write)
				}
			}
		})
	}
}
