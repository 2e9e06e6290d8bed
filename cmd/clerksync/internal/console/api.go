package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
)

// Lengths of lists for scripts.
const (
	defaultMessages = 50
	maxMessages     = 250
)

// apiMessages lists messages, the newest first.
func (c *Console) apiMessages(w http.ResponseWriter, r *http.Request) {
	f, err := messageFilter(r.URL.Query())
	limit := defaultMessages
	if text := r.FormValue("limit"); text != "" && err == nil {
		if limit, err = strconv.Atoi(text); err == nil && (limit < 1 || limit > maxMessages) {
			err = errors.New("limit is a number from 1 to " + strconv.Itoa(maxMessages))
		}
	}
	if err != nil {
		writeError(w, http.StatusBadRequest, "bad_query", err.Error())
		return
	}
	list := c.options.Dev.Recorder.Messages(f, limit)
	answer := struct {
		Messages []view.Message `json:"messages"`
		Next     string         `json:"next,omitempty"` // the value for before
	}{Messages: []view.Message{}}
	for _, m := range list.Messages {
		answer.Messages = append(answer.Messages, view.Brief(m))
	}
	if list.Next > 0 {
		answer.Next = strconv.FormatUint(list.Next, 10)
	}
	writeJSON(w, http.StatusOK, answer)
}

// apiMessage is one message with all that is known of it.
func (c *Console) apiMessage(w http.ResponseWriter, r *http.Request) {
	m, ok := c.options.Dev.Recorder.Message(r.PathValue("id"))
	if !ok {
		writeError(w, http.StatusNotFound, "not_found", notKept)
		return
	}
	c.options.Dev.Recorder.FindBetween(m)
	writeJSON(w, http.StatusOK, view.Of(m))
}

// apiBody is a body as text, credentials masked. A browser saves it and does not
// show it, for a stranger may have written it.
func (c *Console) apiBody(w http.ResponseWriter, r *http.Request) {
	m, ok := c.options.Dev.Recorder.Message(r.PathValue("id"))
	switch {
	case !ok:
		writeError(w, http.StatusNotFound, "not_found", notKept)
		return
	case m.Body == nil:
		writeError(w, http.StatusNotFound, "not_kept", bodyNotKept(m))
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+fileName(m.ID)+`.json"`)
	_, _ = w.Write(recorder.Mask(m.Body)) // the reader is gone if this fails
}

// maxFileName bounds a file's name.
const maxFileName = 80

// fileName is an id without what means something in a header or to a shell.
func fileName(id string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			return c
		}
		return '_'
	}, id[:min(len(id), maxFileName)])
}

// How long a script may wait.
const (
	defaultWait = 10 * time.Second
	maxWait     = 5 * time.Minute
)

// apiWait answers when a message has come out, also one that is not here yet.
func (c *Console) apiWait(w http.ResponseWriter, r *http.Request) {
	outcome, timeout := recorder.WaitEnded, defaultWait
	if text := r.FormValue("outcome"); text != "" {
		outcome = text
	}
	if outcome != recorder.WaitEnded && !slices.Contains(outcomes(), outcome) {
		writeError(w, http.StatusBadRequest, "bad_query",
			"outcome is "+recorder.WaitEnded+", "+strings.Join(outcomes(), ", "))
		return
	}
	if text := r.FormValue("timeout"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 || d > maxWait {
			writeError(w, http.StatusBadRequest, "bad_query", "timeout is a time such as 10s, up to 5m")
			return
		}
		timeout = d
	}
	keepOpen(w)
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	m, seen, err := c.options.Dev.Recorder.Wait(ctx, r.PathValue("id"), outcome)
	switch {
	case err == nil:
		writeJSON(w, http.StatusOK, view.Of(m))
	case seen:
		writeError(w, http.StatusGatewayTimeout, "timeout", "not within "+timeout.String()+"; it is "+m.Outcome)
	default:
		writeError(w, http.StatusGatewayTimeout, "timeout", "not within "+timeout.String()+
			"; no message of this id was seen")
	}
}

// keepOpen lifts the time for reading a request, which would end an answer that
// takes longer.
func keepOpen(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // a test's writer has none
}

// apiCounts are the counts.
func (c *Console) apiCounts(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, view.CountsOf(c.options.Dev.Recorder.Counts()))
}

// apiReset empties tables, queues and what is kept of messages, for the next test
// of somebody's suite. Where tables are not in this process they may be of use to
// others, and stay.
func (c *Console) apiReset(w http.ResponseWriter, r *http.Request) {
	dev := c.options.Dev
	if dev.Reset == nil {
		writeError(w, http.StatusConflict, "not_embedded",
			"tables and queues are not in this process, so nothing is deleted")
		return
	}
	if err := dev.Reset(r.Context()); err != nil {
		writeError(w, http.StatusInternalServerError, "reset_failed", err.Error())
		return
	}
	dev.Recorder.Clear()
	c.apiCounts(w, r)
}
