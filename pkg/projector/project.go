// Package projector says what an event means for the directory. It is pure:
// the same message gives the same change, whatever the clock, the machine or
// what came before. Only `object` depends on a setting, ObjectStorage.
//
// The files, from the question to the details:
//
//	project.go   an event becomes a change: row, revision, what follows from it
//	families.go  one table: what each family of event types becomes
//	identity.go  which row an object belongs to
//	objects.go   which attributes it has there
//	read.go      an object that was read from Clerk's API becomes a change
//	canonical.go what two texts of one object are compared by
package projector

import (
	"errors"
	"fmt"
	"strings"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

// ErrPermanent says that an event can never become a change. The text after it
// names members of the event, never their values.
var ErrPermanent = errors.New("projector: event can never be applied")

// ErrUnknownType says that this version has no row for events of that type. It is
// retried: during a deployment ingest may be newer than sync.
var ErrUnknownType = errors.New("projector: events of this type are not kept by this version")

func permanent(reason string) error { return fmt.Errorf("%w: %s", ErrPermanent, reason) }

// ObjectStorage is how much of Clerk's data a row keeps in `object`.
type ObjectStorage string

// The choices for `object`: all of data; data without private_metadata, in it
// and in the objects directly in it; nothing.
const (
	StoreFull   ObjectStorage = "full"
	StorePublic ObjectStorage = "public"
	StoreNone   ObjectStorage = "none"
)

// Children says which rows are deleted together with a row.
type Children int

// A user's children are its memberships; an organization's its memberships,
// invitations and domains.
const (
	NoChildren Children = iota
	MembershipsOfUser
	AllOfOrganization
)

// Change is what one message means for the directory.
type Change struct {
	Key      directory.Key
	Kind     string
	Entity   string // for people: user/<id>, membership/<org id>/<user id> ...
	Revision directory.Revision
	Sent     clerk.Millis // the envelope's time

	// Row is the row as the event tells it, without synced_at. For a deletion
	// it holds the ids, and for a membership's deletion, which carries the
	// whole object, all attributes.
	Row directory.Row

	Delete    bool
	ReadFirst bool            // to be written only where the row is unchanged since it was read
	Parents   []directory.Key // if one of these is gone, the row is deleted again
	Children  Children        // what is deleted together with the row; NoChildren unless Delete
}

// Projector projects events. It is safe for concurrent use.
type Projector struct {
	storage ObjectStorage
	byType  map[string]family
}

// New makes a projector.
func New(storage ObjectStorage) *Projector { return &Projector{storage, familiesByType()} }

// Project says what the event means. Its error wraps ErrPermanent or is
// ErrUnknownType.
func (p *Projector) Project(e clerk.Event, svixID string) (Change, error) {
	f, ok := p.byType[e.Type]
	if !ok {
		return Change{}, ErrUnknownType
	}
	data := e.Data()
	// The type decides what is a deletion, not the member `deleted`: the
	// deletion of a membership has none.
	deleted := strings.HasSuffix(e.Type, ".deleted")
	id, err := f.identify(data, deleted)
	if err != nil {
		return Change{}, err
	}
	c := Change{Key: id.key, Kind: f.kind, Entity: id.entity, Delete: deleted, ReadFirst: f.readFirst}
	if deleted {
		c.Children = f.children
	} else {
		c.Parents = id.parents
	}
	if c.Sent, err = e.Timestamp(); err != nil {
		return Change{}, permanent(err.Error())
	}
	if c.Revision, err = revision(e, data, c, id.incarnation, svixID); err != nil {
		return Change{}, err
	}
	c.Row = p.row(f, c, data, id)
	c.Row.SetText(directory.AttrInstanceID, e.InstanceID)
	c.Row.SetText(directory.AttrSvixID, svixID)
	if err := c.checkKeys(); err != nil {
		return Change{}, err
	}
	return c, nil
}

// checkKeys finds ids that DynamoDB has no room for.
func (c Change) checkKeys() error {
	pointer, hasPointer := directory.PointerKey(c.Row)
	if !c.Key.Valid() || hasPointer && !pointer.Valid() {
		return permanent("an id or a role's key is too long for a key of the table")
	}
	return nil
}

// revision places the change in the order of all changes of its row. A time
// that cannot be read makes the event an error: without it the order would be
// a guess.
func revision(
	e clerk.Event, data clerk.Object, c Change, incarnation directory.Incarnation, svixID string,
) (directory.Revision, error) {
	updated, err := data.Time("updated_at")
	if err != nil {
		return "", permanent("data." + err.Error())
	}
	return directory.Order{
		Incarnation: incarnation,
		Terminal:    c.Delete,
		Updated:     int64(updated),
		Created:     strings.HasSuffix(e.Type, ".created"),
		Sent:        int64(c.Sent),
		SvixID:      svixID,
	}.Revision(), nil
}

// row is the change's row. The ids are set last, so that an attribute of the
// same name never hides what the key is made of.
func (p *Projector) row(f family, c Change, data clerk.Object, id identity) directory.Row {
	r := directory.NewRow(c.Key, c.Kind)
	if !c.Delete || f.wholeDeletion {
		f.setAttributes(data, r)
		r.SetText(directory.AttrObject, p.object(f, data))
	}
	for name, value := range id.ids {
		r[name] = value
	}
	r[directory.AttrRev] = string(c.Revision)
	return r
}

// KeptObject is what ObjectStorage allows of the `object` of a row that exists: a
// soft deletion keeps the row's attributes, and the setting may have changed
// since they were written. A text that is no object, which somebody has put
// there by hand, is not kept where something is to be left out.
func (p *Projector) KeptObject(object string) string {
	if p.storage == StoreFull {
		return object
	}
	data, ok := clerk.ParseObject([]byte(object))
	if !ok {
		return ""
	}
	return p.object(family{}, data)
}

// object is what the row keeps of Clerk's data, never a credential. Unless
// something is left out, it is the text as it was sent, byte for byte: a number
// that went through a float would be another one.
func (p *Projector) object(f family, data clerk.Object) string {
	var names, nested []string
	if f.secret != "" {
		names = append(names, f.secret)
	}
	switch p.storage {
	case StoreFull:
	case StoreNone:
		return ""
	case StorePublic:
		nested = []string{"private_metadata"}
		names = append(names, nested...)
	}
	if len(names) == 0 {
		return data.String()
	}
	return data.Without(names, nested)
}
