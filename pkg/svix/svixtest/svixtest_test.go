package clerktest_test

import (
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/clerksync/clerksync/pkg/clerktest"
)

func TestSignAgreesWithStandardWebhooks(t *testing.T) {
	body := []byte(`{"n": 1.0}`)
	for _, secret := range []string{clerktest.Secret, clerktest.OtherSecret, clerktest.ThirdSecret} {
		w, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		want, err := w.Sign(clerktest.ID, clerktest.Epoch(), body)
		if err != nil {
			t.Fatal(err)
		}
		if got := clerktest.Sign(secret, clerktest.ID, "1767225600", body); got != want {
			t.Errorf("Sign = %q, want %q as the library signs", got, want)
		}
	}
}
