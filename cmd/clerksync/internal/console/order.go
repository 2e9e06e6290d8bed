package console

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/order"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
	"github.com/clerksync/clerksync/pkg/directory"
)

// orderRoutes are those of the page on which messages are put into other orders.
func (c *Console) orderRoutes() []route {
	if c.options.Order == nil {
		return nil
	}
	return []route{
		{"GET /order", c.orderPage},
		{"POST /order/events", c.pasteEvents},
		{"POST " + apiPrefix + "order", c.apiOrder},
	}
}

// orderPage is what the page shows. Its order is in its link.
type orderPage struct {
	Stories []storyLink
	Why     string   // what the story shows; "" where it is none
	Missing []string // ids of messages that are not kept here
	Error   string

	IDs      string // of the items, as in the link
	Items    []orderItem
	Rows     []orderRow // the table in the end
	Digest   string
	Was      string // the digest of the page from which this one was reached, "" for none
	Shuffled string // the ids in another order
	Button   string // what runs all orders; "" where there is one alone
	Orders   *ordersView
	Pending  bool // the orders are on their way, and the page asks for them again
}

// OwnMessages says that the items are of no story.
func (p orderPage) OwnMessages() bool { return len(p.Items) > 0 && p.Why == "" }

// storyLink is a story to choose.
type storyLink struct {
	Name, Title, Why string
	Here             bool
}

// orderItem is one message at its place. Up and Down are the ids of the order in
// which it has changed places with its neighbour, "" at the ends.
type orderItem struct {
	order.Outcome

	Number         int
	Up, Down, Left string // Left are the ids without it
	// FocusUp and FocusDown say which button moved it here: the keyboard stays on it.
	FocusUp, FocusDown bool
	Page               string // of the message; "" for one of a story
}

// orderRow is a row of the table in the end.
type orderRow struct {
	Kind, SK, Name, DeletedAt string
}

func (c *Console) orderPage(w http.ResponseWriter, r *http.Request) {
	p, status := c.makeOrderPage(r)
	c.render(w, r, status, "order.html", p)
}

func (c *Console) makeOrderPage(r *http.Request) (p orderPage, status int) {
	messages, err := c.orderOf(r.URL.Query(), &p)
	if err != nil {
		p.Error = err.Error()
		return p, http.StatusNotFound
	}
	if len(messages) == 0 {
		return p, http.StatusOK
	}
	result, err := c.options.Order.Run(r.Context(), messages)
	if err != nil {
		p.Error = err.Error()
		return p, statusOf(err)
	}
	p.Digest, p.Was = result.Digest, r.FormValue("was")
	p.setItems(result.Outcomes, r.FormValue("at"))
	for i := range p.Items {
		p.Items[i].Page = c.linkToMessage(p.Items[i].SvixID)
	}
	for _, row := range result.Rows {
		p.Rows = append(p.Rows, orderRow{
			Kind: row.Text(directory.AttrKind), SK: row.Text(directory.AttrSK), Name: view.NameOf(row),
			DeletedAt: row.Text(directory.AttrDeletedAt),
		})
	}
	comparison, known := c.options.Order.Known(messages)
	switch {
	case known:
	case r.FormValue("all") != "":
		comparison, err = c.options.Order.Compare(r.Context(), messages)
	case p.isQuick():
		if comparison, known, p.Pending = c.options.Order.CompareSoon(r.Context(), messages, comparePatience); !known {
			return p, http.StatusOK
		}
	default:
		return p, http.StatusOK
	}
	if err != nil {
		p.Error = err.Error()
		return p, statusOf(err)
	}
	p.Orders = newOrdersView(comparison, messages, p.IDs, r.FormValue("differ"))
	return p, http.StatusOK
}

// statusOf is the status of an answer without an order.
func statusOf(err error) int {
	if errors.Is(err, order.ErrUnfit) {
		return http.StatusBadRequest
	}
	return http.StatusServiceUnavailable
}

