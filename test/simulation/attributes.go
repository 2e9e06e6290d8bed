package simulation

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/clerksync/clerksync/pkg/directory"
)

// addAttributes adds all that the event says about the object. Every value
// that can change holds the version, so that no two versions look alike.
func (b *eventBuilder) addAttributes(o *object, m *message) {
	v := strconv.Itoa(o.version)
	b.addJSON("id", quoted(o.id))
	switch o.kind {
	case directory.KindUser:
		b.addUser(o, v)
	case directory.KindOrganization:
		b.addText("name", "Example "+v)
		b.addText("slug", "example-"+v)
		b.row["by_slug"] = "example-" + v
		b.addJSON("members_count", v)
	case directory.KindMembership:
		b.addMembership(o, v)
	case directory.KindInvitation:
		b.addInvitation(o, m, v)
	case directory.KindDomain:
		b.addDomain(o, v)
	default:
		b.addRoleOrPermission(o, v)
	}
	b.addJSON("added_tomorrow", `{"v":`+v+`,"n":1.50e+3,"\u0061":[null,true]}`)
	b.addOddities(m)
	b.addJSON("private_metadata", `{"v":`+v+`}`)
	b.addTimes(o, m)
}

func (b *eventBuilder) addTimes(o *object, m *message) {
	if m.deletion {
		// As in Clerk's samples, a deletion does not move updated_at.
		m.incarnation, m.incarnationID = b.addTime("created_at", o.created), o.id
		m.updated = b.addTime("updated_at", o.created)
		return
	}
	created := b.addTime("created_at", o.created)
	if o.kind == directory.KindMembership {
		m.incarnation, m.incarnationID = created, o.id
	}
	switch way := b.clerk.random.IntN(16); {
	case o.omitsUpdatedAt, way == 0 && !b.clerk.plan.Readers:
	case way == 1 && !b.clerk.plan.Readers: // there an object has it always or never
		b.addJSON("updated_at", "null")
	default:
		m.updated = b.addTime("updated_at", o.updated)
	}
	// emitInvalid cuts created_at out with the comma that follows it, so it is
	// never the last member.
	b.addJSON("object", quoted(o.kind))
}

func (b *eventBuilder) addUser(o *object, v string) {
	b.addText("first_name", "Ada"+v)
	b.addJSON("last_name", "null")
	b.addJSON("banned", strconv.FormatBool(o.version%2 == 1))
	b.row["banned"] = o.version%2 == 1
	if o.version%3 != 2 {
		b.addText("external_id", "ext-"+o.id+"-"+v)
		b.row["by_external_id"] = "ext-" + o.id + "-" + v
	} else if b.clerk.plan.Readers {
		b.addJSON("external_id", "null") // else the API would not say that it is gone
	}
	if b.clerk.plan.Readers {
		b.addJSON("scim", `{"v":`+v+`}`)
	}
	if o.version%2 == 0 {
		b.addText("username", "ada-"+o.id+"-"+v)
		b.row["by_username"] = "ada-" + o.id + "-" + v
	} else {
		b.addJSON("username", `""`)
	}
	first, second := "First."+v+"@Example.test", fmt.Sprintf("Second.%s.%s@Example.test", o.id, v)
	b.addJSON("primary_email_address_id", `"idn_2"`)
	b.addJSON("email_addresses", `[{"id":"idn_1","email_address":"`+first+`","verification":{"status":"verified"}},`+
		`{"id":"idn_2","email_address":"`+second+`","verification":null}]`)
	b.row["email_addresses"] = []string{first, second}
	b.row["email"], b.row["by_email"] = strings.ToLower(second), strings.ToLower(second)
	b.row["email_verified"] = false
	b.addTime("last_sign_in_at", o.updated)
}

func (b *eventBuilder) addMembership(o *object, v string) {
	b.addText("role", "org:role"+v)
	b.addText("role_name", "Role "+v)
	if o.version%2 == 0 {
		b.addJSON("permissions", `["org:a`+v+`","","org:b"]`)
		b.row["permissions"] = []string{"org:a" + v, "org:b"}
	} else {
		b.addJSON("permissions", "[]")
	}
	b.data = append(
		b.data,
		jsonMember{name: "organization", inner: jsonObject{
			{name: "id", text: quoted(o.org)},
			{name: "private_metadata", text: `{"of":"organization"}`},
			{name: "name", text: `"Example"`},
		}},
		jsonMember{name: "public_user_data", inner: jsonObject{{name: "user_id", text: quoted(o.user)}}},
	)
	b.row["org_id"], b.row["user_id"] = o.org, o.user
}

func (b *eventBuilder) addInvitation(o *object, m *message, v string) {
	b.addJSON("organization_id", quoted(o.org))
	b.row["org_id"] = o.org
	b.addText("email_address", "guest"+v+"@example.test")
	b.addText("role", "org:member")
	b.addJSON("url", `"https://example.test/accept?ticket=secret-of-`+o.id+`"`)
	status := "revoked"
	switch {
	case m.created:
		status = "pending"
	case o.accepted:
		status = "accepted"
		b.addText("user_id", o.user)
	}
	b.addText("status", status)
	b.addTime("expires_at", o.created+30*24*3600_000)
}

func (b *eventBuilder) addDomain(o *object, v string) {
	b.addText("name", strings.ToLower(o.id)+".v"+v+".example") // Clerk is asked for a domain by its name
	b.addText("enrollment_mode", "manual_invitation")
	if o.org == "" {
		b.addJSON("organization_id", "null")
		return
	}
	b.addJSON("organization_id", quoted(o.org))
	b.row["org_id"] = o.org
}

func (b *eventBuilder) addRoleOrPermission(o *object, v string) {
	b.addText("key", "org:"+b.clerk.idPart+v) // histories may share a table, and so the keys
	b.addText("name", "Name "+v)
	b.addText("description", "Says "+v)
	if o.kind == directory.KindPermission {
		b.addText("type", "custom")
		return
	}
	b.addJSON("permissions", `[{"key":"org:p`+v+`"},{"key":"org:q"}]`)
	b.row["permissions"] = []string{"org:p" + v, "org:q"}
	b.addJSON("is_creator_eligible", "false")
	b.row["is_creator_eligible"] = false
}
