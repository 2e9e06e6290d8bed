package console

import (
	"cmp"
	"context"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/pkg/directory"
)

// rowLine is one row of a list.
type rowLine struct {
	Key                 directory.Key
	Link                string
	Kind                string
	Name, Address, Note string
	Deleted             bool
	DeletedAt, SyncedAt string
}

// rowLines are rows as lists have them. A membership has neither name nor address
// of its own, so those of its user and organization are read.
func (c *Console) rowLines(ctx context.Context, rows []deployment.Record) ([]rowLine, error) {
	names, err := c.namesOfParents(ctx, rows)
	if err != nil {
		return nil, err
	}
	lines := make([]rowLine, len(rows))
	for i, row := range rows {
		l := rowLine{
			Key: row.Key(), Link: view.RowLink(row.Key()), Kind: row.Text(directory.AttrKind),
			Name: view.NameOf(row.Row()), Address: row.Text("email"), Deleted: row.Deleted(), DeletedAt: row.Text(directory.AttrDeletedAt),
			SyncedAt: row.Text(directory.AttrSyncedAt),
		}
		user, org := directory.UserKey(row.Text("user_id")), directory.OrganizationKey(row.Text("org_id"))
		switch l.Kind {
		case directory.KindMembership, directory.KindMembershipOf:
			l.Name = names[user]
			l.Note = cmp.Or(row.Text("role_name"), row.Text("role"), "member") + " of " + names[org]
		case directory.KindOrganization:
			l.Note = row.Text("slug")
		case directory.KindInvitation:
			l.Address, l.Note = row.Text("email_address"), row.Text("status")+", to "+names[org]
		case directory.KindDomain, directory.KindDomainOf:
			l.Note = names[org]
		case directory.KindRole, directory.KindRoleByKey, directory.KindPermission:
			l.Note = row.Text("key")
		}
		l.Name = cmp.Or(l.Name, row.ID())
		if l.Name == l.Address {
			l.Address = ""
		}
		lines[i] = l
	}
	return lines, nil
}

// namesOfParents reads the users and organizations that rows name by their ids.
// One that is not there goes by its id: its own event may be on its way.
func (c *Console) namesOfParents(
	ctx context.Context, rows []deployment.Record,
) (map[directory.Key]string, error) {
	names := map[directory.Key]string{}
	var keys []directory.Key
	for _, row := range rows {
		for attribute, key := range map[string]func(string) directory.Key{
			"user_id": directory.UserKey, "org_id": directory.OrganizationKey,
		} {
			id := row.Text(attribute)
			if k := key(id); id != "" && k.Valid() && names[k] == "" {
				names[k] = id
				keys = append(keys, k)
			}
		}
	}
	if len(keys) == 0 {
		return names, nil
	}
	parents, err := c.options.Deployment.Table().Read(ctx, keys...)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what it read
	}
	for i, parent := range parents {
		if name := view.NameOf(parent); name != "" {
			names[keys[i]] = name
		}
	}
	return names, nil
}

// parsedTime is a time of ours as rows have it, zero where there is none.
func parsedTime(text string) time.Time {
	t, _ := time.Parse(directory.TimeFormat, text)
	return t
}
