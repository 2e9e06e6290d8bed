package runbook_test

import (
	"encoding/json"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/test/program"
)

// jq runs one of the jq programs of docs/examples on a value, and returns the lines that it prints.
func jq(t *testing.T, file string, input any, args ...string) ([]string, error) {
	t.Helper()
	path, err := exec.LookPath("jq")
	if err != nil {
		t.Skip("jq is not installed")
	}
	args = append([]string{path, "--compact-output", "--sort-keys"}, args...)
	out, _, err := program.Command{
		Args: append(args, "--from-file", "docs/examples/"+file), Stdin: asJSON(t, input),
	}.Output(t)
	return strings.Fields(out), err
}

// item is a row as the AWS CLI prints it.
func item(r directory.Row) map[string]any {
	attributes := map[string]any{}
	for name, v := range r {
		switch v := v.(type) {
		case string:
			attributes[name] = map[string]string{"S": v}
		case directory.Number:
			attributes[name] = map[string]string{"N": string(v)}
		case bool:
			attributes[name] = map[string]bool{"BOOL": v}
		case []string:
			list := make([]map[string]string, 0, len(v))
			for _, s := range v {
				list = append(list, map[string]string{"S": s})
			}
			attributes[name] = map[string]any{"L": list}
		}
	}
	return attributes
}

// row makes a row with the attributes that every row has, and some of its own.
func row(k directory.Key, kind string, own directory.Row) directory.Row {
	r := directory.NewRow(k, kind)
	maps.Copy(r, directory.Row{
		directory.AttrRev: "rev", directory.AttrSvixID: "msg_a", directory.AttrInstanceID: "ins_a",
		directory.AttrSyncedAt: "2026-03-02T10:29:00.000Z",
	})
	maps.Copy(r, own)
	return r
}

func withoutRev(r directory.Row) directory.Row {
	delete(r, directory.AttrRev)
	return r
}

