package clerkapi_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	emulator "github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
)

// Trap 12 of Clerk's API: the key of another instance denies everything, and nothing of that is proof. The same
// instance's own denials are, for every kind; and Trap 13: an invitation that no list has is asked for by its own id.
func TestProveByInstance(t *testing.T) {
	t.Parallel()
	var from *emulator.Instance
	i := emulator.New(emulator.Options{
		ID: "ins_1", Limit: -1, Answer: func(*http.Request) emulator.Answer { return emulator.Answer{From: from} },
	})
	if err := i.Put(directory.KindOrganization, []byte(`{"id":"org_1","created_at":1}`)); err != nil {
		t.Fatal(err)
	}
	c := read(t, i)
	for _, kind := range emulator.Kinds() {
		r := clerkapi.Ref{Kind: kind, ID: kind + "_7", OrganizationID: "org_1", UserID: "user_7", Name: "n7"}
		for name, row := range map[string]struct {
			there, other, proven bool
		}{
			"there":                     {there: true},
			"gone":                      {proven: true},
			"there, another instance's": {there: true, other: true},
		} {
			remove(i, kind, 7)
			if row.there {
				put(t, i, kind, 7, 1e12)
			}
			if from = nil; row.other {
				from = emulator.New(emulator.Options{ID: "ins_2"})
			}
			o, _, err := c.Prove(t.Context(), "ins_1", r, false)
			_, absent := errors.AsType[*clerkapi.AbsentError](err)
			if absent != row.proven || (err == nil) != (row.there && !row.other) {
				t.Errorf("%s, %s: Prove = %v", kind, name, err)
			}
			if err == nil && o.Text("id") != kind+"_7" {
				t.Errorf("%s, %s: Prove = %s", kind, name, o)
			}
		}
	}
}

// A replica that lags denies what was just created, as if it were proven: this is why one look is never enough.
func TestOneLookIsNoProofOfAbsence(t *testing.T) {
	t.Parallel()
	lags := true
	i := emulator.New(emulator.Options{ID: "ins_1", Answer: func(*http.Request) emulator.Answer {
		return emulator.Answer{Fault: map[bool]emulator.Fault{true: emulator.Denied}[lags]}
	}})
	put(t, i, directory.KindUser, 1, 1e12)
	c := read(t, i)
	_, _, first := c.Prove(t.Context(), "ins_1", user("user_1"), false)
	lags = false
	_, _, second := c.Prove(t.Context(), "ins_1", user("user_1"), false)
	if _, absent := errors.AsType[*clerkapi.AbsentError](first); !absent || second != nil {
		t.Errorf("Prove = %v, then %v, want an absence, then the object", first, second)
	}
}

// Over a real connection, one that breaks within an answer is tried again, and so is one that does not come about.
func TestBrokenConnectionIsRetried(t *testing.T) {
	t.Parallel()
	requests := 0
	i := emulator.New(emulator.Options{Answer: func(*http.Request) emulator.Answer {
		requests++
		return emulator.Answer{Fault: map[bool]emulator.Fault{true: emulator.Broken}[requests == 1]}
	}})
	put(t, i, directory.KindUser, 1, 1e12)
	s := httptest.NewServer(i)
	defer s.Close()
	c, err := clerkapi.New(clerkapi.Options{URL: s.URL + "/v1", Key: key, Rate: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Get(t.Context(), user("user_1")); err != nil || requests != 2 {
		t.Errorf("Get = %v after %d requests, want success after 2", err, requests)
	}
}

// The application of an instance that never had webhooks is made once, and never deleted.
func TestWebhookSettingsURLOfAnInstance(t *testing.T) {
	t.Parallel()
	i := emulator.New(emulator.Options{})
	for range 2 {
		if link, err := read(t, i).WebhookSettingsURL(t.Context()); err != nil || link == "" || !i.HasWebhooks() {
			t.Errorf("WebhookSettingsURL = %q, %v, webhooks %t", link, err, i.HasWebhooks())
		}
	}
}
