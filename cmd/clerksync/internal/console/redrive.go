package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/pkg/consumer"
)

// redriveDeadLetters puts those that the form names back on the queue: one by its
// own button, all, or those that are ticked.
func (c *Console) redriveDeadLetters(w http.ResponseWriter, r *http.Request) {
	only := r.PostFormValue("only") // it parses the form
	selected := slices.Clone(r.PostForm["id"])
	switch {
	case only != "":
		selected = []string{only}
	case r.PostForm.Get("all") != "":
		selected = slices.Clone(r.PostForm["every"])
	case len(selected) == 0:
		c.renderDeadLetters(w, r, http.StatusBadRequest,
			deadLettersPage{Alert: alert{Text: "Nothing was redriven: select some first."}})
		return
	}
	results, missing, err := c.redrive(r.Context(), selected)
	p, status := deadLettersPage{Results: results}, http.StatusOK
	switch {
	case err != nil:
		status, p.Alert = http.StatusBadGateway, alertOf(err)
	case len(missing) > 0:
		p.Alert.Text = "No longer here: " + strings.Join(missing, ", ")
	}
	c.renderDeadLetters(w, r, status, p)
}

// Waits for what becomes of a redriven message.
const (
	redrivePatience = 3 * time.Second
	redrivePoll     = 50 * time.Millisecond
)

// redrive puts dead letters back on the queue, and waits a little for what becomes
// of them.
func (c *Console) redrive(ctx context.Context, ids []string) (results []result, missing []string, err error) {
	dead, err := c.options.Deployment.RedrivableDeadLetters(ctx)
	if err != nil {
		return nil, nil, err //nolint:wrapcheck // it says what failed
	}
	began := c.now()
	removed, missing, err := c.remove(ctx, dead, ids, dead.Redrive)
	for _, l := range removed {
		results = append(results, result{DeadLetter: l})
	}
	for deadline := began.Add(redrivePatience); ctx.Err() == nil; time.Sleep(redrivePoll) {
		waiting := false
		for i := range results {
			if q := &results[i]; q.Outcome == "" {
				q.Outcome, q.Why = c.outcomeSince(ctx, dead, q.DeadLetter, began)
				waiting = waiting || q.Outcome == ""
			}
		}
		if !waiting || !c.now().Before(deadline) {
			break
		}
	}
	return results, missing, err
}

// remove is Remove. Where a look is free, Svix's ids are turned into SQS's before:
// then the walk ends as soon as it has met those messages.
func (c *Console) remove(
	ctx context.Context, dead *deployment.DeadLetters, ids []string,
	f func(context.Context, deployment.DeadLetter) error,
) (removed []deployment.DeadLetter, missing []string, err error) {
	if !c.embedded() {
		return dead.Remove(ctx, ids, f) //nolint:wrapcheck // it says what failed
	}
	letters, err := c.options.Dev.DeadLetters()
	if err != nil {
		return nil, nil, err
	}
	var found []string
	for _, id := range ids {
		n := len(found)
		for _, l := range letters {
			if l.HasID(id) && !slices.Contains(found, l.MessageID) {
				found = append(found, l.MessageID)
			}
		}
		if len(found) == n {
			missing = append(missing, id)
		}
	}
	if len(found) == 0 {
		return nil, missing, nil
	}
	removed, gone, err := dead.Remove(ctx, found, f)
	return removed, append(missing, gone...), err //nolint:wrapcheck // it says what failed
}

// outcomeSince is how a message came out since a time, "" while that is not known.
// The recorder has seen it; without one the Deliveries table knows whether the
// message had its effect. One without svix id was put there by hand; it is known
// again by what it holds.
func (c *Console) outcomeSince(
	ctx context.Context, dead *deployment.DeadLetters, redriven deployment.DeadLetter, since time.Time,
) (outcome, why string) {
	if redriven.SvixID == "" && c.embedded() {
		letters, _ := c.options.Dev.DeadLetters() // without them it is not known
		for _, l := range letters {
			if l.SvixID == "" && l.Body() == redriven.Body() && dead.CameBack(l) {
				return string(consumer.Dead), l.Explain()
			}
		}
		return "", ""
	}
	id := redriven.SvixID
	if c.options.Dev != nil && c.options.Dev.Recorder != nil {
		m, _ := c.options.Dev.Recorder.Message(id)
		for _, a := range m.Attempts {
			if !a.EndedAt.Before(since) {
				outcome, why = a.Outcome, a.Reason
			}
		}
		return outcome, why
	}
	rows, err := c.options.Deployment.Rows().Delivery(ctx, id)
	if err != nil || len(rows) == 0 {
		return "", ""
	}
	if rows[0].Text("processed_at") < deployment.FormatTime(since) { // times in this form compare as texts
		return string(consumer.Duplicate), "it had its effect before: " + rows[0].Text("outcome")
	}
	return rows[0].Text("outcome"), ""
}

// errTyped says that the id that was typed is not the dead letter's.
var errTyped = errors.New("nothing was dropped: type the id of the dead letter, as it stands there")

// dropPath is the address of a dead letter's drop page: the id is one segment, for
// what was put on the queue by hand may have any.
func dropPath(id string) string { return "/dead-letters/" + url.PathEscape(id) + "/drop" }

// dropPage asks for the id of a dead letter before it is dropped.
type dropPage struct {
	ID    string
	Alert alert
}

// Drop is where the form goes.
func (p dropPage) Drop() string { return dropPath(p.ID) }

// askToDrop is the page for those whose browser shows no dialog.
func (c *Console) askToDrop(w http.ResponseWriter, r *http.Request) {
	c.render(w, r, http.StatusOK, "drop.html", dropPage{ID: r.PathValue("id")})
}

// dropDeadLetter deletes one dead letter for good: only a replay from Svix brings
// it back. So its id is typed, and there is no way to drop several at once.
func (c *Console) dropDeadLetter(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if strings.TrimSpace(r.PostFormValue("confirm")) != id {
		c.render(w, r, http.StatusBadRequest, "drop.html", dropPage{id, alert{Text: errTyped.Error()}})
		return
	}
	if status, err := c.drop(r.Context(), id); err != nil {
		c.render(w, r, status, "drop.html", dropPage{id, alertOf(err)})
		return
	}
	http.Redirect(w, r, "/dead-letters", http.StatusSeeOther)
}

// drop deletes the dead letters with an id. Copies of one message have the same id
// of Svix, and go together.
func (c *Console) drop(ctx context.Context, id string) (status int, err error) {
	dead, err := c.options.Deployment.DeadLetters(ctx)
	if err != nil {
		return http.StatusBadGateway, err //nolint:wrapcheck // it says what failed
	}
	keep := func(context.Context, deployment.DeadLetter) error { return nil } // Remove deletes each
	removed, _, err := c.remove(ctx, dead, []string{id}, keep)
	switch {
	case err != nil:
		return http.StatusBadGateway, err
	case len(removed) == 0:
		return http.StatusNotFound, errors.New("no dead letter has the id " + id)
	}
	return http.StatusOK, nil
}
