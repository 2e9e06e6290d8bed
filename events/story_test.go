package events_test

import (
	"encoding/json"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/events"
)

// objects calls visit for every JSON object in v, v itself first.
func objects(v any, visit func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		visit(v)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			objects(v[key], visit)
		}
	case []any:
		for _, e := range v {
			objects(e, visit)
		}
	}
}

// milliseconds reads a time of the envelope or of an object. A number of at most eleven digits is in seconds.
func milliseconds(t *testing.T, v any) (at int64, ok bool) {
	t.Helper()
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	at, err := n.Int64()
	if err != nil {
		t.Fatalf("time %s: %v", n, err)
	}
	if at < 1e11 {
		at *= 1000
	}
	return at, true
}

// Times are as Clerk sends them: an object is created before it is updated, and the event follows the update at once.
func TestTimesAreInOrder(t *testing.T) {
	const weekBegins, weekEnds = 1772409600000, 1773014400000 // 2026-03-02, 2026-03-09 UTC
	for _, name := range events.Names() {
		e := event(t, name)
		data, _ := e["data"].(map[string]any)
		sent, _ := milliseconds(t, e["timestamp"])
		created, ok := milliseconds(t, data["created_at"])
		if !ok {
			created = sent
		}
		updated, ok := milliseconds(t, data["updated_at"])
		if !ok {
			updated = created
		}
		// A timestamp in seconds has lost its milliseconds.
		if created > updated || updated/1000 > sent/1000 {
			t.Errorf("%s: created_at %d, updated_at %d, timestamp %d, want them to rise", name, created, updated, sent)
		}
		if ok && updated/1000 != sent/1000 && name != "role.deleted.whole" {
			t.Errorf("%s: timestamp = %d, want updated_at %d, as in every sample of Clerk's", name, sent, updated)
		}
		if !strings.HasSuffix(name, ".example") && (created < weekBegins || sent >= weekEnds) {
			t.Errorf("%s: created_at %d, timestamp %d, want both in the week from 2026-03-02", name, created, sent)
		}
	}
}

// Clerk's event about a removed membership has the times of its creation: a test of the order needs that shape.
func TestMembershipDeletionHasTheTimesOfItsCreation(t *testing.T) {
	removed, changed := event(t, "organizationMembership.deleted"), event(t, "organizationMembership.updated")
	data := removed["data"].(map[string]any)
	if data["updated_at"] != data["created_at"] || removed["timestamp"] != data["created_at"] {
		t.Errorf("deleted: created_at %v, updated_at %v, timestamp %v, want them equal",
			data["created_at"], data["updated_at"], removed["timestamp"])
	}
	before, _ := milliseconds(t, removed["timestamp"])
	after, _ := milliseconds(t, changed["timestamp"])
	if before >= after {
		t.Errorf("deleted has timestamp %d, want it below that of the update, %d", before, after)
	}
}

// One id is one object: created at one time everywhere, and one owner for each address and telephone number.
func TestIDsAreUnique(t *testing.T) {
	created, owner := map[string]json.Number{}, map[string]string{}
	for _, name := range events.Names() {
		if name == placeholder {
			continue
		}
		objects(event(t, name)["data"], func(o map[string]any) {
			id, _ := o["id"].(string)
			if at, ok := o["created_at"].(json.Number); ok && id != "" {
				if first, seen := created[id]; seen && first != at {
					t.Errorf("%s: %s was created at %s, elsewhere at %s", name, id, at, first)
				}
				created[id] = at
			}
			mails, _ := o["email_addresses"].([]any)
			phones, _ := o["phone_numbers"].([]any)
			for _, v := range slices.Concat(mails, phones) {
				m := v.(map[string]any)
				for _, key := range []string{"id", "email_address", "phone_number"} {
					value, _ := m[key].(string)
					if value == "" {
						continue
					}
					if other, seen := owner[value]; seen && other != id {
						t.Errorf("%s: %s belongs to %s and to %s", name, value, other, id)
					}
					owner[value] = id
				}
			}
		})
	}
}

// Every user and organization that an event of the story refers to is created by an event; the samples of rare shapes
// are about objects of their own.
func TestTheStoryIsComplete(t *testing.T) {
	created := map[string]bool{}
	for _, name := range events.Names() {
		family, rest, _ := strings.Cut(name, ".")
		if rest != "created" && !slices.Contains(storyVariants(), name) {
			continue
		}
		if family == "user" || family == "organization" {
			created[event(t, name)["data"].(map[string]any)["id"].(string)] = true
		}
	}
	for _, name := range events.Names() {
		e := event(t, name)
		data := e["data"].(map[string]any)
		if strings.Count(name, ".") == 2 && !slices.Contains(storyVariants(), name) {
			if id, _ := data["id"].(string); created[id] {
				t.Errorf("%s is about %s of the story, want an object of its own", name, id)
			}
			continue
		}
		if name == placeholder {
			continue
		}
		for _, id := range references(e) {
			if !created[id] {
				t.Errorf("%s refers to %s, which no event creates", name, id)
			}
		}
	}
}

// storyVariants lists the samples that are further events of the story.
func storyVariants() []string {
	return []string{
		"organizationMembership.created.founder", "organizationMembership.created.invited",
		"organizationMembership.created.rejoined", "user.created.founder", "user.created.invited",
	}
}

// references returns the ids of the users and organizations that an event refers to.
func references(e map[string]any) []string {
	var ids []string
	objects(e["data"], func(o map[string]any) {
		for _, v := range o {
			if id, ok := v.(string); ok && (strings.HasPrefix(id, "user_") || strings.HasPrefix(id, "org_")) {
				ids = append(ids, id)
			}
		}
	})
	return ids
}

// Addresses, telephone numbers and IP addresses are of the ranges that are reserved for examples.
func TestNothingIsReal(t *testing.T) {
	host := regexp.MustCompile(`(?:@|https?://)([A-Za-z0-9.-]+)`)
	phone := regexp.MustCompile(`\+\d+`)
	address := regexp.MustCompile(`\b\d+\.\d+\.\d+\.\d+\b`)
	made := regexp.MustCompile(`(?i)^([a-z0-9-]+\.)*([a-z0-9-]+\.(example|test)|example\.com)$`)
	fictional := regexp.MustCompile(`^\+1\d{3}55501\d\d$`)
	ranges := []netip.Prefix{
		netip.MustParsePrefix("192.0.2.0/24"),
		netip.MustParsePrefix("198.51.100.0/24"),
		netip.MustParsePrefix("203.0.113.0/24"),
	}
	for _, name := range events.Names() {
		var text []string
		objects(event(t, name), func(o map[string]any) {
			for _, v := range o {
				if s, ok := v.(string); ok {
					text = append(text, s)
				}
			}
		})
		all := strings.Join(text, "\n")
		for _, m := range host.FindAllStringSubmatch(all, -1) {
			if !made.MatchString(m[1]) {
				t.Errorf("%s: %q is not a domain reserved for examples", name, m[1])
			}
		}
		for _, m := range phone.FindAllString(all, -1) {
			if !fictional.MatchString(m) {
				t.Errorf("%s: %q is not a number reserved for fiction (555-01xx)", name, m)
			}
		}
		for _, m := range address.FindAllString(all, -1) {
			ip, err := netip.ParseAddr(m)
			if err != nil || !slices.ContainsFunc(ranges, func(p netip.Prefix) bool { return p.Contains(ip) }) {
				t.Errorf("%s: %q is not an address reserved for documentation", name, m)
			}
		}
	}
}
