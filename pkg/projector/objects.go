package projector

import (
	"strconv"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

// The attributes are those that the contract lists for each kind. A member of
// data that is absent, null, empty, or of another type than Clerk documents has
// no attribute, and is still in `object`. The objects' shapes are those of
// https://github.com/clerk/openapi-specs.

// copyTexts copies to the letter: white space and case are the user's own.
func copyTexts(o clerk.Object, r directory.Row, names ...string) {
	for _, n := range names {
		r.SetText(n, o.Text(n))
	}
}

// copyBools keeps false, which is not the same as absent.
func copyBools(o clerk.Object, r directory.Row, names ...string) {
	for _, n := range names {
		if v, ok := o.Bool(n); ok {
			r[n] = v
		}
	}
}

// copyTimes copies times as Unix milliseconds. A time that cannot be read is
// left out: only those that the order depends on make the event an error.
func copyTimes(o clerk.Object, r directory.Row, names ...string) {
	for _, n := range names {
		if t, err := o.Time(n); err == nil && o.Has(n) {
			r[n] = directory.Number(strconv.FormatInt(int64(t), 10))
		}
	}
}

// copyIntegers leaves out a number with a fraction, or of more digits than an
// int64 holds.
func copyIntegers(o clerk.Object, r directory.Row, names ...string) {
	for _, n := range names {
		if v, ok := o.Integer(n); ok {
			r[n] = directory.Number(strconv.FormatInt(v, 10))
		}
	}
}

// setUser puts the user into the indexes, too. `email` is folded, so that a
// lookup finds the user however the address is written; `email_addresses` has
// the addresses as they were sent.
func setUser(o clerk.Object, r directory.Row) {
	copyTexts(o, r, "first_name", "last_name", "username", "image_url", "external_id")
	copyBools(o, r, "banned", "locked")
	copyTimes(o, r, "created_at", "updated_at", "last_sign_in_at")

	addresses := o.Objects("email_addresses")
	var list []string
	for _, a := range addresses {
		if s := a.Text("email_address"); s != "" {
			list = append(list, s)
		}
	}
	r.SetList("email_addresses", list)
	if a, ok := primary(addresses, o.Text("primary_email_address_id"), "email_address"); ok {
		r["email"] = directory.FoldEmail(a.Text("email_address"))
		r["email_verified"] = a.Object("verification").Text("status") == "verified"
	}
	if n, ok := primary(o.Objects("phone_numbers"), o.Text("primary_phone_number_id"), "phone_number"); ok {
		r["phone"] = n.Text("phone_number")
	}
	r.SetIndex("by_email", r.Text("email"))
	r.SetIndex("by_external_id", r.Text("external_id"))
	r.SetIndex("by_username", r.Text("username"))
}

// primary is the entry with the primary id, else the first one, among those
// that hold the value.
func primary(entries []clerk.Object, id, value string) (first clerk.Object, ok bool) {
	for _, e := range entries {
		if e.Text(value) == "" {
			continue
		}
		if id != "" && e.Text("id") == id {
			return e, true
		}
		if !ok {
			first, ok = e, true
		}
	}
	return first, ok
}

// setOrganization leaves out Clerk's counters of members and invitations:
// nothing says that an event follows when one of them changes.
func setOrganization(o clerk.Object, r directory.Row) {
	copyTexts(o, r, "name", "slug", "image_url", "created_by")
	copyIntegers(o, r, "max_allowed_memberships")
	copyTimes(o, r, "created_at", "updated_at")
	r.SetIndex("by_slug", r.Text("slug"))
}

// setMembership takes the role and its permissions as the event has them. A role
// that changes later has an event of its own: what a member may do now is in the
// role's row.
func setMembership(o clerk.Object, r directory.Row) {
	copyTexts(o, r, "role", "role_name")
	r.SetList("permissions", o.Texts("permissions"))
	copyTimes(o, r, "created_at", "updated_at")
}

func setInvitation(o clerk.Object, r directory.Row) {
	copyTexts(o, r, "email_address", "role", "role_name", "status", "user_id", "inviter_id")
	copyTimes(o, r, "expires_at", "created_at", "updated_at")
}

func setDomain(o clerk.Object, r directory.Row) {
	copyTexts(o, r, "name", "enrollment_mode")
	copyTimes(o, r, "created_at", "updated_at")
}

// setRole keeps the keys of the role's permissions, of which the event has the
// whole objects.
func setRole(o clerk.Object, r directory.Row) {
	copyTexts(o, r, "key", "name", "description")
	copyBools(o, r, "is_creator_eligible")
	copyTimes(o, r, "created_at", "updated_at")
	var keys []string
	for _, p := range o.Objects("permissions") {
		if k := p.Text("key"); k != "" {
			keys = append(keys, k)
		}
	}
	r.SetList("permissions", keys)
}

func setPermission(o clerk.Object, r directory.Row) {
	copyTexts(o, r, "key", "name", "description", "type")
	copyTimes(o, r, "created_at", "updated_at")
}
