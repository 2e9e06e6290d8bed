package console

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
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
	Rev                 string
}

// rowLines are rows as lists have them. A membership has neither name nor address
// of its own, so those of its user and organization are read; with an error they
// go by their ids. Where the listing has them, a user's line has the memberships.
func (c *Console) rowLines(ctx context.Context, list deployment.Listing) ([]rowLine, error) {
	rows := list.Rows
	named := slices.Clone(rows)
	for _, row := range rows {
		named = append(named, list.Memberships[row.Key()]...)
	}
	// One read for all of them: a page would otherwise take as many as it has lines.
	names, err := c.namesOfParents(ctx, named)
	lines := make([]rowLine, len(rows))
	for i, row := range rows {
		l := rowLine{
			Key: row.Key(), Link: view.RowLink(row.Key()), Kind: row.Text(directory.AttrKind),
			Name: view.NameOf(row.Row()), Address: row.Text("email"), Deleted: row.Deleted(),
			DeletedAt: row.Text(directory.AttrDeletedAt),
			SyncedAt:  row.Text(directory.AttrSyncedAt), Rev: row.Text(directory.AttrRev),
		}
		user, org := directory.UserKey(row.Text("user_id")), directory.OrganizationKey(row.Text("org_id"))
		switch l.Kind {
		case directory.KindMembership, directory.KindMembershipOf:
			l.Name = names[user]
			l.Note = membershipNote(row, names)
		case directory.KindUser:
			var notes []string
			for _, m := range list.Memberships[row.Key()] {
				notes = append(notes, membershipNote(m, names))
			}
			slices.Sort(notes)
			if n := len(notes) - maxNotes; n > 0 {
				notes = append(notes[:maxNotes], strconv.Itoa(n)+" more")
			}
			l.Note = strings.Join(notes, ", ")
		case directory.KindOrganization:
			l.Note = row.Text("slug")
		case directory.KindInvitation:
			l.Address, l.Note = row.Text("email_address"), row.Text("status")+", to "+names[org]
		case directory.KindDomain, directory.KindDomainOf:
			l.Note = names[org]
		case directory.KindRole, directory.KindRoleByKey, directory.KindPermission:
			l.Note = row.Text("key")
		}
		// A tombstone may have its key alone.
		l.Name = cmp.Or(l.Name, row.ID())
		if l.Name == l.Address {
			l.Address = ""
		}
		lines[i] = l
	}
	return lines, err
}

// maxNotes is how many memberships a user's line names.
const maxNotes = 2

// membershipNote says which role in which organization a membership is.
func membershipNote(row deployment.Record, names map[directory.Key]string) string {
	role := cmp.Or(row.Text("role_name"), row.Text("role"), "member")
	return role + " of " + names[directory.OrganizationKey(row.Text("org_id"))]
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
		return names, err //nolint:wrapcheck // it says what it read
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
