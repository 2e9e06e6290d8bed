package clerk_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

// reply is one answer, its body decoded.
type reply struct {
	status int
	header http.Header
	text   string
	body   any
}

// at is a value within the answer: "errors.0.code".
func (r reply) at(path string) any {
	v := r.body
	for part := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[part]
		case []any:
			i := int(part[0] - '0')
			if i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

// ids are those of a list, in its order.
func (r reply) ids() (ids []string) {
	list, ok := r.body.([]any)
	if !ok {
		list, _ = r.at("data").([]any)
	}
	for _, e := range list {
		if o, ok := e.(map[string]any); ok {
			ids = append(ids, fmt.Sprint(o["id"]))
		}
	}
	return ids
}

func send(t *testing.T, i http.Handler, method, path string, header ...string) reply {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://api.clerk.example/v1"+path, http.NoBody)
	r.Header.Set("Authorization", "Bearer sk_test_x")
	for k := 0; k < len(header); k += 2 {
		r.Header.Set(header[k], header[k+1])
	}
	w := httptest.NewRecorder()
	i.ServeHTTP(w, r)
	got := reply{status: w.Code, header: w.Header(), text: w.Body.String()}
	_ = json.Unmarshal(w.Body.Bytes(), &got.body) // what is no JSON has no body
	return got
}

func get(t *testing.T, i http.Handler, path string) reply {
	t.Helper()
	return send(t, i, http.MethodGet, path)
}

// company is an instance in which the first week of the sample company has happened, up to an event.
func company(t *testing.T, o clerk.Options, names ...string) *clerk.Instance {
	t.Helper()
	i := clerk.New(o)
	for _, name := range names {
		body, err := events.Body(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := i.Apply(body); err != nil {
			t.Fatal(err)
		}
	}
	return i
}

const (
	mara  = "user_2exampleMaraLindqvist000000"
	jonah = "user_2exampleJonahAdeyemi0000000"
	ines  = "user_2exampleInesCalder000000000"
	lumen = "org_2exampleLumenOak00000000000"
)

func week() []string {
	return []string{
		"user.created.founder", "permission.created", "role.created", "organization.created",
		"organizationMembership.created.founder", "session.created", "user.created", "organizationMembership.created",
		"organizationInvitation.created", "organizationDomain.created", "user.created.invited",
		"organizationInvitation.accepted", "organizationMembership.created.invited",
	}
}

// Webhooks and API tell one story: each object is the last event's data, less what only webhooks have.
func TestAPIShowsWhatWebhooksSaid(t *testing.T) {
	t.Parallel()
	i := company(t, clerk.Options{}, week()...)
	if d := cmp.Diff([]string{ines, jonah, mara}, get(t, i, "/users").ids()); d != "" {
		t.Errorf("users (-want +got):\n%s", d)
	}
	data, ok := i.Object(directory.KindUser, jonah)
	if !ok || !strings.Contains(string(data), `"scim":null`) {
		t.Fatalf("Object = %s, %t, want the webhook's data", data, ok)
	}
	got := get(t, i, "/users/"+jonah)
	if want := strings.Replace(string(data), `"scim":null,`, "", 1); got.status != 200 || got.text != want {
		t.Errorf("GET = %d %s, want %s", got.status, got.text, want)
	}
	for path, members := range map[string]string{
		"/organizations/" + lumen:                  "members_count pending_invitations_count missing_member_with_elevated_permissions",
		"/organization_memberships?limit=1":        "data.0.organization.members_count",
		"/organizations/" + lumen + "/invitations": "data.0.user_id data.0.public_organization_data",
		"/organization_invitations":                "data.0.user_id",
		"/users":                                   "0.scim",
	} {
		got := get(t, i, path)
		for member := range strings.FieldsSeq(members) {
			if v := got.at(member); got.status != 200 || v != nil {
				t.Errorf("GET %s = %d, %s = %v, which only webhooks have", path, got.status, member, v)
			}
		}
	}
	for path, want := range map[string]string{
		"/organizations/" + lumen + "?include_members_count=true": "members_count",
		"/organization_invitations":                               "data.0.public_organization_data.name",
		"/organization_memberships":                               "data.0.permissions",
		"/organizations/lumen-oak":                                "id",
		"/instance":                                               "environment_type",
	} {
		if got := get(t, i, path); got.status != 200 || got.at(want) == nil {
			t.Errorf("GET %s = %s, without %s", path, got.text, want)
		}
	}
}

// A deleted user or organization takes along what belongs to it.
func TestDeletionsTakeChildrenAlong(t *testing.T) {
	t.Parallel()
	i := company(t, clerk.Options{}, append(week(), "user.deleted")...)
	counts := func() (counts []int) {
		for _, kind := range clerk.Kinds() {
			n := 0
			for range i.Objects(kind) {
				n++
			}
			counts = append(counts, n)
		}
		return counts
	}
	// Permissions, roles, organizations, users, memberships, invitations, domains.
	if d := cmp.Diff([]int{1, 1, 1, 2, 2, 1, 1}, counts()); d != "" {
		t.Errorf("after user.deleted (-want +got):\n%s", d)
	}
	i.Delete(directory.KindOrganization, lumen)
	i.Delete(directory.KindOrganization, lumen)
	if d := cmp.Diff([]int{1, 1, 0, 2, 0, 0, 0}, counts()); d != "" {
		t.Errorf("without organization (-want +got):\n%s", d)
	}
}

func TestMembershipIsRemovedAndCreatedAgain(t *testing.T) {
	t.Parallel()
	i := company(t, clerk.Options{}, append(week(), "organizationMembership.deleted")...)
	path := "/organizations/" + lumen + "/memberships?user_id=" + jonah
	if got := get(t, i, path); got.status != 200 || got.at("total_count") != 0.0 || len(got.ids()) != 0 {
		t.Errorf("GET = %s, want an empty list", got.text)
	}
	body, _ := events.Body("organizationMembership.created.rejoined")
	if err := i.Apply(body); err != nil {
		t.Fatal(err)
	}
	if got := get(t, i, path); len(got.ids()) != 1 {
		t.Errorf("GET = %s, want the new membership", got.text)
	}
}

func TestBadEventsAreRefused(t *testing.T) {
	t.Parallel()
	i := clerk.New(clerk.Options{})
	for name, body := range map[string]string{
		"no event":             `{}`,
		"no id":                `{"type":"user.created","data":{}}`,
		"membership of no one": `{"type":"organizationMembership.created","data":{"id":"m","organization":{"id":"o"}}}`,
		"deletion without id":  `{"type":"role.deleted","data":{}}`,
	} {
		if i.Apply([]byte(body)) == nil {
			t.Errorf("%s: Apply = nil, want an error", name)
		}
	}
	if i.Put("session", []byte(`{"id":"s"}`)) == nil {
		t.Error("Put of another kind = nil, want an error")
	}
}

// What Clerk documents of each refusal: status, code, and that the form is its own.
func TestRefusals(t *testing.T) {
	t.Parallel()
	i := company(t, clerk.Options{Key: "sk_test_x"}, week()...)
	long := strings.Repeat("&user_id=u", 101)
	for name, row := range map[string]struct {
		path   string
		header []string
		status int
		code   string
	}{
		"no key":                     {path: "/users", header: []string{"Authorization", ""}, status: 401, code: "authorization_header_format_invalid"},
		"another key":                {path: "/users", header: []string{"Authorization", "Bearer sk_test_y"}, status: 401, code: "clerk_key_invalid"},
		"version unknown":            {path: "/users", header: []string{"Clerk-API-Version", "2020-01-01"}, status: 400, code: "api_version_invalid"},
		"version twice":              {path: "/users?__clerk_api_version=2026-05-12", header: []string{"Clerk-API-Version", "2026-05-12"}, status: 422},
		"limit 0":                    {path: "/users?limit=0", status: 422},
		"limit 501":                  {path: "/users?limit=501", status: 422},
		"limit no number":            {path: "/users?limit=many", status: 400, code: "malformed_request_parameters"},
		"offset below 0":             {path: "/organizations?offset=-1", status: 422},
		"order of another list":      {path: "/organizations?order_by=updated_at", status: 422},
		"order unknown":              {path: "/users?order_by=id", status: 422},
		"cursor, other order":        {path: "/users?order_by=updated_at&starting_after=" + mara, status: 422},
		"cursor and offset":          {path: "/users?offset=1&starting_after=" + mara, status: 422},
		"cursor gone":                {path: "/users?starting_after=user_gone", status: 404},
		"cursor where there is none": {path: "/organizations?starting_after=" + lumen, status: 422},
		"parameter of no one":        {path: "/users?updated_at_after=1", status: 422},
		"filter not in emulator":     {path: "/users?provider=oauth_google", status: 501, code: "not_in_emulator"},
		"101 values":                 {path: "/users?limit=1" + long, status: 422},
		"query empty":                {path: "/organization_domains?query=", status: 422},
		"time no number":             {path: "/users?created_at_after=today", status: 400},
		"user":                       {path: "/users/user_gone", status: 404, code: "resource_not_found"},
		"organization":               {path: "/organizations/org_gone", status: 404, code: "resource_not_found"},
		"role":                       {path: "/organization_roles/role_gone", status: 404, code: "resource_not_found"},
		"invitation":                 {path: "/organizations/" + lumen + "/invitations/x", status: 404, code: "organization_invitation_not_found"},
		"invitation of no one":       {path: "/organizations/org_gone/invitations/x", status: 404, code: "resource_not_found"},
		"no route":                   {path: "/sessions", status: 404},
		"one membership":             {path: "/organization_memberships/x", status: 404},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := send(t, i, http.MethodGet, row.path, row.header...)
			code := got.at("errors.0.code")
			if got.status != row.status || code == nil || row.code != "" && code != row.code {
				t.Errorf("GET %s = %d %s, want %d %s", row.path, got.status, got.text, row.status, row.code)
			}
			if got.at("errors.0.long_message") == nil || got.at("errors.0.message") == nil || got.at("clerk_trace_id") == nil {
				t.Errorf("GET %s = %s, which is not Clerk's form", row.path, got.text)
			}
		})
	}
	if got := send(t, i, http.MethodPost, "/users"); got.status != 405 {
		t.Errorf("POST /users = %d, want 405", got.status)
	}
	want := `{"errors":[{"message":"not found","long_message":"No user was found with id user_gone",` +
		`"code":"resource_not_found"}],"clerk_trace_id":`
	if got := get(t, i, "/users/user_gone"); !strings.HasPrefix(got.text, want) {
		t.Errorf("GET = %s, want %s", got.text, want)
	}
}

