package reader

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
)

// roleLifetime is how long the permissions of a role are kept in memory. So a
// permission that is taken from a role can work for 30 s more; a member who
// leaves, or gets another role, is seen at once.
const roleLifetime = 30 * time.Second

// roleName is how a membership names its role. Two instances may have different
// roles of one key.
type roleName struct{ instance, key string }

// keptRole is what a role allows, until its time.
type keptRole struct {
	permissions []string
	until       time.Time
}

// Authorize says whether the user has the permission, such as
// "org:invoices:read", in the organization: whether the user is a member whose
// role has it. The membership is read consistently; the permissions are those of
// the role's own row and not of the copy in the membership, because Clerk sends
// no event of the memberships when a role changes. A role is kept for 30 s.
//
// It is false without an error for somebody who is no member. With an error it
// is false too, and nobody knows: one that wraps ErrNotFound says that the table
// has no role of that key, which `clerksync backfill --kind role` cures.
//
// Authorize does not ask whether the session is valid, or whether the user is
// banned: Clerk's session token does, or User.Banned.
func (r *Reader) Authorize(ctx context.Context, userID, organizationID, permission string) (bool, error) {
	row, err := r.live(ctx, directory.MembershipKey(organizationID, userID))
	switch {
	case errors.Is(err, ErrNotFound) || errors.Is(err, ErrDeleted):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("authorize: read the membership: %w", err)
	}
	name := roleName{row.Text(directory.AttrInstanceID), row.Text("role")}
	permissions, err := r.permissions(ctx, name)
	if err != nil {
		return false, fmt.Errorf("authorize: read the role %q: %w", name.key, err)
	}
	return slices.Contains(permissions, permission), nil
}

// permissions returns what the role allows, from memory if it was read within
// the last 30 s. A failure is not kept: the role may be there the next time.
func (r *Reader) permissions(ctx context.Context, name roleName) ([]string, error) {
	now := r.now()
	r.mu.Lock()
	kept, ok := r.roles[name]
	r.mu.Unlock()
	if ok && now.Before(kept.until) {
		return kept.permissions, nil
	}
	row, err := r.role(ctx, name)
	if err != nil {
		return nil, err
	}
	permissions, _ := row["permissions"].([]string)
	r.mu.Lock()
	defer r.mu.Unlock()
	// The time counts from before the read: what the row said may have been
	// changed while the answer was on its way.
	r.roles[name] = keptRole{permissions, now.Add(roleLifetime)}
	return permissions, nil
}

// role reads the pointers of the key and returns the one of the instance. A key
// is unique in an instance, so of several the newest counts: the deletion of a
// role whose key is used again may still be on its way.
func (r *Reader) role(ctx context.Context, name roleName) (directory.Row, error) {
	var found []directory.Row
	pk := directory.RoleByKeyKey(name.key, "").PK
	for page, err := range r.pages(ctx, pk, directory.PrefixRole, nil) {
		if err != nil {
			return nil, err
		}
		for _, row := range page {
			if row.Text(directory.AttrInstanceID) == name.instance {
				found = append(found, row)
			}
		}
	}
	if len(found) == 0 {
		return nil, ErrNotFound
	}
	return newest(found), nil
}
