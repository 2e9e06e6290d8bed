package signature_test

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/signature"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// inUTF16 is the text in UTF-16, low byte first, as Windows has it.
func inUTF16(text string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return string(b)
}

// event is what Clerk's signer sends, with the characters that other programs escape.
const event = `{"data":{"id":"user_a1","first_name":"Zoë <b>","image_url":"https://img.example.com/a?b=1&c=2",` +
	`"tags":[],"meta":{},"n":1.50,"emoji":"🎉"},"object":"event","type":"user.updated"}`

// recorded is a request that the endpoint accepts, until a test changes it.
type recorded struct{ signature.Request }

type change = func(*recorded)

// record signs the body and applies the changes, in their order.
func record(body string, changes ...change) *recorded {
	in := svixtest.Signed(svixtest.Epoch(), body)
	r := &recorded{signature.Request{
		Header: map[string][]string{}, Body: in.Body, Received: svixtest.Epoch(),
		Secrets: []signature.Secret{{From: "--secret", Text: svixtest.Secret}},
	}}
	for name, v := range in.Header {
		r.set(name, v)
	}
	for _, c := range changes {
		c(r)
	}
	return r
}

func (r *recorded) set(name, value string) { r.Header[name] = []string{value} }

func (r *recorded) get(name string) string { return strings.Join(r.Header[name], ",") }

func (r *recorded) rename(old, renamed string) {
	r.set(renamed, r.get(old))
	delete(r.Header, old)
}

func (r *recorded) sign(secret, id, timestamp, body string) {
	r.set("svix-signature", svixtest.Sign(secret, id, timestamp, []byte(body)))
}

func (r *recorded) mac() []byte {
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.get("svix-signature"), "v1,"))
	if err != nil {
		panic(err)
	}
	return b
}

// unix is a time as svix-timestamp has it, as far from the signature's.
func unix(d time.Duration) string { return strconv.FormatInt(svixtest.Epoch().Add(d).Unix(), 10) }

func indented(indent string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(event), "", indent); err != nil {
		panic(err)
	}
	return b.String()
}

// What happens to a body on its way is found from what arrived alone.
func TestDiagnoseBodies(t *testing.T) {
	t.Parallel()
	var escaped bytes.Buffer
	json.HTMLEscape(&escaped, []byte(event))
	quoted, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	var latin1, form strings.Builder
	for i := range len(event) {
		latin1.WriteRune(rune(event[i]))
		fmt.Fprintf(&form, "%%%02X", event[i])
	}
	replace := func(s string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(s) }
	ascii := replace(event, "ë", `\u00eb`, "🎉", `\ud83c\udf89`)
	entities := replace(event, `"`, "&#34;", "<", "&lt;", ">", "&gt;", "&", "&amp;")
	encoded := base64.StdEncoding.EncodeToString([]byte(event))
	lines := indented("  ")
	windowsLines := strings.ReplaceAll(lines, "\n", "\r\n")
	type body struct {
		signed  string // "" for event
		arrived string
	}
	for cause, bodies := range map[signature.Cause]map[string]body{
		signature.BodyReserialised: {
			"indented by 2 on its way":     {arrived: lines},
			"indented by tabs on its way":  {arrived: indented("\t")},
			"indented, with a line feed":   {arrived: indented("    ") + "\n"},
			"compacted on its way":         {signed: lines, arrived: event},
			"compacted, line feed lost":    {signed: indented("    ") + "\n", arrived: event},
			"as Python prints it":          {arrived: replace(event, `":`, `": `, `,"`, `, "`)},
			"keys were sorted when signed": {signed: `{"a":{"b":1,"c":2},"d":3}`, arrived: `{"d":3,"a":{"c":2,"b":1}}`},
		},
		signature.BodyEscaped: {
			"for HTML by Go":                 {arrived: escaped.String()},
			"signed escaped, arrived plain":  {signed: escaped.String(), arrived: event},
			"to ASCII":                       {arrived: ascii},
			"signed in ASCII, arrived plain": {signed: ascii, arrived: event},
			"slashes by PHP":                 {arrived: replace(event, "/", `\/`)},
			"signed by PHP, arrived plain":   {signed: replace(ascii, "/", `\/`), arrived: event},
			"as HTML entities":               {arrived: entities},
		},
		signature.BodyNewlineAdded: {"line feed": {arrived: event + "\n"}, "CR LF": {arrived: event + "\r\n"}},
		signature.BodyNewlineLost:  {"line feed": {signed: event + "\n", arrived: event}},
		signature.BodyLineEndings: {
			"LF became CR LF":                {signed: lines, arrived: windowsLines},
			"LF became CR LF, one was added": {signed: lines, arrived: windowsLines + "\r\n"},
			"CR LF became LF":                {signed: windowsLines, arrived: lines},
		},
		signature.BodySpaceAdded: {"before it": {arrived: "  " + event}},
		signature.BodyByteOrderMark: {
			"put before it": {arrived: "\ufeff" + event},
			"lost":          {signed: "\ufeff" + event, arrived: event},
		},
		signature.BodyBase64Left: {
			"in one line": {arrived: encoded},
			"in lines":    {arrived: encoded[:76] + "\n" + encoded[76:] + "\n"},
		},
		signature.BodyBase64Undone: {"though signed": {signed: encoded, arrived: event}},
		signature.BodyQuoted:       {"as one JSON string": {arrived: string(quoted)}},
		signature.BodyEncoding: {
			"read as Latin-1":     {arrived: latin1.String()},
			"as UTF-16":           {arrived: inUTF16(event)},
			"as PowerShell's >":   {arrived: inUTF16("\ufeff" + event + "\r\n")},
			"UTF-16 with no mark": {arrived: inUTF16(event + "\r\n")},
		},
		signature.BodyFormEncoded: {"with a name": {arrived: "payload=" + form.String()}},
		signature.BodyDecoded:     {"cannot be undone": {arrived: replace(event, "ë", "\ufffd")}},
		signature.BodyEmpty:       {"empty": {}},
	} {
		for name, b := range bodies {
			t.Run(string(cause)+": "+name, func(t *testing.T) {
				t.Parallel()
				r := record(cmp.Or(b.signed, event))
				r.Body = []byte(b.arrived)
				checkCauses(t, r, cause)
			})
		}
	}
}

// checkCauses wants exactly these causes, each with a detail and an advice, and no part of a secret in the result.
func checkCauses(t *testing.T, r *recorded, want ...signature.Cause) {
	t.Helper()
	result := signature.Diagnose(r.Request)
	var got []signature.Cause
	for _, f := range result.Findings {
		got = append(got, f.Cause)
		if f.Detail == "" || f.Mend == "" {
			t.Errorf("%s has detail %q and mend %q, want both", f.Cause, f.Detail, f.Mend)
		}
	}
	if !slices.Equal(got, want) || result.Good {
		t.Errorf("Diagnose: good %t, causes %v, want %v", result.Good, got, want)
	}
	text := fmt.Sprint(result)
	for _, s := range r.Secrets {
		isSeparator := func(c rune) bool { return strings.ContainsRune(`, "'=`+"\n", c) }
		for part := range strings.FieldsFuncSeq(s.Text, isSeparator) {
			if len(part) > 8 && strings.Contains(text, strings.TrimPrefix(part, "whsec_")) {
				t.Errorf("Diagnose's result holds a part of the secret:\n%s", text)
			}
		}
	}
}
