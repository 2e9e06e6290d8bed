package signature_test

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/signature"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// spiky has every character of base64 that URLs replace, and padding.
const spiky = "whsec_+/+/+/+/AAECAwQFBgcICQoLDA0ODxAREg=="

// Each mistake of pasting is named, and undone far enough for the signature to match.
func TestDiagnoseMalformedSecrets(t *testing.T) {
	t.Parallel()
	bare := strings.TrimPrefix(spiky, "whsec_")
	urlSafe := strings.NewReplacer("+", "-", "/", "_").Replace(bare)
	escaped := strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(spiky)
	for name, c := range map[string]struct {
		text string
		want string // in the finding's detail
	}{
		"in quotes":               {text: `"` + spiky + `"`, want: "is in quotes"},
		"in curly quotes":         {text: "“" + spiky + "”", want: "is in quotes"},
		"with v1,":                {text: "v1," + spiky, want: "has v1, before it"},
		"with v1, in quotes":      {text: `'v1,` + spiky + `'`, want: "has v1, before it"},
		"with white space in it":  {text: spiky[:20] + "\n" + spiky[20:], want: "has white space in it"},
		"with a zero-width space": {text: "\u200b" + spiky, want: "has an invisible character"},
		"with its name":           {text: "CLERK_WEBHOOK_SIGNING_SECRET=" + spiky, want: "has the variable's name"},
		"with export":             {text: `export CLERK_SECRET="` + spiky + `"`, want: "has the variable's name"},
		"with a semicolon":        {text: spiky + ";", want: "has a comma or semicolon"},
		"without whsec_":          {text: bare, want: "lacks whsec_"},
		"whsec_ twice":            {text: "whsec_" + spiky, want: "has whsec_ twice"},
		"WHSEC_":                  {text: "WHSEC_" + bare, want: "has whsec_ in capitals"},
		"URL-safe":                {text: "whsec_" + urlSafe, want: "is URL-safe base64"},
		"without padding":         {text: strings.TrimRight(spiky, "="), want: "lacks its padding"},
		"percent escapes":         {text: escaped, want: "has % escapes"},
		"second of two":           {text: svixtest.OtherSecret + `, "` + spiky + `"`, want: "is in quotes"},
		"two run together":        {text: svixtest.OtherSecret + spiky},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := record(event)
			r.Secrets[0].Text = c.text
			r.sign(spiky, svixtest.ID, unix(0), event)
			checkCauses(t, r, signature.SecretMalformed)
			got := signature.Diagnose(r.Request)
			if len(got.Findings) != 1 || !strings.Contains(got.Findings[0].Detail, c.want) || got.Secret != "--secret" {
				t.Errorf("Diagnose = %+v, want one finding that says %q, of --secret", got, c.want)
			}
		})
	}
}

// Which of several secrets signed, and as which key; a bad secret does not hide what else is wrong.
func TestDiagnoseSecrets(t *testing.T) {
	t.Parallel()
	type causes = []signature.Cause
	endpointAndKept := func(endpoint, kept string) change {
		return func(r *recorded) {
			r.Secrets = []signature.Secret{{From: "SSM", Text: endpoint}, {From: "kept", Text: kept}}
		}
	}
	secret := func(text string) change { return func(r *recorded) { r.Secrets[0].Text = text } }
	signedByText := func(key string) change {
		return func(r *recorded) {
			r.set("svix-signature", svixtest.SignRaw([]byte(key), svixtest.ID, unix(0), r.Body))
		}
	}
	const own, other = svixtest.Secret, svixtest.OtherSecret
	for name, c := range map[string]struct {
		change change
		body   string // "" for event
		want   causes
	}{
		"another one":          {change: endpointAndKept(other, own), want: causes{signature.AnotherSecret}},
		"its own and the body": {change: secret("whsec_%%"), body: "{}", want: causes{signature.SecretMalformed}},
		"its own is cut":       {change: secret(own[:14]), want: causes{signature.SecretMalformed}},
		"its own is empty":     {change: secret(" "), want: causes{signature.SecretMalformed}},
		"none at hand":         {change: func(r *recorded) { r.Secrets = nil }},
		"its text as key":      {change: signedByText(own), want: causes{signature.TextAsKey}},
		"less whsec_ as key":   {change: signedByText(own[len("whsec_"):]), want: causes{signature.TextAsKey}},
		"another one, pasted badly": {
			change: endpointAndKept(other, "'"+own+"'"),
			want:   causes{signature.AnotherSecret, signature.SecretMalformed},
		},
		"another one, its own is bad": {
			change: endpointAndKept("'"+other+"'", own),
			want:   causes{signature.SecretMalformed, signature.AnotherSecret},
		},
		"bad secret and a body printed anew": {
			change: secret("'" + own + "'"),
			body:   indented("  "),
			want:   causes{signature.SecretMalformed, signature.BodyReserialised},
		},
		"hex signature and a line feed": {
			change: func(r *recorded) { r.set("svix-signature", "v1,"+strings.ToUpper(hex.EncodeToString(r.mac()))) },
			body:   event + "\n",
			want:   causes{signature.BodyNewlineAdded, signature.SignatureHex},
		},
		"mixed families and a line feed": {
			change: func(r *recorded) { r.rename("svix-id", "webhook-id") },
			body:   event + "\n",
			want:   causes{signature.HeadersMixed, signature.BodyNewlineAdded},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := record(event, c.change)
			r.Body = []byte(cmp.Or(c.body, event))
			checkCauses(t, r, c.want...)
		})
	}
}

