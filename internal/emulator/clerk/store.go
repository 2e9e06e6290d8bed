package clerk

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

// object is one version of an object: the `data` of a webhook, and what lists
// are sorted and filtered by. It never changes.
type object struct {
	key     string // the id; of a membership org/user
	id      string
	created clerk.Millis
	org     string // of a membership, invitation or domain
	user    string // of a membership
	data    string
}

// version says what a key held from a time on; nil for nothing.
type version struct {
	from   time.Time
	object *object
}

// store holds the objects of one instance with all that they were before, so
// that a replica can lag.
type store struct {
	now     func() time.Time
	mu      sync.RWMutex
	history map[string]map[string][]version // by kind and key, oldest first
	live    map[string][]*object            // by kind, sorted by compare
}

func newStore(now func() time.Time) *store {
	return &store{now: now, history: map[string]map[string][]version{}, live: map[string][]*object{}}
}

// compare is the order by created_at, made total by the id.
func compare(a, b *object) int {
	return cmp.Or(cmp.Compare(a.created, b.created), strings.Compare(a.id, b.id))
}

// parse reads what the store must know of an object.
func parse(kind string, data []byte) (*object, error) {
	o, ok := clerk.ParseObject(data)
	if !ok {
		return nil, errors.New("the data is no object")
	}
	// A time that can't be read sorts first. Clerk has none, but a test may want one.
	created, _ := o.Time("created_at")
	p := &object{
		id: o.Text("id"), key: o.Text("id"), created: created, org: o.Text("organization_id"), data: string(data),
	}
	if kind == directory.KindMembership {
		p.org, p.user = o.Object("organization").Text("id"), o.Object("public_user_data").Text("user_id")
		p.key = p.org + "/" + p.user
		if p.org == "" || p.user == "" {
			return nil, errors.New("a membership without its two ids")
		}
	}
	if p.id == "" {
		return nil, errors.New("the data has no id")
	}
	return p, nil
}

// kindOf returns the kind of row that an event type is about, and what happened.
func kindOf(eventType string) (kind, what string, ok bool) {
	family, what, _ := strings.Cut(eventType, ".")
	kind = strings.ToLower(strings.TrimPrefix(family, "organization"))
	if family == directory.KindOrganization {
		kind = family
	}
	return kind, what, slices.Contains(Kinds(), kind)
}

// Kinds lists the kinds of objects (directory.KindUser and so on), parents first.
func Kinds() []string {
	return []string{
		directory.KindPermission, directory.KindRole, directory.KindOrganization, directory.KindUser,
		directory.KindMembership, directory.KindInvitation, directory.KindDomain,
	}
}

// Apply takes the body of a webhook for what has just happened in the
// instance. Events of other kinds change nothing. What an event deletes takes its
// memberships, invitations and domains with it, as at Clerk.
func (i *Instance) Apply(body []byte) error {
	event, err := clerk.Decode(body)
	if err != nil {
		return err
	}
	kind, what, ok := kindOf(event.Type)
	if !ok {
		return nil
	}
	if what != "deleted" {
		return i.Put(kind, []byte(event.Data().String()))
	}
	o, err := parse(kind, []byte(event.Data().String()))
	if err != nil {
		return fmt.Errorf("apply %s: %w", event.Type, err)
	}
	i.Delete(kind, o.key)
	return nil
}

// Put creates or changes an object without an event. data is as in a webhook.
func (i *Instance) Put(kind string, data []byte) error {
	if !slices.Contains(Kinds(), kind) {
		return fmt.Errorf("put %s: no such kind", kind)
	}
	o, err := parse(kind, data)
	if err != nil {
		return fmt.Errorf("put %s: %w", kind, err)
	}
	i.store.mu.Lock()
	defer i.store.mu.Unlock()
	i.store.set(kind, o.key, o)
	return nil
}

// Delete removes an object, a membership by org/user, and whatever belongs to
// it. What is not there needs no removing.
func (i *Instance) Delete(kind, key string) {
	s := i.store
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(kind, key, nil)
	if kind != directory.KindOrganization && kind != directory.KindUser {
		return
	}
	for _, child := range []string{directory.KindMembership, directory.KindInvitation, directory.KindDomain} {
		for _, o := range slices.Clone(s.live[child]) {
			if kind == directory.KindOrganization && o.org == key || kind == directory.KindUser && o.user == key {
				s.set(child, o.key, nil)
			}
		}
	}
}

// set makes o the newest version of a key; nil deletes it.
func (s *store) set(kind, key string, o *object) {
	if s.history[kind] == nil {
		s.history[kind] = map[string][]version{}
	}
	versions, live := s.history[kind][key], s.live[kind]
	var old *object
	if n := len(versions); n > 0 {
		old = versions[n-1].object
	}
	switch {
	case old == nil && o == nil:
		return
	case old != nil && o != nil && compare(old, o) == 0: // an update stays where it is
		at, _ := slices.BinarySearchFunc(live, old, compare)
		live[at] = o
	default:
		if old != nil {
			at, _ := slices.BinarySearchFunc(live, old, compare)
			live = slices.Delete(live, at, at+1)
		}
		if o != nil {
			at, _ := slices.BinarySearchFunc(live, o, compare)
			live = slices.Insert(live, at, o)
		}
	}
	s.live[kind] = live
	s.history[kind][key] = append(versions, version{from: s.now(), object: o})
}

// Object returns an object as webhooks show it, a membership by org/user.
func (i *Instance) Object(kind, key string) (data []byte, ok bool) {
	o := i.store.get(kind, key, newest())
	if o == nil {
		return nil, false
	}
	return []byte(o.data), true
}

// Objects returns the objects of a kind by their keys, oldest first, as
// webhooks show them.
func (i *Instance) Objects(kind string) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for _, o := range i.store.list(kind, newest()) {
			if !yield(o.key, []byte(o.data)) {
				return
			}
		}
	}
}

// newest is a time after every change, at which the store is as it is now.
func newest() time.Time { return time.Unix(1<<40, 0) }

// get returns what a key held at a time, nil for nothing.
func (s *store) get(kind, key string, at time.Time) *object {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return latest(s.history[kind][key], at)
}

func latest(versions []version, at time.Time) *object {
	for _, v := range slices.Backward(versions) {
		if !v.from.After(at) {
			return v.object
		}
	}
	return nil
}
