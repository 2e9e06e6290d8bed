package clerk_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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

// send sends a request with a key and, unless it is "", a header NAME=VALUE.
func send(t *testing.T, i http.Handler, method, path, header string) reply {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://api.clerk.example/v1"+path, http.NoBody)
	r.Header.Set("Authorization", "Bearer sk_test_x")
	if name, value, ok := strings.Cut(header, "="); ok {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	i.ServeHTTP(w, r)
	got := reply{status: w.Code, header: w.Header(), text: w.Body.String()}
	_ = json.Unmarshal(w.Body.Bytes(), &got.body) // what is no JSON has no body
	return got
}

func get(t *testing.T, i http.Handler, path string) reply {
	t.Helper()
	return send(t, i, http.MethodGet, path, "")
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

	producer   = "role_2exampleProducer00000000000"
	domain     = "orgdmn_2exampleLumenOakExample0000"
	invitation = "orginv_2exampleInesCalder000000000"
	inesMember = "orgmem_2exampleInesLumenOak0000000"
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
		"/organizations/" + lumen:                  "members_count pending_invitations_count",
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
