package svix_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	official "github.com/svix/svix-webhooks/go"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// What the official libraries sign, we verify, and the other way round.
func TestBothWaysWithTheLibraries(t *testing.T) {
	now := time.Now()
	stamp := strconv.FormatInt(now.Unix(), 10)
	s := parse(t, svixtest.Secret)
	theirs, err := official.NewWebhook(svixtest.Secret)
	if err != nil {
		t.Fatal(err)
	}
	standard, err := standardwebhooks.NewWebhook(svixtest.Secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range events.Names() {
		body, err := events.Body(name)
		if err != nil {
			t.Fatal(err)
		}
		ours := s.Sign(svixtest.ID, stamp, body)
		bySvix, err := theirs.Sign(svixtest.ID, now, body)
		if err != nil {
			t.Fatal(err)
		}
		byStandard, err := standard.Sign(svixtest.ID, now, body)
		if err != nil {
			t.Fatal(err)
		}
		for signer, signature := range map[string]string{"Svix": bySvix, "Standard Webhooks": byStandard} {
			h := svix.Headers{ID: svixtest.ID, Timestamp: stamp, Signature: signature}
			if err := s.Verify(h, body); err != nil {
				t.Errorf("Verify(%s signed by %s) = %v, want nil", name, signer, err)
			}
		}
		if err := theirs.Verify(body, header("svix-", svixtest.ID, stamp, ours)); err != nil {
			t.Errorf("Svix says of %s, signed by us: %v", name, err)
		}
		if err := standard.Verify(body, header("webhook-", svixtest.ID, stamp, ours)); err != nil {
			t.Errorf("Standard Webhooks says of %s, signed by us: %v", name, err)
		}
	}
}

func header(prefix, id, timestamp, signature string) http.Header {
	h := http.Header{}
	h.Set(prefix+"id", id)
	h.Set(prefix+"timestamp", timestamp)
	h.Set(prefix+"signature", signature)
	return h
}

// FuzzVerifyAgainstSvix holds our verdict, less the clock's part, against that
// of Svix's library, asked with each secret, on every input. Where the two
// differ, one of the functions below says why. GOOD in a signature stands for
// the right one, which no fuzzer would find.
func FuzzVerifyAgainstSvix(f *testing.F) {
	const id, stamp = "msg_a", "1767225600"
	body := []byte(`{"a":1}`)
	const good = "GOOD"
	add := func(secret, sid, st, ss, wid, wt, ws string) { f.Add(secret, sid, st, ss, wid, wt, ws, body) }
	add(svixtest.Secret, id, stamp, good, "", "", "")
	add(svixtest.Secret, "", "", "", id, stamp, good)
	add(svixtest.Secret, id, stamp, "", id, stamp, good)
	add(svixtest.Secret, id, stamp, "v1,AAAA", id, stamp, good)
	add(svixtest.Secret, id, stamp, "v2,x "+good+",more", "", "", "")
	add(svixtest.Secret, id, stamp, "BAD GOOD", "", "", "")
	add(svixtest.Secret, id, stamp, "v1,x,"+good, "", "", "")
	add(svixtest.Secret, "a.b", stamp, good, "", "", "")
	add(svixtest.Secret, id, "0999999999", svixtest.Sign(svixtest.Secret, id, "999999999", body), "", "", "")
	add(svixtest.Secret, id, "0999999999", good, "", "", "")
	add(svixtest.Secret, id, "+1767225600", svixtest.Sign(svixtest.Secret, id, stamp, body), "", "", "")
	add(svixtest.OtherSecret+"\n"+svixtest.Secret, id, stamp, good, "", "", "")
	add(svixtest.Secret, "0", "-100000000", good, "", "", "")
	add("", id, stamp, svixtest.SignRaw(nil, id, stamp, body), "", "", "")
	add("whsec_eA==", id, stamp, svixtest.SignRaw([]byte("x"), id, stamp, body), "", "", "")
	add(strings.TrimPrefix(svixtest.Secret, "whsec_"), id, stamp, good, "", "", "")
	add(svixtest.Secret, id, stamp, svixtest.SignRaw([]byte(svixtest.Secret), id, stamp, body), "", "", "")
	f.Fuzz(func(t *testing.T, secret, sid, st, ss, wid, wt, ws string, body []byte) {
		ss = strings.ReplaceAll(ss, "GOOD", svixtest.Sign(svixtest.Secret, sid, st, body))
		ws = strings.ReplaceAll(ws, "GOOD", svixtest.Sign(svixtest.Secret, wid, wt, body))
		h := header("svix-", sid, st, ss)
		for name, values := range header("webhook-", wid, wt, ws) {
			h[name] = values
		}
		theySay := false
		for _, one := range strings.FieldsFunc(secret, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
			theirs, err := official.NewWebhook(one)
			theySay = theySay || err == nil && theirs.VerifyIgnoringTimestamp(body, h) == nil
		}

		mine, err := svix.ParseSecrets(secret)
		chosen := svix.FromHeader(h.Get)
		weSay := err == nil && svix.ValidID(chosen.ID) && svix.ValidTimestamp(chosen.Timestamp) &&
			mine.Verify(chosen, body) == nil

		if weSay == theySay || !weSay && stricterThanSvix(secret, chosen) {
			return
		}
		if weSay && (differentlyPrinted(chosen.Timestamp) || joined(chosen.Signature)) {
			return
		}
		t.Errorf("verified: %v, by Svix: %v\nheaders %q", weSay, theySay, h)
	})
}

// stricterThanSvix names what Svix's library lets in and we do not.
func stricterThanSvix(secret string, h svix.Headers) bool {
	_, err := svix.ParseSecrets(secret)
	return err != nil || // an empty or short key, no prefix, several secrets
		!svix.ValidID(h.ID) || // dots move bytes between the signed parts, commas join headers
		differentlyPrinted(h.Timestamp) || // signs of plus, leading zeros, another length
		strings.HasPrefix(h.Timestamp, "-") // -100000000: ten characters, not ten digits
}

// differentlyPrinted says that Svix's library signs another text than the
// timestamp that was sent: we take the text as it is.
func differentlyPrinted(timestamp string) bool {
	sec, err := strconv.ParseInt(timestamp, 10, 64)
	return err != nil || len(timestamp) != 10 || strconv.FormatInt(sec, 10) != timestamp
}

// joined says that a signature header holds an entry with commas of its own,
// as when it was repeated and joined: Svix's library sees its first part only.
func joined(signature string) bool {
	return slices.ContainsFunc(strings.Split(signature, " "), func(e string) bool { return strings.Count(e, ",") > 1 })
}
