package console

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
)

// deadLetterRoutes are the pages of dead letters, and the same for scripts. SQS
// shows a message only to whoever receives it, which hides it from others for a
// while and counts: where the queue is not in this process a look is a POST, so
// that no page does it by being opened.
func (c *Console) deadLetterRoutes() []route {
	list := []route{
		{"GET /dead-letters", c.showDeadLetters},
		{"GET " + apiPrefix + "dead-letters", c.apiDeadLetters},
	}
	if !c.embedded() {
		list = append(list,
			route{"POST /dead-letters/look", c.lookAtDeadLetters},
			route{"POST " + apiPrefix + "dead-letters/look", c.apiLookAtDeadLetters})
	}
	if c.mayWrite() {
		list = append(list,
			route{"POST /dead-letters/redrive", c.redriveDeadLetters},
			route{"GET /dead-letters/{id}/drop", c.askToDrop},
			route{"POST /dead-letters/{id}/drop", c.dropDeadLetter},
			route{"POST " + apiPrefix + "dead-letters/redrive", c.apiRedriveSeveral},
			route{"POST " + apiPrefix + "dead-letters/{id}/redrive", c.apiRedriveOne},
			route{"DELETE " + apiPrefix + "dead-letters/{id}", c.apiDrop})
	}
	return list
}

// embedded says whether tables and queues are in this process: they can be looked
// at for nothing, and a look leaves them as they are.
func (c *Console) embedded() bool {
	return c.options.Dev != nil && c.options.Dev.DeadLetters != nil
}

// mayWrite says whether this console changes anything.
func (c *Console) mayWrite() bool { return c.options.Dev != nil || c.options.Write }

// maxDeadLetters is how many a page or an answer has at most, the oldest first.
const maxDeadLetters = 200

// deadLettersPage is the page of dead letters.
type deadLettersPage struct {
	Letters []deadLetterLine
	More    bool // than are shown
	Free    bool // a look leaves the queue as it is
	// Looked and Shown are when a look on request began and ended: others could not
	// receive the messages in between.
	Looked, Shown time.Time
	// HiddenUntil is until when they stay hidden all the same, where they could not be
	// shown again; zero where they could.
	HiddenUntil time.Time
	Write       bool
	Results     []result // of what was just done
	Alert       alert
	// Lacks is the permission that was last found missing. It goes from one action to
	// the next with the form, and is forgotten when the page is opened again.
	Lacks string
}

// Permissions without which a part of the page cannot work.
const (
	mayReceive    = "sqs:ReceiveMessage"
	mayReadQueue  = "sqs:GetQueueAttributes"
	mayDelete     = "sqs:DeleteMessage"
	mayAssumeRole = "sts:AssumeRole"
)

// CanLook says whether no permission to receive is known to be missing.
func (p deadLettersPage) CanLook() bool { return p.Lacks != mayReceive && p.Lacks != mayReadQueue }

// CanDrop is CanLook for dropping.
func (p deadLettersPage) CanDrop() bool { return p.CanLook() && p.Lacks != mayDelete }

// CanRedrive is CanLook for redriving, which deletes, too.
func (p deadLettersPage) CanRedrive() bool { return p.CanDrop() && p.Lacks != mayAssumeRole }

// setLacks sets what is missing: what this action met, or one before it.
func (p *deadLettersPage) setLacks(r *http.Request) {
	if p.Lacks = p.Alert.Denied; p.Lacks != "" {
		return
	}
	before := r.PostFormValue("lacks")
	if slices.Contains([]string{mayDelete, mayAssumeRole}, before) { // a look has shown that the others are there
		p.Lacks = before
		if p.Alert.Text == "" {
			p.Alert = lacking(before)
		}
	}
}

// deadLetterLine is a dead letter as the page has it.
type deadLetterLine struct {
	deployment.DeadLetter
	ID   string // Svix's, or SQS's where there is none: what is typed to drop it
	Page string // of its message, "" where none is kept
	// CanOrder says that it can be put among the messages of the Order page.
	CanOrder bool
}

// Drop is the path of the page that asks before it drops the dead letter.
func (l deadLetterLine) Drop() string { return dropPath(l.ID) }

// result is what became of a dead letter that was put back on the queue.
type result struct {
	deployment.DeadLetter
	Outcome string `json:"outcome"` // "" while it is on its way
	Why     string `json:"why,omitempty"`
}

func (c *Console) showDeadLetters(w http.ResponseWriter, r *http.Request) {
	c.renderDeadLetters(w, r, http.StatusOK, deadLettersPage{})
}

// renderDeadLetters adds the dead letters to a page, where that leaves them as they
// are.
func (c *Console) renderDeadLetters(w http.ResponseWriter, r *http.Request, status int, p deadLettersPage) {
	if p.Free = c.embedded(); p.Free {
		letters, err := c.options.Dev.DeadLetters()
		if err != nil {
			status, p.Alert = http.StatusBadGateway, alertOf(err)
		}
		c.addLetters(&p, letters)
	}
	p.setLacks(r)
	p.Write = c.mayWrite()
	c.render(w, r, status, "deadletters.html", p)
}

func (c *Console) addLetters(p *deadLettersPage, letters []deployment.DeadLetter) {
	for i, l := range letters {
		if i == maxDeadLetters {
			p.More = true
			break
		}
		line := deadLetterLine{DeadLetter: l, ID: cmp.Or(l.SvixID, l.MessageID), Page: c.linkToMessage(l.SvixID)}
		m, ok := messageOfLetter(l)
		if line.CanOrder = ok && c.options.Order != nil; line.CanOrder && !p.Free {
			c.letters.keep(m) // the Order page cannot look again
		}
		p.Letters = append(p.Letters, line)
	}
}

// readDeadLetters receives the first dead letters and shows them again at once,
// the oldest first. The reader says whether it could.
func (c *Console) readDeadLetters(
	ctx context.Context,
) (letters []deployment.DeadLetter, dead *deployment.DeadLetters, err error) {
	dead, err = c.options.Deployment.DeadLetters(ctx)
	if err != nil {
		return nil, nil, err //nolint:wrapcheck // it says what failed
	}
	err = dead.Walk(ctx, func(l deployment.DeadLetter) (bool, error) {
		letters = append(letters, l)
		if len(letters) > maxDeadLetters {
			return false, deployment.ErrStop
		}
		return false, nil
	})
	slices.SortStableFunc(letters, func(a, b deployment.DeadLetter) int {
		return a.QueuedTime().Compare(b.QueuedTime())
	})
	return letters, dead, err //nolint:wrapcheck // likewise
}

func (c *Console) lookAtDeadLetters(w http.ResponseWriter, r *http.Request) {
	p, status := deadLettersPage{Looked: c.now()}, http.StatusOK
	letters, dead, err := c.readDeadLetters(r.Context())
	if err == nil {
		p.HiddenUntil, err = dead.Hidden()
	}
	if err != nil {
		status, p.Alert = http.StatusBadGateway, alertOf(err)
	}
	p.Shown = c.now()
	c.addLetters(&p, letters)
	c.renderDeadLetters(w, r, status, p)
}
