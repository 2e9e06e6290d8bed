package signature_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/signature"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// spiky has every character of base64 that URLs replace, and padding.
const spiky = "whsec_+/+/+/+/AAECAwQFBgcICQoLDA0ODxAREg=="

func TestSignatureSecrets(t *testing.T) {
	t.Parallel()
	bare := strings.TrimPrefix(spiky, "whsec_")
	for name, c := range map[string]struct {
		text, fault string
	}{
		"in quotes":               {`"` + spiky + `"`, "is in quotes"},
		"in curly quotes":         {"“" + spiky + "”", "is in quotes"},
		"with v1,":                {"v1," + spiky, "has v1, before it"},
		"with v1, in quotes":      {`'v1,` + spiky + `'`, "has v1, before it"},
		"with white space in it":  {spiky[:20] + "\n" + spiky[20:], "has white space in it"},
		"with a zero-width space": {"\u200b" + spiky, "has an invisible character"},
		"with its name":           {"CLERK_WEBHOOK_SIGNING_SECRET=" + spiky, "has the variable's name"},
		"with export":             {"export CLERK_WEBHOOK_SECRET=\"" + spiky + "\"", "has the variable's name"},
		"with a semicolon":        {spiky + ";", "has a comma or semicolon"},
		"without whsec_":          {bare, "lacks whsec_"},
		"whsec_ twice":            {"whsec_" + spiky, "has whsec_ twice"},
		"WHSEC_":                  {"WHSEC_" + bare, "in other letters"},
		"URL-safe":                {"whsec_" + strings.NewReplacer("+", "-", "/", "_").Replace(bare), "is URL-safe base64"},
		"without padding":         {strings.TrimRight(spiky, "="), "lacks its padding"},
		"percent escapes":         {strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(spiky), "has % escapes"},
		"second of two":           {svixtest.OtherSecret + `, "` + spiky + `"`, "is in quotes"},
		"two run together":        {svixtest.OtherSecret + spiky, "is malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := record(event)
			r.secret(c.text)
			r.set("svix-signature", svixtest.Sign(spiky, svixtest.ID, unix(0), r.request.Body))
			check(t, r, signature.SecretMalformed)
			got := signature.Signature(r.request)
			if len(got.Findings) == 1 && c.fault != "is malformed" && !strings.Contains(got.Findings[0].Detail, c.fault) {
				t.Errorf("Signature: %q, want it to say %q", got.Findings[0].Detail, c.fault)
			}
			if got.Secret != "--secret" {
				t.Errorf("Signature: matches the secret from %q, want --secret", got.Secret)
			}
		})
	}
}

func TestSignatureOtherSecrets(t *testing.T) {
	t.Parallel()
	at := func(from, text string) signature.Secret { return signature.Secret{From: from, Text: text} }
	for name, c := range map[string]struct {
		change func(*recorded)
		want   []signature.Cause
	}{
		"another one": {func(r *recorded) {
			r.request.Secrets = []signature.Secret{at("SSM", svixtest.OtherSecret), at("kept", svixtest.Secret)}
		}, causes(signature.AnotherSecret)},
		"another one, pasted badly": {func(r *recorded) {
			r.request.Secrets = []signature.Secret{at("SSM", svixtest.OtherSecret), at("kept", "'"+svixtest.Secret+"'")}
		}, causes(signature.AnotherSecret, signature.SecretMalformed)},
		"another one, its own is bad": {func(r *recorded) {
			r.request.Secrets = []signature.Secret{at("SSM", "'"+svixtest.OtherSecret+"'"), at("kept", svixtest.Secret)}
		}, causes(signature.SecretMalformed, signature.AnotherSecret)},
		"its own is bad, nothing matches": {func(r *recorded) { r.secret("whsec_%%"); r.body(`{"another":"body"}`) }, causes(signature.SecretMalformed)},
		"its own is cut":                  {func(r *recorded) { r.secret(svixtest.Secret[:14]) }, causes(signature.SecretMalformed)},
		"its own is empty":                {func(r *recorded) { r.secret(" ") }, causes(signature.SecretMalformed)},
		"none at hand":                    {func(r *recorded) { r.request.Secrets = nil }, nil},
		"its text as key": {func(r *recorded) {
			r.set("svix-signature", svixtest.SignRaw([]byte(svixtest.Secret), svixtest.ID, unix(0), r.request.Body))
		}, causes(signature.TextAsKey)},
		"its text less whsec_ as key": {func(r *recorded) {
			r.set("svix-signature", svixtest.SignRaw([]byte(strings.TrimPrefix(svixtest.Secret, "whsec_")), svixtest.ID, unix(0), r.request.Body))
		}, causes(signature.TextAsKey)},
		"bad secret and a body printed anew": {func(r *recorded) { r.secret("'" + svixtest.Secret + "'"); r.body(indented("  ")) }, causes(signature.SecretMalformed, signature.BodyReserialised)},
		"hex signature and a line feed": {func(r *recorded) {
			r.set("svix-signature", "v1,"+strings.ToUpper(hexMAC(r)))
			r.body(event + "\n")
		}, causes(signature.BodyNewlineAdded, signature.SignatureHex)},
		"mixed families and a line feed": {func(r *recorded) {
			r.set("webhook-id", r.get("svix-id"))
			delete(r.request.Header, "svix-id")
			r.body(event + "\n")
		}, causes(signature.HeadersMixed, signature.BodyNewlineAdded)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := record(event)
			c.change(r)
			check(t, r, c.want...)
		})
	}
}