// The pointer that a person writes is that of the row as it is: without rev, if the row has none.
func TestPointerRecipe(t *testing.T) {
	for name, r := range map[string]directory.Row{
		"membership": row(directory.MembershipKey("org_a", "user_a"), directory.KindMembership, directory.Row{
			"id": "orgmem_a", "org_id": "org_a", "user_id": "user_a", "role": "org:admin", "role_name": "Admin",
			"permissions": []string{"org:x:read"},
			"created_at":  directory.Number("1"), "updated_at": directory.Number("2"),
			"object": "{}",
		}),
		"membership without what Clerk may leave out": row(
			directory.MembershipKey("org_a", "user_a"), directory.KindMembership,
			directory.Row{"id": "orgmem_a", "org_id": "org_a", "user_id": "user_a"}),
		"domain": row(directory.DomainKey("orgdmn_a"), directory.KindDomain, directory.Row{
			"id": "orgdmn_a", "org_id": "org_a", "name": "a.example", "enrollment_mode": "automatic_invitation",
			"object": "{}",
		}),
		"role": row(directory.RoleKey("role_a"), directory.KindRole, directory.Row{
			"id": "role_a", "key": "org:a", "name": "A", "description": "Does a", "permissions": []string{"org:x:read"},
			"is_creator_eligible": true, "object": "{}",
		}),
		"a row that is put back": withoutRev(row(
			directory.MembershipKey("org_a", "user_a"), directory.KindMembership,
			directory.Row{"id": "orgmem_a", "org_id": "org_a", "user_id": "user_a"})),
	} {
		t.Run(name, func(t *testing.T) {
			want := directory.Pointer(r)
			lines, err := jq(t, "pointer.jq", map[string]any{"Item": item(r)})
			if err != nil || len(lines) != 1 {
				t.Fatalf("jq = %q, %v, want one pointer", lines, err)
			}
			var got map[string]any
			if err := json.Unmarshal([]byte(lines[0]), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(asJSON(t, item(want)), asJSON(t, got)); diff != "" {
				t.Errorf("pointer (-want +got):\n%s", diff)
			}
		})
	}
	user := row(directory.UserKey("user_a"), directory.KindUser, directory.Row{"id": "user_a"})
	if lines, err := jq(t, "pointer.jq", map[string]any{"Item": item(user)}); err == nil {
		t.Errorf("pointer of a user = %q, want an error: it has none", lines)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A cascade that the backup holds in part leaves a live row without its pointer, by which alone it would be found.
func TestWithoutPointerRecipe(t *testing.T) {
	membership, other := directory.MembershipKey("org_a", "user_a"), directory.MembershipKey("org_b", "user_a")
	domain := directory.DomainKey("orgdmn_a")
	listed := func(k directory.Key, kind, org string) map[string]any {
		r := directory.Row{"pk": k.PK, "sk": k.SK, "kind": kind}
		r.SetText("org_id", org)
		return item(r)
	}
	pointerOf := listed(directory.MembershipOfKey("org_a", "user_a"), directory.KindMembershipOf, "org_a")
	domainOf := listed(directory.DomainOfKey("org_a", "orgdmn_a"), directory.KindDomainOf, "org_a")
	for name, c := range map[string]struct {
		items []map[string]any
		want  []directory.Key
	}{
		"a membership with its pointer": {
			items: []map[string]any{listed(membership, directory.KindMembership, "org_a"), pointerOf},
		},
		"of two memberships of a user one has its pointer": {
			items: []map[string]any{
				pointerOf, listed(membership, directory.KindMembership, "org_a"),
				listed(other, directory.KindMembership, "org_b"),
			},
			want: []directory.Key{other},
		},
		"a domain with its pointer": {
			items: []map[string]any{listed(domain, directory.KindDomain, "org_a"), domainOf},
		},
		"a domain whose pointer is below another organization": {
			items: []map[string]any{listed(domain, directory.KindDomain, "org_b"), domainOf},
			want:  []directory.Key{domain},
		},
		"a domain without organization, which has none": {
			items: []map[string]any{listed(domain, directory.KindDomain, "")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			checkKeys(t, c.want, "without-pointer.jq", c.items)
		})
	}
}

// Of a transaction that the backup holds in part, every row and every pointer goes, whichever part is there.
func TestRecentKeysRecipe(t *testing.T) {
	const since, before, after = "2026-03-02T10:25:00.000Z", "2026-03-02T10:24:59.999Z", "2026-03-02T10:25:00.000Z"
	membership, pointer := directory.MembershipKey("org_a", "user_a"), directory.MembershipOfKey("org_a", "user_a")
	domain, domainPointer := directory.DomainKey("orgdmn_a"), directory.DomainOfKey("org_a", "orgdmn_a")
	role, rolePointer := directory.RoleKey("role_a"), directory.RoleByKeyKey("org:a", "role_a")
	at := func(k directory.Key, kind, syncedAt string) map[string]any {
		return item(directory.Row{"pk": k.PK, "sk": k.SK, "kind": kind, "synced_at": syncedAt})
	}
	for name, c := range map[string]struct {
		items []map[string]any
		want  []directory.Key
	}{
		"nothing recent": {items: []map[string]any{at(domainPointer, directory.KindDomainOf, before)}},
		"a user": {
			items: []map[string]any{at(directory.UserKey("user_a"), directory.KindUser, after)},
			want:  []directory.Key{directory.UserKey("user_a")},
		},
		"a membership, of which the pointer may be older": {
			items: []map[string]any{at(membership, directory.KindMembership, after)},
			want:  []directory.Key{membership, pointer},
		},
		"a pointer whose row is older": {
			items: []map[string]any{at(pointer, directory.KindMembershipOf, after)},
			want:  []directory.Key{pointer},
		},
		"both": {
			items: []map[string]any{
				at(membership, directory.KindMembership, after), at(pointer, directory.KindMembershipOf, after),
			},
			want: []directory.Key{membership, pointer},
		},
		"a domain's tombstone, whose pointer is still there": {
			items: []map[string]any{
				at(domain, directory.KindDomain, after), at(domainPointer, directory.KindDomainOf, before),
				at(directory.DomainOfKey("org_b", "orgdmn_b"), directory.KindDomainOf, before),
			},
			want: []directory.Key{domain, domainPointer},
		},
		"a role, of which the pointer is under a former key": {
			items: []map[string]any{
				at(role, directory.KindRole, after), at(rolePointer, directory.KindRoleByKey, before),
				at(directory.RoleByKeyKey("org:a", "role_b"), directory.KindRoleByKey, before),
			},
			want: []directory.Key{role, rolePointer},
		},
	} {
		t.Run(name, func(t *testing.T) {
			checkKeys(t, c.want, "recent-keys.jq", c.items, "--arg", "since", since)
		})
	}
}

// checkKeys checks which keys a jq program prints of the items that a scan found.
func checkKeys(t *testing.T, keys []directory.Key, file string, items []map[string]any, args ...string) {
	t.Helper()
	got, err := jq(t, file, map[string]any{"Items": items}, args...)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{}
	for _, k := range keys {
		want = append(want, asJSON(t, item(directory.Row{"pk": k.PK, "sk": k.SK})))
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}
