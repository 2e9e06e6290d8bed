package diagnose_test

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

	"github.com/clerksync/clerksync/pkg/clerktest"
	"github.com/clerksync/clerksync/pkg/diagnose"
)

// event is what Clerk's signer sends, with what others escape.
const event = `{"data":{"id":"user_a1","first_name":"Zoë <b>","image_url":"https://img.example.com/a?b=1&c=2","tags":[],"meta":{},"n":1.50,"emoji":"🎉"},"object":"event","type":"user.updated"}`

// recorded is a request with what was signed, before anything went wrong.
type recorded struct {
	request diagnose.Request
	signed  string
}

func (r *recorded) set(name, value string) { r.request.Header[name] = []string{value} }

func (r *recorded) get(name string) string { return strings.Join(r.request.Header[name], ",") }

// sign makes the signature over other parts than the request shows.
func (r *recorded) sign(id, at, body string) {
	r.set("svix-signature", clerktest.Sign(clerktest.Secret, id, at, []byte(body)))
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
	in := clerktest.Signed(clerktest.Epoch(), body)
	r := &recorded{diagnose.Request{
		Header: map[string][]string{}, Body: in.Body, Received: clerktest.Epoch(),
		Secrets: []diagnose.Secret{{From: "--secret", Text: clerktest.Secret}},
	}, body}
	for name, v := range in.Header {
		r.set(name, v)
	}
	return r
}