func TestSignatureGood(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*recorded)
		want   signature.Cause
	}{
		"as sent":                   {func(*recorded) {}, ""},
		"other case":                {func(r *recorded) { r.set("SVIX-ID", r.get("svix-id")); delete(r.request.Header, "svix-id") }, ""},
		"two secrets, second signs": {func(r *recorded) { r.secret(svixtest.OtherSecret + "," + svixtest.Secret) }, ""},
		"later signature": {func(r *recorded) {
			r.set("svix-signature", svixtest.Sign(svixtest.OtherSecret, svixtest.ID, unix(0), r.request.Body)+" "+r.get("svix-signature"))
		}, signature.LaterSignature},
		"other family incomplete":        {func(r *recorded) { r.set("webhook-id", "msg_b") }, ""},
		"at the edge of what is allowed": {func(r *recorded) { r.set("svix-timestamp", unix(-300e9)); r.sign(svixtest.ID, unix(-300e9), event) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := record(event)
			c.change(r)
			got := signature.Signature(r.request)
			if !got.Good || got.Secret != "--secret" {
				t.Fatalf("Signature = %+v, want good by --secret", got)
			}
			var cause signature.Cause
			if len(got.Findings) > 0 {
				cause = got.Findings[0].Cause
			}
			if cause != c.want || len(got.Findings) > 1 {
				t.Errorf("Signature: notes %+v, want %q", got.Findings, c.want)
			}
		})
	}
}

// A secret's padding is no sign of a variable's name: the likeliest cause is
// found whatever a key's length.
func TestSignatureKeyLengths(t *testing.T) {
	t.Parallel()
	for n := 24; n <= 64; n++ {
		secret := "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), n))
		r := record(event)
		r.secret(secret)
		r.set("svix-signature", svixtest.Sign(secret, svixtest.ID, unix(0), []byte(event+"\n")))
		check(t, r, signature.BodyNewlineLost)
		r.secret(svixtest.Secret)
		r.request.Secrets = append(r.request.Secrets, signature.Secret{From: "another", Text: secret})
		r.body(event + "\n")
		check(t, r, signature.AnotherSecret)
		r.request.Secrets = r.request.Secrets[:1]
		r.secret(`CLERK_SECRET="` + secret + `"`)
		check(t, r, signature.SecretMalformed)
	}
}

// FuzzSignature holds that good is exactly what the endpoint accepts, and that
// nothing panics.
func FuzzSignature(f *testing.F) {
	good := record(event)
	f.Add(svixtest.Secret, svixtest.ID, unix(0), good.get("svix-signature"), []byte(event))
	f.Add(`v1,"whsec_`, "msg", "12", "v1,", []byte(`{"a":[1,{"b":"\u00e9"}]}`))
	f.Add("whsec_,whsec_a whsec_", "", "1e400", "v1a,x v1", []byte("\"\\"))
	f.Fuzz(func(t *testing.T, secret, id, at, sig string, body []byte) {
		if len(body) > 1<<12 {
			t.Skip("too long to try everything")
		}
		r := record(event)
		r.secret(secret)
		r.set("svix-id", id)
		r.set("svix-timestamp", at)
		r.set("svix-signature", sig)
		r.request.Body, r.request.MaxHashed = body, 1<<20
		h := svix.Headers{ID: id, Timestamp: at, Signature: sig}
		secrets, err := svix.ParseSecrets(secret)
		want := err == nil && h.Check(r.request.Received) == nil && secrets.Verify(h, body) == nil
		if got := signature.Signature(r.request); got.Good != want {
			t.Errorf("Signature: good %t, want %t as the endpoint has it: %q %q %q %q %q", got.Good, want, secret, id, at, sig, body)
		}
	})
}
