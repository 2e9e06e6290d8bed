package clerkapi_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
)

// routes answers by path; what has none is 404 as Clerk says it of an object without a name.
type routes map[string]struct {
	status int
	body   string
}

func (rs routes) server() server {
	return func(w http.ResponseWriter, r *http.Request) {
		a, ok := rs[r.URL.Path]
		if !ok {
			a.status, a.body = 404, refusal("resource_not_found", "Not found")
		}
		answer(w, a.status, a.body)
	}
}

const (
	empty  = `{"data":[],"total_count":0}`
	ins1   = `{"id":"ins_1","environment_type":"development"}`
	named  = "No user was found with id user_1"
	others = `{"data":[{"id":"x","public_user_data":{"user_id":"user_2"}}],"total_count":1}`
)

func ref(kind string) clerkapi.Ref {
	return clerkapi.Ref{
		Kind: kind, ID: kind + "_1", OrganizationID: "org_1", UserID: "user_1", Name: "lumenoak.example",
	}
}

// Trap 1 of Clerk's API: a false absence makes a lasting tombstone. What is proof, and what is not.
func TestProveAbsence(t *testing.T) {
	t.Parallel()
	const gone, proven, unknown, there = true, "proven", "unknown", "there"
	notFound := func(message string) string { return refusal("resource_not_found", message) }
	for name, row := range map[string]struct {
		ref     clerkapi.Ref
		orgGone bool
		routes  routes
		want    string
	}{
		"user": {ref: ref("user"), want: proven, routes: routes{"/v1/users/user_1": {404, notFound(named)}}},
		"user, there": {
			ref: ref("user"), want: there, routes: routes{"/v1/users/user_1": {200, `{"id":"user_1"}`}},
		},
		"user, its id not named": {ref: ref("user"), want: unknown},
		"user, another id named": {
			ref: ref("user"), want: unknown,
			routes: routes{"/v1/users/user_1": {404, notFound("No user was found with id user_12")}},
		},
		"user, another code": {
			ref: ref("user"), want: unknown,
			routes: routes{"/v1/users/user_1": {404, refusal("instance_not_found", named)}},
		},
		"user, another status": {
			ref: ref("user"), want: unknown, routes: routes{"/v1/users/user_1": {410, notFound(named)}},
		},
		"user, no JSON": {
			ref: ref("user"), want: unknown, routes: routes{"/v1/users/user_1": {404, "<html>" + named}},
		},
		"user, key of another instance": {
			ref: ref("user"), want: unknown, routes: routes{
				"/v1/users/user_1": {404, notFound(named)},
				"/v1/instance":     {200, `{"id":"ins_2","environment_type":"development"}`},
			},
		},
		"user, key revoked meanwhile": {
			ref: ref("user"), want: unknown, routes: routes{
				"/v1/users/user_1": {404, notFound(named)},
				"/v1/instance":     {401, refusal("clerk_key_invalid", "")},
			},
		},
		"invitation": {ref: ref("invitation"), want: proven, routes: routes{
			"/v1/organizations/org_1/invitations/invitation_1": {404, refusal("organization_invitation_not_found", "")},
		}},
		"invitation, its id named": {ref: ref("invitation"), want: proven, routes: routes{
			"/v1/organizations/org_1/invitations/invitation_1": {404, notFound("no invitation_1.")},
		}},
		"invitation, its organization denied": {ref: ref("invitation"), want: unknown, routes: routes{
			"/v1/organizations/org_1/invitations/invitation_1": {404, notFound("no org_1")},
		}},
		"invitation, its organization known to be deleted": {
			ref: ref("invitation"), orgGone: gone, want: proven, routes: routes{
				"/v1/organizations/org_1/invitations/invitation_1": {404, notFound("no org_1")},
			},
		},
		"organization": {
			ref: ref("organization"), want: proven, routes: routes{"/v1/organizations": {200, empty}},
		},
		"organization, listed": {ref: ref("organization"), want: unknown, routes: routes{
			"/v1/organizations": {200, `{"data":[{"id":"organization_1"}],"total_count":1}`},
		}},
		"organization, the list is not whole": {ref: ref("organization"), want: unknown, routes: routes{
			"/v1/organizations": {200, `{"data":[{"id":"x"}],"total_count":2}`},
		}},
		"organization, the list refused": {ref: ref("organization"), want: unknown},
		"organization, not allowed": {ref: ref("organization"), want: unknown, routes: routes{
			"/v1/organizations/organization_1": {404, refusal("organization_not_found_or_unauthorized", "")},
			"/v1/organizations":                {200, empty},
		}},
		"role": {ref: ref("role"), want: proven, routes: routes{"/v1/organization_roles": {200, empty}}},
		"permission": {
			ref: ref("permission"), want: proven, routes: routes{"/v1/organization_permissions": {200, empty}},
		},
		"role, listed": {ref: ref("role"), want: unknown, routes: routes{
			"/v1/organization_roles": {200, `{"data":[{"id":"role_1"}],"total_count":1}`},
		}},
		"membership": {ref: ref("membership"), want: proven, routes: routes{
			"/v1/organizations/org_1/memberships": {200, empty}, "/v1/organizations/org_1": {200, `{"id":"org_1"}`},
		}},
		"membership, there": {ref: ref("membership"), want: there, routes: routes{
			"/v1/organizations/org_1/memberships": {
				200, `{"data":[{"id":"m","public_user_data":{"user_id":"user_1"}}],"total_count":1}`,
			},
		}},
		"membership, others listed": {ref: ref("membership"), want: unknown, routes: routes{
			"/v1/organizations/org_1/memberships": {200, others}, "/v1/organizations/org_1": {200, `{"id":"org_1"}`},
		}},
		"membership, its organization denied": {
			ref: ref("membership"), want: unknown, routes: routes{"/v1/organizations/org_1/memberships": {200, empty}},
		},
		"membership, its organization known to be deleted": {
			ref: ref("membership"), orgGone: gone, want: proven,
			routes: routes{"/v1/organizations/org_1/memberships": {200, empty}},
		},
		"membership, the list of a deleted organization denied": {
			ref: ref("membership"), orgGone: gone, want: proven,
		},
		"membership, the list of a deleted organization refused": {
			ref: ref("membership"), orgGone: gone, want: unknown, routes: routes{
				"/v1/organizations/org_1/memberships": {404, refusal("instance_not_found", "")},
			},
		},
		"membership, organizations off": {ref: ref("membership"), want: unknown, routes: routes{
			"/v1/organizations/org_1/memberships": {403, refusal("organization_not_enabled_in_instance", "")},
		}},
		"domain": {ref: ref("domain"), want: proven, routes: routes{"/v1/organization_domains": {200, empty}}},
		"domain, there": {ref: ref("domain"), want: there, routes: routes{
			"/v1/organization_domains": {200, `{"data":[{"id":"domain_1"}],"total_count":1}`},
		}},
		"domain, its name is another's": {
			ref: ref("domain"), want: unknown, routes: routes{"/v1/organization_domains": {200, others}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if row.routes == nil {
					row.routes = routes{}
				}
				if _, ok := row.routes["/v1/instance"]; !ok {
					row.routes["/v1/instance"] = routes{"": {200, ins1}}[""]
				}
				c := newClient(t, row.routes.server())
				_, read, err := c.Prove(t.Context(), "ins_1", row.ref, row.orgGone)
				absent, isAbsent := errors.AsType[*clerkapi.AbsentError](err)
				got := map[bool]string{true: proven, false: unknown}[isAbsent]
				if err == nil {
					got = there
				}
				if got != row.want {
					t.Fatalf("Prove = %v, which is %s, want %s", err, got, row.want)
				}
				if isAbsent && absent.Ref != row.ref {
					t.Errorf("the error is about %v, want %v", absent.Ref, row.ref)
				}
				if got != unknown && (read.Began.IsZero() || read.Date.IsZero()) {
					t.Errorf("read = %v, want when it was", read)
				}
			})
		})
	}
}

