package signature

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// parsedSignature is one signature of a header.
type parsedSignature struct {
	mac   []byte // of an HMAC-SHA256
	cause Cause  // how it differs from one that Svix writes, "" for one that does not
}

// parseSignatures reads whatever may be a signature in a header, however it is written. Those of other versions than v1
// are left out: no shared secret makes them.
func parseSignatures(text string) (out []parsedSignature) {
	for entry := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n;", r) }) {
		version := ""
		for part := range strings.SplitSeq(entry, ",") {
			part = strings.Trim(part, "\"'")
			switch {
			case part == "v1", part == "v1a", part == "v2":
				version = part
				continue
			case version == "v1a", version == "v2":
				continue
			}
			s, ok := parseSignature(part)
			if !ok {
				continue
			}
			if version == "" && s.cause == "" {
				s.cause = SignatureBare
			}
			out = append(out, s)
			version = ""
		}
	}
	return out
}

func parseSignature(text string) (parsedSignature, bool) {
	text = strings.TrimPrefix(strings.TrimPrefix(text, "v1="), "sha256=") // as other providers write it
	standard := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	for _, form := range []struct {
		cause  Cause
		decode func(string) ([]byte, error)
		text   string
	}{
		{cause: "", decode: base64.StdEncoding.Strict().DecodeString, text: text},
		{cause: SignatureHex, decode: hex.DecodeString, text: text},
		{cause: SignatureBase64, decode: base64.RawStdEncoding.DecodeString, text: standard},
	} {
		if mac, err := form.decode(form.text); err == nil && len(mac) == sha256.Size {
			return parsedSignature{mac: mac, cause: form.cause}, true
		}
	}
	return parsedSignature{}, false
}
