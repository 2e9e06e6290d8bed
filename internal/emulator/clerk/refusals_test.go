package clerk_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

// What Clerk documents of each refusal: status, code, and that the form is its own.
func TestRefusals(t *testing.T) {
	t.Parallel()
	i := company(t, clerk.Options{Key: "sk_test_x"}, week()...)
	if err := i.Put(directory.KindOrganization, []byte(`{"id":"org_other"}`)); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("&user_id=u", 101)
	for name, row := range map[string]struct {
		path   string
		header string // NAME=VALUE
		status int
		code   string
	}{
		"no key": {
			path: "/users", header: "Authorization=", status: 401,
			code: "authorization_header_format_invalid",
		},
		"another key": {
			path: "/users", header: "Authorization=Bearer sk_test_y", status: 401, code: "clerk_key_invalid",
		},
		"version unknown": {
			path: "/users", header: "Clerk-API-Version=2020-01-01", status: 400, code: "api_version_invalid",
		},
		"version twice": {
			path: "/users?__clerk_api_version=2026-05-12", header: "Clerk-API-Version=2026-05-12", status: 422,
		},
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
		"invitation": {
			path: "/organizations/" + lumen + "/invitations/x", status: 404, code: "organization_invitation_not_found",
		},
		"another's invitation": {path: "/organizations/org_other/invitations/" + invitation, status: 404},
		"invitation of no one": {
			path: "/organizations/org_gone/invitations/x", status: 404, code: "resource_not_found",
		},
		"no route":       {path: "/sessions", status: 404},
		"one membership": {path: "/organization_memberships/x", status: 404},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := send(t, i, http.MethodGet, row.path, row.header)
			code := got.at("errors.0.code")
			if got.status != row.status || code == nil || row.code != "" && code != row.code {
				t.Errorf("GET %s = %d %s, want %d %s", row.path, got.status, got.text, row.status, row.code)
			}
			for _, member := range []string{"errors.0.long_message", "errors.0.message", "clerk_trace_id"} {
				if got.at(member) == nil {
					t.Errorf("GET %s = %s, without %s", row.path, got.text, member)
				}
			}
		})
	}
	if got := send(t, i, http.MethodPost, "/users", ""); got.status != 405 {
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
		got := send(t, i, row.method, row.path, "")
		if got.status != row.status || got.at("errors.0.code") != row.code || i.HasWebhooks() != row.has {
			t.Errorf("%d: %s %s = %d %s, want %d %v",
				n, row.method, row.path, got.status, got.text, row.status, row.code)
		}
		link, _ := got.at("svix_url").(string)
		if row.status == 200 && row.has && !strings.HasPrefix(link, "https://app.svix.com/") {
			t.Errorf("%d: link %q", n, link)
		}
	}
}
