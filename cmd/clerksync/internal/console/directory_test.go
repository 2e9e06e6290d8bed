package console_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
)

func ignoreWarning(context.Context, string, error) {}

// Users, organizations and members of the samples.
const (
	jonah    = "user_2exampleJonahAdeyemi0000000"
	lumenOak = "org_2exampleLumenOak00000000000"
)

// Search by e-mail, id and slug finds one row; a deleted one is found where that is
// asked for, with its date, and not without.
func TestDirectorySearch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("msg_1", "user.created", "applied", "data.id=user_a", "data.username=ada")
	w.send("msg_2", "user.created", "applied", "data.id=user_b")
	w.send("msg_3", "organization.created", "applied", "data.id=org_a", "data.slug=lumen")
	w.send("msg_4", "user.created", "applied", "data.id=user_c", "data.username=gone")
	w.send("msg_5", "user.deleted", "applied", "data.id=user_c", "timestamp=1772884809118")
	for _, row := range []struct {
		query   string
		deleted bool
		want    []string
	}{
		{query: "user_a", want: []string{"USER#user_a"}},
		{query: "ada", want: []string{"USER#user_a"}},
		{query: "lumen", want: []string{"ORG#org_a"}},
		{query: "gone"},
		{query: "gone", deleted: true, want: []string{"USER#user_c"}},
		{query: "user_c"},
		{query: "user_c", deleted: true, want: []string{"USER#user_c"}},
		{query: "nobody"},
		{query: " user_a ", want: []string{"USER#user_a"}},
	} {
		q := url.Values{"q": {row.query}}
		q.Set("deleted", "false") // as a script may say it
		if row.deleted {
			q.Set("deleted", "1")
		}
		page := w.page("/directory?" + q.Encode())
		list := inside(page, "rows", "ul")
		if diff := cmp.Diff(row.want, attributes(list, "data-pk")); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", row, diff)
		}
		if row.want != nil && row.deleted {
			got := attributes(list, "data-deleted")
			if got[0] != "true" || !strings.Contains(list, "2026-03-07T12:00:09.118Z") {
				t.Errorf("%+v: data-deleted=%q, want true, and the date of the deletion:\n%s", row, got, list)
			}
		}
		if row.want == nil && !strings.Contains(page, "rows match") {
			t.Errorf("%+v: the page does not say that nothing matches:\n%s", row, page)
		}
		_, answer := ask(t, w.Console, request{method: http.MethodGet, path: "/api/v1/rows?" + q.Encode()})
		var api struct{ Rows []map[string]any }
		if err := json.Unmarshal([]byte(answer), &api); err != nil {
			t.Fatalf("%+v: %v: %s", row, err, answer)
		}
		var keys []string
		for _, r := range api.Rows {
			keys = append(keys, r["pk"].(string))
			if r["rev"] == nil || r["object"] == nil && !row.deleted && r["kind"] == "user" {
				t.Errorf("%+v: the API's row is not whole: %v", row, r)
			}
		}
		if diff := cmp.Diff(row.want, keys); diff != "" {
			t.Errorf("API, %+v (-want +got):\n%s", row, diff)
		}
	}
}

// A row whose names are HTML is shown as text on every page that shows it.
func TestHostileNamesAreText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const image, script = `<img src=x onerror=alert(1)>`, `"><script>alert(2)</script>`
	w.send("msg_1", "user.created", "applied",
		"data.id=user_x", "data.first_name="+image, "data.last_name="+script)
	w.send("msg_2", "user.updated", "applied",
		"data.id=user_x", "data.first_name="+script, "data.last_name="+image)
	row := "/rows/USER%23user_x/USER"
	for _, path := range []string{
		"/directory", "/directory?kind=user", "/directory?q=" + url.QueryEscape(image),
		"/directory?q=" + url.QueryEscape(script), row, row + "?at=1", row + "?tab=object", row + "?tab=item",
		row + "?tab=read+it", row + "?tab=" + url.QueryEscape(script),
	} {
		page := w.page(path)
		if strings.Contains(page, "<img") || strings.Contains(page, "<script>") {
			t.Errorf("%s has a tag of a name:\n%s", path, page)
		}
		if !strings.Contains(page, "&lt;img") && !strings.Contains(page, "read") && !strings.Contains(path, "script") {
			t.Errorf("%s does not show the name as text:\n%s", path, page)
		}
	}
}

