// Package projector says what an event means for the directory. It is pure:
// the same message gives the same change, whatever the clock, the
// configuration of the machine or what came before.
package projector

import (
	"errors"
	"fmt"
	"strings"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

// ErrPermanent says that an event can never become a change. The text behind it
// names fields, never values.
var ErrPermanent = errors.New("projector: event can never be applied")

func hopeless(reason string) error { return fmt.Errorf("%w: %s", ErrPermanent, reason) }

// ObjectStorage is how much of Clerk's data a row keeps in `object`.
type ObjectStorage string

// The choices for `object`: all of data; data without private_metadata, in it
// and in the objects directly in it; nothing.
const (
	StoreFull   ObjectStorage = "full"
	StorePublic ObjectStorage = "public"
	StoreNone   ObjectStorage = "none"
)

// Children says what ends with a row when it is deleted.
type Children int

// A user's memberships end with it; an organization's memberships,
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

	// Row is the row as the event tells it: whole for a put; for a deletion
	// the ids, and what a membership's deletion tells. It lacks synced_at.
	Row directory.Row

	Delete    bool
	ReadFirst bool            // write only where the row is unchanged since it was read
	Parents   []directory.Key // a put ends again if one of them is gone
	Children  Children        // a deletion ends these
}

// Projector projects events. It is safe for concurrent use.
type Projector struct {
	storage ObjectStorage
	types   index
}

// New makes a projector.
func New(storage ObjectStorage) *Projector { return &Projector{storage, newIndex()} }

// Project is what the event means. Its error wraps ErrPermanent.
func (p *Projector) Project(e clerk.Event, svixID string) (Change, error) {
	f, ok := p.types[e.Type]
	if !ok {
		return Change{}, hopeless("events of this type are not kept")
	}
	data := e.Data()
	deleted := strings.HasSuffix(e.Type, ".deleted")
	at, err := f.place(data, deleted)
	if err != nil {
		return Change{}, err
	}
	c := Change{
		Key: at.key, Kind: f.kind, Entity: at.entity,
		Delete: deleted, ReadFirst: f.readFirst,
	}
	if deleted {
		c.Children = f.ends
	} else {
		c.Parents = at.parents
	}
	if err := c.order(e, data, at.incarnation, svixID); err != nil {
		return Change{}, err
	}
	c.Row = p.row(f, c, e, data, at)
	c.Row.SetText(directory.AttrSvixID, svixID)
	pointer, pointed := directory.PointerKey(c.Row)
	if !c.Key.Valid() || pointed && !pointer.Valid() {
		return Change{}, hopeless("an id is too long for a key")
	}
	return c, nil
}

func (c *Change) order(e clerk.Event, data clerk.Object, incarnation directory.Incarnation, svixID string) error {
	updated, err := data.Time("updated_at")
	if err != nil {
		return hopeless("data." + err.Error())
	}
	if c.Sent, err = e.Timestamp(); err != nil {
		return hopeless(err.Error())
	}
	c.Revision = directory.Order{
		Incarnation: incarnation,
		Terminal:    c.Delete,
		Updated:     int64(updated),
		Created:     strings.HasSuffix(e.Type, ".created"),
		Sent:        int64(c.Sent),
		SvixID:      svixID,
	}.Revision()
	return nil
}

func (p *Projector) row(f *family, c Change, e clerk.Event, data clerk.Object, at place) directory.Row {
	r := directory.NewRow(c.Key, c.Kind)
	if !c.Delete || f.wholeDeletion {
		f.project(data, r)
		r.SetText(directory.AttrObject, p.object(f, data))
	}
	for name, id := range at.ids {
		r[name] = id
	}
	r[directory.AttrRev] = string(c.Revision)
	r.SetText(directory.AttrInstanceID, e.InstanceID)
	return r
}

// object is what the row keeps of Clerk's data, never a credential.
func (p *Projector) object(f *family, data clerk.Object) string {
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
