package console

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/scenario"
	"github.com/clerksync/clerksync/events"
)

// sendRoutes are those of a pipeline in this process alone: nothing is signed for
// another.
func (c *Console) sendRoutes() []route {
	if c.options.Dev == nil {
		return nil
	}
	return []route{
		{"GET /send", c.showSend},
		{"POST /send", c.submitSend},
		{"POST " + apiPrefix + "send", c.apiSend},
		{"POST " + apiPrefix + "preview", c.apiPreview},
	}
}

// sendPage is the Send page.
type sendPage struct {
	Samples   []string
	Scenarios []scenarioChoice
	Sample    string // whose event is shown; "" for that of a message
	Message   string // whose event is shown
	Story     *scenarioChoice
	Event     string
	// Fresh says that the text is newer than what the browser keeps of an edit.
	Fresh  bool
	Form   sending
	Result sendResult
}

// Chosen says whether the scenario of that name is shown.
func (p sendPage) Chosen(name string) bool { return p.Story != nil && p.Story.Name == name }

type scenarioChoice struct{ Name, Point string }

// sendResult is what stands below the buttons.
type sendResult struct {
	Error    string
	Previews []previewed
	Sent     []sent
	Looks    []look
}

// Many says that a line for each message has to do.
func (r sendResult) Many() bool { return len(r.Previews) > 1 }

// look is a place to look at after a scenario.
type look struct {
	scenario.Look
	Path string // of the console's page
}

// looksOf leads to the pages that show the same.
func looksOf(list []scenario.Look) (looks []look) {
	for _, l := range list {
		looks = append(looks, look{l, "/directory?" + url.Values{"q": {l.Name}, "deleted": {"1"}}.Encode()})
	}
	return looks
}

// previewed is what would become of one message.
type previewed struct {
	view.Message
	What string // in a scenario
}

// MoreCopies says that the message comes twice.
func (p previewed) MoreCopies() bool { return len(p.Requests) > 1 }

func scenarioChoices() []scenarioChoice {
	const week = "The first week of the sample company, in which most things go wrong once."
	list := []scenarioChoice{{weekScenario, week}}
	for _, name := range scenario.Names() {
		list = append(list, scenarioChoice{name, scenario.Point(name)})
	}
	return list
}

// newSendPage is the page for what the query asks for: a sample, a scenario, or the
// event of a message.
func (c *Console) newSendPage(values url.Values) (p sendPage, err error) {
	p = sendPage{Samples: events.Names(), Scenarios: scenarioChoices(), Form: sending{Copies: 1}}
	p.Sample, p.Message, p.Fresh = values.Get("sample"), values.Get("message"), values.Get("reset") != ""
	if kind, name, ok := strings.Cut(values.Get("load"), "/"); ok {
		if kind == "scenario" {
			values.Set(kind, name)
		} else {
			p.Sample = name
		}
	}
	for _, choice := range p.Scenarios {
		if choice.Name == values.Get("scenario") {
			p.Story = &choice
			return p, nil
		}
	}
	if values.Get("scenario") != "" {
		return p, problem{"unknown_scenario", "there is no such scenario: " + values.Get("scenario")}
	}
	var body []byte
	if p.Message != "" {
		m, ok := c.options.Dev.Recorder.Message(p.Message)
		if !ok || m.Body == nil {
			return p, problem{"not_found", "the event of " + p.Message + " is not kept"}
		}
		body = m.Body
	} else {
		if last, ok := c.sample.Load().(string); ok && p.Sample == "" {
			p.Sample = last // whoever comes back finds the event that he edited
		}
		p.Sample = cmp.Or(p.Sample, "user.created")
		if body, err = events.Body(p.Sample); err != nil {
			return p, problem{"unknown_sample", err.Error()}
		}
	}
	p.Event = indent(recorder.Mask(body))
	return p, nil
}

// indent puts JSON on lines. Numbers and texts keep how they are written. What is no
// JSON stays as it is.
func indent(body []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, body, "", "  ") != nil {
		return string(body)
	}
	return b.String()
}

func (c *Console) showSend(w http.ResponseWriter, r *http.Request) {
	p, err := c.newSendPage(r.URL.Query())
	if err != nil {
		c.fail(w, r, http.StatusNotFound, "not_found", err.Error())
		return
	}
	c.render(w, r, http.StatusOK, "send.html", p)
}

// submitSend does what the pressed button says. After an error the form is as it
// was, and nothing was sent. What was typed wrong is answered 200, for the form is
// what was asked for then; browsers report any other status as a fault of the page.
func (c *Console) submitSend(w http.ResponseWriter, r *http.Request) {
	s, err := formSending(r)
	page, pageErr := c.newSendPage(r.PostForm)
	if pageErr != nil {
		c.fail(w, r, http.StatusNotFound, "not_found", pageErr.Error())
		return
	}
	page.Form = s
	if page.Sample != "" {
		c.sample.Store(page.Sample)
	}
	if page.Story == nil {
		page.Event, page.Fresh = string(s.Event), true
	}
	if err == nil {
		switch r.PostFormValue("action") {
		case "preview":
			page.Result.Previews, err = c.preview(r, s)
		case "format":
			if err = checkJSON(s.Event); err == nil {
				page.Event = indent(s.Event)
			}
		default:
			var looks []scenario.Look
			page.Result.Sent, looks, err = c.send(r.Context(), s)
			page.Result.Looks = looksOf(looks)
			if to := nextPage(s, page.Result.Sent); err == nil && to != "" {
				http.Redirect(w, r, to, http.StatusSeeOther)
				return
			}
		}
	}
	status := http.StatusOK
	if err != nil {
		status, page.Result.Error = sendStatus(err), err.Error()+"."
		if status == http.StatusBadRequest {
			status = http.StatusOK
			page.Result.Error += " Nothing was sent."
		}
	}
	c.render(w, r, status, "send.html", page)
}

// nextPage is where Send leads: to the message, or for many to the list. The rows
// that a scenario ends in stand on the Send page itself, which is "".
func nextPage(s sending, list []sent) string {
	switch {
	case s.Scenario == weekScenario:
		return "/"
	case s.Scenario != "" || len(list) == 0:
		return ""
	case s.Copies > 1 || list[0].Link == "":
		return "/"
	}
	return list[0].Link
}