// What a row belongs to, and what belongs to it, is on its page.
func TestRowPageListsWhatBelongsToIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i, name := range []string{
		"user.created", "organization.created", "organizationMembership.created", "organizationInvitation.created",
		"organizationDomain.created",
	} {
		w.send("msg_"+string(rune('a'+i)), name, "applied")
	}
	list := inside(w.page("/directory?kind=user"), "rows", "ul")
	if !strings.Contains(list, "Member of Lumen &amp; Oak") {
		t.Errorf("a user's line does not name the membership:\n%s", list)
	}
	for path, want := range map[string]string{
		"/rows/USER%23" + jonah + "/USER?tab=memberships": "MEMBERSHIP#" + lumenOak,
		"/rows/ORG%23" + lumenOak + "/ORG?tab=members":    "MEMBER#" + jonah,
	} {
		page := w.page(path)
		if got := attributes(inside(page, "children", "ul"), "data-sk"); !cmp.Equal(got, []string{want}) {
			t.Errorf("%s lists %q, want %q", path, got, want)
		}
	}
	for _, tab := range []string{"invitations", "domains"} {
		page := w.page("/rows/ORG%23" + lumenOak + "/ORG?tab=" + tab)
		if got := attributes(inside(page, "children", "ul"), "data-sk"); len(got) != 1 {
			t.Errorf("tab %s lists %q, want one", tab, got)
		}
	}
	member := w.page("/rows/ORG%23" + lumenOak + "/MEMBER%23" + jonah)
	if !strings.Contains(member, `data-attribute="role"`) {
		t.Errorf("the page of a membership, whose key has #, shows no role:\n%s", member)
	}
	for _, link := range []string{
		"/rows/USER%23" + jonah + "/USER", "/rows/ORG%23" + lumenOak + "/ORG", "/messages/msg_c",
	} {
		if !strings.Contains(member, `href="`+link+`"`) {
			t.Errorf("the page of a membership does not lead to %s:\n%s", link, member)
		}
	}
	for path, want := range map[string]string{
		"/users": "/directory?kind=user", "/organizations": "/directory?kind=organization",
		"/users/" + jonah: "/rows/USER%23" + jonah + "/USER", "/organizations/a%2Fb": "/rows/ORG%23a%2Fb/ORG",
	} {
		stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		client := http.Client{CheckRedirect: stay}
		resp, err := client.Get(w.Console.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := resp.Header.Get("Location"); got != want {
			t.Errorf("%s leads to %q, want %q", path, got, want)
		}
	}
}

// A table elsewhere, a stack's or that of a `clerksync dev --endpoint-url`, is
// scanned where that is asked for, and its cost is said before.
func TestDirectoryElsewhereScansOnRequest(t *testing.T) {
	t.Parallel()
	s := deploymenttest.New(t)
	s.PutRow(s.Pipeline.DirectoryTable, map[string]string{
		"pk": "USER#user_a", "sk": "USER", "kind": "user", "id": "user_a", "username": "ada", "by_username": "ada",
	})
	for name, dev := range map[string]*console.Dev{
		"a stack": nil,
		"dev":     {Describe: func() deployment.Ready { return deployment.Ready{} }},
	} {
		c := startConsole(t, console.Options{Deployment: deployment.OfPipeline(s.Pipeline), Dev: dev})
		for path, want := range map[string]struct {
			rows int
			scan bool // offered
		}{
			"/directory":                  {},
			"/directory?kind=user":        {scan: true},
			"/directory?kind=user&scan=1": {rows: 1},
			"/directory?q=ada":            {rows: 1, scan: true},
			"/directory?q=ad":             {scan: true},
			"/directory?q=ad&scan=1":      {rows: 1},
		} {
			resp, page := ask(t, c, request{method: http.MethodGet, path: path})
			if got := len(attributes(page, "data-pk")); resp.StatusCode != http.StatusOK || got != want.rows {
				t.Errorf("%s: %s = %d, %d rows, want %d", name, path, resp.StatusCode, got, want.rows)
			}
			if got := strings.Contains(page, "Scan the table"); got != want.scan {
				t.Errorf("%s: %s offers a scan: %t, want %t", name, path, got, want.scan)
			}
		}
	}
}
