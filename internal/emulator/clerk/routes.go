package clerk

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
)

// call is one request that is being answered from the objects of a time.
type call struct {
	*Instance
	request *http.Request
	at      time.Time
	org, id string // the parts of the path that the route leaves open
}

// route answers the requests of one method and path. {org} and {id} stand for
// any part of a path.
type route struct {
	method, path string
	answer       func(*call) (any, *apiError)
}

// routes has every route of this emulator.
func routes() []route {
	all := []route{
		{http.MethodGet, "/instance", (*call).instance},
		{http.MethodGet, "/users/count", (*call).countUsers},
		{http.MethodGet, "/organizations/{id}", (*call).organization},
		{http.MethodGet, "/organizations/{org}/invitations/{id}", (*call).invitation},
		{http.MethodPost, "/webhooks/svix", (*call).createSvix},
		{http.MethodPost, "/webhooks/svix_url", (*call).svixURL},
		{http.MethodDelete, "/webhooks/svix", (*call).deleteSvix},
	}
	for _, l := range lists() {
		all = append(all, route{http.MethodGet, l.path, func(c *call) (any, *apiError) { return c.list(l) }})
	}
	for _, kind := range []string{directory.KindUser, directory.KindRole, directory.KindPermission} {
		path := "/users/{id}"
		if kind != directory.KindUser {
			path = "/organization_" + kind + "s/{id}"
		}
		all = append(all, route{http.MethodGet, path, func(c *call) (any, *apiError) { return c.one(kind) }})
	}
	return all
}

// match returns the parts that the route leaves open.
func (r route) match(path string) (org, id string, ok bool) {
	want, got := strings.Split(r.path, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return "", "", false
	}
	for i, part := range want {
		switch {
		case part == "{org}":
			org = got[i]
		case part == "{id}":
			id = got[i]
		case part != got[i]:
			return "", "", false
		}
	}
	return org, id, true
}

// answer answers a request as the instance was at a time.
func (i *Instance) answer(w http.ResponseWriter, r *http.Request, at time.Time) {
	path, versioned := strings.CutPrefix(r.URL.Path, "/v1")
	err := notFound("URL not found")
	for _, route := range routes() {
		org, id, ok := route.match(path)
		switch {
		case !ok || !versioned:
			continue
		case route.method != r.Method:
			err = &apiError{405, "method_not_allowed", "Method not allowed", ""}
			continue
		}
		c := &call{Instance: i, request: r, at: at, org: org, id: id}
		value, refusal := route.answer(c)
		if refusal != nil {
			i.refuse(w, refusal)
			return
		}
		writeJSON(w, http.StatusOK, value)
		return
	}
	i.refuse(w, err)
}

func (c *call) instance() (any, *apiError) {
	return map[string]any{
		"object": "instance", "id": c.o.ID, "environment_type": c.o.Environment,
		"allowed_origins": nil, "workspace_id": nil,
	}, nil
}

// one answers with the object that the path names.
func (c *call) one(kind string) (any, *apiError) {
	if err := c.checkEnabled(kind); err != nil {
		return nil, err
	}
	o := c.store.get(kind, c.id, c.at)
	switch {
	case o != nil:
		return c.show(kind, o, false), nil
	case kind == directory.KindUser:
		return nil, notFound("No user was found with id " + c.id)
	}
	return nil, notFound("Resource not found")
}

// organization is asked for by its id or its slug.
func (c *call) organization() (any, *apiError) {
	if c.store.get(directory.KindOrganization, c.id, c.at) == nil {
		if o := c.bySlug(c.id); o != nil {
			c.id = o.id
		}
	}
	return c.one(directory.KindOrganization)
}

func (c *call) bySlug(slug string) *object {
	list := c.store.list(directory.KindOrganization, c.at)
	i := slices.IndexFunc(list, func(o *object) bool { return o.text("slug") == slug })
	if i < 0 {
		return nil
	}
	return list[i]
}

func (c *call) invitation() (any, *apiError) {
	if err := c.checkEnabled(directory.KindInvitation); err != nil {
		return nil, err
	}
	if c.store.get(directory.KindOrganization, c.org, c.at) == nil {
		return nil, notFound("Resource not found")
	}
	o := c.store.get(directory.KindInvitation, c.id, c.at)
	if o == nil || o.org != c.org {
		return nil, &apiError{404, "organization_invitation_not_found", "Organization invitation not found", ""}
	}
	return c.show(directory.KindInvitation, o, false), nil
}

// checkEnabled refuses what is switched off in the instance.
func (c *call) checkEnabled(kind string) *apiError {
	switch {
	case kind == directory.KindUser:
		return nil
	case c.o.NoOrganizations:
		return &apiError{403, "organization_not_enabled_in_instance", "Organizations are not enabled", ""}
	case kind == directory.KindDomain && c.o.NoDomains:
		return &apiError{403, "organization_domains_not_enabled", "Organization domains are not enabled", ""}
	}
	return nil
}

func (c *call) countUsers() (any, *apiError) {
	s, err := c.selection(userCount())
	if err != nil {
		return nil, err
	}
	_, total := c.page(directory.KindUser, s, true)
	return map[string]any{"object": "total_count", "total_count": total}, nil
}

func (c *call) createSvix() (any, *apiError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hasSvix {
		return nil, &apiError{400, "svix_app_exists", "Svix app already exists", ""}
	}
	c.hasSvix = true
	return svixLink(), nil
}

func (c *call) svixURL() (any, *apiError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.hasSvix {
		return nil, &apiError{400, "svix_app_missing", "Svix app missing", ""}
	}
	return svixLink(), nil
}

// deleteSvix is here so that a test sees what it destroys.
func (c *call) deleteSvix() (any, *apiError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hasSvix = false
	return map[string]any{}, nil
}

// HasWebhooks says whether the instance has its webhook application.
func (i *Instance) HasWebhooks() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.hasSvix
}

// svixLink has the shape of Svix's link; its key is {"appId":"app_example"}.
func svixLink() any {
	return map[string]string{"svix_url": "https://app.svix.com/login#key=eyJhcHBJZCI6ImFwcF9leGFtcGxlIn0"}
}
