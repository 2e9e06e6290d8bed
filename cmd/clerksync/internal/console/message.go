package console

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/svix"
)

// messageDetail is a message on its own page.
type messageDetail struct {
	view.Message
	Tab          string
	Tabs         []detailTab
	Body         string     // as it may be shown; "" where it is not kept
	Tree         *view.Node // of the body; nil where it is no JSON, or too large for it
	Masked       bool       // something in the body is not shown
	Main         *view.Write
	Others       []view.Write // what else it wrote: children of what it deleted
	Close        string       // link to the list
	Newer, Older string       // links to the neighbours; "" for none
	Query        string       // of the filter
	CanResend    bool
	CanOrder     bool   // its event can be put among those of the Order page
	Curl, Send   string // commands; "" where there is none
	Failed       string // what went wrong with an action
	Doubt        *signatureDoubt
}

type detailTab struct {
	Name, Label, Link string
	Here              bool
}

// maxCopied is the largest body, in bytes, that a command is made of.
const maxCopied = 64 << 10

// detail makes the page of a message.
func (c *Console) detail(m recorder.Message, f recorder.Filter, tab string) *messageDetail {
	c.options.Dev.Recorder.FindBetween(m)
	d := &messageDetail{
		Message: view.Of(m), Tab: "row", Close: "/" + filterQuery(f, f.Before), Query: filterQuery(f, f.Before),
		CanResend: m.Proven && m.Body != nil,
	}
	if d.CanOrder = d.CanResend; m.Outcome == string(consumer.Dead) && !d.CanOrder { // it came by the queue alone
		_, d.CanOrder = c.deadLetter(m.ID)
	}
	d.CanOrder = d.CanOrder && c.options.Order != nil
	tabs := [][2]string{
		{"row", "Row before/after"},
		{"event", "Event"},
		{"headers", "Headers"},
		{"raw", "Raw"},
		{"requests", "Requests"},
	}
	if c.hasUnproven(m) {
		tabs = append(tabs, [2]string{"signature", "Find out why"})
	}
	for _, t := range tabs {
		if t[0] == tab {
			d.Tab = tab
		}
		d.Tabs = append(d.Tabs, detailTab{Name: t[0], Label: t[1], Link: d.Links.Page + withTab(d.Query, t[0])})
	}
	for i := range d.Tabs {
		d.Tabs[i].Here = d.Tabs[i].Name == d.Tab
	}
	for _, w := range d.Writes {
		if w.Child {
			d.Others = append(d.Others, w)
		} else {
			// What it changed comes first. The last write says how it came out.
			slices.SortStableFunc(w.Changes, func(a, b view.Change) int { return rank(a) - rank(b) })
			d.Main = &w
		}
	}
	newer, older := c.options.Dev.Recorder.Neighbours(m.ID, recorder.Filter{
		Type: f.Type, Outcome: f.Outcome, Entity: f.Entity, Text: f.Text,
	})
	d.Newer, d.Older = c.messageLink(newer, d.Query), c.messageLink(older, d.Query)
	if d.Tab == "signature" {
		doubt := c.doubt(m)
		d.Doubt = &doubt
	}
	masked := recorder.Mask(m.Body)
	d.Body, d.Masked = string(masked), len(masked) != len(m.Body)
	if n, ok := view.Tree(masked); ok && m.Body != nil {
		d.Tree = &n
	}
	c.addCommands(d, m)
	return d
}

// rank puts attributes that the message changed, or wanted to, before the others.
func rank(c view.Change) int {
	if c.Change == view.Same && c.Wanted == nil {
		return 1
	}
	return 0
}

func (c *Console) messageLink(id, query string) string {
	if id == "" {
		return ""
	}
	return "/messages/" + url.PathEscape(id) + query
}

// withTab is the query with a tab; the first one needs none.
func withTab(query, tab string) string {
	switch {
	case tab == "row":
		return query
	case query == "":
		return "?tab=" + tab
	}
	return query + "&tab=" + tab
}

