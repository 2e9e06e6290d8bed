package pipeline_test

import (
	"testing"

	"github.com/clerksync/clerksync/pkg/svix"
)

// Clerk's guide replaces a secret by a second endpoint at the same URL: for a
// while every event comes twice, signed by different secrets, under one svix
// id. https://clerk.com/docs/guides/development/webhooks/overview
func TestSecondEndpointAtTheSameURL(t *testing.T) {
	t.Parallel()
	w := startWhole(t, hostileSecret+","+otherSecret)
	signer := w.secrets
	for i, c := range []struct{ secret, want string }{{hostileSecret, "applied"}, {otherSecret, "duplicate"}} {
		var err error
		if w.secrets, err = svix.ParseSecrets(c.secret); err != nil {
			t.Fatal(err)
		}
		w.forget("msg_twice")
		if got := w.post(t, "msg_twice", []byte(user("user_twice", ``))); got != 200 {
			t.Errorf("endpoint %d: answer = %d, want 200", i+1, got)
		}
		if got := w.end(t, "msg_twice"); got != c.want {
			t.Errorf("endpoint %d: end = %s, want %s", i+1, got, c.want)
		}
	}
	// Svix's own rotation signs with both for a day.
	w.secrets = signer
	if got := w.post(t, "msg_both", []byte(user("user_both", ``))); got != 200 {
		t.Errorf("signed with both: answer = %d, want 200", got)
	}
}
