package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/order"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
)

// orderQuestion is the body of POST order: the ids of messages, the name of a story,
// or events, one of the three.
type orderQuestion struct {
	IDs    []string          `json:"ids"`
	Story  string            `json:"story"`
	Events []json.RawMessage `json:"events"` // bodies, whose messages are given ids in their order
	All    bool              `json:"all"`
}

// orderAnswer is what the order came to, and, where all were asked for, what they did.
type orderAnswer struct {
	Outcomes []order.Outcome  `json:"outcomes"`
	Rows     []map[string]any `json:"rows"` // in the end, each as `get --json` prints it
	Digest   string           `json:"digest"`

	order.Comparison
}

func (c *Console) apiOrder(w http.ResponseWriter, r *http.Request) {
	var q orderQuestion
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil && !errors.Is(err, io.EOF) {
		writeError(w, http.StatusBadRequest, "bad_json", "want {\"ids\":[...],\"all\":true}: "+err.Error())
		return
	}
	messages, err := c.questioned(q)
	if err != nil {
		writeError(w, http.StatusNotFound, "not_found", err.Error())
		return
	}
	result, err := c.options.Order.Run(r.Context(), messages)
	answer := orderAnswer{
		Outcomes: result.Outcomes, Rows: order.Values(result.Rows), Digest: result.Digest,
		Comparison: order.Comparison{Orders: 1, Distinct: 1, All: len(messages) == 1, Handlers: []order.Handler{}},
	}
	if err == nil && q.All {
		answer.Comparison, err = c.options.Order.Compare(r.Context(), messages)
	}
	if err != nil {
		writeError(w, statusOf(err), "no_order", err.Error())
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

// questioned are the messages that a question is about.
func (c *Console) questioned(q orderQuestion) ([]order.Message, error) {
	switch {
	case q.Story != "":
		s, err := order.FindStory(q.Story)
		if err != nil {
			return nil, err //nolint:wrapcheck // it names the story
		}
		return s.Messages() //nolint:wrapcheck // likewise
	case len(q.Events) > 0:
		messages := make([]order.Message, len(q.Events))
		for i, body := range q.Events {
			var compact bytes.Buffer
			if err := json.Compact(&compact, body); err != nil {
				return nil, fmt.Errorf("event %d: %w", i+1, err)
			}
			messages[i] = order.Message{
				SvixID: fmt.Sprintf("msg_event_%02d", i+1), EventType: webhook.EventType(body), Body: compact.Bytes(),
			}
		}
		return messages, nil
	}
	messages, missing := c.messagesOf(q.IDs)
	if len(missing) > 0 {
		return nil, fmt.Errorf("not kept here, or never applied: %s", strings.Join(missing, ", "))
	}
	return messages, nil
}
