package signature_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/signature"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// What happens to headers: of one request, or of several that were mixed up.
func TestDiagnoseHeaders(t *testing.T) {
	t.Parallel()
	set := func(name, value string) change { return func(r *recorded) { r.set(name, value) } }
	edit := func(name, format string) change {
		return func(r *recorded) { r.set(name, fmt.Sprintf(format, r.get(name))) }
	}
	writeMAC := func(prefix string, encode func([]byte) string) change {
		return func(r *recorded) { r.set("svix-signature", prefix+encode(r.mac())) }
	}
	rename := func(prefix string, fields ...string) change {
		return func(r *recorded) {
			for _, f := range fields {
				r.rename("svix-"+f, prefix+f)
			}
		}
	}
	receive := func(d time.Duration) change { return func(r *recorded) { r.Received = svixtest.Epoch().Add(d) } }
	body := func(text string) change { return func(r *recorded) { r.Body = []byte(text) } }
	// otherRequest moves a header to another request at hand, and puts one in its place.
	otherRequest := func(name, replacement string) change {
		return func(r *recorded) {
			if len(r.Others) == 0 {
				r.Others = []map[string][]string{{}}
			}
			r.Others[0][name] = r.Header[name]
			r.set(name, replacement)
		}
	}
	signAs := func(id, timestamp string) change {
		return func(r *recorded) {
			r.sign(svixtest.Secret, id, timestamp, event)
			r.set("svix-id", id)
			r.set("svix-timestamp", timestamp)
		}
	}
	id, timestamp, sig := "svix-id", "svix-timestamp", "svix-signature"
	milliseconds := unix(0) + "000"
	for cause, requests := range map[signature.Cause]map[string][]change{
		signature.HeaderMissing: {
			"signature": {func(r *recorded) { delete(r.Header, sig) }},
			"all":       {func(r *recorded) { clear(r.Header) }},
		},
		signature.HeaderRenamed: {
			"by CGI":     {rename("HTTP_SVIX_", "id", "timestamp", "signature")},
			"by a proxy": {rename("X-Svix-", "id", "timestamp", "signature")},
		},
		signature.HeaderAltered: {
			"signature in quotes":      {edit(sig, `"%s"`)},
			"signatures a line each":   {edit(sig, "v1,AAAA\n%s")},
			"id in quotes":             {edit(id, `"%s"`)},
			"an impossible id, signed": {signAs("a.b", unix(0))},
		},
		signature.HeadersMixed: {"of two families": {rename("webhook-", "timestamp")}},
		signature.OtherID: {
			"other family's":  {rename("webhook-", "id"), set(id, "msg_other")},
			"other message's": {otherRequest(id, "msg_2example0000000000000000002")},
		},
		signature.OtherSignature: {"other request's": {otherRequest(sig, "v1,"+strings.Repeat("A", 43)+"=")}},
		signature.OtherTimestamp: {"a second off": {set(timestamp, unix(-time.Second))}},
		signature.TimestampMalformed: {
			"in milliseconds":          {set(timestamp, milliseconds)},
			"signed over milliseconds": {signAs(svixtest.ID, milliseconds)},
			"a date":                   {set(timestamp, "2026-01-01T00:00:00Z")},
			"with a fraction":          {edit(timestamp, "%s.25")},
		},
		signature.Clock: {"fast": {receive(301 * time.Second)}, "slow": {receive(-time.Hour)}},
		signature.SignatureHex: {
			"after v1":       {writeMAC("v1,", hex.EncodeToString)},
			"as others sign": {writeMAC("sha256=", hex.EncodeToString)},
		},
		signature.SignatureBase64:     {"URL-safe": {writeMAC("v1,", base64.RawURLEncoding.EncodeToString)}},
		signature.SignatureBare:       {"without v1": {writeMAC("", base64.StdEncoding.EncodeToString)}},
		signature.SignatureAsymmetric: {"v1a alone": {set(sig, "v1a,"+strings.Repeat("A", 86)+"==")}},
		signature.SignatureMalformed:  {"cut": {edit(sig, "%.20s")}},
		signature.BodyLength:          {"cut": {set("content-length", "9999"), body(event[:50])}},
	} {
		for name, changes := range requests {
			t.Run(string(cause)+": "+name, func(t *testing.T) {
				t.Parallel()
				checkCauses(t, record(event, changes...), cause)
			})
		}
	}
	checkCauses(t, record(event, otherRequest(id, "msg_b"), otherRequest(timestamp, unix(time.Second))),
		signature.OtherID, signature.OtherTimestamp)
	checkCauses(t, record(event, set(timestamp, unix(7*time.Hour+5*time.Minute)), receive(7*time.Hour)),
		signature.OtherTimestamp, signature.Clock) // of a later attempt
	checkCauses(t, record(event, body(`{"another":"body"}`))) // nothing known
}
