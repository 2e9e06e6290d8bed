package console

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/doctor"
)

// Stack is what the console of a deployed stack, or of tables and queues, has. It
// signs nothing, sends nothing and reads no parameter.
type Stack struct {
	Token string // opens the console: see NewToken
	// Account and Region stand in the bar that says what is looked at; "" for what is
	// not known.
	Account, Region string
	// LogEvery is how often the logs are read while a page looks; 0 for every 5 s.
	LogEvery time.Duration
	// Examine runs the checks of doctor that send nothing, and reports each.
	Examine func(ctx context.Context, report func(doctor.Verdict)) error
}

// stackRoutes are the pages that need a stack. Where tables alone are named, there
// are no logs and no metrics, and the directory is the first page.
func (c *Console) stackRoutes() []route {
	if c.options.Stack == nil {
		return nil
	}
	list := []route{
		{"GET /doctor", c.showDoctor},
		{"POST /doctor", c.runDoctor}, // it changes nothing, but asks AWS a lot
	}
	if c.options.Deployment.Stack == nil {
		return append(list, route{"GET /{$}", redirectTo("/directory")})
	}
	return append(list,
		route{"GET /{$}", c.showStackMessages},
		route{"GET /messages", c.findStackMessage},
		route{"GET /messages/{id}", c.showStackMessage},
		route{"GET /traffic", c.showStackTraffic},
		route{"GET " + apiPrefix + "messages", c.apiStackMessages},
		route{"GET " + apiPrefix + "messages/{id}", c.apiStackMessage},
		route{"GET " + apiPrefix + "events", c.streamStack})
}

// Production is what the red bar of a stack's console says, "" for none.
func (p page) Production() string {
	s, d := p.Console.options.Stack, p.Console.options.Deployment
	if s == nil {
		return ""
	}
	text := "production: tables " + d.DirectoryTable + " and " + d.DeliveriesTable
	if d.Stack != nil {
		text = "production: stack " + d.Stack.Name
	}
	if s.Account != "" {
		text += ", account " + s.Account
	}
	if s.Region != "" {
		text += ", region " + s.Region
	}
	if p.Console.options.Write {
		return text + ": what you change here is changed there"
	}
	return text + ", read only"
}

// Live says whether the page hears of what is new. Of a stack that is what its logs
// say, which costs something, so that only pages of messages ask for it.
func (p page) Live() bool {
	if p.Console.options.Stack == nil {
		return true
	}
	return p.Console.log != nil && (p.Path == "/" || strings.HasPrefix(p.Path, "/messages/"))
}

// alert is why a part of a page could not be made, or an action done: the template
// "alert" shows it. Where a permission is missing, Denied is its action, and the
// page shows in grey what cannot be done without it.
type alert struct{ Text, Denied string }

// alertOf is the alert for an error, none for nil.
func alertOf(err error) alert {
	if err == nil {
		return alert{}
	}
	return alert{Text: explain(err), Denied: deployment.MissingPermission(err)}
}

// explain is an error for a page. Where a permission is missing it names the action:
// nothing else is wrong, and the rest of the console works.
func explain(err error) string {
	if action := deployment.MissingPermission(err); action != "" {
		return lacking(action).Text
	}
	return err.Error()
}

// lacking is the alert that a permission is missing.
func lacking(action string) alert {
	return alert{Denied: action, Text: "The permission " + action + " is missing, and what needs it is grey. " +
		"docs/iam/console.json in clerksync's repository has all that this console needs."}
}

// doctorPage shows the verdicts of the checks.
type doctorPage struct {
	Ran      bool
	Verdicts []doctor.Verdict
	Summary  string
	Alert    alert
}

func (c *Console) showDoctor(w http.ResponseWriter, r *http.Request) {
	c.render(w, r, http.StatusOK, "doctor.html", doctorPage{})
}

func (c *Console) runDoctor(w http.ResponseWriter, r *http.Request) {
	p, tally := doctorPage{Ran: true}, map[doctor.Status]int{}
	keepOpen(w) // a check may wait for AWS
	err := c.options.Stack.Examine(r.Context(), func(v doctor.Verdict) {
		tally[v.Status]++
		p.Verdicts = append(p.Verdicts, v)
	})
	p.Alert = alertOf(err)
	p.Summary = fmt.Sprintf("%d passed, %d warnings, %d failed, %d skipped.",
		tally[doctor.Pass], tally[doctor.Warn], tally[doctor.Fail], tally[doctor.Skip])
	c.render(w, r, http.StatusOK, "doctor.html", p)
}
