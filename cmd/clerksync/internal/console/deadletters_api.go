package console

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
)

func (c *Console) apiDeadLetters(w http.ResponseWriter, _ *http.Request) {
	if !c.embedded() {
		writeError(w, http.StatusConflict, "look_needed",
			"a look hides dead letters from others and counts as a receive: POST "+apiPrefix+"dead-letters/look")
		return
	}
	letters, err := c.options.Dev.DeadLetters()
	c.answerLetters(w, letters, err)
}

func (c *Console) apiLookAtDeadLetters(w http.ResponseWriter, r *http.Request) {
	letters, err := c.readDeadLetters(r.Context())
	c.answerLetters(w, letters, err)
}

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

func (c *Console) apiDrop(w http.ResponseWriter, r *http.Request) {
	status, err := c.drop(r.Context(), r.PathValue("id"))
	if err != nil {
		name := map[int]string{http.StatusNotFound: "not_found"}[status]
		writeError(w, status, cmp.Or(name, "drop_failed"), explain(err))
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"dropped": r.PathValue("id")})
}
