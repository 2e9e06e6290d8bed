package signature_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/signature"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// event is what Clerk's signer sends, with what others escape.
const event = `{"data":{"id":"user_a1","first_name":"Zoë <b>","image_url":"https://img.example.com/a?b=1&c=2","tags":[],"meta":{},"n":1.50,"emoji":"🎉"},"object":"event","type":"user.updated"}`

// recorded is a request with what was signed, before anything went wrong.
type recorded struct {
	request signature.Request
	signed  string
}

func (r *recorded) set(name, value string) { r.request.Header[name] = []string{value} }

func (r *recorded) get(name string) string { return strings.Join(r.request.Header[name], ",") }

// sign makes the signature over other parts than the request shows.
func (r *recorded) sign(id, at, body string) {
	r.set("svix-signature", svixtest.Sign(svixtest.Secret, id, at, []byte(body)))
}

func (r *recorded) body(b string)   { r.request.Body = []byte(b) }
func (r *recorded) secret(t string) { r.request.Secrets[0].Text = t }

func (r *recorded) mac() []byte {
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.get("svix-signature"), "v1,"))
	if err != nil {
		panic(err)
	}
	return b
}

func record(body string) *recorded {
	in := svixtest.Signed(svixtest.Epoch(), body)
	r := &recorded{signature.Request{
		Header: map[string][]string{}, Body: in.Body, Received: svixtest.Epoch(),
		Secrets: []signature.Secret{{From: "--secret", Text: svixtest.Secret}},
	}, body}
	for name, v := range in.Header {
		r.set(name, v)
	}
	return r
}

func unix(d time.Duration) string { return strconv.FormatInt(svixtest.Epoch().Add(d).Unix(), 10) }

func indented(prefix string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(event), "", prefix); err != nil {
		panic(err)
	}
	return b.String()
}