// The memberships of an organization that is gone are an empty list, not 404: a trap for who takes it for absence.
func TestMembershipsOfADeletedOrganization(t *testing.T) {
	t.Parallel()
	i := company(t, clerk.Options{}, week()...)
	i.Delete(directory.KindOrganization, lumen)
	if got := get(t, i, "/organizations/"+lumen+"/memberships"); got.status != 200 || got.at("total_count") != 0.0 {
		t.Errorf("GET = %d %s, want an empty list", got.status, got.text)
	}
}

func TestListsAreFilteredAndSorted(t *testing.T) {
	t.Parallel()
	i := company(t, clerk.Options{}, week()...)
	for name, row := range map[string]struct {
		path string
		want []string
	}{
		"newest first":            {path: "/users", want: []string{ines, jonah, mara}},
		"oldest first":            {path: "/users?order_by=created_at", want: []string{mara, jonah, ines}},
		"a plus is a space":       {path: "/users?order_by=%2Bcreated_at&limit=2", want: []string{mara, jonah}},
		"by first name":           {path: "/users?order_by=first_name", want: []string{ines, jonah, mara}},
		"by e-mail":               {path: "/users?order_by=-email_address", want: []string{mara, jonah, ines}},
		"by update":               {path: "/users?order_by=updated_at&limit=1", want: []string{mara}},
		"only the first order":    {path: "/users?order_by=created_at&order_by=-created_at&limit=1", want: []string{mara}},
		"offset":                  {path: "/users?offset=2", want: []string{mara}},
		"offset beyond":           {path: "/users?offset=9"},
		"after":                   {path: "/users?order_by=created_at&starting_after=" + mara, want: []string{jonah, ines}},
		"after, newest first":     {path: "/users?starting_after=" + jonah, want: []string{mara}},
		"by id":                   {path: "/users?user_id=" + mara + "&user_id=user_gone", want: []string{mara}},
		"by id, with a plus":      {path: "/users?user_id=%2B" + mara, want: []string{mara}},
		"without one":             {path: "/users?user_id=-" + mara, want: []string{ines, jonah}},
		"by external id":          {path: "/users?external_id=lo-0002", want: []string{jonah}},
		"by e-mail address":       {path: "/users?email_address=jonah%40lumenoak.example", want: []string{jonah}},
		"by search":               {path: "/users?query=JONAH", want: []string{jonah}},
		"by search for an id":     {path: "/users?query=" + mara, want: []string{mara}},
		"of an organization":      {path: "/users?organization_id=" + lumen, want: []string{ines, jonah, mara}},
		"banned":                  {path: "/users?banned=true"},
		"before":                  {path: "/users?created_at_before=1772447507118", want: []string{mara}},
		"after a time":            {path: "/users?created_at_after=1772447507118", want: []string{ines}},
		"organizations of":        {path: "/organizations?user_id=" + jonah, want: []string{lumen}},
		"organizations of no one": {path: "/organizations?user_id=user_gone"},
		"organization by id":      {path: "/organizations?organization_id=" + lumen, want: []string{lumen}},
		"organization by search":  {path: "/organizations?query=oak", want: []string{lumen}},
		"role by id":              {path: "/organization_roles?query=role_2exampleProducer00000000000", want: []string{"role_2exampleProducer00000000000"}},
		"domain by name":          {path: "/organization_domains?domains=lumenoak.example", want: []string{"orgdmn_2exampleLumenOakExample0000"}},
		"domain, other name":      {path: "/organization_domains?domains=other.example"},
		"domain of":               {path: "/organization_domains?query=" + lumen, want: []string{"orgdmn_2exampleLumenOakExample0000"}},
		"invitation by status":    {path: "/organization_invitations?status=accepted", want: []string{"orginv_2exampleInesCalder000000000"}},
		"no such invitation":      {path: "/organization_invitations?status=pending"},
		"members, by first name":  {path: "/organizations/" + lumen + "/memberships?order_by=first_name&limit=1", want: []string{"orgmem_2exampleInesLumenOak0000000"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := get(t, i, row.path)
			if d := cmp.Diff(row.want, got.ids()); got.status != 200 || d != "" {
				t.Errorf("GET %s = %d (-want +got):\n%s", row.path, got.status, d)
			}
		})
	}
	if got := get(t, i, "/users/count?created_at_before=1772447507119"); got.at("total_count") != 2.0 {
		t.Errorf("count = %s, want 2", got.text)
	}
	if got := get(t, i, "/organization_memberships?limit=1&offset=1"); got.at("total_count") != 3.0 || len(got.ids()) != 1 {
		t.Errorf("memberships = %s, want one of 3", got.text)
	}
	if got := get(t, i, "/users?created_at_after=1772447507118"); strings.Contains(got.text, "total") || got.text[0] != '[' {
		t.Errorf("users = %s, want a bare array", got.text)
	}
}

