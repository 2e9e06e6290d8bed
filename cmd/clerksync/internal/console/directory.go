package console

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/pkg/directory"
)

// directoryRoutes are the pages of rows, and the same for scripts.
func (c *Console) directoryRoutes() []route {
	list := []route{
		{"GET /directory", c.showDirectory},
		{"GET /users", redirectTo("/directory?kind=" + directory.KindUser)},
		{"GET /organizations", redirectTo("/directory?kind=" + directory.KindOrganization)},
		{"GET /users/{id}", redirectToRow(directory.UserKey)},
		{"GET /organizations/{id}", redirectToRow(directory.OrganizationKey)},
		{"GET /rows/{pk}/{sk}", c.showRow},
		{"GET " + apiPrefix + "rows", c.apiRows},
		{"GET " + apiPrefix + "rows/{pk}/{sk}", c.apiRow},
	}
	if c.options.Dev != nil {
		list = append(list, route{"GET " + apiPrefix + "rows/{pk}/{sk}/history", c.apiHistory})
	}
	return list
}

// redirectTo leads short addresses to the page that has it all, so that each thing
// has one address.
func redirectTo(path string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, path, http.StatusSeeOther) }
}

// redirectToRow does so for the row of an id.
func redirectToRow(key func(id string) directory.Key) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, view.RowLink(key(r.PathValue("id"))), http.StatusSeeOther)
	}
}

// Lengths of a page of rows.
const (
	rowsOfPage    = 100
	maxRowsOfPage = 200
)

// rowKind is one of the lists that the directory offers.
type rowKind struct {
	Kind, Name string
	Link       string
	Count      int
	Here       bool
}

// rowKinds are the lists in the order in which people look for things. Pointers
// repeat what they point to, so they come last.
func rowKinds() []rowKind {
	return []rowKind{
		{Kind: "", Name: "Everything"},
		{Kind: directory.KindUser, Name: "Users"},
		{Kind: directory.KindOrganization, Name: "Organizations"},
		{Kind: directory.KindMembership, Name: "Memberships"},
		{Kind: directory.KindInvitation, Name: "Invitations"},
		{Kind: directory.KindDomain, Name: "Domains"},
		{Kind: directory.KindRole, Name: "Roles"},
		{Kind: directory.KindPermission, Name: "Permissions"},
		{Kind: deployment.AnyPointer, Name: "Pointers"},
	}
}

// directoryPage is a page of rows.
type directoryPage struct {
	deployment.Filter
	KindName string
	Kinds    []rowKind
	Counted  bool // Kinds have their numbers
	Lines    []rowLine
	Total    int    // rows of the kind
	Next     string // link to the next page, "" at the end
	Stack    bool
	Read     int
	Complete bool
	Units    float64
	// Scan is what a scan would cost, where that is the way to more.
	Scan      *scanOffer
	Error     alert // of the list
	ScanError alert // why it is not known what a scan would cost
}

// ByIDAlone says that no index can be asked.
func (p directoryPage) ByIDAlone() bool { return p.Error.Denied == "dynamodb:Query" }

// Disabled says that nothing can be found: every search reads rows by their keys.
func (p directoryPage) Disabled() bool { return p.Error.Denied == "dynamodb:GetItem" }

// scanOffer says what it costs to read a whole table.
type scanOffer struct {
	Link string
	Rows int64
	// Units are read units, Dollars what they cost at the price of docs/cost.md.
	Units, Dollars float64
}

// rowFilter reads what a request asks of a list of rows.
func rowFilter(r *http.Request) deployment.Filter {
	q := r.URL.Query()
	return deployment.Filter{
		Kind: q.Get("kind"), Query: strings.TrimSpace(q.Get("q")), Deleted: isSet(q.Get("deleted")),
	}
}

// isSet says whether a switch in a query is on. A form leaves out one that is off; a
// script may spell it.
func isSet(value string) bool { return value != "" && value != "0" && value != "false" }

