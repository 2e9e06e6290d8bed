package recorder

import (
	"bytes"
	"slices"
	"strings"
)

// Filter says which messages are meant; the zero value means all.
type Filter struct {
	Type    string // an event type, or what it begins with up to the dot
	Outcome string
	Entity  string // a part of it, e.g. the id of a user; also the svix id
	Text    string // in the body as Mask shows it, of either case
	Before  uint64 // messages with a smaller Seq alone; 0 for all
}

// Page is a page of messages, the newest first.
type Page struct {
	Messages []Message
	Next     uint64 // the Before of the next page; 0 at the end
	Matching int    // messages that match, on all pages
	All      int    // messages that are kept
}

// Messages lists messages, up to limit of them.
func (r *Recorder) Messages(f Filter, limit int) Page {
	matching, all := r.matching(f)
	p := Page{All: all, Matching: len(matching)}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range matching {
		switch {
		case f.Before > 0 && m.Seq >= f.Before:
		case len(p.Messages) < limit:
			if now := r.messages[m.ID]; now != nil { // else it has gone meanwhile
				p.Messages = append(p.Messages, now.snapshot())
			}
		default:
			p.Next = p.Messages[limit-1].Seq
			return p
		}
	}
	return p
}

// matching are the messages that match, the newest first, without requests and
// writes; all counts those that are kept. A list is made anew with each change while
// somebody looks, so only those that are shown are copied whole.
func (r *Recorder) matching(f Filter) (list []Message, all int) {
	r.mu.Lock()
	list = make([]Message, 0, len(r.kept)+len(r.rejected))
	kept, rejected := r.kept, r.rejected
	for len(kept)+len(rejected) > 0 { // both are in the order of Seq
		from := &kept
		if len(kept) == 0 || len(rejected) > 0 && last(rejected).Seq > last(kept).Seq {
			from = &rejected
		}
		list = append(list, last(*from).Message)
		*from = (*from)[:len(*from)-1]
	}
	r.mu.Unlock() // bodies do not change, so they are searched without the lock
	all = len(list)
	return slices.DeleteFunc(list, func(m Message) bool { return !f.Matches(m) }), all
}

func last(list []*message) *message { return list[len(list)-1] }

// Matches says whether a message is meant, whatever its place in the list.
func (f Filter) Matches(m Message) bool {
	family, _, _ := strings.Cut(m.EventType, ".")
	switch {
	case f.Type != "" && f.Type != m.EventType && f.Type != family:
		return false
	case f.Outcome != "" && f.Outcome != m.Outcome:
		return false
	case f.Entity != "" && !strings.Contains(m.Entity, f.Entity) && f.Entity != m.ID:
		return false
	}
	return f.Text == "" || bytes.Contains(bytes.ToLower(Mask(m.Body)), bytes.ToLower([]byte(f.Text)))
}

// Message copies what is known of a message; ok is false where it is not kept.
func (r *Recorder) Message(id string) (m Message, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := r.messages[id]
	if found == nil {
		return Message{}, false
	}
	return found.snapshot(), true
}

// Neighbours are the ids of the messages before and after that one in the list, ""
// for none.
func (r *Recorder) Neighbours(id string, f Filter) (newer, older string) {
	list, _ := r.matching(f)
	i := slices.IndexFunc(list, func(m Message) bool { return m.ID == id })
	if i > 0 {
		newer = list[i-1].ID
	}
	if i >= 0 && i+1 < len(list) {
		older = list[i+1].ID
	}
	return newer, older
}
