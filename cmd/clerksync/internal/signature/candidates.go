package signature

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clerksync/clerksync/pkg/svix"
)

// head is a candidate for the headers that belong to the signature.
type head struct {
	id, at string
	sigs   []signature
	why    []Finding
}

// signature is what a signature header holds, and what is odd about it.
type signature struct {
	mac [sha256.Size]byte
	why Cause // "" for one as Svix writes it
}

// header looks headers up whatever the case of their names.
type header map[string][]string

func newHeader(in map[string][]string) header {
	h := header{}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		small := strings.ToLower(strings.TrimSpace(name))
		h[small] = append(h[small], in[name]...)
	}
	return h
}

// get joins repeated headers as gateways do.
func (h header) get(name string) string { return strings.Join(h[name], ",") }

func fields() []string { return []string{"id", "timestamp", "signature"} }

// renamed finds names that a proxy or a framework has changed: svix_id,
// HTTP_SVIX_ID, X-Svix-Id.
func (h header) renamed() (header, []string) {
	out, names := maps.Clone(h), []string{}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		plain := strings.ReplaceAll(name, "_", "-")
		for _, p := range []string{"http-", "x-", "x-forwarded-", "x-original-"} {
			plain = strings.TrimPrefix(plain, p)
		}
		family, field, _ := strings.Cut(plain, "-")
		if plain != name && (family == "svix" || family == "webhook") && slices.Contains(fields(), field) && out.get(plain) == "" {
			out[plain] = h[name]
			names = append(names, name)
		}
	}
	return out, names
}

// missing says which headers are not there, where no family is whole.
func missing(h header) []Finding {
	base := svix.FromHeader(h.get)
	if base.ID != "" && base.Timestamp != "" && base.Signature != "" {
		return nil
	}
	family, most := "svix", -1
	for _, f := range []string{"svix", "webhook"} {
		n := 0
		for _, field := range fields() {
			if h.get(f+"-"+field) != "" {
				n++
			}
		}
		if n > most {
			family, most = f, n
		}
	}
	var names []string
	for _, field := range fields() {
		if h.get(family+"-"+field) == "" {
			names = append(names, family+"-"+field)
		}
	}
	return []Finding{found(HeaderMissing, "not there or empty: %s", strings.Join(names, ", "))}
}

// heads are the candidates; the first is the request's own, where it has one.
func heads(h header, others []map[string][]string) (out []head) {
	base := svix.FromHeader(h.get)
	if base.ID != "" && base.Timestamp != "" && base.Signature != "" {
		sigs := signatures(base.Signature)
		out = append(out, head{base.ID, base.Timestamp, sigs, nil})
		for _, v := range variants(base) {
			out = append(out, head{v.id, v.at, sigs, v.why})
		}
	}
	if plain, names := h.renamed(); len(names) > 0 {
		if r := svix.FromHeader(plain.get); r.ID != "" && r.Timestamp != "" && r.Signature != "" && r != base {
			out = append(out, head{r.ID, r.Timestamp, signatures(r.Signature), []Finding{found(HeaderRenamed, "headers came under other names: %s", strings.Join(names, ", "))}})
		}
	}
	return append(out, mixed(h, base, others)...)
}

// mixed takes each field from any family and any request at hand.
func mixed(h header, base svix.Headers, others []map[string][]string) (out []head) {
	type value struct{ field, text, name string }
	choices := map[string][]value{}
	add := func(in header, whose string) {
		for _, field := range fields() {
			for _, family := range []string{"svix-", "webhook-"} {
				texts := in[family+field]
				if field != "signature" {
					texts = strings.Split(in.get(family+field), ",")
				}
				for _, t := range texts {
					if v := (value{field, t, family + field + whose}); t != "" && !slices.ContainsFunc(choices[field], func(o value) bool { return o.text == t }) {
						choices[field] = append(choices[field], v)
					}
				}
			}
		}
	}
	add(h, "")
	for i, o := range others {
		add(newHeader(o), " of other request "+strconv.Itoa(i+1))
	}
	for _, id := range choices["id"] {
		for _, at := range choices["timestamp"] {
			for _, sig := range choices["signature"] {
				if (svix.Headers{ID: id.text, Timestamp: at.text, Signature: sig.text}) == base {
					continue
				}
				out = append(out, head{id.text, at.text, signatures(sig.text), mixture(base, [3]string{id.text, at.text, sig.text}, [3]string{id.name, at.name, sig.name})})
			}
		}
	}
	return out
}

