package projector

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

// readMargin is what the time of a read is set back by. What Clerk's API answers
// may come from a replica that lags, and our clock may be ahead of Clerk's: an event
// of the same `updated_at` that was sent meanwhile wins. Where the objects'
// `updated_at` differ, they alone decide.
const readMargin = 5 * time.Minute

// Read is an object as Clerk's API gave it.
type Read struct {
	Kind       string // of its row: directory.KindUser and so on, no pointer's
	Object     clerk.Object
	InstanceID string    // of the instance that was asked
	Began      time.Time // before the request was sent, by our clock
	Earliest   time.Time // the earlier of Began and Clerk's own time of the answer
}

// ProjectRead says what an object means that was read from Clerk's API. It is
// as pure as Project, and makes the same attributes of the same object. Its
// error wraps ErrPermanent.
//
// The API's object has no message, so its revision has, in the place of the svix
// id, a digest of the object: whoever reads the same object at the same time makes
// the same revision, and no two different objects have the same. An API's object
// ranks as an update.
func (p *Projector) ProjectRead(r Read) (Change, error) {
	f, ok := p.byKind(r.Kind)
	if !ok {
		return Change{}, permanent("objects of this kind have no row")
	}
	id, err := f.identify(r.Object, false)
	if err != nil {
		return Change{}, err
	}
	updated, err := r.Object.Time("updated_at")
	if err != nil {
		return Change{}, permanent("data." + err.Error())
	}
	c := Change{Key: id.key, Kind: f.kind, Entity: id.entity, ReadFirst: true, Parents: id.parents}
	c.Sent = clerk.Millis(max(0, r.Earliest.Add(-readMargin).UnixMilli()))
	c.Revision = directory.Order{
		Incarnation: id.incarnation,
		Updated:     int64(updated),
		Sent:        int64(c.Sent),
		SvixID:      digest(f.kind, r.Object),
	}.Revision()
	c.Row = p.row(f, c, r.Object, id)
	c.Row.SetText(directory.AttrInstanceID, r.InstanceID)
	c.Row[directory.AttrReadAt] = r.Began.UTC().Format(directory.TimeFormat)
	if err := c.checkKeys(); err != nil {
		return Change{}, err
	}
	return c, nil
}

// byKind finds the family whose rows are of the kind.
func (p *Projector) byKind(kind string) (family, bool) {
	for _, f := range p.byType {
		if f.kind == kind {
			return f, true
		}
	}
	return family{}, false
}

// ChildrenOf says which rows are deleted together with a row of the kind.
func (p *Projector) ChildrenOf(kind string) Children {
	f, _ := p.byKind(kind)
	return f.children
}

// digest is the last field of an API object's revision: api_ and the first 32
// hexadecimal digits of the SHA-256 of its canonical text.
func digest(kind string, o clerk.Object) string {
	sum := sha256.Sum256(Canonical(kind, o))
	return directory.ReadPrefix + hex.EncodeToString(sum[:])[:32]
}
