package backfill_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/backfill"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
)

// instance is a Clerk instance and a backfill of it into a world.
type instance struct {
	*clerk.Instance
	*world
	mu       sync.Mutex
	requests []string // path and query, less what does not tell one from another
	answer   func(*http.Request) clerk.Answer
	failures []backfill.Failure
}

// RoundTrip answers in memory, so that a test may have a clock of its own.
func (i *instance) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	i.mu.Lock()
	i.requests = append(i.requests, path.Base(r.URL.Path)+"?"+r.URL.RawQuery)
	i.mu.Unlock()
	w := httptest.NewRecorder()
	i.ServeHTTP(w, r)
	return w.Result(), nil
}

func newInstance(t *testing.T, o clerk.Options) *instance {
	t.Helper()
	i := &instance{world: newWorld(t, settings{})}
	o.Limit = -1
	o.Answer = func(r *http.Request) clerk.Answer {
		i.mu.Lock()
		answer := i.answer
		i.mu.Unlock()
		if answer == nil {
			return clerk.Answer{}
		}
		return answer(r)
	}
	i.Instance = clerk.New(o)
	return i
}

func (i *instance) put(kind, text string) {
	i.t.Helper()
	if err := i.Put(kind, []byte(text)); err != nil {
		i.t.Fatal(err)
	}
}

// takeRequests counts the requests since the last call by the last part of their path.
func (i *instance) takeRequests() map[string]int {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := map[string]int{}
	for _, r := range i.requests {
		name, _, _ := strings.Cut(r, "?")
		n[name]++
	}
	i.requests = nil
	return n
}

func (i *instance) backfill(state *backfill.State, kinds ...string) *backfill.Backfill {
	i.t.Helper()
	c, err := clerkapi.New(clerkapi.Options{Key: "sk_test_x", Rate: 1e6, Transport: i})
	if err != nil {
		i.t.Fatal(err)
	}
	if state == nil {
		state = backfill.NewState()
	}
	b := &backfill.Backfill{Client: c, Writer: i.Writer, State: state}
	b.OnFailure = func(f backfill.Failure) { i.failures = append(i.failures, f) }
	if len(kinds) > 0 {
		b.Kinds = kinds
	}
	return b
}

// run runs a backfill that is to succeed.
func (i *instance) run(kinds ...string) map[string]backfill.Counts {
	i.t.Helper()
	counts, err := i.backfill(nil, kinds...).Run(i.t.Context())
	if err != nil {
		i.t.Fatalf("Run = %v", err)
	}
	checkSums(i.t, counts)
	return counts
}

// checkSums holds that what was read came out in one way each.
func checkSums(t *testing.T, counts map[string]backfill.Counts) {
	t.Helper()
	for kind, c := range counts {
		if sum := c.Written + c.Equal + c.Activity + c.Older + c.Deleted + c.Failed; sum != c.Read {
			t.Errorf("%s: read %d, the others make %d", kind, c.Read, sum)
		}
	}
}

// checkEqual holds that the live rows are those of the instance's objects.
func (i *instance) checkEqual() {
	i.t.Helper()
	want := map[directory.Key]string{}
	for _, kind := range backfill.Kinds() {
		for _, data := range i.Objects(kind) {
			o := i.object(kind, string(data), hour)
			want[o.Key()] = o.Data.Text("id")
		}
	}
	got := map[directory.Key]string{}
	for k, r := range i.memory.Rows() {
		if r.Live() && r.Text(directory.AttrObject) != "" {
			got[k] = r.Text("id")
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		i.t.Errorf("rows differ from the instance's objects (-want +got):\n%s", diff)
	}
	i.checkPointers()
}

// companyOf makes n users and organizations; every user is in two
// organizations.
func companyOf(i *instance, n int) {
	for u := range n {
		i.put(directory.KindUser, fmt.Sprintf(
			`{"id":"u%05d","created_at":%d,"updated_at":%d,"first_name":"Ada"}`, u, base+u*1000, base+u*1000))
	}
	for o := range max(1, n/10) {
		i.put(directory.KindOrganization, fmt.Sprintf(`{"id":"o%d","created_at":%d,"updated_at":%d}`, o, base, base))
	}
	for u := range n {
		for j := range 2 {
			i.put(directory.KindMembership, membership(
				fmt.Sprintf("o%d", (u+j)%max(1, n/10)), fmt.Sprintf("u%05d", u), int64(u), int64(u), ""))
		}
	}
}

// Trap 12: a key of another instance than the table's.
func TestCheckInstance(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		configured, found []string
		names             string // in the error; none is wanted if ""
	}{
		"nothing known": {},
		"configured":    {configured: []string{"ins_1"}},
		"one of several": {
			configured: []string{"ins_0", "ins_1"}, found: []string{"ins_0", "ins_1", ""},
		},
		"another is configured": {configured: []string{"ins_2"}, names: "ins_1 ins_2"},
		"rows of it":            {found: []string{"ins_1", ""}},
		"rows of another":       {found: []string{"ins_1", "ins_2"}, names: "ins_1 ins_2"},
		"rows of one that is not allowed": {
			configured: []string{"ins_1"}, found: []string{"ins_3"}, names: "ins_1 ins_3",
		},
	} {
		err := backfill.CheckInstance("ins_1", row.configured, row.found)
		if (err != nil) != (row.names != "") {
			t.Errorf("%s: CheckInstance = %v, want an error: %t", name, err, row.names != "")
		}
		for id := range strings.FieldsSeq(row.names) {
			if err != nil && !strings.Contains(err.Error(), id) {
				t.Errorf("%s: CheckInstance = %v, want it to name %s", name, err, id)
			}
		}
	}
}
