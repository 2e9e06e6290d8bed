package clerkapi_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	emulator "github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
)

func read(t fataler, i *emulator.Instance) *clerkapi.Client {
	c, err := clerkapi.New(clerkapi.Options{Key: key, Rate: 1e6, Transport: server(i.ServeHTTP)})
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
		w, ok, err := c.UserWindow(t.Context())
		if err != nil || ok != (len(times) > 0) {
			t.Fatalf("UserWindow = %v, %t, %v", w, ok, err)
		}
		if !ok {
			return
		}
		got := map[string]int{}
		for _, part := range w.Split(rapid.IntRange(1, 60).Draw(t, "windows")) {
			one, err := ids(c.UserPages(t.Context(), part, clerkapi.Position{}))
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
