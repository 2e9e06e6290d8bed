package directory

// Kinds of rows. A pointer makes a row findable by something else than its key:
// from its other end, or by the name that other objects know it by. It is among
// that end's own rows, because an index would have it only later.
const (
	KindUser         = "user"
	KindOrganization = "organization"
	KindMembership   = "membership"
	KindMembershipOf = "membership_of" // pointer: a membership, found from its user
	KindInvitation   = "invitation"
	KindDomain       = "domain"
	KindDomainOf     = "domain_of" // pointer: a domain, found from its organization
	KindRole         = "role"
	KindRoleByKey    = "role_key" // pointer: a role, found from its key
	KindPermission   = "permission"
)

// Prefixes of the sort keys below a user, an organization and a role's key. All
// rows of one organization have its partition key, so one listing finds its
// children.
const (
	PrefixMember     = "MEMBER#"
	PrefixMembership = "MEMBERSHIP#"
	PrefixInvitation = "INVITATION#"
	PrefixDomain     = "DOMAIN#"
	PrefixRole       = "ROLE#" // below the key of roles
)

// UserKey is the key of a user's row.
func UserKey(id string) Key { return Key{"USER#" + id, "USER"} }

// OrganizationKey is the key of an organization's row.
func OrganizationKey(id string) Key { return Key{"ORG#" + id, "ORG"} }

// MembershipKey is the key of a membership's row.
func MembershipKey(orgID, userID string) Key { return Key{"ORG#" + orgID, PrefixMember + userID} }

// MembershipOfKey is the key of a membership's pointer, which is among its user's rows.
func MembershipOfKey(orgID, userID string) Key {
	return Key{"USER#" + userID, PrefixMembership + orgID}
}

// InvitationKey is the key of an invitation's row.
func InvitationKey(orgID, id string) Key { return Key{"ORG#" + orgID, PrefixInvitation + id} }

// DomainKey is the key of a domain's row.
func DomainKey(id string) Key { return Key{"DOMAIN#" + id, "DOMAIN"} }

// DomainOfKey is the key of a domain's pointer, which is among its organization's rows.
func DomainOfKey(orgID, id string) Key { return Key{"ORG#" + orgID, PrefixDomain + id} }

// RoleKey is the key of a role's row.
func RoleKey(id string) Key { return Key{PrefixRole + id, "ROLE"} }

// RoleByKeyKey is the key of a role's pointer. A membership names its role by that
// role's key, which is unique only within an instance: the rows of one key may be
// several, and each has the `instance_id` of its role.
func RoleByKeyKey(key, id string) Key { return Key{"ROLE_KEY#" + key, PrefixRole + id} }

// PermissionKey is the key of a permission's row.
func PermissionKey(id string) Key { return Key{"PERMISSION#" + id, "PERMISSION"} }

// PointerKey is the key of the row's pointer; ok is false for a row that has
// none, and for a tombstone that has no longer the ids which tell it.
func PointerKey(r Row) (k Key, ok bool) {
	org := r.Text("org_id")
	switch r.Text(AttrKind) {
	case KindMembership:
		user := r.Text("user_id")
		return MembershipOfKey(org, user), org != "" && user != ""
	case KindDomain:
		return DomainOfKey(org, r.Text("id")), org != ""
	case KindRole:
		key, id := r.Text("key"), r.Text("id")
		return RoleByKeyKey(key, id), key != "" && id != ""
	}
	return Key{}, false
}

// Pointer is the pointer of a live row, nil for a row that has none. It is a
// pure function of the row and is written with it, so it needs no order of its
// own.
func Pointer(r Row) Row {
	k, ok := PointerKey(r)
	if !ok {
		return nil
	}
	p := NewRow(k, KindMembershipOf)
	attributes := []string{"id", "org_id", "user_id", "role", "role_name", "permissions", "created_at", "updated_at"}
	switch r.Text(AttrKind) {
	case KindDomain:
		p[AttrKind] = KindDomainOf
		attributes = []string{"id", "org_id", "name", "enrollment_mode"}
	case KindRole:
		p[AttrKind] = KindRoleByKey
		attributes = []string{"id", "key", "name", "permissions", "is_creator_eligible"}
	}
	for _, name := range append(attributes, AttrRev, AttrSvixID, AttrReadAt, AttrInstanceID, AttrSyncedAt) {
		if v, ok := r[name]; ok {
			p[name] = v
		}
	}
	p.Fit()
	return p
}
