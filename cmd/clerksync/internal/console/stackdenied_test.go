package console_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A permission that is missing is named on the screen that needs it, and the other
// screens work.
func TestStackNamesTheMissingPermission(t *testing.T) {
	w := newStackWorld(t, false)
	for action, path := range map[string]string{
		"logs:FilterLogEvents":      "/",
		"dynamodb:GetItem":          "/directory?q=user_a",
		"dynamodb:Query":            "/directory?q=ada%40example.com",
		"cloudwatch:DescribeAlarms": "/traffic",
		"cloudwatch:GetMetricData":  "/traffic",
	} {
		_, operation, _ := strings.Cut(action, ":")
		w.Account.Denied[operation] = true
		if path == "/" {
			time.Sleep(logEvery)
		}
		_, body := w.ask(http.MethodGet, path)
		if !strings.Contains(body, "The permission "+action+" is missing") {
			t.Errorf("%s without %s does not name it:\n%s", path, action, body)
		}
		if status, _ := w.ask(http.MethodGet, "/doctor"); status != http.StatusOK {
			t.Errorf("without %s other pages = %d, want 200", action, status)
		}
		delete(w.Account.Denied, operation)
	}
}

// form posts a form as the page's own browser does.
func (w *stackWorld) form(path string, values url.Values) string {
	w.t.Helper()
	r, err := http.NewRequestWithContext(
		w.t.Context(), http.MethodPost, w.console.URL+path, strings.NewReader(values.Encode()),
	)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return readAll(w.t, resp.Body)
}

// allowedActions are those of the policy that the documents give for the console.
func allowedActions(t *testing.T) (actions []string) {
	t.Helper()
	var policy struct {
		Statement []struct{ Action any }
	}
	if err := json.Unmarshal(readFile(t, "../../../../docs/iam/console.json"), &policy); err != nil {
		t.Fatal(err)
	}
	for _, s := range policy.Statement {
		switch a := s.Action.(type) {
		case string:
			actions = append(actions, a)
		case []any:
			for _, text := range a {
				actions = append(actions, text.(string))
			}
		}
	}
	return actions
}

// off ends what is grey by itself.
const off = " disabled>"

// screensWithout are the screens that need each permission, with what is grey there without it.
func screensWithout() map[string]map[string]string {
	return map[string]map[string]string{
		"logs:FilterLogEvents":                 {"/": "<fieldset" + off, "/messages/msg_0": "<fieldset" + off},
		"cloudformation:DescribeStackResource": {"/traffic": `id="traffic" class="quiet"`},
		"cloudformation:DescribeStacks":        {"POST /doctor": `data-status="fail"`},
		"cloudwatch:GetMetricData":             {"/traffic": `id="traffic" class="quiet"`},
		"cloudwatch:DescribeAlarms":            {"/traffic": `id="alarms" class="quiet"`},
		"dynamodb:GetItem": {
			"/directory?q=user_a": "<fieldset" + off, "/rows/USER%23user_a/USER": `role="alert"`,
			"/messages/msg_0": `role="alert"`,
		},
		"dynamodb:BatchGetItem": {"/rows/ORG%23org_a/ORG?tab=members": `data-sk="MEMBER#user_c"`},
		"dynamodb:Query": {
			"/directory?q=user_a": "cannot be searched for", "/rows/USER%23user_a/USER?tab=memberships": "is not known",
		},
		"dynamodb:DescribeTable": {"/directory?q=user_a": "Without it nobody knows"},
		"dynamodb:Scan":          {"/directory?scan=1&kind=user": `class="list quiet"`},
		"sqs:GetQueueAttributes": {
			"/traffic": `id="depth" class="quiet"`, "POST /dead-letters/look": off + "Look",
		},
		"sqs:ReceiveMessage":          {"POST /dead-letters/look": off + "Look"},
		"sqs:ChangeMessageVisibility": {"POST /dead-letters/look": "can receive them again at"},
		"sqs:DeleteMessage":           {"POST /dead-letters/msg_1/drop?confirm=msg_1": off + "Drop"},
		"sts:AssumeRole":              {"POST /dead-letters/redrive?only=msg_1": `name="lacks" value="sts:AssumeRole"`},
	}
}

// Each permission of the policy, when it is missing, is named on every screen that needs
// it, what cannot be done without it is grey there, and everything else works.
func TestStackGreysWhatAMissingPermissionForbids(t *testing.T) {
	w := newStackWorld(t, true)
	w.PutUser("user_a", "ins_1")
	for _, id := range []string{"user_b", "user_c"} { // two names to read are one batch
		w.PutRow(w.Pipeline.DirectoryTable, map[string]string{
			"pk": "ORG#org_a", "sk": "MEMBER#" + id, "kind": "membership", "user_id": id, "org_id": "org_a",
		})
	}
	w.PutRow(w.Pipeline.DirectoryTable, map[string]string{"pk": "ORG#org_a", "sk": "ORG", "kind": "organization"})
	putLetter(t, w.Pipeline, "msg_1", "user.created", "data.updated_at=-5")
	screensOf := screensWithout()
	for _, action := range allowedActions(t) {
		// The account's number is asked for before there is a page, which does without it.
		if screensOf[action] == nil && action != "sts:GetCallerIdentity" {
			t.Errorf("no screen is tried without %s", action)
		}
	}
	without := func(action string) {
		_, operation, _ := strings.Cut(action, ":")
		w.Account.Denied[operation], w.Account.Denied[operation+"Batch"] = true, true
		time.Sleep(logEvery) // the log is read again
		for screen, grey := range screensOf[action] {
			path, isPost := strings.CutPrefix(screen, "POST ")
			path, query, _ := strings.Cut(path, "?")
			var page string
			if isPost {
				page = w.form(path, must(url.ParseQuery(query)))
			} else {
				_, page = w.ask(http.MethodGet, screen)
			}
			if !strings.Contains(page, "permission "+action) || !strings.Contains(page, grey) {
				t.Errorf("%s without %s does not name it, or %s is not grey:\n%s",
					screen, action, grey, inside(page, "main", "main"))
			}
		}
		if page := w.get("/dead-letters"); strings.Contains(page, off) {
			t.Errorf("without %s a page that asks AWS for nothing is grey", action)
		}
		clear(w.Account.Denied)
	}
	const hides = "sqs:ChangeMessageVisibility" // leaves the dead letter hidden for a while, so it is the last
	for action := range screensOf {
		if action != hides {
			without(action)
		}
	}
	page := w.form("/dead-letters/look", url.Values{"lacks": {"sts:AssumeRole"}})
	if !strings.Contains(page, off+"Redrive") || strings.Contains(page, off+"Drop") {
		t.Errorf("a look after a redrive without sts:AssumeRole: it alone is to be grey:\n%s",
			inside(page, "main", "main"))
	}
	without(hides)
}
