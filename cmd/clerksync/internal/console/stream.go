package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
)

// Bounds of streams. A browser opens at most six connections to a host: the
// seventh tab of a page that holds one open would wait for ever. So streams take
// turns where many tabs are open; each comes back by itself and misses nothing, for
// it says what it has seen.
const (
	freeStreams  = 4 // so many stay open
	maxStreams   = 32
	streamTurn   = time.Second
	streamRetry  = 2000 // milliseconds
	batchPause   = 100 * time.Millisecond
	heartbeat    = 15 * time.Second
	writeTimeout = 10 * time.Second // a reader that takes nothing for so long has gone
)

// streams are those that are open.
type streams struct {
	mu   sync.Mutex
	open []*stream
}

type stream struct {
	opened time.Time
	turns  bool // it is a browser's, and comes back by itself
	end    context.CancelFunc
}

// add opens a stream, and ends others whose turn is over. ok is false where there
// are too many.
func (s *streams) add(st *stream) (ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) >= maxStreams {
		return false
	}
	s.open = append(s.open, st)
	return true
}

func (s *streams) remove(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = slices.DeleteFunc(s.open, func(o *stream) bool { return o == st })
}

// takeTurns ends streams of browsers that had their turn, while there are too many.
func (s *streams) takeTurns(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, st := range s.open {
		if st.turns {
			n++
		}
	}
	for _, st := range s.open { // the oldest first
		if n <= freeStreams {
			return
		}
		if st.turns && now.Sub(st.opened) >= streamTurn {
			st.end()
			n--
		}
	}
}

// apiEvents is the stream of what happens, until the client goes: events for a
// browser, or for `curl -N` with Accept: application/x-ndjson the lines of `dev
// --json`.
func (c *Console) apiEvents(w http.ResponseWriter, r *http.Request) {
	filter, err := messageFilter(r.URL.Query())
	if err != nil {
		writeError(w, http.StatusBadRequest, "bad_query", err.Error())
		return
	}
	lines := strings.Contains(r.Header.Get("Accept"), "application/x-ndjson")
	ctx, end := context.WithCancel(r.Context())
	defer end()
	st := &stream{opened: c.now(), turns: !lines, end: end}
	if !c.streams.add(st) {
		writeError(w, http.StatusServiceUnavailable, "too_many_streams", "close some of the others")
		return
	}
	defer c.streams.remove(st)
	keepOpen(w)
	seen := c.subscribe(r.Header.Get("Last-Event-ID"))
	f := &feed{
		console: c, w: w, filter: filter, control: http.NewResponseController(w), lines: lines, counted: c.now(),
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if lines {
		w.Header().Set("Content-Type", "application/x-ndjson")
	} else {
		fmt.Fprintf(&f.out, "retry: %d\n", streamRetry)
		// With an id, so that a browser which comes back says how far it has seen.
		f.event("hello", f.id(seen.After()), map[string]string{"run": c.run})
	}
	f.run(ctx, seen)
	if errors.Is(context.Cause(r.Context()), errClosed) && !lines { // the process ends: the page must not look live
		f.event("end", "", struct{}{})
		_ = f.flush()
	}
}

// subscribe reads on after the last event that a browser has seen, if that is one
// of this run.
func (c *Console) subscribe(lastID string) *recorder.Subscription {
	run, text, _ := strings.Cut(lastID, "-")
	seq, err := strconv.ParseUint(text, 10, 64)
	if err != nil || run != c.run {
		return c.options.Dev.Recorder.Subscribe()
	}
	return c.options.Dev.Recorder.SubscribeAfter(seq)
}

// feed writes one stream.
type feed struct {
	console *Console
	w       http.ResponseWriter
	control *http.ResponseController
	filter  recorder.Filter
	lines   bool
	out     bytes.Buffer // of the present batch
	begun   bool         // the head of the answer is out
	counted time.Time    // when the counts were last sent
	changed bool         // since then
}

// run writes batches until ctx ends or the reader has gone. The recorder waits for
// no reader: one that is too slow misses events, and is told so.
func (f *feed) run(ctx context.Context, s *recorder.Subscription) {
	for f.flush() == nil && ctx.Err() == nil {
		f.console.streams.takeTurns(f.console.now())
		// Not for longer, for others may want their turn and counts may be due.
		wait, cancel := context.WithTimeout(ctx, streamTurn/4)
		list, lost, err := s.Next(wait)
		cancel()
		if lost > 0 && !f.lines {
			f.event("lost", "", map[string]uint64{"lost": lost})
		}
		for _, e := range list {
			f.add(e)
		}
		f.changed = f.changed || len(list) > 0
		since := f.console.now().Sub(f.counted)
		if f.changed && since >= time.Second || since >= heartbeat {
			f.count()
		}
		if err == nil && f.flush() == nil {
			_ = pause(ctx, batchPause) // its error is that of ctx
		}
	}
}

// count sends the counts, which also are the sign of life where nothing happens.
func (f *feed) count() {
	f.counted, f.changed = f.console.now(), false
	if !f.lines {
		counts := view.CountsOf(f.console.options.Dev.Recorder.Counts())
		counts.Minute, counts.Lag = nil, nil // a page asks for these
		f.event("counts", "", counts)
	}
}

// add adds an event that passes the filter.
func (f *feed) add(e recorder.Event) {
	if f.filter != (recorder.Filter{}) {
		m, ok := f.console.options.Dev.Recorder.Message(e.ID)
		if !ok || !f.filter.Matches(m) {
			return
		}
	}
	id := f.id(e.Seq)
	switch {
	case f.lines && e.Kind == recorder.EventMessage:
		_ = json.NewEncoder(&f.out).Encode(e.Step) // texts have a JSON form
	case f.lines:
	case e.Kind == recorder.EventMessage:
		f.event("message", id, struct {
			recorder.Step
			ID string `json:"id"` // of its page, where svix_id is absent
		}{e.Step, e.ID})
	case e.Kind == recorder.EventRow:
		f.event("row", id, map[string]string{
			"pk": e.Key.PK, "sk": e.Key.SK, "svix_id": e.ID, "outcome": e.Step.Stage,
		})
	case e.Kind == recorder.EventDead:
		f.event("dead", id, map[string]string{"svix_id": e.ID})
	default: // cleared: what is shown is gone
		f.count()
	}
}

// id is an event's number, which tells the run as well.
func (f *feed) id(seq uint64) string { return f.console.run + "-" + strconv.FormatUint(seq, 10) }

// event adds an event as text/event-stream has it. JSON has no line ends, so its
// text is one line of data.
func (f *feed) event(kind, id string, data any) {
	text, err := json.Marshal(data)
	if err != nil {
		return // no view is without a JSON form; a test holds them
	}
	if id != "" {
		fmt.Fprintf(&f.out, "id: %s\n", id)
	}
	fmt.Fprintf(&f.out, "event: %s\ndata: %s\n\n", kind, text)
}

// flush writes what is due, and at first the head of the answer.
func (f *feed) flush() error {
	if f.out.Len() == 0 && f.begun {
		return nil
	}
	f.begun = true
	_ = f.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // as in keepOpen
	if _, err := f.w.Write(f.out.Bytes()); err != nil {
		return err //nolint:wrapcheck // only that it failed matters
	}
	f.out.Reset()
	return f.control.Flush() //nolint:wrapcheck // likewise
}

// pause waits unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // as documented
	case <-t.C:
		return nil
	}
}
