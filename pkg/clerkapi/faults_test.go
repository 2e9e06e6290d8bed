package clerkapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	emulator "github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
)

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
					got, err := ids(read(t, i).Pages(t.Context(), kind, clerkapi.Position{}))
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

// If all of the list is denied from some page on, its reader learns that it has not seen the end.
func TestListThatBecomesEmptyIsNoEnd(t *testing.T) {
	t.Parallel()
	requests := 0
	i := emulator.New(emulator.Options{Limit: -1, Answer: func(*http.Request) emulator.Answer {
		requests++
		return emulator.Answer{Fault: map[bool]emulator.Fault{true: emulator.Denied}[requests > 1]}
	}})
	for k := range 800 {
		put(t, i, directory.KindRole, k, int64(1e12+k))
	}
	_, err := ids(read(t, i).Pages(t.Context(), directory.KindRole, clerkapi.Position{}))
	if !errors.Is(err, clerkapi.ErrMalformed) {
		t.Errorf("Pages = %v, want ErrMalformed", err)
	}
}

// After several such answers the reader is far behind what it has read: nothing is read twice, nothing is missing.
func TestListsGoOnAfterManyEmptyPages(t *testing.T) {
	t.Parallel()
	requests := 0
	i := emulator.New(emulator.Options{Limit: -1, Answer: func(*http.Request) emulator.Answer {
		requests++
		return emulator.Answer{Fault: map[bool]emulator.Fault{true: emulator.Denied}[requests > 5 && requests <= 10]}
	}})
	for k := range 2600 {
		put(t, i, directory.KindPermission, k, int64(1e12+k))
	}
	got, err := ids(read(t, i).Pages(t.Context(), directory.KindPermission, clerkapi.Position{}))
	if err != nil || len(got) != 2600 {
		t.Errorf("%d objects, %v, want 2600", len(got), err)
	}
	for id, n := range got {
		if n != 1 {
			t.Errorf("%s was read %d times, want once", id, n)
		}
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
		_, err := ids(c.Pages(t.Context(), directory.KindUser, clerkapi.Position{}))
		if !errors.Is(err, clerkapi.ErrMalformed) {
			t.Errorf("Pages = %v, want ErrMalformed", err)
		}
	})
}

// An object whose time cannot be read is there, once, although the list shifts: the reader says what is wrong with it.
func TestObjectsWithoutTimeAreRead(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{directory.KindUser, directory.KindRole} {
		requests := 0
		var i *emulator.Instance
		i = emulator.New(emulator.Options{Limit: -1, Answer: func(*http.Request) emulator.Answer {
			if requests++; requests == 3 {
				for k := range 600 {
					remove(i, kind, k)
				}
			}
			return emulator.Answer{}
		}})
		for k := range 1200 {
			put(t, i, kind, k, int64(1e12+k))
		}
		for _, data := range []string{`{"id":"x1"}`, `{"id":"x2","created_at":"soon"}`, `{"id":"x3","created_at":-1}`} {
			if err := i.Put(kind, []byte(data)); err != nil {
				t.Fatal(err)
			}
		}
		got, err := ids(read(t, i).Pages(t.Context(), kind, clerkapi.Position{}))
		if err != nil || len(got) < 1200 || got["x1"] != 1 || got["x2"] != 1 || got["x3"] != 1 {
			t.Errorf("%s: %d objects, %v, want 1200 or more, those without a time once", kind, len(got), err)
		}
	}
}
