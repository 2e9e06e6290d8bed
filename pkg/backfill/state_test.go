package backfill_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/backfill"
	"github.com/clerksync/clerksync/pkg/directory"
)

func openState(t *testing.T, path string) *backfill.State {
	t.Helper()
	s, err := backfill.OpenState(path, "ins_1", "directory")
	if err != nil {
		t.Fatalf("OpenState = %v", err)
	}
	return s
}

// Killed again and again, a backfill with a state comes to the same rows and the
// same counts, and reads nothing again that is done.
func TestStateGoesOnAfterKills(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	i := newInstance(t, clerk.Options{})
	for u := range 5200 { // two windows
		i.put(directory.KindUser, user(fmt.Sprintf("u%05d", u), int64(u), ""))
	}
	clean := newInstance(t, clerk.Options{})
	clean.Instance = i.Instance
	want := clean.run()
	once := clean.takeRequests()
	for kill := 1; ; kill++ {
		ctx, cancel := context.WithCancel(t.Context())
		var writes atomic.Int64
		i.table.before = func(context.Context, directory.Write) error {
			if writes.Add(1) == 1100 { // more than the two pages that are written at once
				cancel()
			}
			return nil
		}
		counts, err := i.backfill(openState(t, path)).Run(ctx)
		interrupted := ctx.Err() != nil
		cancel()
		checkSums(t, counts)
		if err == nil && !interrupted {
			for kind, c := range want {
				// Of a page that was written in part, some rows are there when it is read again.
				got := counts[kind]
				got.Written, got.Equal = got.Written+got.Equal, 0
				if got != c {
					t.Errorf("%s: %+v after %d kills, want %+v", kind, got, kill-1, c)
				}
			}
			if kill < 5 {
				t.Errorf("it was killed %d times, want 4 at least", kill-1)
			}
			break
		}
		if kill > 20 {
			t.Fatal("it does not get on")
		}
		// At most the pages in hand are read again: two of each part, and what asks for the windows.
		got := i.takeRequests()
		for name, n := range got {
			once[name] -= n - 4
		}
	}
	for name, left := range once {
		if left < 0 {
			t.Errorf("%s: %d requests more than pages that were in hand", name, -left)
		}
	}
	i.checkEqual()
}

// What is done is not asked for again, not even whether it is there.
func TestFinishedPartsAreNotReadAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	i := newInstance(t, clerk.Options{})
	companyOf(i, 600)
	ctx, cancel := context.WithCancel(t.Context())
	i.answer = func(r *http.Request) clerk.Answer {
		if strings.Contains(r.URL.Path, "invitations") {
			cancel()
		}
		return clerk.Answer{}
	}
	if _, err := i.backfill(openState(t, path)).Run(ctx); err == nil {
		t.Fatal("Run = nil, want that it was canceled")
	}
	i.takeRequests()
	i.answer = nil
	counts, err := i.backfill(openState(t, path)).Run(t.Context())
	if err != nil || counts[directory.KindUser].Written != 600 {
		t.Errorf("Run = %v, %v, want the users of the first run counted", counts, err)
	}
	for name, n := range i.takeRequests() {
		if name != "organization_invitations" && name != "organization_domains" {
			t.Errorf("%d requests for %s, which was done", n, name)
		}
	}
}

