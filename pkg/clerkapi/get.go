package clerkapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

// Ref names one object. Clerk has no route for a single membership or domain,
// so they are asked for by more than an id.
type Ref struct {
	Kind           string // directory.KindUser and so on
	ID             string // of a membership not needed
	OrganizationID string // of a membership or an invitation
	UserID         string // of a membership
	Name           string // of a domain
}

// String is the object's id, a membership's as org/user.
func (r Ref) String() string {
	if r.Kind == directory.KindMembership {
		return r.OrganizationID + "/" + r.UserID
	}
	return r.ID
}

// isWhole says whether the Ref has all by which Clerk is asked for its kind.
func (r Ref) isWhole() bool {
	switch r.Kind {
	case directory.KindMembership:
		return r.OrganizationID != "" && r.UserID != ""
	case directory.KindInvitation:
		return r.OrganizationID != "" && r.ID != ""
	case directory.KindDomain:
		return r.ID != "" && r.Name != ""
	}
	return r.ID != ""
}

// Get asks Clerk for one object. An *AbsentError says that Clerk denied it;
// that alone is no reason to delete anything (see Prove). Any other error says
// nothing about the object.
func (c *Client) Get(ctx context.Context, r Ref) (clerk.Object, Read, error) {
	if !r.isWhole() { // the path would be a list's
		return clerk.Object{}, Read{}, fmt.Errorf("read one %s: a part of its id is missing", r.Kind)
	}
	path, filter := objectPath(r), url.Values{}
	switch r.Kind {
	case directory.KindMembership:
		filter.Set("user_id", r.UserID)
		return c.getFromList(ctx, r, path, filter)
	case directory.KindDomain:
		filter.Set("domains", r.Name)
		return c.getFromList(ctx, r, path, filter)
	}
	var object clerk.Object
	read, err := c.get(ctx, path, nil, func(body []byte) error {
		o, ok := clerk.ParseObject(body)
		if object = o; !ok || o.Text("id") != r.ID {
			return errors.New("not the object that was asked for")
		}
		return nil
	})
	if e, ok := errors.AsType[*APIError](err); ok && isAbout(e, r) {
		return clerk.Object{}, read, &AbsentError{Ref: r, Err: e}
	}
	return object, read, err
}

// objectPath is where an object is asked for. Ids of rows are data, so they
// are escaped.
func objectPath(r Ref) string {
	switch r.Kind {
	case directory.KindMembership:
		return "/organizations/" + url.PathEscape(r.OrganizationID) + "/memberships"
	case directory.KindInvitation:
		return "/organizations/" + url.PathEscape(r.OrganizationID) + "/invitations/" + url.PathEscape(r.ID)
	case directory.KindDomain:
		return listPath(r.Kind)
	}
	return listPath(r.Kind) + "/" + url.PathEscape(r.ID)
}

// isAbout says whether a refusal denies the object that was asked for. The
// same code also denies an instance, a session or a parent: so it must name the
// id, where Clerk does that.
func isAbout(e *APIError, r Ref) bool {
	if e.Status != http.StatusNotFound {
		return false
	}
	switch r.Kind {
	case directory.KindUser, directory.KindInvitation:
		return e.Code == "organization_invitation_not_found" && r.Kind == directory.KindInvitation ||
			e.Code == "resource_not_found" && namesID(e.longMessage, r.ID)
	}
	return e.Code == "resource_not_found"
}

// isBelow says whether a refusal may deny the organization below which the object
// was asked for.
func isBelow(e *APIError, r Ref) bool {
	return (r.Kind == directory.KindMembership || r.Kind == directory.KindInvitation) &&
		e.Status == http.StatusNotFound && e.Code == "resource_not_found"
}

// namesID says whether a message holds the id, and not only as part of another.
func namesID(message, id string) bool {
	return slices.Contains(regexp.MustCompile(`[A-Za-z0-9_-]+`).FindAllString(message, -1), id)
}

