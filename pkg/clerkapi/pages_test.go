package clerkapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	emulator "github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
)

// memory reaches an instance without a network.
type memory struct{ http.Handler }

func (m memory) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

func read(t fataler, i *emulator.Instance) *clerkapi.Client {
	c, err := clerkapi.New(clerkapi.Options{Key: key, Rate: 1e6, Transport: memory{i}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type fataler interface{ Fatal(args ...any) }

// object is the smallest that a list can hold.
func object(kind string, n int, created int64) []byte {
	return fmt.Appendf(nil, `{"id":"%s_%d","created_at":%d,"organization":{"id":"org_1"},`+
		`"public_user_data":{"user_id":"user_%d"},"organization_id":"org_1","name":"n%d"}`, kind, n, created, n, n)
}

func put(t fataler, i *emulator.Instance, kind string, n int, created int64) {
	if err := i.Put(kind, object(kind, n, created)); err != nil {
		t.Fatal(err)
	}
}

// remove deletes the object that put made.
func remove(i *emulator.Instance, kind string, n int) {
	id := fmt.Sprintf("%s_%d", kind, n)
	if kind == directory.KindMembership {
		id = fmt.Sprintf("org_1/user_%d", n)
	}
	i.Delete(kind, id)
}

// ids reads a list and returns how often it had each id.
func ids(pages func(func(clerkapi.Page, error) bool)) (map[string]int, error) {
	got := map[string]int{}
	for page, err := range pages {
		if err != nil {
			return got, err
		}
		for _, o := range page.Objects {
			got[o.Text("id")]++
		}
	}
	return got, nil
}

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
				i = emulator.New(emulator.Options{Limit: -1, GoneCursor: status, Answer: func(*http.Request) emulator.Answer {
					if len(changes) > 0 {
						for k := changes[0][0]; k < changes[0][1]; k++ {
							remove(i, kind, k)
							gone[fmt.Sprintf("%s_%d", kind, k)] = true
						}
						put(t, i, kind, made, int64(1e12+made))
						made, changes = made+1, changes[1:]
					}
					return emulator.Answer{}
				}})
				for k := range n {
					put(t, i, kind, k, 1e12+int64(k/sameTime))
				}
				killed := rapid.IntRange(0, 4).Draw(t, "killed after so many pages")
				got, position, c := map[string]int{}, clerkapi.Position{}, read(t, i)
				for round := range 1 + min(killed, 1) {
					pages := 0
					for page, err := range c.Pages(context.Background(), kind, position) {
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
			"user_499", "user_498", "user_497", "user_496", "user_495", "user_494", "user_493", "user_492", "1000000000498",
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
	c := newClient(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, `[{"id":"user_1","created_at":"soon"}]`) })
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
				t.Errorf("%d objects, %v by %d requests, want %d by %d", len(got), err, requests, row.objects, row.request)
			}
		})
	}
}

// Whether Clerk's bounds are inclusive is not known. Windows have each user once in either case.
func TestWindowsHaveEachUserOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		i := emulator.New(emulator.Options{Limit: -1, InclusiveBounds: rapid.Bool().Draw(t, "inclusive bounds")})
		times := rapid.SliceOfN(rapid.Int64Range(1e12, 1e12+40), 0, 80).Draw(t, "created_at")
		for k, created := range times {
			put(t, i, directory.KindUser, k, created)
		}
		c := read(t, i)
		w, ok, err := c.UserWindow(context.Background())
		if err != nil || ok != (len(times) > 0) {
			t.Fatalf("UserWindow = %v, %t, %v", w, ok, err)
		}
		if !ok {
			return
		}
		got := map[string]int{}
		for _, part := range w.Split(rapid.IntRange(1, 60).Draw(t, "windows")) {
			one, err := ids(c.UserPages(context.Background(), part, clerkapi.Position{}))
			if err != nil {
				t.Fatal(err)
			}
			for id, n := range one {
				got[id] += n
			}
		}
		for k := range times {
			if id := fmt.Sprintf("user_%d", k); got[id] != 1 {
				t.Fatalf("%s was read %d times, want once", id, got[id])
			}
		}
	})
}

// Every fault that a retry can cure, at every request of a list in turn.
func TestListsAreReadWholeDespiteFaults(t *testing.T) {
	t.Parallel()
	for _, fault := range emulator.Faults() {
		if fault == emulator.Denied || fault == emulator.Broken {
			continue // a lie, see below; and one that needs a connection
		}
		for _, kind := range []string{directory.KindUser, directory.KindOrganization} {
			t.Run(string(fault)+" "+kind, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					requests := 0
					i := emulator.New(emulator.Options{Limit: -1, Answer: func(*http.Request) emulator.Answer {
						requests++
						return emulator.Answer{Fault: map[bool]emulator.Fault{true: fault}[requests%2 == 1]}
					}})
					for k := range 1200 {
						put(t, i, kind, k, int64(1e12+k))
					}
					got, err := ids(read(t, i).Pages(context.Background(), kind, clerkapi.Position{}))
					if err != nil || len(got) != 1200 || requests != 6 {
						t.Errorf("%d objects by %d requests, %v, want 1200 by 6", len(got), requests, err)
					}
				})
			})
		}
	}
}