// Of a list in several parts those that are done are left alone.
func TestFinishedWindowIsNotReadAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	const text = `{"version":1,"instance_id":"ins_1","table":"directory","kinds":{"user":{"counts":{"read":1,"equal":1},
		"parts":[{"window":{"to":1772000000001},"done":true},{"window":{"from":1772000000001}}]}}}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	i := newInstance(t, clerk.Options{})
	i.put(directory.KindUser, user("u1", 5, ""))
	i.put(directory.KindUser, `{"id":"u2","created_at":1772000000001,"updated_at":1772000000001}`)
	want := backfill.Counts{Read: 2, Equal: 1, Written: 1}
	// Another kind that is finished meanwhile does not make all of it finished.
	if _, err := i.backfill(openState(t, path), directory.KindRole).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	counts, err := i.backfill(openState(t, path), directory.KindUser).Run(t.Context())
	if err != nil || counts[directory.KindUser] != want || i.takeRequests()["users"] != 1 {
		t.Errorf("Run = %+v, %v, want %+v after one request for users", counts, err, want)
	}
}

// The state moves on only when a page is whole in the table.
func TestPageIsInTheTableBeforeTheState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state")
		i := newInstance(t, clerk.Options{})
		companyOf(i, 1200)
		i.table.before = func(_ context.Context, w directory.Write) error {
			if w.Row.Text("id") == "u00777" {
				return errFault
			}
			return nil
		}
		counts, err := i.backfill(openState(t, path), directory.KindUser).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "user/u00777") || counts[directory.KindUser].Read != 500 {
			t.Errorf("Run = %v, %v, want an error about u00777 and 500 users", counts, err)
		}
		i.table.before = nil
		counts, err = i.backfill(openState(t, path), directory.KindUser).Run(t.Context())
		if err != nil || counts[directory.KindUser].Read != 1200 {
			t.Errorf("Run = %v, %v, want 1200 users", counts, err)
		}
		i.checkUsers(1200)
	})
}

func (i *instance) checkUsers(n int) {
	i.t.Helper()
	rows := i.memory.Rows()
	for u := range n {
		if !rows[directory.UserKey(fmt.Sprintf("u%05d", u))].Live() {
			i.t.Fatalf("user %d has no live row", u)
		}
	}
}

func TestStateHoldsNothingPersonal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	i := newInstance(t, clerk.Options{})
	i.put(directory.KindUser, user("u1", 5, `,"first_name":"Ada","email_addresses":[{"email_address":"a@x.example"}]`))
	i.put(directory.KindUser, `{"id":"u2","created_at":1772000000000,"updated_at":"bad@x.example"}`)
	if _, err := i.backfill(openState(t, path)).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), "Ada") || strings.Contains(string(text), "@") {
		t.Errorf("state = %s, %v, want no name and no address", text, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v, want 0600", info.Mode(), err)
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
		t.Errorf("%v is left behind", left)
	}
}

func TestFinishedStateStartsAfresh(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	i := newInstance(t, clerk.Options{})
	companyOf(i, 10)
	for range 2 {
		counts, err := i.backfill(openState(t, path)).Run(t.Context())
		if err != nil || counts[directory.KindUser].Read != 10 || i.takeRequests()["users"] != 1 {
			t.Errorf("Run = %v, %v, want 10 users that were read", counts, err)
		}
	}
}

func TestStateOfSomethingElseIsRefused(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ text, names string }{
		"instance":   {text: `{"version":1,"instance_id":"ins_2","table":"directory"}`, names: "ins_2"},
		"table":      {text: `{"version":1,"instance_id":"ins_1","table":"other"}`, names: "other"},
		"version":    {text: `{"version":2,"instance_id":"ins_1","table":"directory"}`, names: "version 2"},
		"no state":   {text: `{}`, names: "not one of"},
		"not JSON":   {text: `user_1`, names: "not one of"},
		"empty file": {text: ``, names: "not one of"},
		"finished, of another instance": {
			text: `{"version":1,"instance_id":"ins_2","table":"directory","finished":true}`, names: "ins_2",
		},
	} {
		path := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(path, []byte(row.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := backfill.OpenState(path, "ins_1", "directory")
		if err == nil || !strings.Contains(err.Error(), row.names) {
			t.Errorf("%s: OpenState = %v, want an error that names %s", name, err, row.names)
		}
		if text, _ := os.ReadFile(path); string(text) != row.text {
			t.Errorf("%s: the file was changed to %s", name, text)
		}
	}
	if _, err := backfill.OpenState(filepath.Join(t.TempDir(), "no", "state"), "ins_1", "directory"); err == nil {
		t.Error("OpenState in no directory = nil, want an error before the first request")
	}
}
