package consumer_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
)

// putByHand puts a row without `rev`, as an operator does with the AWS CLI.
func putByHand(t *testing.T, h *harness, r directory.Row) {
	t.Helper()
	delete(r, directory.AttrRev)
	result, err := h.Table.Write(t.Context(), directory.Write{Row: r})
	if err != nil || result != directory.Written {
		t.Fatalf("Write(%v) = %v, %v, want written", r.Key(), result, err)
	}
}

// A row without `rev`, which somebody put there by hand, loses to every event, of
// whatever kind and policy, in memory and on DynamoDB's protocol.
func TestRowPutByHand(t *testing.T) {
	t.Parallel()
	old := func(k directory.Key, kind string, more directory.Row) directory.Row {
		r := directory.NewRow(k, kind)
		r["first_name"] = "by hand"
		for name, v := range more {
			r[name] = v
		}
		return r
	}
	u1 := old(directory.UserKey("u1"), "user", directory.Row{"id": "u1"})
	o1 := old(directory.OrganizationKey("o1"), "organization", directory.Row{"id": "o1"})
	d1 := old(directory.DomainKey("d1"), "domain", directory.Row{"id": "d1", "org_id": "o1"})
	m1 := old(directory.MembershipKey("o1", "u1"), "membership",
		directory.Row{"id": "orgmem_o1_u1_1", "org_id": "o1", "user_id": "u1"})
	for name, c := range map[string]struct {
		row    directory.Row
		event  string
		delete bool
	}{
		"a user is updated":          {row: u1, event: user("updated", "u1", 5, "")},
		"a user is created":          {row: u1, event: user("created", "u1", 0, "")},
		"an event without a time":    {row: u1, event: event("user.created", 0, `{"id":"u1"}`)},
		"a user is deleted":          {row: u1, event: deleted("user", "u1", 5), delete: true},
		"an organization is deleted": {row: o1, event: deleted("organization", "o1", 5), delete: true},
		"a domain is updated":        {row: d1, event: domain("updated", "o1", "d1", 5)},
		"a domain is deleted":        {row: d1, event: deleted("organizationDomain", "d1", 5), delete: true},
		"a membership is updated":    {row: m1, event: membership("updated", "o1", "u1", 1, 5, "x")},
		"a membership is removed":    {row: m1, event: membership("deleted", "o1", "u1", 1, 5, "x"), delete: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
				onProtocol, _, _, _ := onEmulator(t, p)
				for table, h := range map[string]*harness{"memory": newHarness(withPolicy(p)), "protocol": onProtocol} {
					putByHand(t, h, c.row.Clone())
					h.check(t, "applied duplicate", message("msg_1", c.event), message("msg_1", c.event))
					rows, err := h.Table.Read(t.Context(), c.row.Key())
					if err != nil || rows[0].Revision() == "" || rows[0].Gone() != c.delete {
						t.Errorf("%s: row = %v, %v, want one with a revision, gone %t", table, rows, err, c.delete)
					}
				}
			})
		})
	}
}

// A child without `rev` is deleted with its parent, and a soft tombstone keeps
// what was put by hand.
func TestChildPutByHand(t *testing.T) {
	t.Parallel()
	h, _, _, _ := onEmulator(t, consumer.Soft)
	child := directory.NewRow(directory.MembershipKey("o1", "u1"), directory.KindMembership)
	child["id"], child["org_id"], child["user_id"], child["note"] = "m", "o1", "u1", "by hand"
	putByHand(t, h, child)
	parent := directory.NewRow(directory.OrganizationKey("o1"), directory.KindOrganization)
	parent["id"], parent["note"] = "o1", "by hand"
	putByHand(t, h, parent)
	h.check(t, "applied", message("msg_1", deleted("organization", "o1", 5)))
	rows, err := h.Table.Read(t.Context(), child.Key(), parent.Key())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if !r.Gone() || r.Text("note") != "by hand" || r.Text("svix_id") != "msg_1" {
			t.Errorf("row %v = %v, want a tombstone by msg_1 with what was there", r.Key(), r)
		}
		const rev = "000000000000000-0-1-000000000000000-1-001772000000005-msg_1"
		if diff := cmp.Diff(rev, r.Text("rev")); diff != "" {
			t.Errorf("rev of %v differs (-want +got):\n%s", r.Key(), diff)
		}
	}
	// Clerk's own membership has a greater incarnation, and its writer sees the parent.
	h.check(t, "applied", message("msg_2", membership("created", "o1", "u1", 7, 7, "x")))
	if rows, err := h.Table.Read(t.Context(), child.Key()); err != nil || rows[0].Live() {
		t.Errorf("membership = %v, %v, want a tombstone", rows, err)
	}
}

// The two tables' names swapped is a deployment that is wrong: it makes no dead
// letter until a message's third receive, and a right one in time loses nothing.
func TestTablesSwapped(t *testing.T) {
	t.Parallel()
	withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
		h, client, names, _ := onEmulator(t, p)
		right := h.Consumer
		swapped := h.Config
		swapped.Table = dynamo.New(client, names.Deliveries, names.Directory)
		h.Consumer = consumer.New(swapped)
		records := messages(
			user("updated", "u1", 5, ""), deleted("user", "u2", 8), domain("created", "o1", "d1", 5),
			membership("created", "o1", "u1", 1, 5, "x"))
		for receives := 1; receives < 3; receives++ {
			h.check(t, "failed failed failed failed", received(receives, records...)...)
		}
		if len(h.queue.dead) > 0 {
			t.Errorf("%d dead letters before the third receive, want none", len(h.queue.dead))
		}
		h.Consumer = right
		h.check(t, "applied applied applied applied", received(3, records...)...)
		for _, table := range []string{names.Directory, names.Deliveries} {
			out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table})
			if err != nil || hasForeignItem(out.Items, table == names.Directory) {
				t.Errorf("items of %s = %v, %v, want its own alone", table, out.Items, err)
			}
		}
	})
}

func hasForeignItem(items []map[string]types.AttributeValue, directoryTable bool) bool {
	for _, item := range items {
		if _, row := item[directory.AttrPK]; row != directoryTable {
			return true
		}
	}
	return false
}
