package console

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
)

// apiDeadLetters lists dead letters where that leaves them as they are. Elsewhere it
// says what to ask instead: no GET changes anything.
func (c *Console) apiDeadLetters(w http.ResponseWriter, _ *http.Request) {
	if !c.embedded() {
		writeError(w, http.StatusConflict, "look_needed",
			"a look hides dead letters from others and counts as a receive: POST "+apiPrefix+"dead-letters/look")
		return
	}
	letters, err := c.options.Dev.DeadLetters()
	c.answerLetters(w, letters, err)
}

// apiLookAtDeadLetters receives the dead letters, and shows them to others again.
func (c *Console) apiLookAtDeadLetters(w http.ResponseWriter, r *http.Request) {
	letters, _, err := c.readDeadLetters(r.Context())
	c.answerLetters(w, letters, err)
}

// answerLetters answers as `dlq ls --json` prints them, in one list.
func (c *Console) answerLetters(w http.ResponseWriter, letters []deployment.DeadLetter, err error) {
	if err != nil {
		writeError(w, http.StatusBadGateway, "queue_unreadable", explain(err))
		return
	}
	if letters == nil {
		letters = []deployment.DeadLetter{}
	}
	writeJSON(w, http.StatusOK, map[string]any{"dead_letters": letters})
}

// apiRedriveOne puts one back, by the id of Svix or of SQS.
func (c *Console) apiRedriveOne(w http.ResponseWriter, r *http.Request) {
	c.answerRedrive(w, r, []string{r.PathValue("id")})
}

// apiRedriveSeveral takes {"ids":[...]}.
func (c *Console) apiRedriveSeveral(w http.ResponseWriter, r *http.Request) {
	var in struct {
		IDs []string `json:"ids"`
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil || len(in.IDs) == 0 {
		writeError(w, http.StatusBadRequest, "bad_request", `the body is {"ids":["msg_...", ...]}`)
		return
	}
	c.answerRedrive(w, r, in.IDs)
}

// answerRedrive puts dead letters back and says what became of each. That some were
// no longer there is no error while one was: another may have been first.
func (c *Console) answerRedrive(w http.ResponseWriter, r *http.Request, ids []string) {
	results, missing, err := c.redrive(r.Context(), ids)
	switch {
	case err != nil:
		writeError(w, http.StatusBadGateway, "redrive_failed", explain(err))
	case len(results) == 0:
		writeError(w, http.StatusNotFound, "not_found", "no dead letter has the id "+strings.Join(missing, ", "))
	default:
		writeJSON(w, http.StatusOK, map[string]any{"redriven": results, "missing": missing})
	}
}

// apiDrop deletes a dead letter for good. The id is in the path, so a script has
// named it as a person types it.
func (c *Console) apiDrop(w http.ResponseWriter, r *http.Request) {
	status, err := c.drop(r.Context(), r.PathValue("id"))
	if err != nil {
		name := map[int]string{http.StatusNotFound: "not_found"}[status]
		writeError(w, status, cmp.Or(name, "drop_failed"), explain(err))
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"dropped": r.PathValue("id")})
}