// getFromList asks for the object as the only one that a filter leaves. Only an
// empty list denies it: Clerk ignores filters whose values it does not know, and
// then lists others.
func (c *Client) getFromList(ctx context.Context, r Ref, path string, filter url.Values) (clerk.Object, Read, error) {
	filter.Set("limit", strconv.Itoa(pageSize))
	page, err := c.list(ctx, path, filter)
	if err != nil {
		return clerk.Object{}, page.Read, err
	}
	if i := slices.IndexFunc(page.Objects, r.matches); i >= 0 {
		return page.Objects[i], page.Read, nil
	}
	if len(page.Objects) > 0 || page.Total > 0 {
		return clerk.Object{}, page.Read, fmt.Errorf("read %s %s: %w: Clerk lists others", r.Kind, r, ErrUnproven)
	}
	return clerk.Object{}, page.Read, &AbsentError{Ref: r}
}

func (r Ref) matches(o clerk.Object) bool {
	if r.Kind == directory.KindMembership {
		return o.Object("public_user_data").Text("user_id") == r.UserID
	}
	return o.Text("id") == r.ID
}

// Prove is one look at an object that Clerk is said not to have. Where all that
// Clerk says agrees on that, it returns an *AbsentError; where the object is
// there, it returns it; any other error, often ErrUnproven, says that nothing is
// known. The instance must be instanceID, as it was at the beginning: another
// one's key denies everything. organizationGone says that the organization of a
// membership or an invitation is known to be deleted: Clerk need not have it, and
// its denial of that is one of all that was below it.
//
// A replica that lags denies what was just created, so the caller looks at least
// twice, ten minutes apart.
func (c *Client) Prove(
	ctx context.Context, instanceID string, r Ref, organizationGone bool,
) (clerk.Object, Read, error) {
	object, read, err := c.Get(ctx, r)
	absent, ok := errors.AsType[*AbsentError](err)
	if e, refused := errors.AsType[*APIError](err); !ok && refused && organizationGone && isBelow(e, r) {
		absent, ok = &AbsentError{Ref: r, Err: e}, true
	}
	if !ok {
		return object, read, err
	}
	switch r.Kind {
	case directory.KindOrganization: // the 404 names no id
		err = c.checkListWithout(ctx, r, "organization_id")
	case directory.KindRole, directory.KindPermission:
		err = c.checkListWithout(ctx, r, "query")
	case directory.KindMembership: // a deleted organization's list may be as empty
		if err = nil; !organizationGone {
			_, _, err = c.Get(ctx, Ref{Kind: directory.KindOrganization, ID: r.OrganizationID})
		}
	default:
		err = nil
	}
	if err != nil {
		return clerk.Object{}, Read{}, unproven(r, err)
	}
	instance, err := c.Instance(ctx)
	if err == nil && instance.ID != instanceID {
		err = fmt.Errorf("the key is of instance %s, not %s", instance.ID, instanceID)
	}
	if err != nil {
		return clerk.Object{}, Read{}, unproven(r, err)
	}
	return clerk.Object{}, read, absent
}

// unproven never wraps an *AbsentError, which a caller would take for the proof.
func unproven(r Ref, reason error) error {
	if _, absent := errors.AsType[*AbsentError](reason); absent {
		return fmt.Errorf("read %s %s: %w: %s", r.Kind, r, ErrUnproven, reason.Error())
	}
	return fmt.Errorf("read %s %s: %w: %w", r.Kind, r, ErrUnproven, reason)
}

// checkListWithout requires that the list, filtered by the id, is whole and
// has no such object.
func (c *Client) checkListWithout(ctx context.Context, r Ref, filter string) error {
	page, err := c.list(ctx, listPath(r.Kind), url.Values{filter: {r.ID}, "limit": {strconv.Itoa(pageSize)}})
	if err != nil {
		return err
	}
	if slices.ContainsFunc(page.Objects, r.matches) || page.Total > int64(len(page.Objects)) {
		return errors.New("the list does not confirm it")
	}
	return nil
}
