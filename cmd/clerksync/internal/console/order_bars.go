package console

import (
	"fmt"
	"strings"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/order"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
	"github.com/clerksync/clerksync/pkg/directory"
)

// How many orders are compared without being asked: a story is the same for
// everybody and compared once in a process, messages of one's own each time that
// others are chosen.
const quickOrders, quickOrdersOfStory = 24, 120

// comparePatience is for how long the page waits for them. They take a third of a
// second; where the machine has others to work for, the page goes without and asks
// again.
const comparePatience = time.Second

// isQuick says whether all orders are few enough to be compared before the page is
// answered. The machine is the pipeline's: what takes longer waits for a click.
func (p *orderPage) isQuick() bool {
	orders, _ := order.Count(len(p.Items))
	if orders == 1 {
		return false // there is nothing to compare
	}
	return orders <= quickOrders || orders <= quickOrdersOfStory && p.Why != ""
}

// ordersView is what all orders came to.
type ordersView struct {
	order.Comparison

	Bars []bar
	// Differ are two orders in which a handler ends in different tables, nil unless
	// they were asked for.
	Differ *differView
}

// bar is what the orders came to with one handler: a part for each end.
type bar struct {
	order.Handler

	Title string
	Parts []barPart
	Link  string // to two orders that differ; "" where none do
}

// barPart is one end: its width is its share of the orders.
type barPart struct {
	X, Width float64
	Fill     int // which colour and pattern
	Orders   int
	Labelled bool // there is room for the number
}

const (
	barWidth = 600.0 // of the drawing
	labelled = 32.0  // width that a number needs
	fills    = 12    // how many ends look different
)

func handlerTitle(name string) string {
	return map[string]string{
		order.Clerksync: "clerksync", order.Arrival: "write what arrives",
		order.UpdatedAt: "write unless updated_at is older",
	}[name]
}

func newOrdersView(c order.Comparison, messages []order.Message, ids, differ string) *ordersView {
	v := &ordersView{Comparison: c}
	for _, h := range c.Handlers {
		b := bar{Handler: h, Title: handlerTitle(h.Name)}
		x := 0.0
		for i, e := range h.Ends {
			width := barWidth * float64(e.Orders) / float64(h.Orders)
			b.Parts = append(b.Parts, barPart{
				X: x, Width: width, Fill: i % fills, Orders: e.Orders, Labelled: width >= labelled,
			})
			x += width
		}
		if h.Name != order.Clerksync && h.Distinct > 1 {
			b.Link = "/order?ids=" + ids + "&all=1&differ=" + h.Name + "#orders"
			if differ == h.Name {
				v.Differ = newDifferView(h, messages)
			}
		}
		v.Bars = append(v.Bars, b)
	}
	return v
}

// differView are two orders of the same messages that end in different tables.
type differView struct {
	Title  string
	Orders [2]differOrder
	Rows   []differRow
}

type differOrder struct {
	Link  string
	Types []string // of the events, in their order
}

// differRow is an attribute that the two tables have different. Attribute is "" where
// only one of them has the row at all.
type differRow struct {
	Row, Attribute string
	Values         [2]string
}

func newDifferView(h order.Handler, messages []order.Message) *differView {
	v := &differView{Title: handlerTitle(h.Name)}
	tables := [2]map[directory.Key]directory.Row{}
	for i, e := range h.Ends[:2] {
		ids := make([]string, len(e.Order))
		for n, at := range e.Order {
			ids[n] = messages[at].SvixID
			v.Orders[i].Types = append(v.Orders[i].Types, fmt.Sprintf("%d %s", at+1, messages[at].EventType))
		}
		v.Orders[i].Link = "/order?ids=" + strings.Join(ids, ",")
		tables[i] = map[directory.Key]directory.Row{}
		for _, row := range e.Rows {
			tables[i][row.Key()] = row
		}
	}
	for i := range tables {
		for _, row := range h.Ends[i].Rows {
			k := row.Key()
			if other := tables[1-i][k]; other != nil && i == 0 {
				v.compare(k, row, other)
			} else if other == nil {
				d := differRow{Row: k.PK + " " + k.SK}
				d.Values[i], d.Values[1-i] = "there", "not there"
				v.Rows = append(v.Rows, d)
			}
		}
	}
	return v
}

// compare adds the attributes that two rows of a key have different, but for
// `object`, in which they differ, too.
func (v *differView) compare(k directory.Key, first, second directory.Row) {
	for _, c := range view.Changes(first, second, nil) {
		if c.Change == view.Same || c.Attribute == directory.AttrObject {
			continue
		}
		v.Rows = append(v.Rows, differRow{
			Row: k.PK + " " + k.SK, Attribute: c.Attribute, Values: [2]string{view.Text(c.Before), view.Text(c.After)},
		})
	}
}