func TestBoundsMayIncludeTheirTime(t *testing.T) {
	t.Parallel()
	i := company(t, clerk.Options{InclusiveBounds: true}, week()...)
	if got := get(t, i, "/users?created_at_before=1772447507118").ids(); !slices.Contains(got, jonah) {
		t.Errorf("users = %v, want Jonah among them", got)
	}
}

func TestDefaultPageIsTen(t *testing.T) {
	t.Parallel()
	i := clerk.New(clerk.Options{})
	for k := range 12 {
		if err := i.Put(directory.KindUser, fmt.Appendf(nil, `{"id":"u%d","created_at":1}`, k)); err != nil {
			t.Fatal(err)
		}
	}
	if got := get(t, i, "/users").ids(); len(got) != 10 {
		t.Errorf("%d users, want 10", len(got))
	}
}

// In any 10 s as many requests as Clerk allows; then 429 with the time to wait.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	for environment, limit := range map[string]int{"development": 100, "production": 1000} {
		now := time.Now()
		i := clerk.New(clerk.Options{Environment: environment, Now: func() time.Time { return now }})
		count := func() (n int, last reply) {
			for n < 2000 {
				if last = get(t, i, "/instance"); last.status != 200 {
					return n, last
				}
				n++
			}
			return n, last
		}
		n, last := count()
		if n != limit || last.status != 429 || last.header.Get("Retry-After") != "10" {
			t.Errorf("%s: %d requests, then %d after %s s, want %d, then 429 after 10 s",
				environment, n, last.status, last.header.Get("Retry-After"), limit)
		}
		now = now.Add(9500 * time.Millisecond)
		if n, last := count(); n != 0 || last.header.Get("Retry-After") != "1" {
			t.Errorf("%s: %d requests before the 10 s are over", environment, n)
		}
		now = now.Add(500 * time.Millisecond)
		if n, _ := count(); n != limit {
			t.Errorf("%s: %d requests after 10 s, want %d", environment, n, limit)
		}
	}
}