// showDirectory shows rows, and finds them by what people know of them.
func (c *Console) showDirectory(w http.ResponseWriter, r *http.Request) {
	f := rowFilter(r)
	p := directoryPage{Filter: f, Stack: !c.embedded()}
	l, err := c.listRows(r, f, rowsOfPage)
	if err == nil || len(l.Rows) > 0 { // what was found is shown beside what went wrong
		lines, unnamed := c.rowLines(r.Context(), l)
		if p.Lines = lines; err == nil {
			err = unnamed
		}
	}
	p.Error = alertOf(err)
	if p.Stack && !isSet(r.FormValue("scan")) && f.Query+f.Kind != "" {
		p.Scan, err = c.offerScan(r)
		p.ScanError = alertOf(err)
	}
	p.Read, p.Complete, p.Units, p.Counted = l.Read, l.Complete, l.Units, l.Counts != nil
	for _, k := range rowKinds() {
		k.Link, k.Here = withQuery(r, "kind", k.Kind, "after", ""), k.Kind == f.Kind
		for kind, n := range l.Counts {
			if (deployment.Filter{Kind: k.Kind}).HasKind(kind) {
				k.Count += n
			}
		}
		if k.Here {
			p.KindName, p.Total = k.Name, k.Count
		}
		p.Kinds = append(p.Kinds, k)
	}
	if l.Next != "" {
		p.Next = withQuery(r, "after", l.Next)
	}
	status := http.StatusOK
	if p.Error.Text != "" {
		status = http.StatusBadGateway
	}
	c.render(w, r, status, "directory.html", p)
}

// listRows reads a page of rows in the way that this console has for it. A table
// in this process's memory is read whole, which is free. Another one is asked for
// exact names, and read row by row only where the request says so: each page
// of it says what that cost.
func (c *Console) listRows(r *http.Request, f deployment.Filter, limit int) (l deployment.Listing, err error) {
	rows, after := c.options.Deployment.Rows(), r.FormValue("after")
	switch {
	case c.embedded():
		return rows.List(r.Context(), f, after, limit) //nolint:wrapcheck // it names the table
	case isSet(r.FormValue("scan")):
		return rows.ScanList(r.Context(), f, after, limit) //nolint:wrapcheck // likewise
	}
	l.Rows, err = rows.Lookup(r.Context(), f)
	return l, err //nolint:wrapcheck // likewise
}

// What a scan reads: https://aws.amazon.com/dynamodb/pricing/on-demand/
const (
	bytesPerUnit   = 8 << 10 // eventually consistent
	dollarsPerUnit = 0.125 / 1e6
)

// offerScan says what reading the whole table would cost. DynamoDB's own figures of
// the table are some hours old, which is good enough for a price.
func (c *Console) offerScan(r *http.Request) (*scanOffer, error) {
	rows, bytes, err := c.options.Deployment.Rows().TableSize(r.Context())
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the table
	}
	units := float64(bytes) / bytesPerUnit
	return &scanOffer{
		Link: withQuery(r, "scan", "1"), Rows: rows, Units: units, Dollars: units * dollarsPerUnit,
	}, nil
}

// withQuery is the path of the request with other values in its query. Empty ones
// are left out.
func withQuery(r *http.Request, pairs ...string) string {
	q := url.Values{}
	for name, values := range r.URL.Query() {
		if len(values) > 0 && values[0] != "" {
			q.Set(name, values[0])
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if q.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
			q.Del(pairs[i])
		}
	}
	u := url.URL{Path: r.URL.Path, RawPath: r.URL.EscapedPath(), RawQuery: q.Encode()}
	return u.String()
}

// apiRows lists rows for scripts, each whole, as `get --json` prints it.
func (c *Console) apiRows(w http.ResponseWriter, r *http.Request) {
	limit := rowsOfPage
	if text := r.FormValue("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxRowsOfPage {
			writeError(w, http.StatusBadRequest, "bad_limit",
				"limit is a number from 1 to "+strconv.Itoa(maxRowsOfPage))
			return
		}
		limit = n
	}
	l, err := c.listRows(r, rowFilter(r), limit)
	if err != nil {
		writeError(w, http.StatusBadGateway, "table_unreadable", explain(err))
		return
	}
	answer := struct {
		Rows []deployment.Record `json:"rows"`
		Next string              `json:"next,omitempty"` // the value for after
	}{Rows: []deployment.Record{}, Next: l.Next}
	for _, row := range l.Rows { // a listing has the attributes of a list alone
		whole, err := c.options.Deployment.Rows().Get(r.Context(), row.Key())
		if err != nil {
			writeError(w, http.StatusBadGateway, "table_unreadable", explain(err))
			return
		}
		answer.Rows = append(answer.Rows, whole...)
	}
	writeJSON(w, http.StatusOK, answer)
}
