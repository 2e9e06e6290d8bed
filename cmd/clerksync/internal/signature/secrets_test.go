package diagnose_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/pkg/clerktest"
	"github.com/clerksync/clerksync/pkg/diagnose"
	"github.com/clerksync/clerksync/pkg/svix"
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
		"second of two":           {clerktest.OtherSecret + `, "` + spiky + `"`, "is in quotes"},
		"two run together":        {clerktest.OtherSecret + spiky, "is malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := record(event)
			r.secret(c.text)
			r.set("svix-signature", clerktest.Sign(spiky, clerktest.ID, unix(0), r.request.Body))
			check(t, r, diagnose.SecretMalformed)
			got := diagnose.Signature(r.request)
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
	at := func(from, text string) diagnose.Secret { return diagnose.Secret{From: from, Text: text} }
	for name, c := range map[string]struct {
		change func(*recorded)
		want   []diagnose.Cause
	}{
		"another one": {func(r *recorded) {
			r.request.Secrets = []diagnose.Secret{at("SSM", clerktest.OtherSecret), at("kept", clerktest.Secret)}
		}, causes(diagnose.AnotherSecret)},
		"another one, pasted badly": {func(r *recorded) {
			r.request.Secrets = []diagnose.Secret{at("SSM", clerktest.OtherSecret), at("kept", "'"+clerktest.Secret+"'")}
		}, causes(diagnose.AnotherSecret, diagnose.SecretMalformed)},
		"another one, its own is bad": {func(r *recorded) {
			r.request.Secrets = []diagnose.Secret{at("SSM", "'"+clerktest.OtherSecret+"'"), at("kept", clerktest.Secret)}
		}, causes(diagnose.SecretMalformed, diagnose.AnotherSecret)},
		"its own is bad, nothing matches": {func(r *recorded) { r.secret("whsec_%%"); r.body(`{"another":"body"}`) }, causes(diagnose.SecretMalformed)},
		"its own is cut":                  {func(r *recorded) { r.secret(clerktest.Secret[:14]) }, causes(diagnose.SecretMalformed)},
		"its own is empty":                {func(r *recorded) { r.secret(" ") }, causes(diagnose.SecretMalformed)},
		"none at hand":                    {func(r *recorded) { r.request.Secrets = nil }, nil},
		"its text as key": {func(r *recorded) {
			r.set("svix-signature", clerktest.SignRaw([]byte(clerktest.Secret), clerktest.ID, unix(0), r.request.Body))
		}, causes(diagnose.TextAsKey)},
		"its text less whsec_ as key": {func(r *recorded) {
			r.set("svix-signature", clerktest.SignRaw([]byte(strings.TrimPrefix(clerktest.Secret, "whsec_")), clerktest.ID, unix(0), r.request.Body))
		}, causes(diagnose.TextAsKey)},
		"bad secret and a body printed anew": {func(r *recorded) { r.secret("'" + clerktest.Secret + "'"); r.body(indented("  ")) }, causes(diagnose.SecretMalformed, diagnose.BodyReserialised)},
		"hex signature and a line feed": {func(r *recorded) {
			r.set("svix-signature", "v1,"+strings.ToUpper(hexMAC(r)))
			r.body(event + "\n")
		}, causes(diagnose.BodyNewlineAdded, diagnose.SignatureHex)},
		"mixed families and a line feed": {func(r *recorded) {
			r.set("webhook-id", r.get("svix-id"))
			delete(r.request.Header, "svix-id")
			r.body(event + "\n")
		}, causes(diagnose.HeadersMixed, diagnose.BodyNewlineAdded)},
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
		want   diagnose.Cause
	}{
		"as sent":                   {func(*recorded) {}, ""},
		"other case":                {func(r *recorded) { r.set("SVIX-ID", r.get("svix-id")); delete(r.request.Header, "svix-id") }, ""},
		"two secrets, second signs": {func(r *recorded) { r.secret(clerktest.OtherSecret + "," + clerktest.Secret) }, ""},
		"later signature": {func(r *recorded) {
			r.set("svix-signature", clerktest.Sign(clerktest.OtherSecret, clerktest.ID, unix(0), r.request.Body)+" "+r.get("svix-signature"))
		}, diagnose.LaterSignature},
		"other family incomplete":        {func(r *recorded) { r.set("webhook-id", "msg_b") }, ""},
		"at the edge of what is allowed": {func(r *recorded) { r.set("svix-timestamp", unix(-300e9)); r.sign(clerktest.ID, unix(-300e9), event) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := record(event)
			c.change(r)
			got := diagnose.Signature(r.request)
			if !got.Good || got.Secret != "--secret" {
				t.Fatalf("Signature = %+v, want good by --secret", got)
			}
			var cause diagnose.Cause
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
		r.set("svix-signature", clerktest.Sign(secret, clerktest.ID, unix(0), []byte(event+"\n")))
		check(t, r, diagnose.BodyNewlineLost)
		r.secret(clerktest.Secret)
		r.request.Secrets = append(r.request.Secrets, diagnose.Secret{From: "another", Text: secret})
		r.body(event + "\n")
		check(t, r, diagnose.AnotherSecret)
		r.request.Secrets = r.request.Secrets[:1]
		r.secret(`CLERK_SECRET="` + secret + `"`)
		check(t, r, diagnose.SecretMalformed)
	}
}

// FuzzSignature holds that good is exactly what the endpoint accepts, and that
// nothing panics.
func FuzzSignature(f *testing.F) {
	good := record(event)
	f.Add(clerktest.Secret, clerktest.ID, unix(0), good.get("svix-signature"), []byte(event))
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
		if got := diagnose.Signature(r.request); got.Good != want {
			t.Errorf("Signature: good %t, want %t as the endpoint has it: %q %q %q %q %q", got.Good, want, secret, id, at, sig, body)
		}
	})
}
