package signature

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/clerksync/clerksync/pkg/svix"
)

// key is a candidate for the key that signed, and what must have gone wrong
// for it to be that.
type key struct {
	bytes []byte
	from  string
	why   []Finding
}

const prefix = "whsec_"

// keys are the candidates, the likeliest first.
func keys(secrets []Secret) (out []key) {
	var odd []key
	for i, s := range secrets {
		var other []Finding
		if i > 0 {
			other = []Finding{found(AnotherSecret, "it is signed with the secret from %s, and the endpoint has the one from %s", s.From, secrets[0].From)}
		}
		malformed := malformed(s)
		for _, entry := range entries(s.Text) {
			clean, _ := cleaned(entry)
			if b, err := decodeKey(clean); err == nil {
				out = appendKey(out, key{b, s.From, append(slices.Clone(other), malformed...)})
			}
			for _, text := range []string{strings.TrimSpace(s.Text), clean, strings.TrimPrefix(clean, prefix)} {
				if text == "" {
					continue
				}
				as := found(TextAsKey, "it is signed with the text of the secret from %s for a key, not with the bytes that its base64 stands for", s.From)
				odd = appendKey(odd, key{[]byte(text), s.From, append(slices.Clone(other), as)})
			}
		}
	}
	return append(out, odd...)
}

func appendKey(keys []key, k key) []key {
	if slices.ContainsFunc(keys, func(o key) bool { return bytes.Equal(o.bytes, k.bytes) }) {
		return keys
	}
	return append(keys, k)
}

// malformed says what is wrong with the text of a secret, nothing if it is
// what the endpoint takes.
func malformed(s Secret) []Finding {
	if _, err := svix.ParseSecrets(s.Text); err == nil {
		return nil
	}
	var faults []string
	for _, e := range entries(s.Text) {
		clean, f := cleaned(e)
		faults = append(faults, f...)
		if b, err := decodeKey(clean); err != nil {
			faults = append(faults, "is no base64 behind whsec_")
		} else if len(b) < svix.MinKeyBytes {
			faults = append(faults, "is cut short")
		}
	}
	slices.Sort(faults)
	if faults = slices.Compact(faults); len(faults) == 0 {
		faults = []string{"holds no secret"}
	}
	return []Finding{found(SecretMalformed, "the secret from %s %s", s.From, strings.Join(faults, " and "))}
}

// entries splits a text into what is meant as one secret each.
func entries(text string) (out []string) {
	if _, err := svix.ParseSecrets(text); err == nil {
		return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	}
	pending := ""
	for piece := range strings.SplitSeq(separated(text), ",") {
		piece = pending + piece
		if pending = ""; strings.HasSuffix(piece, "v1") && len(piece) < len(prefix) {
			pending = piece + "," // belongs to what follows
			continue
		}
		if strings.Trim(piece, around) != "" {
			out = append(out, piece)
		}
	}
	return out
}

// separated puts a comma before each further whsec_ that begins a secret.
func separated(text string) string {
	var b strings.Builder
	for i, part := range strings.SplitAfter(text, prefix) {
		body := strings.TrimSuffix(part, prefix)
		if i > 0 && body != part && strings.TrimSpace(body) != "" && !strings.Contains(body, ",") {
			part = body + "," + prefix
		}
		b.WriteString(part)
	}
	return b.String()
}

const (
	quotes = "\"'`“”‘’„«»"
	around = quotes + ",; \t\r\n"
)

// slip is something that goes wrong when a secret is pasted.
type slip struct {
	fault string
	undo  func(string) string
}

// slips in the order in which they lie around a secret, the outermost first.
func slips() []slip {
	name := regexp.MustCompile(`^(export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*[=:]\s*`)
	cut := func(r rune) bool { return unicode.IsSpace(r) }
	return []slip{
		{"has an invisible character in it", func(s string) string {
			return strings.Map(func(r rune) rune {
				if r == '\ufeff' || unicode.Is(unicode.Cf, r) {
					return -1
				}
				return r
			}, s)
		}},
		{"has white space around it", strings.TrimSpace},
		{"has the variable's name before it", func(s string) string {
			rest := name.ReplaceAllString(s, "")
			if !strings.ContainsFunc(rest, unicode.IsLetter) {
				return s // no name but a secret, and its padding
			}
			return rest
		}},
		{"has a comma or semicolon behind it", func(s string) string { return strings.TrimRight(s, ",; \t\r\n") }},
		{"is in quotes", func(s string) string {
			if strings.ContainsAny(s, quotes) {
				return strings.Trim(s, around)
			}
			return s
		}},
		{"has white space around it", strings.TrimSpace},
		{"has v1, before it, which belongs to a signature", func(s string) string { return strings.TrimPrefix(s, "v1,") }},
		{"has white space in it", func(s string) string { return strings.Join(strings.FieldsFunc(s, cut), "") }},
		{"has whsec_ twice before it", func(s string) string {
			for strings.HasPrefix(s, prefix+prefix) {
				s = s[len(prefix):]
			}
			return s
		}},
		{"has whsec_ before it in other letters", func(s string) string {
			if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
				return prefix + s[len(prefix):]
			}
			return s
		}},
		{"lacks whsec_ before it", func(s string) string {
			if !strings.HasPrefix(s, prefix) {
				return prefix + s
			}
			return s
		}},
		{"is URL-safe base64 (- and _ for + and /)", func(s string) string {
			return prefix + strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimPrefix(s, prefix))
		}},
		{"has % escapes in it", func(s string) string {
			return strings.NewReplacer("%2B", "+", "%2b", "+", "%2F", "/", "%2f", "/", "%3D", "=", "%3d", "=").Replace(s)
		}},
		{"lacks its padding =", func(s string) string {
			if n := len(s) - len(prefix); n%4 == 2 || n%4 == 3 {
				return s + strings.Repeat("=", 4-n%4)
			}
			return s
		}},
	}
}

// cleaned undoes every slip and says which there were.
func cleaned(text string) (clean string, faults []string) {
	for _, s := range slips() {
		if t := s.undo(text); t != text {
			text, faults = t, append(faults, s.fault)
		}
	}
	return text, faults
}

func decodeKey(clean string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.TrimPrefix(clean, prefix))
}
