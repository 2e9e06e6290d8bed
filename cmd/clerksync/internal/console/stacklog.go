package console

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/pkg/ingest"
)

// Bounds of what is read of the functions' logs, which is paid for by size.
const (
	logEvery    = 5 * time.Second // while a page looks, unless Stack says otherwise
	logBack     = time.Hour       // at first
	logOverlap  = 30 * time.Second
	logPages    = 10 // of a group, each time
	logMessages = 1000
)

// logWatch knows the messages of a stack from the lines that its functions log. It
// reads while somebody looks, and keeps the newest messages.
type logWatch struct {
	deployment *deployment.Deployment
	now        func() time.Time
	every      time.Duration

	mu       sync.Mutex
	groups   []string             // empty until they are found
	asked    time.Time            // when the logs were last read
	newest   map[string]time.Time // line, by group
	seen     map[string]time.Time // ids of lines that may be met again, with the line's time
	messages map[string]*logMessage
	version  int   // counts changes
	partial  bool  // there were more lines than are read at once
	err      error // of the last reading
}

// logMessage is a message as the log has it.
type logMessage struct {
	id    string
	lines []deployment.LogLine // the oldest first
}

func newLogWatch(d *deployment.Deployment, now func() time.Time, every time.Duration) *logWatch {
	return &logWatch{
		deployment: d, now: now, every: cmp.Or(every, logEvery),
		newest: map[string]time.Time{}, seen: map[string]time.Time{}, messages: map[string]*logMessage{},
	}
}

// refresh reads what is new, unless that was done a moment ago, and returns how
// often something has changed so far.
func (l *logWatch) refresh(ctx context.Context) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now().Sub(l.asked) < l.every {
		return l.version
	}
	before := l.err
	l.err = l.read(ctx)
	if ctx.Err() != nil { // who asked has gone; the next one asks again
		l.err = before
		return l.version
	}
	if l.asked = l.now(); (before == nil) != (l.err == nil) {
		l.version++
	}
	return l.version
}

func (l *logWatch) read(ctx context.Context) (err error) {
	if len(l.groups) == 0 {
		if l.groups, err = l.deployment.LogGroups(ctx); err != nil {
			return err //nolint:wrapcheck // it names the log group
		}
	}
	l.partial = false
	for _, group := range l.groups {
		// Lines come late and out of order, so the last ones are read again.
		since := l.newest[group].Add(-logOverlap)
		if l.newest[group].IsZero() {
			since = l.now().Add(-logBack)
		}
		lines, complete, err := l.deployment.ReadLog(ctx, group, since, logPages)
		if err != nil {
			return err //nolint:wrapcheck // likewise
		}
		l.partial = l.partial || !complete
		for _, line := range lines {
			l.add(group, line)
		}
	}
	l.forget()
	return nil
}

// add adds a line that was not met before. A rejected request proves nothing about
// the id that it names, so it is a message of its own.
func (l *logWatch) add(group string, line deployment.LogLine) {
	if _, known := l.seen[group+line.ID]; known || line.Kind != "request" && line.Kind != "message" {
		return
	}
	l.seen[group+line.ID] = line.At
	if line.At.After(l.newest[group]) {
		l.newest[group] = line.At
	}
	id := line.SvixID
	if id == "" || line.Stage == string(ingest.Rejected) {
		id = "req_" + line.ID
	}
	m := l.messages[id]
	if m == nil {
		m = &logMessage{id: id}
		l.messages[id] = m
	}
	m.lines = append(m.lines, line)
	slices.SortStableFunc(m.lines, func(a, b deployment.LogLine) int { return a.At.Compare(b.At) })
	l.version++
}

// forget drops the oldest messages above the bound, and ids of lines that are not
// read again.
func (l *logWatch) forget() {
	oldest := l.now()
	for _, at := range l.newest {
		if at.Before(oldest) {
			oldest = at
		}
	}
	for id, at := range l.seen {
		if at.Before(oldest.Add(-2 * logOverlap)) {
			delete(l.seen, id)
		}
	}
	for _, m := range l.sorted()[min(len(l.messages), logMessages):] {
		delete(l.messages, m.id)
	}
}

// sorted are all messages, the newest first. l.mu is held.
func (l *logWatch) sorted() []*logMessage {
	all := make([]*logMessage, 0, len(l.messages))
	for _, m := range l.messages {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *logMessage) int {
		if c := b.lines[0].At.Compare(a.lines[0].At); c != 0 {
			return c
		}
		return strings.Compare(a.id, b.id)
	})
	return all
}

// list returns the newest messages that have the outcome and hold the text in id,
// type or entity; both may be empty. err is why the logs could not be read.
func (l *logWatch) list(outcome, text string, limit int) (found []view.Message, partial bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.sorted() {
		v := m.view()
		if outcome != "" && v.Outcome != outcome ||
			text != "" && !strings.Contains(v.SvixID+" "+v.EventType+" "+v.Entity, text) {
			continue
		}
		if found = append(found, v); len(found) == limit {
			break
		}
	}
	return found, l.partial, l.err
}

// message returns one, ok false where the log that was read has none.
func (l *logWatch) message(id string) (v view.Message, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m, ok := l.messages[id]
	if !ok {
		return v, false
	}
	return m.view(), true
}