// addCommands adds the commands that send the message again. Both are made of what
// is shown: with a masked body the kept signature does not match, so there is no
// command for curl then.
func (c *Console) addCommands(d *messageDetail, m recorder.Message) {
	if d.Body == "" || len(d.Body) > maxCopied {
		return
	}
	to := c.options.Dev.Describe().WebhookURL
	id := ""
	if svix.ValidID(m.ID) {
		id = " --id " + quoted(m.ID)
	}
	// The body ends in the line that the shell adds; the signature is a new one.
	d.Send = terminal.Program() + "send -" + id + " --to " + quoted(to) + " <<'EVENT'\n" + d.Body + "\nEVENT"
	if d.Masked {
		return
	}
	for _, q := range m.Requests {
		if !slices.Equal(q.Body, m.Body) {
			continue
		}
		words := []string{"curl " + quoted(to), "-H 'content-type: application/json'"}
		for _, name := range []string{
			"svix-id", "svix-timestamp", "svix-signature", "webhook-id", "webhook-timestamp", "webhook-signature",
		} {
			if v := q.Header.Values(name); len(v) > 0 {
				words = append(words, "-H "+quoted(name+": "+strings.Join(v, ",")))
			}
		}
		d.Curl = strings.Join(append(words, "--data-binary "+quoted(d.Body)), " \\\n  ")
		return
	}
}

// quoted is a text as one word of a shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// resendFromPage sends a message again and shows what becomes of it.
func (c *Console) resendFromPage(w http.ResponseWriter, r *http.Request) {
	a, status, problem := c.resend(r, r.FormValue("new_id") != "")
	if problem.Error != "" {
		c.showDetail(w, r, status, problem.Detail)
		return
	}
	http.Redirect(w, r, "/messages/"+url.PathEscape(a.SvixID), http.StatusSeeOther)
}

// apiResend is resendFromPage for scripts. The answer is a line of `send --json`.
func (c *Console) apiResend(w http.ResponseWriter, r *http.Request) {
	var options struct {
		NewID bool `json:"new_id"`
	}
	if err := json.NewDecoder(r.Body).Decode(&options); err != nil && r.ContentLength != 0 {
		writeError(w, http.StatusBadRequest, "bad_json", `the body is {"new_id":true} or {"new_id":false}`)
		return
	}
	a, status, problem := c.resend(r, options.NewID)
	if problem.Error != "" {
		writeError(w, status, problem.Error, problem.Detail)
		return
	}
	writeJSON(w, http.StatusOK, a)
}

// resend posts the kept bytes of a message, signed now. Only what was signed before
// is: a stranger's event must not get a signature by a click.
func (c *Console) resend(r *http.Request, newID bool) (a webhook.Answer, status int, problem apiError) {
	dev := c.options.Dev
	m, ok := dev.Recorder.Message(r.PathValue("id"))
	switch {
	case !ok:
		return a, http.StatusNotFound, apiError{"not_found", notKept}
	case !m.Proven:
		return a, http.StatusConflict, apiError{
			"not_proven", "nothing proves who sent this, so it is not signed here: look at it, and use Edit and send",
		}
	case m.Body == nil:
		return a, http.StatusConflict, apiError{"not_kept", bodyNotKept(m)}
	}
	id := m.ID
	if newID || !svix.ValidID(id) {
		id = webhook.NewID(c.now())
	}
	answered, err := c.post(r.Context(), webhook.Request{ID: id, Body: m.Body})
	if err != nil {
		return a, http.StatusBadGateway, apiError{"not_sent", err.Error()}
	}
	return answered.Answer, http.StatusOK, apiError{}
}

// bodyNotKept is why a body is not here.
func bodyNotKept(m recorder.Message) string {
	switch {
	case m.Outcome == string(ingest.Ignored):
		return "events that are ignored are not kept: they may hold one-time codes"
	case len(m.Requests) == 0:
		return "this message came by the queue alone, and no request of it came by here"
	}
	return "the body was not kept: it is no event of a kept type, or too large"
}