// A replica that lags shows what was, of every kind of change.
func TestReplicasLag(t *testing.T) {
	t.Parallel()
	now, lag := time.Unix(1e9, 0), time.Duration(0)
	i := clerk.New(clerk.Options{
		Now:    func() time.Time { return now },
		Answer: func(*http.Request) clerk.Answer { return clerk.Answer{Lag: lag} },
	})
	put := func(data string) {
		if err := i.Put(directory.KindUser, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	put(`{"id":"changed","created_at":1,"v":1}`)
	put(`{"id":"deleted","created_at":2}`)
	now = now.Add(time.Minute)
	put(`{"id":"changed","created_at":1,"v":2}`)
	put(`{"id":"created","created_at":3}`)
	i.Delete(directory.KindUser, "deleted")
	for name, row := range map[string]struct {
		lag     time.Duration
		ids     []string
		version any
		gone    int
	}{
		"now":         {ids: []string{"created", "changed"}, version: 2.0, gone: 404},
		"a second":    {lag: time.Second, ids: []string{"deleted", "changed"}, version: 1.0, gone: 200},
		"two minutes": {lag: 2 * time.Minute, gone: 404},
	} {
		lag = row.lag
		if d := cmp.Diff(row.ids, get(t, i, "/users").ids()); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		if v := get(t, i, "/users/changed").at("v"); v != row.version {
			t.Errorf("%s: version %v, want %v", name, v, row.version)
		}
		if s := get(t, i, "/users/deleted").status; s != row.gone {
			t.Errorf("%s: %d for what was deleted, want %d", name, s, row.gone)
		}
	}
}

// Each fault, as who reads it sees it, over a real connection.
func TestFaults(t *testing.T) {
	t.Parallel()
	const path = "/v1/users/" + mara
	want := map[clerk.Fault]struct {
		status int
		text   string // that the answer holds
		err    bool
	}{
		clerk.None:          {status: 200, text: `"first_name"`},
		clerk.Denied:        {status: 404, text: "No user was found with id " + mara},
		clerk.EmptyBody:     {status: 200},
		clerk.HTML502:       {status: 502, text: "<html>"},
		clerk.HTML404:       {status: 404, text: "<html>"},
		clerk.InternalError: {status: 500, text: "internal_clerk_error"},
		clerk.Locked:        {status: 409, text: "resource_locked"},
		clerk.Limited:       {status: 429, text: "too_many_requests"},
		clerk.CutOff:        {status: 200, text: `{"backup_code_enabled"`},
		clerk.Broken:        {status: 200, err: true},
		clerk.Hangs:         {err: true},
		clerk.Undated:       {status: 200, text: `"first_name"`},
	}
	for _, fault := range append(clerk.Faults(), clerk.None) {
		t.Run("fault "+string(fault), func(t *testing.T) {
			t.Parallel()
			i := company(t, clerk.Options{
				Answer: func(*http.Request) clerk.Answer { return clerk.Answer{Fault: fault, Skew: time.Hour} },
			}, week()...)
			s := httptest.NewServer(i)
			defer s.Close()
			client := &http.Client{Timeout: 2 * time.Second}
			if fault == clerk.Hangs {
				client.Timeout = 50 * time.Millisecond
			}
			status, header, text, err := fetch(t, client, s.URL+path)
			row, ok := want[fault]
			if !ok || status != row.status || (err != nil) != row.err || !strings.Contains(text, row.text) {
				t.Errorf("GET = %d %s, %v, want %d %s", status, text, err, row.status, row.text)
			}
			valid := json.Valid([]byte(text))
			if invalid := fault == clerk.CutOff || fault == clerk.EmptyBody; invalid == valid && status == 200 && err == nil {
				t.Errorf("the answer is JSON: %t", valid)
			}
			date, dateErr := http.ParseTime(header.Get("Date"))
			dated := dateErr == nil && date.After(time.Now().Add(30*time.Minute))
			if status != 0 && dated == (fault == clerk.Undated) {
				t.Errorf("Date = %v, want an hour ahead, none if undated", header.Get("Date"))
			}
		})
	}
}

func fetch(t *testing.T, c *http.Client, address string) (status int, h http.Header, text string, err error) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Do((&http.Request{
		Method: http.MethodGet, URL: u, Header: http.Header{"Authorization": {"Bearer sk_test_x"}},
	}).WithContext(t.Context()))
	if err != nil {
		return 0, http.Header{}, "", err
	}
	body, err := io.ReadAll(out.Body)
	return out.StatusCode, out.Header, string(body), errors.Join(err, out.Body.Close())
}

// With another instance's key everything is denied, by an instance that says who it is.
func TestKeyOfAnotherInstance(t *testing.T) {
	t.Parallel()
	other := clerk.New(clerk.Options{ID: "ins_other", Environment: "production"})
	i := company(t, clerk.Options{
		Answer: func(*http.Request) clerk.Answer { return clerk.Answer{From: other} },
	}, week()...)
	if got := get(t, i, "/instance"); got.at("id") != "ins_other" || got.at("environment_type") != "production" {
		t.Errorf("instance = %s", got.text)
	}
	if got := get(t, i, "/users/"+mara); got.status != 404 {
		t.Errorf("GET = %d, want 404", got.status)
	}
}

func TestSwitchedOff(t *testing.T) {
	t.Parallel()
	none := clerk.New(clerk.Options{NoOrganizations: true})
	noDomains := clerk.New(clerk.Options{NoDomains: true})
	for path, row := range map[string]struct {
		instance *clerk.Instance
		status   int
		code     any
	}{
		"/users":                         {instance: none, status: 200},
		"/organizations":                 {instance: none, status: 403, code: "organization_not_enabled_in_instance"},
		"/organization_memberships":      {instance: none, status: 403, code: "organization_not_enabled_in_instance"},
		"/organization_roles/r":          {instance: none, status: 403, code: "organization_not_enabled_in_instance"},
		"/organizations/o/invitations/i": {instance: none, status: 403, code: "organization_not_enabled_in_instance"},
		"/organization_domains":          {instance: noDomains, status: 403, code: "organization_domains_not_enabled"},
		"/organization_invitations":      {instance: noDomains, status: 200},
	} {
		if got := get(t, row.instance, path); got.status != row.status || got.at("errors.0.code") != row.code {
			t.Errorf("GET %s = %d %s, want %d %v", path, got.status, got.text, row.status, row.code)
		}
	}
}

func TestWebhookRoutes(t *testing.T) {
	t.Parallel()
	i := clerk.New(clerk.Options{})
	for n, row := range []struct {
		method, path string
		status       int
		code         any
		has          bool
	}{
		{method: "POST", path: "/webhooks/svix_url", status: 400, code: "svix_app_missing"},
		{method: "POST", path: "/webhooks/svix", status: 200, has: true},
		{method: "POST", path: "/webhooks/svix", status: 400, code: "svix_app_exists", has: true},
		{method: "POST", path: "/webhooks/svix_url", status: 200, has: true},
		{method: "DELETE", path: "/webhooks/svix", status: 200},
	} {
		got := send(t, i, row.method, row.path)
		if got.status != row.status || got.at("errors.0.code") != row.code || i.HasWebhooks() != row.has {
			t.Errorf("%d: %s %s = %d %s, want %d %v", n, row.method, row.path, got.status, got.text, row.status, row.code)
		}
		if link, _ := got.at("svix_url").(string); row.status == 200 && row.has && !strings.HasPrefix(link, "https://app.svix.com/") {
			t.Errorf("%d: link %q", n, link)
		}
	}
}
