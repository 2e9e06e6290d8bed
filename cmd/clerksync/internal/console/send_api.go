package console

import (
	"errors"
	"net/http"
	"slices"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/preview"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/scenario"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
)

// apiSend sends what a script asks for, and answers when all of it was answered.
func (c *Console) apiSend(w http.ResponseWriter, r *http.Request) {
	s, err := readSending(r)
	var list []sent
	var looks []scenario.Look
	if err == nil {
		list, looks, err = c.send(r.Context(), s)
	}
	if err != nil {
		writeProblem(w, err)
		return
	}
	answer := map[string]any{"svix_id": list[0].SvixID, "sent": list}
	if len(looks) > 0 {
		answer["looks"] = looks
	}
	writeJSON(w, http.StatusOK, answer)
}

// apiPreview says what would become of what a script asks to send.
func (c *Console) apiPreview(w http.ResponseWriter, r *http.Request) {
	s, err := readSending(r)
	var list []previewed
	if err == nil {
		list, err = c.preview(r, s)
	}
	if err != nil {
		writeProblem(w, err)
		return
	}
	messages := make([]view.Message, 0, len(list))
	for _, p := range list {
		messages = append(messages, p.Message)
	}
	writeJSON(w, http.StatusOK, map[string]any{"messages": messages})
}

func writeProblem(w http.ResponseWriter, err error) {
	name := "unavailable"
	var p problem
	switch {
	case errors.As(err, &p):
		name = p.name
	case errors.Is(err, preview.ErrTooLong):
		name = "too_long"
	}
	writeError(w, sendStatus(err), name, err.Error())
}

// sendStatus is the HTTP status of an error of preview or send.
func sendStatus(err error) int {
	var p problem
	switch {
	case errors.As(err, &p):
		return http.StatusBadRequest
	case errors.Is(err, preview.ErrTooLong):
		return http.StatusUnprocessableEntity
	}
	return http.StatusBadGateway // the webhook or the table does not answer
}

// preview says what would become of what is asked for, in the tables as they are.
func (c *Console) preview(r *http.Request, s sending) (list []previewed, err error) {
	var requests []webhook.Request
	var what []string
	if s.Scenario != "" {
		story, err := c.story(s.Scenario)
		if err != nil {
			return nil, err
		}
		for _, e := range story.Events {
			requests, what = append(requests, e.Request), append(what, e.What)
		}
	} else if requests, err = s.requests(c.now()); err != nil {
		return nil, err
	}
	messages, err := c.previewer().Preview(r.Context(), requests...)
	if err != nil {
		return nil, err //nolint:wrapcheck // it is for people
	}
	byID := map[string]string{}
	for i := len(what) - 1; i >= 0; i-- { // the first of those with one id
		byID[requests[i].ID] = what[i]
	}
	for _, m := range messages {
		p := previewed{view.Of(m), byID[m.ID]}
		for _, w := range p.Writes { // what it would change comes first
			slices.SortStableFunc(w.Changes, func(a, b view.Change) int { return rank(a) - rank(b) })
		}
		list = append(list, p)
	}
	return list, nil
}

// previewer previews for the pipeline in this process.
func (c *Console) previewer() *preview.Previewer {
	d, dev := c.options.Deployment, c.options.Dev
	return &preview.Previewer{
		Signer: dev.Signer, Instances: dev.Instances, Storage: dev.Storage, Table: d.Table(), Rows: d.Rows(),
	}
}
