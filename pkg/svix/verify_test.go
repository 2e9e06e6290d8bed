package svix_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// The first is published in Svix's and Standard Webhooks' own tests.
func TestVectors(t *testing.T) {
	for name, c := range map[string]struct{ secret, id, timestamp, body, want string }{
		"published": {
			secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
			timestamp: "1614265330", body: `{"test": 2432232314}`,
			want: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
		},
		"a deletion of Clerk's": {
			secret: "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", id: "msg_example0001", timestamp: "1767225600",
			body: `{"data":{"deleted":true,"id":"user_example0001","object":"user"},"instance_id":"ins_example01",` +
				`"object":"event","timestamp":1767225600000,"type":"user.deleted"}`,
			want: "v1,JM5XYsFgW5UaiC4dmLGChip3Q3PPYNuyleCsW9ORZqY=",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := parse(t, c.secret)
			if got := s.Sign(c.id, c.timestamp, []byte(c.body)); got != c.want {
				t.Errorf("Sign = %q, want %q", got, c.want)
			}
			h := svix.Headers{ID: c.id, Timestamp: c.timestamp, Signature: c.want}
			if err := s.Verify(h, []byte(c.body)); err != nil {
				t.Errorf("Verify = %v, want nil", err)
			}
		})
	}
}

func TestVerifySignatureHeader(t *testing.T) {
	const id, timestamp, body = "msg_a", "1767225600", `{"a":1}`
	good := svixtest.Sign(svixtest.Secret, id, timestamp, []byte(body))
	mac := strings.TrimPrefix(good, "v1,")
	raw, err := base64.StdEncoding.DecodeString(mac)
	if err != nil {
		t.Fatal(err)
	}
	urlAlphabet := "v1," + base64.URLEncoding.EncodeToString(append([]byte{0xff, 0xfe}, raw[2:]...))
	wrong := "v1," + base64.StdEncoding.EncodeToString(make([]byte, 32))
	// Base64 of 31, 32 and 33 bytes has the same length.
	longer := "v1," + base64.StdEncoding.EncodeToString(append(raw[:32:32], 0))
	shorter := "v1," + base64.StdEncoding.EncodeToString(raw[:31])
	for name, c := range map[string]struct {
		signature string
		want      bool
	}{
		// https://github.com/blindpaylabs/blindpay-node/issues/24
		"alone": {signature: good, want: true},
		// https://github.com/svix/svix-webhooks/pull/2393
		"the last of three":                         {signature: "v1,AAAA= v1,BBBB= " + good, want: true},
		"the first of two":                          {signature: good + " " + wrong, want: true},
		"the last of twenty":                        {signature: strings.Repeat(wrong+" ", 19) + good, want: true},
		"wrong ones alone":                          {signature: wrong + " " + wrong, want: false},
		"doubled blanks":                            {signature: "  " + wrong + "   " + good + "  ", want: true},
		"garbage after a blank":                     {signature: good + " garbage", want: true},
		"one more part after a comma":               {signature: good + ",more", want: true},
		"repeated headers, good first":              {signature: good + "," + wrong, want: true},
		"repeated headers, good last":               {signature: wrong + " " + wrong + "," + good, want: true},
		"repeated headers, none good":               {signature: wrong + "," + wrong, want: false},
		"repeated headers, the first without comma": {signature: "BADSIG," + good, want: true},
		"repeated headers, the first without MAC":   {signature: "v1," + good, want: true},
		"repeated headers, the first empty":         {signature: "," + good, want: true},
		// https://github.com/svix/svix-webhooks/issues/55
		"other versions before":    {signature: "v1a," + mac + " v2," + mac + " " + good, want: true},
		"other versions only":      {signature: "v1a," + mac + " v2," + mac, want: false},
		"version in capitals":      {signature: "V1," + mac, want: false},
		"version of more digits":   {signature: "v11," + mac, want: false},
		"version with a blank":     {signature: "v1, " + mac, want: false},
		"no version":               {signature: mac, want: false},
		"no version but the comma": {signature: "," + mac, want: false},
		// https://github.com/svix/svix-webhooks/pull/1942
		"no comma":              {signature: "BADSIG", want: false},
		"comma alone":           {signature: ",", want: false},
		"version alone":         {signature: "v1,", want: false},
		"version without comma": {signature: "v1", want: false},
		"blanks alone":          {signature: "   ", want: false},
		"empty":                 {signature: "", want: false},
		"no padding":            {signature: strings.TrimRight(good, "="), want: false},
		"padding too much":      {signature: good + "=", want: false},
		"the MAC and more":      {signature: good + "AAAA", want: false},
		"the MAC and a byte":    {signature: longer, want: false},
		"the MAC but a byte":    {signature: shorter, want: false},
		"half the MAC":          {signature: good[:len(good)/2], want: false},
		"hexadecimal":           {signature: "v1," + strings.Repeat("0a", 32), want: false},
		"URL alphabet":          {signature: urlAlphabet, want: false},
		"a bit after the MAC":   {signature: good[:len(good)-2] + string(good[len(good)-2]+1) + "=", want: false},
		"small letters":         {signature: strings.ToLower(good), want: false},
		"separated by a tab":    {signature: wrong + "\t" + good, want: false},
	} {
		t.Run(name, func(t *testing.T) {
			h := svix.Headers{ID: id, Timestamp: timestamp, Signature: c.signature}
			err := parse(t, svixtest.Secret).Verify(h, []byte(body))
			if (err == nil) != c.want || err != nil && !errors.Is(err, svix.ErrInvalidSignature) {
				t.Errorf("Verify with %q = %v, want verified %v", c.signature, err, c.want)
			}
		})
	}
}

