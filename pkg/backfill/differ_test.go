package backfill_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/backfill"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
)

// Scan lists the rows in memory, a part of them a page.
func (i *instance) Scan(_ context.Context, after directory.Key) ([]directory.Row, directory.Key, error) {
	rows := i.memory.Rows()
	page := max(3, len(rows)/10)
	keys := slices.SortedFunc(maps.Keys(rows), func(a, b directory.Key) int {
		return strings.Compare(a.PK+"\x00"+a.SK, b.PK+"\x00"+b.SK)
	})
	start := slices.Index(keys, after) + 1
	var list []directory.Row
	for _, k := range keys[start:min(start+page, len(keys))] {
		list = append(list, rows[k])
	}
	if start+page >= len(keys) {
		return list, directory.Key{}, nil
	}
	return list, keys[start+page-1], nil
}

// differ is a Clerk instance and a table in a bubble of synctest, whose clock all
// of them go by.
type differ struct {
	*instance
	*backfill.Diff
	transport func(*http.Request) (*http.Response, error) // the instance itself if nil
}

// RoundTrip sends nothing over a network.
func (d *differ) RoundTrip(r *http.Request) (*http.Response, error) {
	if d.transport != nil {
		if answer, err := d.transport(r); answer != nil || err != nil {
			return answer, err
		}
	}
	return d.instance.RoundTrip(r)
}

// inBubble runs the test at the time base.
func inBubble(t *testing.T, o clerk.Options, test func(d *differ)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		time.Sleep(time.Until(at(0)))
		o.ID = "ins_1"
		d := &differ{instance: newInstance(t, o)}
		d.Consumer.Now = time.Now
		c, err := clerkapi.New(clerkapi.Options{Key: "sk_test_x", Rate: 1e6, Transport: d})
		if err != nil {
			t.Fatal(err)
		}
		d.Diff = &backfill.Diff{Client: c, Writer: d.instance.Writer, Rows: d.instance}
		d.OnFailure = func(f backfill.Failure) { d.failures = append(d.failures, f) }
		test(d)
	})
}

// happen makes something happen at Clerk; its webhook comes at once, or is lost.
func (d *differ) happen(eventType, data string, lost bool) {
	d.t.Helper()
	sent := time.Since(at(0)).Milliseconds()
	body := fmt.Sprintf(`{"type":%q,"object":"event","timestamp":%d,"data":%s}`, eventType, base+sent, data)
	if err := d.Apply([]byte(body)); err != nil {
		d.t.Fatal(err)
	}
	if !lost {
		d.handle(eventType, sent, data)
	}
}

// org is one that was created at base.
func org(id string, updated int64, more string) string {
	return fmt.Sprintf(`{"id":%q,"created_at":%d,"updated_at":%d%s}`, id, base, base+updated, more)
}

// company makes an organization with two members and one object of each other
// kind, and two hours go by.
func (d *differ) company() {
	d.t.Helper()
	d.happen("permission.created", `{"id":"p1","key":"org:a","created_at":1772000000000}`, delivered)
	d.happen("role.created", `{"id":"r1","key":"org:admin","created_at":1772000000000}`, delivered)
	d.happen("organization.created", org("o1", 0, ""), delivered)
	for _, id := range []string{"u1", "u2"} {
		d.happen("user.created", user(id, 0, ""), delivered)
		d.happen("organizationMembership.created", membership("o1", id, 0, 0, ""), delivered)
	}
	d.happen("organizationInvitation.created", invitation, delivered)
	d.happen("organizationDomain.created", domain, delivered)
	time.Sleep(2 * time.Hour)
}

// findings runs a Diff and returns what it found, a line each.
func (d *differ) findings() []string {
	d.t.Helper()
	return lines(d.found())
}

func (d *differ) found() *backfill.Report {
	d.t.Helper()
	r, err := d.Diff.Run(d.t.Context())
	if err != nil {
		d.t.Fatalf("Run = %v", err)
	}
	return r
}

// lines have class, kind, id and members, and what a repair did.
func lines(r *backfill.Report) (list []string) {
	for _, f := range r.Findings {
		words := append([]string{string(f.Class), f.Kind, f.ID}, f.Members...)
		if f.Repair != "" {
			words = append(words, f.Repair)
		}
		if f.Left {
			words = append(words, "left")
		}
		list = append(list, strings.Join(words, " "))
	}
	return list
}

func (d *differ) checkFindings(want ...string) {
	d.t.Helper()
	if diff := cmp.Diff(want, d.findings()); diff != "" {
		d.t.Errorf("findings differ (-want +got):\n%s", diff)
	}
}

// drop removes a row by hand.
func (d *differ) drop(k directory.Key) {
	d.t.Helper()
	owner := d.row(directory.MembershipKey("o1", "u1"))
	w := directory.Write{Row: owner, If: directory.IfUnchanged(owner.Revision()), Drop: []directory.Key{k}}
	if _, err := d.memory.Write(d.t.Context(), w); err != nil {
		d.t.Fatal(err)
	}
}

// entomb makes the organization a tombstone whose children are not deleted yet.
func (d *differ) entomb() {
	d.t.Helper()
	d.Delete(directory.KindOrganization, "o1")
	row := d.row(directory.OrganizationKey("o1"))
	row[directory.AttrDeletedAt] = row[directory.AttrSyncedAt]
	w := directory.Write{Row: row, If: directory.IfUnchanged(row.Revision())}
	if _, err := d.memory.Write(d.t.Context(), w); err != nil {
		d.t.Fatal(err)
	}
}
