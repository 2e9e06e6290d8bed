package console

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
)

// messageRoutes are the pages of messages, and the same for scripts. They show what
// passed through the pipeline of this process.
func (c *Console) messageRoutes() []route {
	return []route{
		{"GET /{$}", c.showMessages},
		{"GET /messages/{id}", c.showMessage},
		{"POST /messages/{id}/resend", c.resendFromPage},
		{"POST /clear", c.clearMessages},
		{"GET " + apiPrefix + "messages", c.apiMessages},
		{"GET " + apiPrefix + "messages/{id}", c.apiMessage},
		{"GET " + apiPrefix + "messages/{id}/body", c.apiBody},
		{"GET " + apiPrefix + "messages/{id}/wait", c.apiWait},
		{"POST " + apiPrefix + "messages/{id}/resend", c.apiResend},
		{"GET " + apiPrefix + "events", c.apiEvents},
		{"GET " + apiPrefix + "counts", c.apiCounts},
		{"POST " + apiPrefix + "reset", c.apiReset},
	}
}

// messagesOfPage is how many messages a page lists. A browser draws them anew with
// each change, so they are few; older ones are a link away.
const messagesOfPage = 100

// messagesPage is the list, and beside it a message.
type messagesPage struct {
	recorder.Filter
	Types, Outcomes []string
	Messages        []view.Message
	Matching, All   int
	Counts          view.Counts
	Summary         string // of the counts
	Webhook         string // URL
	Older, Newest   string // links; "" for none
	Query           string // of the filter, with its question mark; "" for none
	WrongSecret     bool   // all that came was refused for its signature
	Waiting         *firstSteps
	Detail          *messageDetail
}

// Chosen is the number of the message beside the list, 0 for none.
func (p messagesPage) Chosen() uint64 {
	if p.Detail == nil {
		return 0
	}
	return p.Detail.Seq
}

// firstSteps are the ways to the first message.
type firstSteps struct {
	Webhook, Send, Listen string
}

// messageFilter reads what a request asks of a list of messages.
func messageFilter(q url.Values) (f recorder.Filter, err error) {
	f = recorder.Filter{Type: q.Get("type"), Outcome: q.Get("outcome"), Entity: q.Get("entity"), Text: q.Get("q")}
	if text := q.Get("before"); text != "" {
		if f.Before, err = strconv.ParseUint(text, 10, 64); err != nil {
			return f, fmt.Errorf("before is the `next` of another answer, not %q", text)
		}
	}
	return f, nil
}

// filterQuery is the filter as the query of a link, "" for none. What is asked for
// stays in the links of the pages that it leads to, so that the way back does.
func filterQuery(f recorder.Filter, before uint64) string {
	q := url.Values{}
	for name, value := range map[string]string{"type": f.Type, "outcome": f.Outcome, "entity": f.Entity, "q": f.Text} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if before > 0 {
		q.Set("before", strconv.FormatUint(before, 10))
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

func outcomes() []string {
	return []string{
		string(consumer.Applied), string(consumer.Stale), string(consumer.Duplicate), string(ingest.Ignored),
		string(ingest.Rejected), string(consumer.Failed), string(consumer.Dead), string(ingest.Queued),
	}
}

// messages makes the list for a request.
func (c *Console) messages(r *http.Request) (p messagesPage, err error) {
	if p.Filter, err = messageFilter(r.URL.Query()); err != nil {
		return p, err
	}
	list := c.options.Dev.Recorder.Messages(p.Filter, messagesOfPage)
	p.Counts = view.CountsOf(c.options.Dev.Recorder.Counts())
	p.Summary, p.Matching, p.All = summary(p.Counts), list.Matching, list.All
	p.Webhook = c.options.Dev.Describe().WebhookURL
	if q, err := c.options.Deployment.ReadQueue(r.Context(), c.options.Deployment.QueueURL); err == nil {
		// Without an answer the list is as good: the page of traffic says why there is none.
		p.Summary += fmt.Sprintf(", queue %d", q.Visible+q.InFlight+q.Delayed)
	}
	p.Query, p.Outcomes = filterQuery(p.Filter, p.Before), outcomes()
	for _, m := range list.Messages {
		p.Messages = append(p.Messages, view.Brief(m))
	}
	for _, family := range clerk.KeptFamilies() {
		for _, event := range family.Events {
			p.Types = append(p.Types, family.Name+"."+event)
		}
	}
	if p.Type != "" && !slices.Contains(p.Types, p.Type) {
		p.Types = append(p.Types, p.Type) // of an ignored event, or a family's
	}
	if list.Next > 0 {
		p.Older = "/" + filterQuery(p.Filter, list.Next)
	}
	if p.Before > 0 {
		p.Newest = "/" + filterQuery(p.Filter, 0)
	}
	if p.All == 0 {
		p.Waiting = c.firstSteps()
	}
	p.WrongSecret = p.Counts.Kept+p.Counts.Gone == 0 && p.Counts.Rejected > 0 &&
		!slices.ContainsFunc(p.Messages, func(m view.Message) bool { return m.Reason != ingest.ReasonInvalidSignature })
	return p, nil
}

// firstSteps are the ways to the first message, with the addresses in use.
func (c *Console) firstSteps() *firstSteps {
	to, secret := c.options.Dev.Describe().WebhookURL, ""
	if !c.options.Dev.SecretIsKept { // then send does not find it, and it is not shown here
		secret = " --secret whsec_..." //nolint:gosec // it stands for one
	}
	return &firstSteps{
		Webhook: to,
		Send:    terminal.Program() + "send user.created --to " + to + secret,
		Listen:  "clerk webhooks listen --forward-to " + to,
	}
}

// summary is what came in and what became of it, in the order of outcomes.
func summary(n view.Counts) string {
	words := []string{fmt.Sprintf("%d in", n.Requests)}
	for _, outcome := range outcomes() {
		if outcome != recorder.OutcomeQueued && n.Steps[outcome] > 0 {
			words = append(words, fmt.Sprintf("%d %s", n.Steps[outcome], outcome))
		}
	}
	return strings.Join(words, ", ")
}

// showMessages shows the list alone.
func (c *Console) showMessages(w http.ResponseWriter, r *http.Request) {
	p, err := c.messages(r)
	if err != nil {
		c.fail(w, r, http.StatusBadRequest, "bad_query", err.Error())
		return
	}
	c.render(w, r, http.StatusOK, "messages.html", p)
}

// showMessage shows a message beside the list.
func (c *Console) showMessage(w http.ResponseWriter, r *http.Request) {
	c.showDetail(w, r, http.StatusOK, "")
}

// showDetail is showMessage, with what went wrong with an action on it.
func (c *Console) showDetail(w http.ResponseWriter, r *http.Request, status int, failed string) {
	m, ok := c.options.Dev.Recorder.Message(r.PathValue("id"))
	if !ok {
		c.fail(w, r, http.StatusNotFound, "not_found", notKept)
		return
	}
	p, err := c.messages(r)
	if err != nil {
		c.fail(w, r, http.StatusBadRequest, "bad_query", err.Error())
		return
	}
	p.Detail = c.detail(m, p.Filter, r.URL.Query().Get("tab"))
	p.Detail.Failed = failed
	c.render(w, r, status, "messages.html", p)
}

// notKept is why a message is not here.
const notKept = "no message of this id is kept: the oldest ones are let go, and nothing outlives the process"

// clearMessages empties the list.
func (c *Console) clearMessages(w http.ResponseWriter, r *http.Request) {
	c.options.Dev.Recorder.Clear()
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
