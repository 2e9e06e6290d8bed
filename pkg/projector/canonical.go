package projector

import (
	"encoding/json"
	"encoding/json/jsontext"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

// Volatile says whether a member of an object of the kind is left out of its
// canonical text. These members change without news, or stand in only one of an
// event and the API's answer: no event need follow when one of them changes.
// Source: https://github.com/clerk/openapi-specs, bapi and webhooks.
func Volatile(kind, member string) bool {
	if kind == directory.KindInvitation {
		switch member {
		case "public_organization_data", "public_inviter_data", // snapshots of other objects
			"user_id", // only the event of its acceptance has it
			"url":     // a credential, which no row holds
			return true
		}
	}
	return isVolatile(member)
}

// isVolatile tells the members that are left out wherever they are, but inside
// metadata.
func isVolatile(member string) bool {
	switch member {
	case "last_active_at", "last_sign_in_at", "lockout_expires_in_seconds", "verification_attempts_remaining",
		"scim", // only events have it
		"members_count", "pending_invitations_count", "missing_member_with_elevated_permissions",
		"total_pending_invitations", "total_pending_suggestions",
		"verification", "ownership_verification", "affiliation_verification":
		return true
	}
	return false
}

// isMetadata tells the members that are never looked into: their names mean
// what their author wants.
func isMetadata(member string) bool {
	return member == "public_metadata" || member == "private_metadata" || member == "unsafe_metadata"
}

// Canonical is the object's text in the one form that compares: members sorted
// by name (as bytes of UTF-8), of doubled names the last, no white space,
// strings escaped as RFC 8785 does, numbers by their text, volatile members left
// out. Of the snapshots in a membership only the ids are kept.
func Canonical(kind string, o clerk.Object) []byte {
	b := []byte{'{'}
	for _, name := range o.Names() {
		if Volatile(kind, name) {
			continue
		}
		b = appendName(b, name)
		b = appendMember(b, kind, name, o)
	}
	return append(b, '}')
}

// CanonicalMember is the canonical text of one member, nil where it is absent.
// Unlike in Canonical, a volatile member has one, too.
func CanonicalMember(kind, name string, o clerk.Object) []byte {
	if o.Raw(name) == nil {
		return nil
	}
	return appendMember(nil, kind, name, o)
}

// WholeMember is CanonicalMember with all that is volatile inside it.
func WholeMember(name string, o clerk.Object) []byte {
	if raw := o.Raw(name); raw != nil {
		return appendValue(nil, raw, keepAll)
	}
	return nil
}

func appendMember(b []byte, kind, name string, o clerk.Object) []byte {
	switch {
	case kind == directory.KindMembership && name == "organization":
		return appendValue(b, o.Raw(name), onlyID("id"))
	case kind == directory.KindMembership && name == "public_user_data":
		return appendValue(b, o.Raw(name), onlyID("user_id"))
	case isMetadata(name):
		return appendValue(b, o.Raw(name), keepAll)
	}
	return appendValue(b, o.Raw(name), keepStable)
}

// keep says whether a member of a nested object stays, and what stays of its
// own members.
type keep func(name string) (inside keep, stays bool)

func keepAll(string) (keep, bool) { return keepAll, true }

func keepStable(name string) (keep, bool) {
	if isMetadata(name) {
		return keepAll, true
	}
	return keepStable, !isVolatile(name)
}

func onlyID(id string) keep {
	return func(name string) (keep, bool) { return keepAll, name == id }
}

// appendValue appends a JSON value in its canonical form. The value was checked
// when its object was parsed.
func appendValue(b []byte, raw json.RawMessage, rule keep) []byte {
	switch raw[0] {
	case '{':
		o, _ := clerk.ParseObject(raw)
		b = append(b, '{')
		for _, name := range o.Names() {
			if inside, stays := rule(name); stays {
				b = appendName(b, name)
				b = appendValue(b, o.Raw(name), inside)
			}
		}
		return append(b, '}')
	case '[':
		b = append(b, '[')
		for i, element := range clerk.Elements(raw) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, element, rule)
		}
		return append(b, ']')
	case '"':
		s, _ := jsontext.AppendUnquote(nil, raw) // half of a surrogate pair becomes U+FFFD
		b, _ = jsontext.AppendQuote(b, s)        // which leaves nothing that could not be quoted
		return b
	}
	return append(b, raw...) // a number, true, false or null
}

// appendName appends a comma, unless the name is the object's first, the quoted
// name and a colon.
func appendName(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b, _ = jsontext.AppendQuote(b, name)
	return append(b, ':')
}