func unix(d time.Duration) string { return strconv.FormatInt(clerktest.Epoch().Add(d).Unix(), 10) }

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
		want            diagnose.Cause
	}{
		"indented by 2 on its way":         {event, indented("  "), diagnose.BodyReserialised},
		"indented by tabs on its way":      {event, indented("\t"), diagnose.BodyReserialised},
		"indented, with a line feed":       {event, indented("    ") + "\n", diagnose.BodyReserialised},
		"compacted on its way":             {indented("  "), event, diagnose.BodyReserialised},
		"compacted, line feed lost":        {indented("    ") + "\n", event, diagnose.BodyReserialised},
		"as Python prints it":              {event, strings.NewReplacer(`":`, `": `, `,"`, `, "`).Replace(event), diagnose.BodyReserialised},
		"keys were sorted when signed":     {`{"a":{"b":1,"c":2},"d":3}`, `{"d":3,"a":{"c":2,"b":1}}`, diagnose.BodyReserialised},
		"escaped for HTML by Go":           {event, escaped.String(), diagnose.BodyEscaped},
		"signed escaped, arrived plain":    {escaped.String(), event, diagnose.BodyEscaped},
		"escaped to ASCII":                 {event, ascii, diagnose.BodyEscaped},
		"signed in ASCII, arrived plain":   {ascii, event, diagnose.BodyEscaped},
		"slashes escaped by PHP":           {event, strings.ReplaceAll(event, "/", `\/`), diagnose.BodyEscaped},
		"signed by PHP, arrived plain":     {strings.ReplaceAll(ascii, "/", `\/`), event, diagnose.BodyEscaped},
		"escaped as HTML entities":         {event, strings.NewReplacer(`"`, "&#34;", "<", "&lt;", ">", "&gt;", "&", "&amp;").Replace(event), diagnose.BodyEscaped},
		"printed as one JSON string":       {event, quoted(event), diagnose.BodyQuoted},
		"line feed added":                  {event, event + "\n", diagnose.BodyNewlineAdded},
		"CR LF added":                      {event, event + "\r\n", diagnose.BodyNewlineAdded},
		"line feed lost":                   {event + "\n", event, diagnose.BodyNewlineLost},
		"LF became CR LF":                  {indented("  "), strings.ReplaceAll(indented("  "), "\n", "\r\n"), diagnose.BodyLineEndings},
		"LF became CR LF, and one was put": {indented("  "), strings.ReplaceAll(indented("  ")+"\n", "\n", "\r\n"), diagnose.BodyLineEndings},
		"CR LF became LF":                  {strings.ReplaceAll(indented("  "), "\n", "\r\n"), indented("  "), diagnose.BodyLineEndings},
		"white space before it":            {event, "  " + event, diagnose.BodySpaceAdded},
		"byte order mark put before it":    {event, "\ufeff" + event, diagnose.BodyByteOrderMark},
		"byte order mark lost":             {"\ufeff" + event, event, diagnose.BodyByteOrderMark},
		"base64 left on":                   {event, base64.StdEncoding.EncodeToString([]byte(event)), diagnose.BodyBase64Left},
		"base64 left on, in lines":         {event, base64.StdEncoding.EncodeToString([]byte(event))[:76] + "\n" + base64.StdEncoding.EncodeToString([]byte(event))[76:] + "\n", diagnose.BodyBase64Left},
		"base64 undone though signed":      {base64.StdEncoding.EncodeToString([]byte(event)), event, diagnose.BodyBase64Undone},
		"read as Latin-1":                  {event, latin1(event), diagnose.BodyEncoding},
		"encoded as a form":                {event, "payload=" + form(event), diagnose.BodyFormEncoded},
		"empty":                            {event, "", diagnose.BodyEmpty},
		"cannot be undone":                 {event, strings.ReplaceAll(event, "ë", "\ufffd"), diagnose.BodyDecoded},
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
		want   []diagnose.Cause
	}{
		"signature missing":             {func(r *recorded) { delete(r.request.Header, "svix-signature") }, causes(diagnose.HeaderMissing)},
		"all missing":                   {func(r *recorded) { clear(r.request.Header) }, causes(diagnose.HeaderMissing)},
		"of two families":               {mix("timestamp"), causes(diagnose.HeadersMixed)},
		"renamed by CGI":                {func(r *recorded) { rename(r, "HTTP_SVIX_") }, causes(diagnose.HeaderRenamed)},
		"renamed by a proxy":            {func(r *recorded) { rename(r, "X-Svix-") }, causes(diagnose.HeaderRenamed)},
		"other family's id":             {func(r *recorded) { r.set("webhook-id", r.get("svix-id")); r.set("svix-id", "msg_other") }, causes(diagnose.OtherID)},
		"other message's id":            {func(r *recorded) { other(r, "svix-id", "msg_2example0000000000000000002") }, causes(diagnose.OtherID)},
		"other request's id, timestamp": {func(r *recorded) { other(r, "svix-id", "msg_b"); other(r, "svix-timestamp", unix(time.Second)) }, causes(diagnose.OtherID, diagnose.OtherTimestamp)},
		"other request's signature":     {func(r *recorded) { other(r, "svix-signature", "v1,"+strings.Repeat("A", 43)+"=") }, causes(diagnose.OtherSignature)},
		"timestamp a second off":        {func(r *recorded) { r.set("svix-timestamp", unix(-time.Second)) }, causes(diagnose.OtherTimestamp)},
		"timestamp of an attempt before": {func(r *recorded) {
			r.set("svix-timestamp", unix(7*time.Hour+5*time.Minute))
			r.request.Received = clerktest.Epoch().Add(7 * time.Hour)
		}, causes(diagnose.OtherTimestamp, diagnose.Clock)},
		"clock ahead":                 {func(r *recorded) { r.request.Received = clerktest.Epoch().Add(301 * time.Second) }, causes(diagnose.Clock)},
		"clock behind":                {func(r *recorded) { r.request.Received = clerktest.Epoch().Add(-time.Hour) }, causes(diagnose.Clock)},
		"timestamp in milliseconds":   {func(r *recorded) { r.set("svix-timestamp", unix(0)+"000") }, causes(diagnose.TimestampMalformed)},
		"timestamp as a date":         {func(r *recorded) { r.set("svix-timestamp", "2026-01-01T00:00:00Z") }, causes(diagnose.TimestampMalformed)},
		"timestamp with a fraction":   {func(r *recorded) { r.set("svix-timestamp", unix(0)+".25") }, causes(diagnose.TimestampMalformed)},
		"signed over milliseconds":    {func(r *recorded) { ms := unix(0) + "000"; r.sign(clerktest.ID, ms, event); r.set("svix-timestamp", ms) }, causes(diagnose.TimestampMalformed)},
		"signature in hexadecimal":    {func(r *recorded) { r.set("svix-signature", "v1,"+hex.EncodeToString(r.mac())) }, causes(diagnose.SignatureHex)},
		"signature as of others":      {func(r *recorded) { r.set("svix-signature", "sha256="+hex.EncodeToString(r.mac())) }, causes(diagnose.SignatureHex)},
		"signature URL-safe":          {func(r *recorded) { r.set("svix-signature", "v1,"+base64.RawURLEncoding.EncodeToString(r.mac())) }, causes(diagnose.SignatureBase64)},
		"signature without v1":        {func(r *recorded) { r.set("svix-signature", base64.StdEncoding.EncodeToString(r.mac())) }, causes(diagnose.SignatureBare)},
		"signature in quotes":         {func(r *recorded) { r.set("svix-signature", `"`+r.get("svix-signature")+`"`) }, causes(diagnose.HeaderAltered)},
		"signatures a line each":      {func(r *recorded) { r.set("svix-signature", "v1,AAAA\n"+r.get("svix-signature")) }, causes(diagnose.HeaderAltered)},
		"signature asymmetric":        {func(r *recorded) { r.set("svix-signature", "v1a,"+strings.Repeat("A", 86)+"==") }, causes(diagnose.SignatureAsymmetric)},
		"signature cut":               {func(r *recorded) { r.set("svix-signature", r.get("svix-signature")[:20]) }, causes(diagnose.SignatureMalformed)},
		"id in quotes":                {func(r *recorded) { r.set("svix-id", `"`+r.get("svix-id")+`"`) }, causes(diagnose.HeaderAltered)},
		"id that none can be, signed": {func(r *recorded) { r.sign("a.b", unix(0), event); r.set("svix-id", "a.b") }, causes(diagnose.HeaderAltered)},
		"body cut":                    {func(r *recorded) { r.set("content-length", "9999"); r.body(event[:50]) }, causes(diagnose.BodyLength)},
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

func causes(c ...diagnose.Cause) []diagnose.Cause { return c }

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

func check(t *testing.T, r *recorded, want ...diagnose.Cause) {
	t.Helper()
	res := diagnose.Signature(r.request)
	var got []diagnose.Cause
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
