package probefn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
)

// newestOfEach is how many objects of a kind are looked for. All rows together
// are one BatchGetItem, and the answers of Clerk are small.
const newestOfEach = 20

// object is what must have a row.
type object struct {
	entity  string // user/<id> and so on, as the log of sync names it
	key     directory.Key
	created time.Time
}

// newest lists the objects of each kind that were created last and are old
// enough to have a row, the oldest first.
func (c *Config) newest(ctx context.Context, from Clerk) (objects []object, err error) {
	for _, kind := range []string{directory.KindUser, directory.KindOrganization, directory.KindMembership} {
		page, err := from.Newest(ctx, kind, newestOfEach)
		if _, off := errors.AsType[*clerkapi.DisabledError](err); off {
			continue // an instance without organizations has nothing that could be missing
		}
		if err != nil {
			return nil, fmt.Errorf("list the newest of kind %s: %w", kind, err)
		}
		for _, o := range page.Objects {
			found, err := parseObject(kind, o)
			if err != nil {
				return nil, fmt.Errorf("list the newest of kind %s: %w", kind, err)
			}
			// The earlier of the two clocks counts: a clock that is ahead must not make
			// an object older than it is.
			if page.Earliest().Sub(found.created) >= c.Age {
				objects = append(objects, found)
			}
		}
	}
	slices.SortStableFunc(objects, func(a, b object) int { return a.created.Compare(b.created) })
	return objects, nil
}

// parseObject finds what tells an object's row. Its error names members, never
// their values.
func parseObject(kind string, o clerk.Object) (object, error) {
	created, err := o.Time("created_at")
	if err != nil {
		return object{}, err
	}
	found := object{created: time.UnixMilli(int64(created))}
	id := o.Text("id")
	switch kind {
	case directory.KindUser:
		found.key = directory.UserKey(id)
	case directory.KindOrganization:
		found.key = directory.OrganizationKey(id)
	case directory.KindMembership:
		org, user := o.Object("organization").Text("id"), o.Object("public_user_data").Text("user_id")
		if org == "" || user == "" {
			id = "" // its own id alone does not lead to its row
		} else {
			id = org + "/" + user
		}
		found.key = directory.MembershipKey(org, user)
	}
	found.entity = kind + "/" + id
	if id == "" || created == 0 {
		return object{}, errors.New("an object has no id or no created_at")
	}
	return found, nil
}

// withoutRow returns the objects that have neither a row nor a tombstone, in
// their order. A row of another instance is an error: the key, or the table, is
// the wrong one.
func (c *Config) withoutRow(ctx context.Context, objects []object, instance string) (missing []object, err error) {
	if len(objects) == 0 {
		return nil, nil
	}
	keys := make([]directory.Key, len(objects))
	for i, o := range objects {
		keys[i] = o.key
	}
	rows, err := c.Table.Read(ctx, keys...)
	if err != nil {
		return nil, fmt.Errorf("read the rows of the newest objects: %w", err)
	}
	for i, row := range rows {
		switch id := row.Text(directory.AttrInstanceID); {
		case row == nil:
			missing = append(missing, objects[i])
		case id != "" && id != instance:
			return nil, fmt.Errorf("the secret key belongs to %s, the row of %s to %s", instance, objects[i].entity, id)
		}
	}
	return missing, nil
}