// https://github.com/svix/svix-webhooks/pull/626
func TestVerifyAroundARotation(t *testing.T) {
	const id, timestamp, body = "msg_a", "1767225600", `{}`
	sign := func(secret string) string { return svixtest.Sign(secret, id, timestamp, []byte(body)) }
	oldOne, newOne := svixtest.Secret, svixtest.OtherSecret
	both := oldOne + "," + newOne
	byBoth := sign(oldOne) + " " + sign(newOne)
	byKey := func(key string) string { return svixtest.SignRaw([]byte(key), id, timestamp, []byte(body)) }
	base64Text := strings.TrimPrefix(oldOne, "whsec_")
	for name, c := range map[string]struct {
		configured, signature string
		want                  bool
	}{
		"both configured, signed by the old": {configured: both, signature: sign(oldOne), want: true},
		"both configured, signed by the new": {configured: both, signature: sign(newOne), want: true},
		"both configured, signed by both":    {configured: both, signature: byBoth, want: true},
		"new configured, signed by both":     {configured: newOne, signature: byBoth, want: true},
		"new configured, signed by the old":  {configured: newOne, signature: sign(oldOne), want: false},
		"both configured, signed by a third": {configured: both, signature: sign(svixtest.ThirdSecret), want: false},
		// https://github.com/polarsource/polar/pull/13256
		"signed with the secret's text as key": {configured: oldOne, signature: byKey(oldOne), want: false},
		"signed with the base64's text as key": {configured: oldOne, signature: byKey(base64Text), want: false},
		"signed with the empty key":            {configured: oldOne, signature: byKey(""), want: false},
	} {
		t.Run(name, func(t *testing.T) {
			h := svix.Headers{ID: id, Timestamp: timestamp, Signature: c.signature}
			err := parse(t, c.configured).Verify(h, []byte(body))
			if (err == nil) != c.want {
				t.Errorf("Verify = %v, want verified %v", err, c.want)
			}
		})
	}
}

func TestZeroSecretsVerifyNothing(t *testing.T) {
	var s svix.Secrets
	h := svix.Headers{ID: "msg_a", Timestamp: "1767225600"}
	h.Signature = svixtest.SignRaw(nil, h.ID, h.Timestamp, nil)
	if err := s.Verify(h, nil); !errors.Is(err, svix.ErrInvalidSignature) {
		t.Errorf("Verify without secrets = %v, want ErrInvalidSignature", err)
	}
}

// HMAC states are shared by all requests.
func TestVerifyConcurrently(t *testing.T) {
	s := parse(t, svixtest.Secret+","+svixtest.OtherSecret)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			body := []byte(strings.Repeat("x", 100*i))
			h := svix.Headers{ID: "msg_a", Timestamp: "1767225600"}
			h.Signature = svixtest.Sign(svixtest.OtherSecret, h.ID, h.Timestamp, body)
			for range 50 {
				if err := s.Verify(h, body); err != nil {
					t.Errorf("Verify = %v, want nil", err)
				}
				if s.Verify(h, append(body, 'y')) == nil {
					t.Error("Verify of another body = nil, want an error")
				}
			}
		})
	}
	wg.Wait()
}

// A flipped bit, anywhere in id, timestamp, body or MAC, never verifies.
func FuzzFlippedBit(f *testing.F) {
	f.Add("msg_a", "1767225600", []byte(`{"a":1}`), uint(3), uint8(2))
	f.Add("msg_b", "1767225600", []byte{}, uint(12), uint8(7))
	f.Add("msg_c", "1767225600", []byte("x"), uint(40), uint8(0))
	s := parse(f, svixtest.Secret)
	f.Fuzz(func(t *testing.T, id, timestamp string, body []byte, at uint, bit uint8) {
		if !svix.ValidID(id) || !svix.ValidTimestamp(timestamp) {
			t.Skip("refused before the signature is looked at")
		}
		signature := s.Sign(id, timestamp, body)
		all := []byte(id + timestamp + signature + string(body))
		all[at%uint(len(all))] ^= 1 << (bit % 8)
		i, j := len(id), len(id)+len(timestamp)
		k := j + len(signature)
		h := svix.Headers{ID: string(all[:i]), Timestamp: string(all[i:j]), Signature: string(all[j:k])}
		if err := s.Verify(h, all[k:]); err == nil {
			t.Errorf("Verify with bit %d of byte %d flipped = nil, want an error", bit%8, at%uint(len(all)))
		}
	})
}
