package console

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/pkg/directory"
)

// rowPage is the page of one row.
type rowPage struct {
	Key  directory.Key
	Row  deployment.Record // as it is, or as it was after the stop that is shown; nil for none
	Name string
	Tabs []rowTab
	Tab  string
	Live bool

	Columns []column
	Wanted  bool // a message that lost wanted other values
	Object  view.Node
	HasTree bool
	JSON    string // the object as text, or the item
	// Snippets read this row in several languages.
	Snippets []snippet

	Children     []rowLine
	ChildrenNext string
	Deleted      bool   // the children's tombstones too
	DeletedLink  string // the other way round

	History history
	Error   alert // of the children
}

// rowTab is one way to look at a row.
type rowTab struct {
	Name, Link string
	Here       bool
}

// column is an attribute of a row.
type column struct {
	view.Change
	Time string // the value as people read it, where it is a time
	Link string // to what the value names, "" for nothing that has a page
}

// rank is smaller for what changed than for what is the same.
func (c column) rank() int {
	if c.Change.Change == view.Same && c.Wanted == nil {
		return 1
	}
	return 0
}

// childList is what a tab lists: the rows below a partition with a prefix.
type childList struct{ pk, prefix string }

// childLists are the lists of a row's page. A membership is listed from both its
// ends: from the user by pointers, which are there while it is live.
func childLists(k directory.Key) (names []string, lists map[string]childList) {
	switch {
	case k.SK == "USER":
		return []string{"memberships"}, map[string]childList{"memberships": {k.PK, directory.PrefixMembership}}
	case k.SK == "ORG":
		return []string{"members", "invitations", "domains"}, map[string]childList{
			"members":     {k.PK, directory.PrefixMember},
			"invitations": {k.PK, directory.PrefixInvitation},
			"domains":     {k.PK, directory.PrefixDomain},
		}
	}
	return nil, nil
}

// showRow shows a row, live or not. With ?at it shows what the row was after that
// write.
func (c *Console) showRow(w http.ResponseWriter, r *http.Request) {
	k := directory.Key{PK: r.PathValue("pk"), SK: r.PathValue("sk")}
	rows, err := c.options.Deployment.Rows().Get(r.Context(), k)
	if err != nil {
		c.failWith(w, r, err)
		return
	}
	p := rowPage{Key: k, Tab: cmp.Or(r.FormValue("tab"), "columns"), Live: c.options.Dev != nil}
	if len(rows) > 0 {
		p.Row = rows[0]
	}
	if p.Row != nil && c.options.Dev != nil && c.options.Dev.Recorder != nil {
		c.options.Dev.Recorder.See(k, p.Row.Row()) // the next write is shown beside this
	}
	p.History = c.history(r, k, p.Row)
	if p.Row == nil && len(p.History.Stops) == 0 {
		c.fail(w, r, http.StatusNotFound, "not_found", "there is no such row: "+k.PK+" "+k.SK)
		return
	}
	before, shown, wanted := p.Row.Row(), p.Row.Row(), directory.Row(nil)
	// A stop shows what the write found and left; what is in the table by now is behind
	// a link.
	if at := p.History.shown(); at != nil {
		before, shown, wanted = at.before, at.after, at.wanted
		p.Row = recordOf(shown)
	}
	p.Columns, p.Wanted = c.columnsOf(view.Changes(before, shown, wanted)), wanted != nil
	if p.History.At > 0 { // what the write changed, or wanted to, comes first
		slices.SortStableFunc(p.Columns, func(a, b column) int { return cmp.Compare(a.rank(), b.rank()) })
	}
	p.Name = cmp.Or(view.NameOf(shown), p.Row.ID(), k.PK)
	names, lists := childLists(k)
	for _, name := range append([]string{"columns", "object", "item", "read it"}, names...) {
		p.Tabs = append(p.Tabs, rowTab{name, withQuery(r, "tab", name, "after", "", "deleted", ""), name == p.Tab})
	}
	switch list, isList := lists[p.Tab]; {
	case isList:
		c.addChildren(r, &p, list)
	case p.Tab == "object":
		// Numbers stay as they are written: a number of JSON may have more digits than a
		// number of Go's, or JavaScript's.
		text := p.Row.Text(directory.AttrObject)
		p.Object, p.HasTree = view.Tree([]byte(text))
		p.JSON = text
	case p.Tab == "item":
		text, _ := json.MarshalIndent(p.Row.Item(), "", "  ") // plain values always encode
		p.JSON = string(text)
	case p.Tab == "read it":
		p.Snippets = c.snippets(k, p.Row)
	}
	c.render(w, r, http.StatusOK, "row.html", p)
}