func TestSignatureBodies(t *testing.T) {
	t.Parallel()
	escaped := new(bytes.Buffer)
	json.HTMLEscape(escaped, []byte(event))
	ascii := strings.NewReplacer("ë", `\u00eb`, "🎉", `\ud83c\udf89`).Replace(event)
	for name, c := range map[string]struct {
		signed, arrived string
		want            signature.Cause
	}{
		"indented by 2 on its way":         {event, indented("  "), signature.BodyReserialised},
		"indented by tabs on its way":      {event, indented("\t"), signature.BodyReserialised},
		"indented, with a line feed":       {event, indented("    ") + "\n", signature.BodyReserialised},
		"compacted on its way":             {indented("  "), event, signature.BodyReserialised},
		"compacted, line feed lost":        {indented("    ") + "\n", event, signature.BodyReserialised},
		"as Python prints it":              {event, strings.NewReplacer(`":`, `": `, `,"`, `, "`).Replace(event), signature.BodyReserialised},
		"keys were sorted when signed":     {`{"a":{"b":1,"c":2},"d":3}`, `{"d":3,"a":{"c":2,"b":1}}`, signature.BodyReserialised},
		"escaped for HTML by Go":           {event, escaped.String(), signature.BodyEscaped},
		"signed escaped, arrived plain":    {escaped.String(), event, signature.BodyEscaped},
		"escaped to ASCII":                 {event, ascii, signature.BodyEscaped},
		"signed in ASCII, arrived plain":   {ascii, event, signature.BodyEscaped},
		"slashes escaped by PHP":           {event, strings.ReplaceAll(event, "/", `\/`), signature.BodyEscaped},
		"signed by PHP, arrived plain":     {strings.ReplaceAll(ascii, "/", `\/`), event, signature.BodyEscaped},
		"escaped as HTML entities":         {event, strings.NewReplacer(`"`, "&#34;", "<", "&lt;", ">", "&gt;", "&", "&amp;").Replace(event), signature.BodyEscaped},
		"printed as one JSON string":       {event, quoted(event), signature.BodyQuoted},
		"line feed added":                  {event, event + "\n", signature.BodyNewlineAdded},
		"CR LF added":                      {event, event + "\r\n", signature.BodyNewlineAdded},
		"line feed lost":                   {event + "\n", event, signature.BodyNewlineLost},
		"LF became CR LF":                  {indented("  "), strings.ReplaceAll(indented("  "), "\n", "\r\n"), signature.BodyLineEndings},
		"LF became CR LF, and one was put": {indented("  "), strings.ReplaceAll(indented("  ")+"\n", "\n", "\r\n"), signature.BodyLineEndings},
		"CR LF became LF":                  {strings.ReplaceAll(indented("  "), "\n", "\r\n"), indented("  "), signature.BodyLineEndings},
		"white space before it":            {event, "  " + event, signature.BodySpaceAdded},
		"byte order mark put before it":    {event, "\ufeff" + event, signature.BodyByteOrderMark},
		"byte order mark lost":             {"\ufeff" + event, event, signature.BodyByteOrderMark},
		"base64 left on":                   {event, base64.StdEncoding.EncodeToString([]byte(event)), signature.BodyBase64Left},
		"base64 left on, in lines":         {event, base64.StdEncoding.EncodeToString([]byte(event))[:76] + "\n" + base64.StdEncoding.EncodeToString([]byte(event))[76:] + "\n", signature.BodyBase64Left},
		"base64 undone though signed":      {base64.StdEncoding.EncodeToString([]byte(event)), event, signature.BodyBase64Undone},
		"read as Latin-1":                  {event, latin1(event), signature.BodyEncoding},
		"encoded as a form":                {event, "payload=" + form(event), signature.BodyFormEncoded},
		"empty":                            {event, "", signature.BodyEmpty},
		"cannot be undone":                 {event, strings.ReplaceAll(event, "ë", "\ufffd"), signature.BodyDecoded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := record(c.signed)
			r.body(c.arrived)
			check(t, r, c.want)
		})
	}
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func latin1(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

func form(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}

func hexMAC(r *recorded) string { return hex.EncodeToString(r.mac()) }

func TestSignatureHeaders(t *testing.T) {
	t.Parallel()
	mix := func(names ...string) func(*recorded) {
		return func(r *recorded) {
			for _, n := range names {
				r.set("webhook-"+n, r.get("svix-"+n))
				delete(r.request.Header, "svix-"+n)
			}
		}
	}
	for name, c := range map[string]struct {
		change func(*recorded)
		want   []signature.Cause
	}{
		"signature missing":             {func(r *recorded) { delete(r.request.Header, "svix-signature") }, causes(signature.HeaderMissing)},
		"all missing":                   {func(r *recorded) { clear(r.request.Header) }, causes(signature.HeaderMissing)},
		"of two families":               {mix("timestamp"), causes(signature.HeadersMixed)},
		"renamed by CGI":                {func(r *recorded) { rename(r, "HTTP_SVIX_") }, causes(signature.HeaderRenamed)},
		"renamed by a proxy":            {func(r *recorded) { rename(r, "X-Svix-") }, causes(signature.HeaderRenamed)},
		"other family's id":             {func(r *recorded) { r.set("webhook-id", r.get("svix-id")); r.set("svix-id", "msg_other") }, causes(signature.OtherID)},
		"other message's id":            {func(r *recorded) { other(r, "svix-id", "msg_2example0000000000000000002") }, causes(signature.OtherID)},
		"other request's id, timestamp": {func(r *recorded) { other(r, "svix-id", "msg_b"); other(r, "svix-timestamp", unix(time.Second)) }, causes(signature.OtherID, signature.OtherTimestamp)},
		"other request's signature":     {func(r *recorded) { other(r, "svix-signature", "v1,"+strings.Repeat("A", 43)+"=") }, causes(signature.OtherSignature)},
		"timestamp a second off":        {func(r *recorded) { r.set("svix-timestamp", unix(-time.Second)) }, causes(signature.OtherTimestamp)},
		"timestamp of an attempt before": {func(r *recorded) {
			r.set("svix-timestamp", unix(7*time.Hour+5*time.Minute))
			r.request.Received = svixtest.Epoch().Add(7 * time.Hour)
		}, causes(signature.OtherTimestamp, signature.Clock)},
		"clock ahead":                 {func(r *recorded) { r.request.Received = svixtest.Epoch().Add(301 * time.Second) }, causes(signature.Clock)},
		"clock behind":                {func(r *recorded) { r.request.Received = svixtest.Epoch().Add(-time.Hour) }, causes(signature.Clock)},
		"timestamp in milliseconds":   {func(r *recorded) { r.set("svix-timestamp", unix(0)+"000") }, causes(signature.TimestampMalformed)},
		"timestamp as a date":         {func(r *recorded) { r.set("svix-timestamp", "2026-01-01T00:00:00Z") }, causes(signature.TimestampMalformed)},
		"timestamp with a fraction":   {func(r *recorded) { r.set("svix-timestamp", unix(0)+".25") }, causes(signature.TimestampMalformed)},
		"signed over milliseconds":    {func(r *recorded) { ms := unix(0) + "000"; r.sign(svixtest.ID, ms, event); r.set("svix-timestamp", ms) }, causes(signature.TimestampMalformed)},
		"signature in hexadecimal":    {func(r *recorded) { r.set("svix-signature", "v1,"+hex.EncodeToString(r.mac())) }, causes(signature.SignatureHex)},
		"signature as of others":      {func(r *recorded) { r.set("svix-signature", "sha256="+hex.EncodeToString(r.mac())) }, causes(signature.SignatureHex)},
		"signature URL-safe":          {func(r *recorded) { r.set("svix-signature", "v1,"+base64.RawURLEncoding.EncodeToString(r.mac())) }, causes(signature.SignatureBase64)},
		"signature without v1":        {func(r *recorded) { r.set("svix-signature", base64.StdEncoding.EncodeToString(r.mac())) }, causes(signature.SignatureBare)},
		"signature in quotes":         {func(r *recorded) { r.set("svix-signature", `"`+r.get("svix-signature")+`"`) }, causes(signature.HeaderAltered)},
		"signatures a line each":      {func(r *recorded) { r.set("svix-signature", "v1,AAAA\n"+r.get("svix-signature")) }, causes(signature.HeaderAltered)},
		"signature asymmetric":        {func(r *recorded) { r.set("svix-signature", "v1a,"+strings.Repeat("A", 86)+"==") }, causes(signature.SignatureAsymmetric)},
		"signature cut":               {func(r *recorded) { r.set("svix-signature", r.get("svix-signature")[:20]) }, causes(signature.SignatureMalformed)},
		"id in quotes":                {func(r *recorded) { r.set("svix-id", `"`+r.get("svix-id")+`"`) }, causes(signature.HeaderAltered)},
		"id that none can be, signed": {func(r *recorded) { r.sign("a.b", unix(0), event); r.set("svix-id", "a.b") }, causes(signature.HeaderAltered)},
		"body cut":                    {func(r *recorded) { r.set("content-length", "9999"); r.body(event[:50]) }, causes(signature.BodyLength)},
		"nothing known":               {func(r *recorded) { r.body(`{"another":"body"}`) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := record(event)
			c.change(r)
			check(t, r, c.want...)
		})
	}
}

func causes(c ...signature.Cause) []signature.Cause { return c }

func rename(r *recorded, prefix string) {
	for _, n := range []string{"id", "timestamp", "signature"} {
		r.set(prefix+n, r.get("svix-"+n))
		delete(r.request.Header, "svix-"+n)
	}
}

// other moves a header to another request at hand, and puts one in its place.
func other(r *recorded, name, value string) {
	if len(r.request.Others) == 0 {
		r.request.Others = []map[string][]string{{}}
	}
	r.request.Others[0][name] = r.request.Header[name]
	r.set(name, value)
}

func check(t *testing.T, r *recorded, want ...signature.Cause) {
	t.Helper()
	res := signature.Signature(r.request)
	var got []signature.Cause
	for _, f := range res.Findings {
		got = append(got, f.Cause)
		if f.Detail == "" || f.Mend == "" {
			t.Errorf("%s has detail %q and mend %q, want both", f.Cause, f.Detail, f.Mend)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || res.Good {
		t.Errorf("Signature: good %t, causes -want +got:\n%s", res.Good, diff)
	}
	for _, s := range r.request.Secrets {
		text := fmt.Sprint(res)
		for _, part := range strings.FieldsFunc(s.Text, func(c rune) bool { return strings.ContainsRune(`, "'=`+"\n", c) }) {
			if len(part) > 8 && strings.Contains(text, strings.TrimPrefix(part, "whsec_")) {
				t.Errorf("Signature's result holds a part of the secret:\n%s", text)
			}
		}
	}
}
