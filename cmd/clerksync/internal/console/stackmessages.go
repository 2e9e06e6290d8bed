package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/pkg/ingest"
)

// stackMessagesPage is the list of what the functions of a stack have logged, and
// beside it a message.
type stackMessagesPage struct {
	Outcome, Text string
	Outcomes      []string
	Messages      []view.Message
	Partial       bool // the logs hold more than is read
	Every, Back   string
	Query         string // of the filter, with its question mark; "" for none
	Alert         alert  // why the logs could not be read
	DetailAlert   alert  // why the message is not all there
	Detail        *stackDetail
}

// stackDetail is a message of a stack: what its log and its Deliveries row say.
type stackDetail struct {
	view.Message
	Logged   bool // its steps are known
	Recorded bool // it has a row in the Deliveries table
	// CanOrder says that its event is held here, since its dead letter was looked at,
	// and can be put among those of the Order page.
	CanOrder bool
	Close    string
}

func messagePath(id string) string { return "/messages/" + url.PathEscape(id) }

func formatCount(n int) string { return strconv.Itoa(n) }

func (c *Console) stackMessages(r *http.Request) stackMessagesPage {
	q := r.URL.Query()
	p := stackMessagesPage{
		Outcome: q.Get("outcome"), Text: strings.TrimSpace(q.Get("q")), Outcomes: outcomes(),
		Every: c.log.every.String(), Back: "hour",
	}
	kept := url.Values{}
	for name, value := range map[string]string{"outcome": p.Outcome, "q": p.Text} {
		if value != "" {
			kept.Set(name, value)
		}
	}
	if len(kept) > 0 {
		p.Query = "?" + kept.Encode()
	}
	c.log.refresh(r.Context())
	var err error
	p.Messages, p.Partial, err = c.log.list(p.Outcome, p.Text, messagesOfPage)
	p.Alert = alertOf(err)
	return p
}

func (c *Console) showStackMessages(w http.ResponseWriter, r *http.Request) {
	c.render(w, r, http.StatusOK, "stackmessages.html", c.stackMessages(r))
}

// findStackMessage leads to the page of an id that was typed.
func (c *Console) findStackMessage(w http.ResponseWriter, r *http.Request) {
	if id := strings.TrimSpace(r.FormValue("id")); id != "" {
		//nolint:gosec // a path of this console, in which the id is escaped
		http.Redirect(w, r, messagePath(id), http.StatusSeeOther)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

var errUnknownMessage = errors.New("neither the logs that are read here nor the Deliveries table know this id: " +
	"it may be on the queue, a dead letter, or of a type that is not kept")

// stackMessage looks a message up in the log that was read, and in the Deliveries
// table, which has every message that had its effect.
func (c *Console) stackMessage(ctx context.Context, id string) (d stackDetail, err error) {
	c.log.refresh(ctx)
	d.Message, d.Logged = c.log.message(id)
	rows := c.options.Deployment.Rows()
	deliveries, err := rows.Delivery(ctx, id)
	if err != nil {
		return d, err //nolint:wrapcheck // it names the table
	}
	if len(deliveries) == 0 {
		if !d.Logged {
			err = errUnknownMessage
		}
		return d, err
	}
	row := deliveries[0]
	d.Recorded = true
	if !d.Logged {
		received, _ := time.Parse(time.RFC3339Nano, row.Text("received_at")) // zero where there is none
		ended, _ := time.Parse(time.RFC3339Nano, row.Text("processed_at"))
		d.Message = view.Message{
			SvixID: id, EventType: row.Text("event_type"), Entity: row.Text("entity"), Outcome: row.Text("outcome"),
			Proven: true, ReceivedAt: received, EndedAt: ended, LagMS: float64(ended.Sub(received).Milliseconds()),
			Requests: []view.Request{}, Attempts: []view.Attempt{}, Links: view.Links{Page: messagePath(id)},
			Path: []view.Step{
				{Stage: "received", State: view.Done, At: received},
				{Stage: string(ingest.Queued), State: view.Done, At: received},
				{Stage: row.Text("outcome"), State: view.Done, At: ended},
			},
		}
	}
	d.Why, err = rows.WhyDelivery(ctx, row)
	return d, err //nolint:wrapcheck // it names the table
}

func (c *Console) showStackMessage(w http.ResponseWriter, r *http.Request) {
	p, status := c.stackMessages(r), http.StatusOK
	d, err := c.stackMessage(r.Context(), r.PathValue("id"))
	switch {
	case errors.Is(err, errUnknownMessage):
		status, p.DetailAlert = http.StatusNotFound, alertOf(err)
	case err != nil && !d.Logged:
		status, p.DetailAlert = http.StatusBadGateway, alertOf(err)
	case err != nil:
		p.DetailAlert = alertOf(err)
	}
	if d.SvixID != "" {
		if k, ok := deployment.KeyOf(d.Entity); ok {
			d.Links.Row = view.RowLink(k)
		}
		if _, looked := c.letters.find(d.SvixID); looked {
			d.CanOrder = c.options.Order != nil
		}
		d.Close = "/" + p.Query
		p.Detail = &d
	}
	c.render(w, r, status, "stackmessages.html", p)
}

func (c *Console) apiStackMessages(w http.ResponseWriter, r *http.Request) {
	p := c.stackMessages(r)
	if p.Alert.Text != "" {
		writeError(w, http.StatusBadGateway, "log_unreadable", p.Alert.Text)
		return
	}
	if p.Messages == nil {
		p.Messages = []view.Message{}
	}
	writeJSON(w, http.StatusOK, map[string]any{"messages": p.Messages, "partial": p.Partial})
}

func (c *Console) apiStackMessage(w http.ResponseWriter, r *http.Request) {
	d, err := c.stackMessage(r.Context(), r.PathValue("id"))
	switch {
	case errors.Is(err, errUnknownMessage):
		writeError(w, http.StatusNotFound, "not_found", err.Error())
	case err != nil:
		writeError(w, http.StatusBadGateway, "table_unreadable", explain(err))
	default:
		writeJSON(w, http.StatusOK, d.Message)
	}
}

// streamStack tells a browser when the log has something new. The log is read while
// a stream is open, and a page that nobody looks at closes its own.
func (c *Console) streamStack(w http.ResponseWriter, r *http.Request) {
	ctx, end := context.WithCancel(r.Context())
	defer end()
	st := &stream{opened: c.now(), turns: true, end: end}
	if !c.streams.add(st) {
		writeError(w, http.StatusServiceUnavailable, "too_many_streams", "close some of the others")
		return
	}
	defer c.streams.remove(st)
	keepOpen(w)
	w.Header().Set("Content-Type", "text/event-stream")
	f := &feed{console: c, w: w, control: http.NewResponseController(w)}
	_, _ = f.out.WriteString("retry: " + strconv.Itoa(streamRetry) + "\n") // a Buffer takes everything
	f.event("hello", "", map[string]string{"run": c.run})
	for version := c.log.refresh(ctx); f.flush() == nil && pause(ctx, streamTurn/4) == nil; {
		c.streams.takeTurns(c.now())
		if now := c.log.refresh(ctx); now != version {
			version = now
			f.event("message", "", struct{}{})
		}
	}
	if errors.Is(context.Cause(r.Context()), errClosed) { // the process ends: the page must not look live
		f.event("end", "", struct{}{})
		_ = f.flush()
	}
}

// Chosen is the id of the message beside the list, "" for none.
func (p stackMessagesPage) Chosen() string {
	if p.Detail == nil {
		return ""
	}
	return p.Detail.SvixID
}