// addChildren adds a page of the rows that belong to the row.
func (c *Console) addChildren(r *http.Request, p *rowPage, list childList) {
	p.Deleted = isSet(r.FormValue("deleted"))
	p.DeletedLink = withQuery(r, "deleted", "1", "after", "")
	if p.Deleted {
		p.DeletedLink = withQuery(r, "deleted", "", "after", "")
	}
	l, err := c.options.Deployment.Rows().
		Below(r.Context(), list.pk, list.prefix, p.Deleted, r.FormValue("after"), rowsOfPage)
	if err == nil {
		p.Children, err = c.rowLines(r.Context(), l)
	}
	p.Error = alertOf(err)
	if l.Next != "" {
		p.ChildrenNext = withQuery(r, "after", l.Next)
	}
}

// DeletedAt is when the row was deleted, "" for a live one.
func (p rowPage) DeletedAt() string { return p.Row.Text(directory.AttrDeletedAt) }

// DeletedBy says why the row is deleted and why it is kept.
func (p rowPage) DeletedBy() string {
	if p.Row.Text(directory.AttrDeletedBy) == directory.Absence {
		return "Clerk's API denied that it exists, and a repair deleted it. What Clerk says of it later brings it back."
	}
	return "It is kept so that nothing late brings it back: no older change is greater than its deletion."
}

// columnsOf adds to changes what their times are and where their ids lead.
func (c *Console) columnsOf(changes []view.Change) []column {
	columns := make([]column, len(changes))
	for i, change := range changes {
		columns[i] = column{Change: change, Time: timeOf(change)}
		text, _ := change.After.(string)
		switch {
		case text == "":
		case change.Attribute == "user_id":
			columns[i].Link = view.RowLink(directory.UserKey(text))
		case change.Attribute == "org_id":
			columns[i].Link = view.RowLink(directory.OrganizationKey(text))
		case change.Attribute == directory.AttrSvixID:
			columns[i].Link = c.linkToMessage(text)
		}
	}
	return columns
}

// timeOf is a time of Clerk's, which is a number of milliseconds, as people read
// it; "" for anything else.
func timeOf(change view.Change) string {
	number, ok := change.After.(json.Number)
	ms, err := strconv.ParseInt(number.String(), 10, 64)
	if !ok || err != nil || !strings.HasSuffix(change.Attribute, "_at") {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05.000 UTC")
}

// linkToMessage is the path of a message's page, "" where nothing is known of it.
func (c *Console) linkToMessage(id string) string {
	if c.log != nil {
		if _, logged := c.log.message(id); logged {
			return messagePath(id)
		}
		return ""
	}
	if c.options.Dev == nil || c.options.Dev.Recorder == nil {
		return ""
	}
	m, ok := c.options.Dev.Recorder.Message(id)
	if !ok {
		return ""
	}
	return view.Brief(m).Links.Page
}

// recordOf is a row as plain values, as a read of the table gives it; nil for none.
func recordOf(row directory.Row) deployment.Record {
	if row == nil {
		return nil
	}
	r := deployment.Record{}
	for name, v := range row {
		switch v := v.(type) {
		case directory.Number:
			r[name] = json.Number(v)
		case []string:
			list := make([]any, len(v))
			for i, text := range v {
				list[i] = text
			}
			r[name] = list
		default:
			r[name] = v
		}
	}
	return r
}

// apiRow answers with a row as `get --json` prints it.
func (c *Console) apiRow(w http.ResponseWriter, r *http.Request) {
	k := directory.Key{PK: r.PathValue("pk"), SK: r.PathValue("sk")}
	rows, err := c.options.Deployment.Rows().Get(r.Context(), k)
	switch {
	case err != nil:
		writeError(w, http.StatusBadGateway, "table_unreadable", explain(err))
	case len(rows) == 0:
		writeError(w, http.StatusNotFound, "not_found", "there is no such row: "+k.PK+" "+k.SK)
	default:
		writeJSON(w, http.StatusOK, map[string]any{"rows": rows})
	}
}