// orderOf finds the messages that the query names: `ids`, a story's, or those of the
// first story where it names nothing.
func (c *Console) orderOf(q url.Values, p *orderPage) (messages []order.Message, err error) {
	story := q.Get("story")
	if !q.Has("ids") && story == "" {
		story = order.Stories()[0].Name
	}
	if !q.Has("ids") {
		s, err := order.FindStory(story)
		if err != nil {
			p.Stories = storyLinks(nil)
			return nil, err //nolint:wrapcheck // it names the story
		}
		if messages, err = s.Messages(); err != nil {
			return nil, err //nolint:wrapcheck // likewise
		}
	} else {
		messages, p.Missing = c.messagesOf(strings.Split(q.Get("ids"), ","))
	}
	ids := make([]string, len(messages))
	for i, m := range messages {
		ids[i] = m.SvixID
	}
	p.IDs = strings.Join(ids, ",")
	p.Stories = storyLinks(ids)
	for _, s := range p.Stories {
		if s.Here {
			p.Why = s.Why
		}
	}
	return messages, nil
}

// storyLinks are all stories. That one is chosen to which all of the ids belong.
func storyLinks(ids []string) (links []storyLink) {
	for _, s := range order.Stories() {
		link := storyLink{Name: s.Name, Title: s.Title, Why: s.Why, Here: len(ids) > 0}
		for _, id := range ids {
			link.Here = link.Here && s.Has(id)
		}
		links = append(links, link)
	}
	return links
}

// messagesOf are the messages of these ids, in their order, and the ids of those that
// are not kept: of ignored and rejected ones there is no body to be applied.
func (c *Console) messagesOf(ids []string) (messages []order.Message, missing []string) {
	for _, id := range ids {
		m, ok := c.recorded(id)
		if !ok {
			m, ok = c.pasted.find(id)
		}
		if !ok {
			m, ok = order.FindMessage(id)
		}
		if !ok {
			m, ok = c.deadLetter(id)
		}
		if ok {
			messages = append(messages, m)
		} else if id != "" {
			missing = append(missing, id)
		}
	}
	return messages, missing
}

// recorded is the genuine message of that id that went through this pipeline.
func (c *Console) recorded(id string) (order.Message, bool) {
	if c.options.Dev == nil || c.options.Dev.Recorder == nil {
		return order.Message{}, false
	}
	m, ok := c.options.Dev.Recorder.Message(id)
	return order.Message{SvixID: m.ID, EventType: m.EventType, Body: m.Body}, ok && m.Proven && m.Body != nil
}

// setItems makes the items. at says which button was pressed: "u1" is the one that
// moved a message up, to the place 1.
func (p *orderPage) setItems(outcomes []order.Outcome, at string) {
	ids := strings.Split(p.IDs, ",")
	swapped := func(i, j int) string {
		if j < 0 || j >= len(ids) {
			return ""
		}
		other := slices.Clone(ids)
		other[i], other[j] = other[j], other[i]
		return strings.Join(other, ",")
	}
	for i, o := range outcomes {
		p.Items = append(p.Items, orderItem{
			Outcome: o, Number: i + 1, Up: swapped(i, i-1), Down: swapped(i, i+1),
			Left:    strings.Join(slices.Concat(ids[:i], ids[i+1:]), ","),
			FocusUp: at == fmt.Sprint("u", i+1), FocusDown: at == fmt.Sprint("d", i+1),
		})
		// At an end the button that was pressed is gone: the other one is next to it.
		if last := &p.Items[i]; last.FocusUp && last.Up == "" || last.FocusDown && last.Down == "" {
			last.FocusUp, last.FocusDown = last.FocusDown, last.FocusUp
		}
	}
	shuffled := slices.Clone(ids)
	//nolint:gosec // any order will do
	rand.Shuffle(len(ids), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	p.Shuffled = strings.Join(shuffled, ",")
	switch n, all := order.Count(len(ids)); {
	case n == 1:
	case all:
		p.Button = fmt.Sprintf("All %d orders", n)
	default:
		p.Button = fmt.Sprintf("%d orders at random", n)
	}
}
