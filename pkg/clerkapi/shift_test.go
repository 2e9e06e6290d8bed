package clerkapi_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	emulator "github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
)

// Trap 8 of Clerk's API: lists shift while they are read. Whatever is deleted and created meanwhile, and wherever the
// reader is killed and goes on, each object that stays is read once.
func TestListsThatShiftAreReadWhole(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{directory.KindUser, directory.KindMembership} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				n := rapid.SampledFrom([]int{0, 1, 2, 499, 500, 501, 998, 999, 1000, 1300}).Draw(t, "objects")
				sameTime := rapid.IntRange(1, 30).Draw(t, "objects of one millisecond")
				status := rapid.SampledFrom([]int{400, 404, 410, 422}).Draw(t, "status for a cursor that is gone")
				changes := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) [2]int {
					from := rapid.IntRange(0, max(0, n-1)).Draw(t, "first to go")
					return [2]int{from, from + rapid.SampledFrom([]int{0, 1, 3, 30, 700}).Draw(t, "how many")}
				}), 0, 6).Draw(t, "deletions, one before each answer")
				made, gone := n, map[string]bool{}
				var i *emulator.Instance
				change := func(*http.Request) emulator.Answer {
					if len(changes) > 0 {
						for k := changes[0][0]; k < changes[0][1]; k++ {
							remove(i, kind, k)
							gone[fmt.Sprintf("%s_%d", kind, k)] = true
						}
						put(t, i, kind, made, int64(1e12+made))
						made, changes = made+1, changes[1:]
					}
					return emulator.Answer{}
				}
				i = emulator.New(emulator.Options{Limit: -1, GoneCursor: status, Answer: change})
				for k := range n {
					put(t, i, kind, k, 1e12+int64(k/sameTime))
				}
				killed := rapid.IntRange(0, 4).Draw(t, "killed after so many pages")
				got, position, c := map[string]int{}, clerkapi.Position{}, read(t, i)
				for round := range 1 + min(killed, 1) {
					pages := 0
					for page, err := range c.Pages(t.Context(), kind, position) {
						if err != nil {
							t.Fatal(err)
						}
						for _, o := range page.Objects {
							got[o.Text("id")]++
						}
						position = page.Next
						if pages++; round == 0 && pages == killed {
							break
						}
					}
				}
				most := 1
				if killed > 0 { // a position names one object, not all of its millisecond
					most = 2
				}
				for k := range n {
					if id := fmt.Sprintf("%s_%d", kind, k); !gone[id] && got[id] == 0 || got[id] > most {
						t.Fatalf("%s was read %d times, want 1 to %d", id, got[id], most)
					}
				}
			})
		})
	}
}

// A reader that only goes on by 500 misses the object that a deletion has moved to the page before.
func TestOffsetListStepsBack(t *testing.T) {
	t.Parallel()
	var offsets []int
	var i *emulator.Instance
	i = emulator.New(emulator.Options{Limit: -1, Answer: func(r *http.Request) emulator.Answer {
		offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
		if offsets = append(offsets, offset); len(offsets) == 2 {
			for k := range 3 { // the objects of page 2 move to page 1
				remove(i, directory.KindRole, k)
			}
		}
		return emulator.Answer{}
	}})
	for k := range 700 {
		put(t, i, directory.KindRole, k, int64(1e12+k))
	}
	got, err := ids(read(t, i).Pages(t.Context(), directory.KindRole, clerkapi.Position{}))
	if err != nil || len(got) != 700 {
		t.Errorf("%d objects, %v, want 700", len(got), err)
	}
	if d := cmp.Diff([]int{0, 499, 0, 499}, offsets); d != "" {
		t.Errorf("offsets (-want +got):\n%s", d)
	}
}

// Where the cursor's user is gone, the one before it is the cursor, for the last eight; then the list goes on by time.
func TestCursorsThatAreGone(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		gone int
		want []string // what the requests after the first page begin after
	}{
		"none":  {want: []string{"user_499"}},
		"three": {gone: 3, want: []string{"user_499", "user_498", "user_497", "user_496"}},
		"ten": {gone: 10, want: []string{
			"user_499", "user_498", "user_497", "user_496",
			"user_495", "user_494", "user_493", "user_492", "1000000000498",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var after []string
			var i *emulator.Instance
			i = emulator.New(emulator.Options{Limit: -1, Answer: func(r *http.Request) emulator.Answer {
				q := r.URL.Query()
				if after = append(after, q.Get("starting_after")+q.Get("created_at_after")); len(after) == 2 {
					for k := range row.gone {
						remove(i, directory.KindUser, 499-k)
					}
				}
				return emulator.Answer{}
			}})
			for k := range 700 {
				put(t, i, directory.KindUser, k, int64(1e12+k))
			}
			got, err := ids(read(t, i).Pages(t.Context(), directory.KindUser, clerkapi.Position{}))
			if err != nil || len(got) != 700 {
				t.Errorf("%d users, %v, want 700", len(got), err)
			}
			if d := cmp.Diff(row.want, after[1:]); d != "" {
				t.Errorf("cursors (-want +got):\n%s", d)
			}
		})
	}
}

// A window may list a user whose time this reader cannot read: it is not left out.
func TestWindowKeepsUsersWithoutTime(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, `[{"id":"user_1","created_at":"soon"}]`)
	})
	got, err := ids(c.UserPages(t.Context(), clerkapi.Window{From: 1e12, To: 1e12 + 5}, clerkapi.Position{}))
	if err != nil || got["user_1"] != 1 {
		t.Errorf("UserPages = %v, %v, want user_1", got, err)
	}
}

// One request for each 500 objects, and one more for what overlaps.
func TestRequestsOfAList(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		kind             string
		objects, request int
	}{
		"no users":         {kind: directory.KindUser, request: 1},
		"users":            {kind: directory.KindUser, objects: 2499, request: 5},
		"users, last full": {kind: directory.KindUser, objects: 1000, request: 3},
		"no roles":         {kind: directory.KindRole, request: 1},
		"memberships":      {kind: directory.KindMembership, objects: 2400, request: 5},
		"full memberships": {kind: directory.KindMembership, objects: 999, request: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requests := 0
			i := emulator.New(emulator.Options{Limit: -1, Answer: func(r *http.Request) emulator.Answer {
				requests++
				if q := r.URL.Query(); q.Get("limit") != "500" || q.Get("order_by") != "created_at" {
					t.Errorf("query %s", r.URL.RawQuery)
				}
				return emulator.Answer{}
			}})
			for k := range row.objects {
				put(t, i, row.kind, k, int64(1e12+k))
			}
			got, err := ids(read(t, i).Pages(t.Context(), row.kind, clerkapi.Position{}))
			if err != nil || len(got) != row.objects || requests != row.request {
				t.Errorf("%d objects, %v by %d requests, want %d by %d",
					len(got), err, requests, row.objects, row.request)
			}
		})
	}
}
