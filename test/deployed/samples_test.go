package deployed_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/directory"
)

// testSamples posts every sample: first what leaves live rows, all at once, whose rows are the same in whatever order
// they were taken from the queue; then the deletions in the order in which Clerk sent them, each when the one before
// has had its effect, so that the children which they leave are determined too. Each time the whole Directory must
// equal its golden file.
func (s *stack) testSamples(t *testing.T) {
	began := time.Now()
	s.deliver(t, sampleRequest(t, "user.created"), secretRefresh)
	t.Logf("the running function took the secret %.0f s after secret set", time.Since(began).Seconds())
	live, deletions := splitDeletions(t)
	var answers, kept []string
	post := func(name string) {
		r := sampleRequest(t, name)
		status, body, err := s.post(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, fmt.Sprintf("%s\t%d %s\n", name, status, body))
		if status == http.StatusOK && !strings.Contains(body, "ignored") {
			kept = append(kept, r.id)
		}
	}

	for _, name := range live {
		post(name)
	}
	s.waitForOutcomes(t, effectTimeout, kept...)
	s.waitForEmptyQueue(t)
	rows := s.compareDirectory(t, "testdata/live.golden")
	liveKinds, deletedKinds := kindsOf(rows)
	if want := everyKind(); !slices.Equal(liveKinds, want) || len(deletedKinds) > 0 {
		t.Errorf("live rows of the kinds %v, deleted ones of %v, want live ones of %v and none deleted",
			liveKinds, deletedKinds, want)
	}
	t.Logf("%d samples posted, %d kept: %d rows compared with the golden file, live ones of %d kinds",
		len(live), len(kept), len(rows), len(liveKinds))

	for _, name := range deletions {
		post(name)
		want := "applied"
		if name == "organizationMembership.deleted" {
			want = "stale" // the member has joined again
		}
		s.wantOutcome(t, sampleID(name), want)
		s.waitForEmptyQueue(t)
	}
	rows = s.compareDirectory(t, "testdata/deleted.golden")
	_, deletedKinds = kindsOf(rows)
	want := slices.DeleteFunc(everyKind(), func(kind string) bool { // pointers exist only while their row is live
		return slices.Contains(
			[]string{directory.KindMembershipOf, directory.KindDomainOf, directory.KindRoleByKey}, kind)
	})
	if !slices.Equal(deletedKinds, want) {
		t.Errorf("deleted rows of the kinds %v, want %v", deletedKinds, want)
	}
	t.Logf("%d deletions posted: %d rows compared with the golden file, deleted ones of %d kinds",
		len(deletions), len(rows), len(deletedKinds))
	slices.Sort(answers)
	compareGolden(t, strings.Join(answers, ""), "testdata/answers.golden")
	s.testDuplicates(t)
}

// testDuplicates posts a message that had its effect three times more.
func (s *stack) testDuplicates(t *testing.T) {
	t.Helper()
	r := sampleRequest(t, "user.created.phone_only")
	before := s.userRow(t, idOf(r.body))
	for range 3 {
		s.wantReceived(t, r)
	}
	s.waitForEmptyQueue(t)
	if diff := cmp.Diff(before, s.userRow(t, idOf(r.body))); diff != "" || before.text("svix_id") != r.id {
		t.Errorf("a message that was posted four times changed its row %v (-first +last):\n%s", before, diff)
	}
	t.Log("duplicates: 200, and the row is not written again")
}

// splitDeletions returns the samples' names: of what leaves live rows or is ignored, sorted; and of deletions, in the
// order of their envelopes' times.
func splitDeletions(t *testing.T) (live, deletions []string) {
	t.Helper()
	sent := map[string]int64{}
	for _, name := range events.Names() {
		var e struct {
			Type      string `json:"type"`
			Timestamp int64  `json:"timestamp"`
		}
		if err := json.Unmarshal([]byte(sample(t, name)), &e); err != nil {
			t.Fatal(err)
		}
		if sent[name] = e.Timestamp; strings.HasSuffix(e.Type, ".deleted") {
			deletions = append(deletions, name)
		} else {
			live = append(live, name)
		}
	}
	slices.SortFunc(deletions, func(a, b string) int { return int(sent[a] - sent[b]) })
	return live, deletions
}

// everyKind lists the kinds of rows that there are, sorted.
func everyKind() []string {
	return slices.Sorted(slices.Values([]string{
		directory.KindUser, directory.KindOrganization, directory.KindMembership, directory.KindMembershipOf,
		directory.KindInvitation, directory.KindDomain, directory.KindDomainOf, directory.KindRole,
		directory.KindRoleByKey, directory.KindPermission,
	}))
}

// kindsOf returns the kinds of the live and of the deleted rows, sorted, each once.
func kindsOf(rows []row) (live, deleted []string) {
	for _, r := range rows {
		if r["deleted_at"] == nil {
			live = append(live, r.text("kind"))
		} else {
			deleted = append(deleted, r.text("kind"))
		}
	}
	slices.Sort(live)
	slices.Sort(deleted)
	return slices.Compact(live), slices.Compact(deleted)
}

func sampleID(name string) string { return "msg_sample_" + strings.ReplaceAll(name, ".", "_") }

func sampleRequest(t *testing.T, name string) request {
	t.Helper()
	return request{id: sampleID(name), body: sample(t, name)}
}

func sample(t *testing.T, name string) string {
	t.Helper()
	body, err := events.Body(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// idOf returns the id of the object that an event is about, "" where there is none.
func idOf(body string) string {
	var e struct{ Data struct{ ID string } }
	_ = json.Unmarshal([]byte(body), &e)
	return e.Data.ID
}

// withID is the same event about another object.
func withID(body, id string) string { return strings.ReplaceAll(body, idOf(body), id) }