// Only the whole name of an object is asked for: with a part, the path would be a list's or another object's.
func TestGetNeedsTheWholeID(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("request for %s", r.URL) })
	for name, r := range map[string]clerkapi.Ref{
		"user":                     {Kind: directory.KindUser},
		"invitation, its own":      {Kind: directory.KindInvitation, OrganizationID: "org_1"},
		"invitation, organization": {Kind: directory.KindInvitation, ID: "i"},
		"membership, its user":     {Kind: directory.KindMembership, OrganizationID: "org_1"},
		"membership, organization": {Kind: directory.KindMembership, UserID: "user_1"},
		"domain, its name":         {Kind: directory.KindDomain, ID: "d"},
		"domain, its own":          {Kind: directory.KindDomain, Name: "lumenoak.example"},
		"organization":             {Kind: directory.KindOrganization},
	} {
		if _, _, err := c.Get(t.Context(), r); err == nil {
			t.Errorf("%s: Get = nil, want an error", name)
		}
	}
}

func TestWebhookSettingsURL(t *testing.T) {
	t.Parallel()
	const link = `{"svix_url":"https://app.svix.com/login#key=x"}`
	missing, exists := refusal("svix_app_missing", ""), refusal("svix_app_exists", "")
	refused := refusal("not_allowed", "")
	for name, row := range map[string]struct {
		svixURL, svix []string // the answers of POST /webhooks/svix_url and /webhooks/svix; all but link are 400
		requests      int
		ok            bool
	}{
		"there":            {svixURL: []string{link}, requests: 1, ok: true},
		"first":            {svixURL: []string{missing}, svix: []string{link}, requests: 2, ok: true},
		"made meanwhile":   {svixURL: []string{missing, link}, svix: []string{exists}, requests: 3, ok: true},
		"refused":          {svixURL: []string{refused}, requests: 1},
		"creation refused": {svixURL: []string{missing}, svix: []string{refused}, requests: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requests := 0
			c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				requests++
				if r.Method != http.MethodPost { // DELETE would destroy every endpoint
					t.Errorf("%s %s", r.Method, r.URL.Path)
				}
				bodies := &row.svixURL
				if r.URL.Path == "/v1/webhooks/svix" {
					bodies = &row.svix
				}
				body := (*bodies)[0]
				*bodies = (*bodies)[1:]
				answer(w, map[bool]int{true: 200, false: 400}[body == link], body)
			})
			got, err := c.WebhookSettingsURL(t.Context())
			right := !row.ok || got == "https://app.svix.com/login#key=x"
			if (err == nil) != row.ok || requests != row.requests || !right {
				t.Errorf("WebhookSettingsURL = %s, %v after %d requests", got, err, requests)
			}
		})
	}
}
