package clerk_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

// A replica that lags shows what was, of every kind of change.
func TestReplicasLag(t *testing.T) {
	t.Parallel()
	now, lag := time.Unix(1e9, 0), time.Duration(0)
	i := clerk.New(clerk.Options{
		Now:    func() time.Time { return now },
		Answer: func(*http.Request) clerk.Answer { return clerk.Answer{Lag: lag} },
	})
	put := func(data string) {
		if err := i.Put(directory.KindUser, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	put(`{"id":"changed","created_at":1,"v":1}`)
	put(`{"id":"deleted","created_at":2}`)
	now = now.Add(time.Minute)
	put(`{"id":"changed","created_at":1,"v":2}`)
	put(`{"id":"created","created_at":3}`)
	i.Delete(directory.KindUser, "deleted")
	for name, row := range map[string]struct {
		lag     time.Duration
		ids     []string
		version any
		gone    int
	}{
		"now":         {ids: []string{"created", "changed"}, version: 2.0, gone: 404},
		"a second":    {lag: time.Second, ids: []string{"deleted", "changed"}, version: 1.0, gone: 200},
		"two minutes": {lag: 2 * time.Minute, gone: 404},
	} {
		lag = row.lag
		if d := cmp.Diff(row.ids, get(t, i, "/users").ids()); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		if v := get(t, i, "/users/changed").at("v"); v != row.version {
			t.Errorf("%s: version %v, want %v", name, v, row.version)
		}
		if s := get(t, i, "/users/deleted").status; s != row.gone {
			t.Errorf("%s: %d for what was deleted, want %d", name, s, row.gone)
		}
	}
}

func TestReplicasThatLagAreSorted(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	i := clerk.New(clerk.Options{
		Now:    func() time.Time { return now },
		Answer: func(*http.Request) clerk.Answer { return clerk.Answer{Lag: time.Second} },
	})
	var want []string
	for k := range 20 {
		want = append(want, fmt.Sprintf("u%02d", k))
		if err := i.Put(directory.KindUser, fmt.Appendf(nil, `{"id":"u%02d","created_at":%d}`, k, k/3)); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(time.Minute)
	if d := cmp.Diff(want, get(t, i, "/users?order_by=created_at&limit=20").ids()); d != "" {
		t.Errorf("users (-want +got):\n%s", d)
	}
}

// Each fault, as who reads it sees it, over a real connection.
func TestFaults(t *testing.T) {
	t.Parallel()
	const path = "/v1/users/" + mara
	want := map[clerk.Fault]struct {
		status int
		text   string // that the answer holds
		err    bool
	}{
		clerk.None:          {status: 200, text: `"first_name"`},
		clerk.Denied:        {status: 404, text: "No user was found with id " + mara},
		clerk.EmptyBody:     {status: 200},
		clerk.HTML502:       {status: 502, text: "<html>"},
		clerk.HTML404:       {status: 404, text: "<html>"},
		clerk.InternalError: {status: 500, text: "internal_clerk_error"},
		clerk.Locked:        {status: 409, text: "resource_locked"},
		clerk.Limited:       {status: 429, text: "too_many_requests"},
		clerk.CutOff:        {status: 200, text: `{"backup_code_enabled"`},
		clerk.Broken:        {status: 200, err: true},
		clerk.Hangs:         {err: true},
		clerk.Undated:       {status: 200, text: `"first_name"`},
	}
	for _, fault := range append(clerk.Faults(), clerk.None) {
		t.Run("fault "+string(fault), func(t *testing.T) {
			t.Parallel()
			i := company(t, clerk.Options{
				Answer: func(*http.Request) clerk.Answer { return clerk.Answer{Fault: fault, Skew: time.Hour} },
			}, week()...)
			s := httptest.NewServer(i)
			defer s.Close()
			client := &http.Client{Timeout: time.Minute}
			if fault == clerk.Hangs {
				client.Timeout = 50 * time.Millisecond
			}
			status, header, text, err := fetch(t, client, s.URL+path)
			row, ok := want[fault]
			if !ok || status != row.status || (err != nil) != row.err || !strings.Contains(text, row.text) {
				t.Errorf("GET = %d %s, %v, want %d %s", status, text, err, row.status, row.text)
			}
			valid, spoiled := json.Valid([]byte(text)), fault == clerk.CutOff || fault == clerk.EmptyBody
			if status == 200 && err == nil && valid == spoiled {
				t.Errorf("the answer is JSON: %t", valid)
			}
			date, dateErr := http.ParseTime(header.Get("Date"))
			dated := dateErr == nil && date.After(time.Now().Add(30*time.Minute))
			if status != 0 && dated == (fault == clerk.Undated) {
				t.Errorf("Date = %v, want an hour ahead, none if undated", header.Get("Date"))
			}
		})
	}
}

func fetch(t *testing.T, c *http.Client, address string) (status int, h http.Header, text string, err error) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Do((&http.Request{
		Method: http.MethodGet, URL: u, Header: http.Header{"Authorization": {"Bearer sk_test_x"}},
	}).WithContext(t.Context()))
	if err != nil {
		return 0, http.Header{}, "", err
	}
	body, err := io.ReadAll(out.Body)
	return out.StatusCode, out.Header, string(body), errors.Join(err, out.Body.Close())
}

// With another instance's key everything is denied, by an instance that says who it is.
func TestKeyOfAnotherInstance(t *testing.T) {
	t.Parallel()
	other := clerk.New(clerk.Options{ID: "ins_other", Environment: "production"})
	i := company(t, clerk.Options{
		Answer: func(*http.Request) clerk.Answer { return clerk.Answer{From: other} },
	}, week()...)
	if got := get(t, i, "/instance"); got.at("id") != "ins_other" || got.at("environment_type") != "production" {
		t.Errorf("instance = %s", got.text)
	}
	if got := get(t, i, "/users/"+mara); got.status != 404 {
		t.Errorf("GET = %d, want 404", got.status)
	}
}