// A replica that has nothing answers with an empty list. Where there was a page before, that is no end.
func TestListsDoNotEndAtAnEmptyPage(t *testing.T) {
	t.Parallel()
	requests := 0
	i := emulator.New(emulator.Options{Limit: -1, Answer: func(*http.Request) emulator.Answer {
		requests++
		return emulator.Answer{Fault: map[bool]emulator.Fault{true: emulator.Denied}[requests == 2]}
	}})
	for k := range 800 {
		put(t, i, directory.KindDomain, k, int64(1e12+k))
	}
	got, err := ids(read(t, i).Pages(t.Context(), directory.KindDomain, clerkapi.Position{}))
	if err != nil || len(got) != 800 {
		t.Errorf("%d objects, %v, want 800", len(got), err)
	}
}

// A total that never comes true ends in an error where the page is empty, and in the list's end where it is short.
func TestListsThatNeverEnd(t *testing.T) {
	t.Parallel()
	long := make([]byte, 0, 1<<16)
	for k := range 500 {
		long = fmt.Appendf(long, `{"id":"r%d","created_at":%d},`, k, int64(1e12)+int64(k))
	}
	for name, row := range map[string]struct {
		data string
		ok   bool
	}{
		"empty": {data: ""},
		"full":  {data: string(long[:len(long)-1])}, // the same page at every offset
		"short": {data: `{"id":"r1","created_at":1000000000000}`, ok: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
				answer(w, 200, `{"data":[`+row.data+`],"total_count":100000}`)
			})
			_, err := ids(c.Pages(t.Context(), directory.KindRole, clerkapi.Position{}))
			if (err == nil) != row.ok || err != nil && !errors.Is(err, clerkapi.ErrMalformed) {
				t.Errorf("Pages = %v, want ok %t", err, row.ok)
			}
		})
	}
	t.Run("users whose cursor has no effect", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
			answer(w, 200, `[`+string(long[:len(long)-1])+`]`)
		})
		if _, err := ids(c.Pages(t.Context(), directory.KindUser, clerkapi.Position{})); !errors.Is(err, clerkapi.ErrMalformed) {
			t.Errorf("Pages = %v, want ErrMalformed", err)
		}
	})
}

// An object whose time cannot be read is there, once: the reader says what is wrong with it.
func TestObjectsWithoutTimeAreRead(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{directory.KindUser, directory.KindRole} {
		i := emulator.New(emulator.Options{Limit: -1})
		for k := range 700 {
			put(t, i, kind, k, int64(1e12+k))
		}
		for _, data := range []string{`{"id":"x1"}`, `{"id":"x2","created_at":"soon"}`, `{"id":"x3","created_at":-1}`} {
			if err := i.Put(kind, []byte(data)); err != nil {
				t.Fatal(err)
			}
		}
		got, err := ids(read(t, i).Pages(t.Context(), kind, clerkapi.Position{}))
		if err != nil || len(got) != 703 || got["x1"]+got["x2"]+got["x3"] != 3 {
			t.Errorf("%s: %d objects, %v, want 703", kind, len(got), err)
		}
	}
}

// The lag of a replica is seen in Read.Earliest, not in what is listed: absence from a list proves nothing.
func TestNewestAndCount(t *testing.T) {
	t.Parallel()
	lag := time.Duration(0)
	now := time.Now()
	i := emulator.New(emulator.Options{
		Limit: -1, Now: func() time.Time { return now },
		Answer: func(*http.Request) emulator.Answer { return emulator.Answer{Lag: lag} },
	})
	for _, kind := range emulator.Kinds() {
		for k := range 30 {
			put(t, i, kind, k, int64(1e12+k))
		}
	}
	now = now.Add(time.Minute)
	for _, kind := range emulator.Kinds() {
		put(t, i, kind, 30, 1e12+30)
	}
	c := read(t, i)
	for _, kind := range emulator.Kinds() {
		for _, lag = range []time.Duration{0, time.Second} {
			want := map[bool]int64{true: 31, false: 30}[lag == 0]
			if n, err := c.Count(t.Context(), kind); err != nil || n != want {
				t.Errorf("Count(%s) = %d, %v, want %d", kind, n, err, want)
			}
			page, err := c.Newest(t.Context(), kind, 20)
			created := make([]clerk.Millis, 0, len(page.Objects))
			for _, o := range page.Objects {
				m, _ := o.Time("created_at")
				created = append(created, m)
			}
			descending := slices.IsSortedFunc(created, func(a, b clerk.Millis) int { return int(b - a) })
			if err != nil || len(created) != 20 || !descending || created[0] != clerk.Millis(1e12+want-1) {
				t.Errorf("Newest(%s) = %v, %v, want 20 from %d down", kind, created, err, want-1)
			}
		}
	}
}
