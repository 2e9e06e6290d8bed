package svixtest_test

import (
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

func TestSignAgreesWithStandardWebhooks(t *testing.T) {
	body := []byte(`{"n": 1.0}`)
	for _, secret := range []string{svixtest.Secret, svixtest.OtherSecret, svixtest.ThirdSecret} {
		w, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		want, err := w.Sign(svixtest.ID, svixtest.Epoch(), body)
		if err != nil {
			t.Fatal(err)
		}
		if got := svixtest.Sign(secret, svixtest.ID, "1767225600", body); got != want {
			t.Errorf("Sign = %q, want %q as the library signs", got, want)
		}
	}
}
