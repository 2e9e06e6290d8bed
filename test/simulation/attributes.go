package simulation

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/clerksync/clerksync/pkg/directory"
)

// describe tells an object whole. Every value that can change holds the
// version, so that no two versions look alike.
func (w *telling) describe(t *thing, m *message) {
	v := strconv.Itoa(t.version)
	w.data = append(w.data, member{name: "id", text: quoted(t.id)})
	switch t.kind {
	case directory.KindUser:
		w.user(t, v)
	case directory.KindOrganization:
		w.text("name", "Example "+v)
		w.text("slug", "example-"+v)
		w.row["by_slug"] = "example-" + v
		w.hidden("members_count", v)
	case directory.KindMembership:
		w.membership(t, v)
	case directory.KindInvitation:
		w.invitation(t, m, v)
	case directory.KindDomain:
		w.domain(t, v)
	default:
		w.roleOrPermission(t, v)
	}
	w.hidden("added_tomorrow", `{"v":`+v+`,"n":1.50e+3,"\u0061":[null,true]}`)
	w.data = append(w.data, member{name: "private_metadata", text: `{"v":` + v + `}`})
	w.times(t, m)
}

func (w *telling) times(t *thing, m *message) {
	if m.deletion {
		// As in Clerk's samples: updated_at does not move when it is deleted.
		m.incarnation, m.incarnID = w.time("created_at", t.created), t.id
		m.updated = w.time("updated_at", t.created)
		return
	}
	created := w.time("created_at", t.created)
	if t.kind == directory.KindMembership {
		m.incarnation, m.incarnID = created, t.id
	}
	switch way := w.c.random.IntN(16); {
	case t.silent, way == 0: // absent: the order cannot tell
	case way == 1:
		w.hidden("updated_at", "null")
	default:
		m.updated = w.time("updated_at", t.updated)
	}
	// A tellable text after created_at, so that it can be cut out.
	w.hidden("object", quoted(t.kind))
}

func (w *telling) user(t *thing, v string) {
	w.text("first_name", "Ada"+v)
	w.hidden("last_name", "null")
	w.data = append(w.data, member{name: "banned", text: strconv.FormatBool(t.version%2 == 1)})
	w.row["banned"] = t.version%2 == 1
	if t.version%3 != 2 {
		w.text("external_id", "ext-"+t.id+"-"+v)
		w.row["by_external_id"] = "ext-" + t.id + "-" + v
	}
	if t.version%2 == 0 {
		w.text("username", "ada-"+t.id+"-"+v)
		w.row["by_username"] = "ada-" + t.id + "-" + v
	} else {
		w.hidden("username", `""`)
	}
	first, second := "First."+v+"@Example.test", fmt.Sprintf("Second.%s.%s@Example.test", t.id, v)
	w.hidden("primary_email_address_id", `"idn_2"`)
	w.hidden("email_addresses", `[{"id":"idn_1","email_address":"`+first+`","verification":{"status":"verified"}},`+
		`{"id":"idn_2","email_address":"`+second+`","verification":null}]`)
	w.row["email_addresses"] = []string{first, second}
	w.row["email"], w.row["by_email"] = strings.ToLower(second), strings.ToLower(second)
	w.row["email_verified"] = false
	w.time("last_sign_in_at", t.updated)
}

func (w *telling) membership(t *thing, v string) {
	w.text("role", "org:role"+v)
	w.text("role_name", "Role "+v)
	if t.version%2 == 0 {
		w.hidden("permissions", `["org:a`+v+`","","org:b"]`)
		w.row["permissions"] = []string{"org:a" + v, "org:b"}
	} else {
		w.hidden("permissions", "[]")
	}
	w.data = append(
		w.data,
		member{name: "organization", inner: object{
			{name: "id", text: quoted(t.org)},
			{name: "private_metadata", text: `{"of":"organization"}`},
			{name: "name", text: `"Example"`},
		}},
		member{name: "public_user_data", inner: object{{name: "user_id", text: quoted(t.user)}}},
	)
	w.row["org_id"], w.row["user_id"] = t.org, t.user
}

func (w *telling) invitation(t *thing, m *message, v string) {
	w.data = append(w.data, member{name: "organization_id", text: quoted(t.org)})
	w.row["org_id"] = t.org
	w.text("email_address", "guest"+v+"@example.test")
	w.text("role", "org:member")
	w.hidden("url", `"https://example.test/accept?ticket=secret-of-`+t.id+`"`)
	status := "revoked"
	switch {
	case m.created:
		status = "pending"
	case t.accepted:
		status = "accepted"
		w.text("user_id", t.user)
	}
	w.text("status", status)
	w.time("expires_at", t.created+30*24*3600_000)
}

func (w *telling) domain(t *thing, v string) {
	w.text("name", "v"+v+".example")
	w.text("enrollment_mode", "manual_invitation")
	if t.org == "" {
		w.hidden("organization_id", "null")
		return
	}
	w.data = append(w.data, member{name: "organization_id", text: quoted(t.org)})
	w.row["org_id"] = t.org
}

func (w *telling) roleOrPermission(t *thing, v string) {
	w.text("key", "org:"+v)
	w.text("name", "Name "+v)
	w.text("description", "Says "+v)
	if t.kind == directory.KindPermission {
		w.text("type", "custom")
		return
	}
	w.hidden("permissions", `[{"key":"org:p`+v+`"},{"key":"org:q"}]`)
	w.row["permissions"] = []string{"org:p" + v, "org:q"}
	w.data = append(w.data, member{name: "is_creator_eligible", text: "false"})
	w.row["is_creator_eligible"] = false
}
