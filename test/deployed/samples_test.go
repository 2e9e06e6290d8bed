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

// samples posts every sample: first what leaves live rows, all at once, whose
// rows are the same in whatever order they were taken from the queue; then the
// deletions in the order in which Clerk sent them, each when the one before is
// done with, so that what they leave of their children is determined too. Each
// time the whole Directory is as its golden file.
func (s *stack) samples(t *testing.T) {
	began := time.Now()
	if _, err := s.deliver(t.Context(), request{id: sampleID("user.created"), body: sample(t, "user.created")}, reread); err != nil {
		t.Fatal(err)
	}
	t.Logf("the running function took the secret %.0f s after secret set", time.Since(began).Seconds())
	first, deletions := deletionsLast(t)
	var answers, kept []string
	post := func(name string) {
		status, body, err := s.post(t.Context(), request{id: sampleID(name), body: sample(t, name)})
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, fmt.Sprintf("%s\t%d %s\n", name, status, body))
		if status == http.StatusOK && !strings.Contains(body, "ignored") {
			kept = append(kept, sampleID(name))
		}
	}

	for _, name := range first {
		post(name)
	}
	s.outcomes(t, soon, kept...)
	s.drained(t)
	rows := s.whole(t, "testdata/live.golden")
	live, deleted := kinds(rows)
	if want := everyKind(); !slices.Equal(live, want) || len(deleted) > 0 {
		t.Errorf("live rows of the kinds %v, deleted ones of %v, want live ones of %v and none deleted", live, deleted, want)
	}
	t.Logf("%d samples posted, %d kept: %d rows compared with the golden file, live ones of %d kinds", len(first), len(kept), len(rows), len(live))

	for _, name := range deletions {
		post(name)
		want := "applied"
		if name == "organizationMembership.deleted" {
			want = "stale" // the member has joined again
		}
		if got := s.outcomes(t, soon, sampleID(name))[sampleID(name)]; got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
		s.drained(t)
	}
	rows = s.whole(t, "testdata/deleted.golden")
	_, deleted = kinds(rows)
	want := slices.DeleteFunc(everyKind(), func(kind string) bool {
		return kind == directory.KindMembershipOf || kind == directory.KindDomainOf // there exactly while what they point to is live
	})
	if !slices.Equal(deleted, want) {
		t.Errorf("deleted rows of the kinds %v, want %v", deleted, want)
	}
	t.Logf("%d deletions posted: %d rows compared with the golden file, deleted ones of %d kinds", len(deletions), len(rows), len(deleted))
	slices.Sort(answers)
	compare(t, strings.Join(answers, ""), "testdata/answers.golden")
	s.repeated(t)
}

// repeated posts a message that had its effect three times more.
func (s *stack) repeated(t *testing.T) {
	t.Helper()
	const name = "user.created.phone_only"
	find := func() row { return s.find(t, "USER#"+idOf(sample(t, name)), "USER") }
	before := find()
	for range 3 {
		s.answers(t, request{id: sampleID(name), body: sample(t, name)}, http.StatusOK, `{"received":true,"id":"`+sampleID(name)+`"}`)
	}
	s.drained(t)
	if diff := cmp.Diff(before, find()); diff != "" {
		t.Errorf("a message that came four times changed its row (-first +last):\n%s", diff)
	}
	t.Log("duplicates: 200, and the row is not written again")
}

// deletionsLast are the samples' names: of what leaves live rows or is ignored,
// sorted; and of deletions, in the order of their envelopes' times.
func deletionsLast(t *testing.T) (first, deletions []string) {
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
			first = append(first, name)
		}
	}
	slices.SortFunc(deletions, func(a, b string) int { return int(sent[a] - sent[b]) })
	return first, deletions
}

// everyKind is the kinds of rows that there are, sorted.
func everyKind() []string {
	all := []string{
		directory.KindUser, directory.KindOrganization, directory.KindMembership, directory.KindMembershipOf, directory.KindInvitation,
		directory.KindDomain, directory.KindDomainOf, directory.KindRole, directory.KindPermission,
	}
	slices.Sort(all)
	return all
}

// kinds are those of the live and of the deleted rows, sorted, each once.
func kinds(rows []row) (live, deleted []string) {
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

func sample(t *testing.T, name string) string {
	t.Helper()
	body, err := events.Body(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func idOf(body string) string {
	var e struct {
		Data struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	_ = json.Unmarshal([]byte(body), &e) // "" for no event
	return e.Data.ID
}

// withID is the same event about another thing.
func withID(body, id string) string { return strings.ReplaceAll(body, idOf(body), id) }
