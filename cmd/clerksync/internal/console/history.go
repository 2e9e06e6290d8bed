package console

import (
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/pkg/directory"
)

// history is what this process saw written to a row, what lost included.
type history struct {
	Stops   []stop // as they arrived
	Ordered []stop // as Clerk made the changes, by `rev`
	Left    int    // how many of the oldest are in no list: the slider goes there
	At      int    // the stop that is shown, from 1; 0 for the row as it is
	Path    string // of the row's page
	Now     string // of the row as it is, in the same tab
	Lost    []stop // what lost to the row as it is now, the newest
	// Between says that the row as it is now is not what the newest of these writes has
	// left: another one came after it, which did not come through this pipeline.
	Between bool
}

// stop is one write.
type stop struct {
	view.Write
	At        int // its place in the order of arrival, from 1
	Here      bool
	EventType string
	Page      string // link to the message
	Show      string // link to the row as it was then

	before, after, wanted directory.Row
	gone                  bool // these are no longer kept
}

// maxStops is how many stops a list has, the newest: a row that is written in a loop has
// thousands, and the page is drawn anew with each.
const maxStops = 200

// maxLost is how many of what lost to a deletion its page names, the newest.
const maxLost = 20

// Arrived are the newest of Stops, for the list.
func (h history) Arrived() []stop { return h.Stops[h.Left:] }

// Max is the number of stops.
func (h history) Max() int { return len(h.Stops) }

// Position is where the slider stands: at the end where no stop is chosen.
func (h history) Position() int {
	if h.At == 0 {
		return len(h.Stops)
	}
	return h.At
}

// shown is the stop whose row the page shows, nil for the row as it is.
func (h history) shown() *stop {
	if h.At == 0 {
		return nil
	}
	return &h.Stops[h.At-1]
}

// history reads the history of a row from the recorder, which a console of a stack
// does not have.
func (c *Console) history(r *http.Request, k directory.Key, now deployment.Record) (h history) {
	if c.options.Dev == nil || c.options.Dev.Recorder == nil {
		return h
	}
	h.Path, h.Now = view.RowLink(k), withQuery(r, "at", "")
	writes := c.options.Dev.Recorder.History(k)
	h.Left = max(0, len(writes)-maxStops)
	for i, w := range writes {
		s := stopOf(r, i+1, w)
		if i >= h.Left {
			c.addMessage(&s)
		}
		h.Stops = append(h.Stops, s)
	}
	if at, err := strconv.Atoi(r.FormValue("at")); err == nil && at >= 1 && at <= len(h.Stops) {
		h.At = at
		h.Stops[at-1].Here = true
	}
	h.Ordered = slices.Clone(h.Stops)
	slices.SortStableFunc(h.Ordered, func(a, b stop) int { return strings.Compare(a.Rev, b.Rev) })
	h.Between = isOutside(now.Row(), h.Stops)
	h.Ordered = h.Ordered[h.Left:]
	// What lost to an earlier state of the row is in the list of stops alone.
	for _, s := range h.Stops {
		if s.Outcome == recorder.WriteStale && s.before.Text(directory.AttrRev) == now.Text(directory.AttrRev) {
			h.Lost = append(h.Lost, s)
		}
	}
	h.Lost = h.Lost[max(0, len(h.Lost)-maxLost):]
	return h
}

// isOutside says whether a row was written by somebody else after all of these writes.
// Where it is older than one of them, that one came after it was read.
func isOutside(now directory.Row, stops []stop) bool {
	var last directory.Row
	for _, s := range stops {
		if s.Outcome == recorder.WriteApplied && !s.gone && s.after.Revision() >= last.Revision() {
			last = s.after
		}
	}
	return last != nil && now.Revision() >= last.Revision() && !reflect.DeepEqual(now, last)
}

// stopOf is one stop, with the row before and after it. A message that lost leaves
// the row as it was.
func stopOf(r *http.Request, at int, w recorder.Write) stop {
	s := stop{
		Write: view.BriefWrite(w), At: at, Show: withQuery(r, "at", strconv.Itoa(at)),
		before: w.Before, after: w.Wanted, gone: w.Gone,
	}
	if w.Outcome == recorder.WriteStale { // the row stays as it was
		s.after, s.wanted = w.Before, w.Wanted
	}
	return s
}

// addMessage adds what the message behind a stop is.
func (c *Console) addMessage(s *stop) {
	if m, ok := c.options.Dev.Recorder.Message(s.SvixID); ok {
		s.EventType, s.Page = m.EventType, messagePath(m.ID)
	}
}

// apiHistory answers with the writes of a row, as they arrived.
func (c *Console) apiHistory(w http.ResponseWriter, r *http.Request) {
	k := directory.Key{PK: r.PathValue("pk"), SK: r.PathValue("sk")}
	writes := []view.Write{}
	for _, write := range c.options.Dev.Recorder.History(k) {
		writes = append(writes, view.WriteOf(write))
	}
	writeJSON(w, http.StatusOK, map[string]any{"history": writes})
}
