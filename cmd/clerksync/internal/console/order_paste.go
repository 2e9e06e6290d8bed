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
	"github.com/clerksync/clerksync/pkg/clerk"
)

// pasteEvents keeps what was pasted and leads to the page with it.
func (c *Console) pasteEvents(w http.ResponseWriter, r *http.Request) {
	bodies, err := readEvents(strings.NewReader(r.PostFormValue("events")))
	if err != nil {
		// The text is not shown again: what is in it is not known. The browser has it.
		c.render(w, r, http.StatusBadRequest, "order.html", orderPage{Stories: storyLinks(nil), Error: err.Error()})
		return
	}
	http.Redirect(w, r, "/order?ids="+strings.Join(c.pasted.add(bodies), ","), http.StatusSeeOther)
}

// readEvents reads events that stand one after another, or in a list. Of a type that
// is not kept it takes none: such a body may hold a code that lets people in.
func readEvents(text io.Reader) (bodies [][]byte, err error) {
	d := json.NewDecoder(text)
	for {
		var next json.RawMessage
		if err := d.Decode(&next); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("event %d: %w", len(bodies)+1, err)
		}
		events := []json.RawMessage{next}
		if next[0] == '[' {
			if err := json.Unmarshal(next, &events); err != nil {
				return nil, fmt.Errorf("read the list: %w", err)
			}
		}
		for _, body := range events {
			var compact bytes.Buffer
			if err := json.Compact(&compact, body); err != nil {
				return nil, fmt.Errorf("event %d: %w", len(bodies)+1, err)
			}
			bodies = append(bodies, compact.Bytes())
		}
	}
	for i, body := range bodies {
		if name := webhook.EventType(body); clerk.KnowledgeOf(name) != clerk.Kept {
			return nil, fmt.Errorf("event %d: %q is no type of which rows are kept", i+1, name)
		}
	}
	if len(bodies) == 0 || len(bodies) > order.MaxMessages {
		return nil, order.ErrUnfit
	}
	return bodies, nil
}