// What the endpoint accepts is good, with a note where other verifiers may reject it.
func TestDiagnoseGood(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change change
		want   signature.Cause
	}{
		"as sent":    {change: func(*recorded) {}},
		"other case": {change: func(r *recorded) { r.rename("svix-id", "SVIX-ID") }},
		"two secrets, second signs": {change: func(r *recorded) {
			r.Secrets[0].Text = svixtest.OtherSecret + "," + svixtest.Secret
		}},
		"later signature": {
			change: func(r *recorded) {
				right := r.get("svix-signature")
				r.sign(svixtest.OtherSecret, svixtest.ID, unix(0), event)
				r.set("svix-signature", r.get("svix-signature")+" "+right)
			},
			want: signature.LaterSignature,
		},
		"other family incomplete": {change: func(r *recorded) { r.set("webhook-id", "msg_b") }},
		"at the edge of the tolerance": {change: func(r *recorded) {
			r.set("svix-timestamp", unix(-svix.Tolerance))
			r.sign(svixtest.Secret, svixtest.ID, unix(-svix.Tolerance), event)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := signature.Diagnose(record(event, c.change).Request)
			var cause signature.Cause
			if len(got.Findings) > 0 {
				cause = got.Findings[0].Cause
			}
			if !got.Good || got.Secret != "--secret" || cause != c.want || len(got.Findings) > 1 {
				t.Errorf("Diagnose = %+v, want good by --secret, with the note %q", got, c.want)
			}
		})
	}
}

// A secret's padding looks like `name=`, the beginning of a line in an environment file. The likeliest cause is found
// whatever a key's length.
func TestDiagnoseKeyLengths(t *testing.T) {
	t.Parallel()
	for n := 24; n <= 64; n++ {
		secret := "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), n))
		r := record(event)
		r.Secrets[0].Text = secret
		r.sign(secret, svixtest.ID, unix(0), event+"\n")
		checkCauses(t, r, signature.BodyNewlineLost)
		r.Body = []byte(event + "\n")
		r.Secrets = []signature.Secret{{From: "--secret", Text: svixtest.Secret}, {From: "another", Text: secret}}
		checkCauses(t, r, signature.AnotherSecret)
		r.Secrets = []signature.Secret{{From: "--secret", Text: `CLERK_SECRET="` + secret + `"`}}
		checkCauses(t, r, signature.SecretMalformed)
	}
}

// Good is exactly what the endpoint accepts, and nothing panics.
func FuzzDiagnose(f *testing.F) {
	f.Add(svixtest.Secret, svixtest.ID, unix(0), record(event).get("svix-signature"), []byte(event))
	f.Add(`v1,"whsec_`, "msg", "12", "v1,", []byte(`{"a":[1,{"b":"\u00e9"}]}`))
	f.Add("whsec_,whsec_a whsec_", "", "1e400", "v1a,x v1", []byte("\"\\"))
	f.Fuzz(func(t *testing.T, secret, id, timestamp, sig string, body []byte) {
		if len(body) > 1<<12 {
			t.Skip("too long to try everything")
		}
		r := record(event)
		r.Secrets[0].Text, r.Body, r.MaxHashed = secret, body, 1<<20
		h := svix.Headers{ID: id, Timestamp: timestamp, Signature: sig}
		r.set("svix-id", id)
		r.set("svix-timestamp", timestamp)
		r.set("svix-signature", sig)
		secrets, err := svix.ParseSecrets(secret)
		want := err == nil && h.Check(r.Received) == nil && secrets.Verify(h, body) == nil
		if got := signature.Diagnose(r.Request); got.Good != want {
			t.Errorf("Diagnose(%q, %+v, %q): good %t, want %t as the endpoint decides", secret, h, body, got.Good, want)
		}
	})
}
