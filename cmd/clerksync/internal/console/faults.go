package console

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/faults"
)

// Faults are the switches that are on, for the bar on every page.
func (p page) Faults() (on []faults.Switch) {
	dev := p.Console.options.Dev
	if dev == nil || dev.Faults == nil {
		return nil
	}
	for _, s := range dev.Faults.State() {
		if s.On {
			on = append(on, s)
		}
	}
	return on
}

// setFault turns one switch on or off, by a form.
func (c *Console) setFault(w http.ResponseWriter, r *http.Request) {
	name, on := faults.Name(r.PostFormValue("name")), r.PostFormValue("on") != ""
	if err := c.options.Dev.Faults.Set(name, on); err != nil {
		c.fail(w, r, http.StatusBadRequest, "unknown_fault", err.Error())
		return
	}
	http.Redirect(w, r, "/traffic", http.StatusSeeOther)
}

// retryWaiting makes what waits for another attempt visible at once.
func (c *Console) retryWaiting(w http.ResponseWriter, r *http.Request) {
	if c.options.Dev.Retry == nil {
		c.fail(w, r, http.StatusConflict, "not_embedded", notEmbedded)
		return
	}
	n, err := c.options.Dev.Retry()
	if err != nil {
		c.fail(w, r, http.StatusBadGateway, "queue_unreadable", err.Error())
		return
	}
	http.Redirect(w, r, "/traffic?"+url.Values{"tried": {strconv.Itoa(n)}}.Encode(), http.StatusSeeOther)
}

const notEmbedded = "the tables and queues are not in this process: start clerksync dev without --endpoint-url"

func (c *Console) apiFaults(w http.ResponseWriter, _ *http.Request) {
	if c.options.Dev.Faults == nil {
		writeError(w, http.StatusConflict, "not_embedded", notEmbedded)
		return
	}
	writeJSON(w, http.StatusOK, struct {
		Faults []faults.Switch `json:"faults"`
	}{c.options.Dev.Faults.State()})
}

// apiSetFaults turns switches on or off by their names, as in {"dynamodb_down":true};
// the others stay as they are. A name that is unknown changes nothing at all.
func (c *Console) apiSetFaults(w http.ResponseWriter, r *http.Request) {
	if c.options.Dev.Faults == nil {
		c.apiFaults(w, r)
		return
	}
	var wanted map[faults.Name]bool
	if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil {
		writeError(w, http.StatusBadRequest, "bad_json", "want {\"dynamodb_down\":true}: "+err.Error())
		return
	}
	if err := c.options.Dev.Faults.SetAll(wanted); err != nil {
		writeError(w, http.StatusBadRequest, "unknown_fault", err.Error())
		return
	}
	c.apiFaults(w, r)
}