// mixture says which fields were another request's.
func mixture(base svix.Headers, texts, names [3]string) (why []Finding) {
	if base.ID == "" || base.Timestamp == "" || base.Signature == "" {
		return []Finding{found(HeadersMixed, "they are of two families: the signature belongs to %s, and an endpoint takes one family whole", strings.Join(names[:], ", "))}
	}
	own := [3]string{base.ID, base.Timestamp, base.Signature}
	causes, words := [3]Cause{OtherID, OtherTimestamp, OtherSignature}, [3]string{"id", "timestamp", "signature"}
	for i := range own {
		if texts[i] != own[i] {
			why = append(why, found(causes[i], "the %s is another request's: it fits with the one in %s", words[i], names[i]))
		}
	}
	return why
}

// variants undo what is done to an id or a timestamp.
func variants(base svix.Headers) (out []head) {
	strip := func(s string) string { return strings.Trim(s, " \t\r\n\"'<>") }
	if id := strip(base.ID); id != base.ID {
		out = append(out, head{id: id, at: strip(base.Timestamp), why: []Finding{found(HeaderAltered, "the id has quotes or white space around it")}})
	}
	at := strip(base.Timestamp)
	if at != base.Timestamp {
		out = append(out, head{id: base.ID, at: at, why: []Finding{found(HeaderAltered, "the timestamp has quotes or white space around it")}})
	}
	malformed := func(at, how string) {
		out = append(out, head{id: strip(base.ID), at: at, why: []Finding{found(TimestampMalformed, "the timestamp is %s, and was signed as Unix seconds", how)}})
	}
	if n, err := strconv.ParseFloat(at, 64); err == nil && !svix.ValidTimestamp(at) {
		if n > 1e11 {
			malformed(strconv.FormatInt(int64(n)/1000, 10), "in milliseconds")
		}
		malformed(strconv.FormatInt(int64(n), 10), "no whole number of ten digits")
	}
	for _, layout := range []string{time.RFC3339, time.RFC1123, time.RFC1123Z} {
		if t, err := time.Parse(layout, at); err == nil {
			malformed(strconv.FormatInt(t.Unix(), 10), "a date")
		}
	}
	return out
}

// signatures reads whatever may be a signature.
func signatures(text string) (out []signature) {
	for entry := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n;", r) }) {
		version := ""
		for part := range strings.SplitSeq(entry, ",") {
			part = strings.Trim(part, "\"'")
			if part == "v1" || part == "v1a" || part == "v2" {
				version = part
				continue
			}
			if version == "v1a" || version == "v2" {
				continue
			}
			mac, why, ok := decodeMAC(part)
			if !ok {
				continue
			}
			if version == "" && why == "" {
				why = SignatureBare
			}
			out = append(out, signature{mac, why})
			version = ""
		}
	}
	return out
}

func decodeMAC(text string) (mac [sha256.Size]byte, why Cause, ok bool) {
	take := func(b []byte, err error) bool {
		if err == nil && len(b) == len(mac) {
			mac = [sha256.Size]byte(b)
			return true
		}
		return false
	}
	text = strings.TrimPrefix(strings.TrimPrefix(text, "v1="), "sha256=")
	switch {
	case take(base64.StdEncoding.Strict().DecodeString(text)):
		return mac, "", true
	case take(hex.DecodeString(text)):
		return mac, SignatureHex, true
	case take(base64.RawStdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "=")))):
		return mac, SignatureBase64, true
	}
	return mac, "", false
}
