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

// keyCandidate is a key that may have signed.
type keyCandidate struct {
	key      []byte
	from     string    // Secret.From
	findings []Finding // what must have gone wrong if it did; empty for a key that the endpoint verifies with
}

const prefix = "whsec_"

// keyCandidates lists the keys of all secrets, the likeliest first: what their base64 stands for, then their text.
func keyCandidates(secrets []Secret) []keyCandidate {
	var decoded, texts []keyCandidate
	for i, s := range secrets {
		var another []Finding
		if i > 0 {
			another = []Finding{proven(AnotherSecret,
				"it is signed with the secret from %s, and the endpoint has the one from %s", s.From, secrets[0].From)}
		}
		asText := append(slices.Clone(another), proven(TextAsKey, "it is signed with the text of the "+
			"secret from %s as the key, not with the bytes that its base64 stands for", s.From))
		another = append(another, malformedSecret(s)...)
		for _, entry := range splitSecrets(s.Text) {
			clean, _ := undoPasteMistakes(entry)
			if key, err := decodeKey(clean); err == nil {
				decoded = addKey(decoded, keyCandidate{key: key, from: s.From, findings: another})
			}
			for _, text := range []string{strings.TrimSpace(s.Text), clean, strings.TrimPrefix(clean, prefix)} {
				if text != "" {
					texts = addKey(texts, keyCandidate{key: []byte(text), from: s.From, findings: asText})
				}
			}
		}
	}
	return append(decoded, texts...)
}

// addKey adds a key that is not there yet: of two explanations the first is the likelier.
func addKey(keys []keyCandidate, k keyCandidate) []keyCandidate {
	if slices.ContainsFunc(keys, func(o keyCandidate) bool { return bytes.Equal(o.key, k.key) }) {
		return keys
	}
	return append(keys, k)
}

// malformedSecret says what is wrong with the text of a secret, nothing where the endpoint takes it.
func malformedSecret(s Secret) []Finding {
	if _, err := svix.ParseSecrets(s.Text); err == nil {
		return nil
	}
	var faults []string
	for _, entry := range splitSecrets(s.Text) {
		clean, mistakes := undoPasteMistakes(entry)
		faults = append(faults, mistakes...)
		if key, err := decodeKey(clean); err != nil {
			faults = append(faults, "is not base64 after whsec_")
		} else if len(key) < svix.MinKeyBytes {
			faults = append(faults, "is cut short")
		}
	}
	slices.Sort(faults)
	if faults = slices.Compact(faults); len(faults) == 0 {
		faults = []string{"holds no secret"}
	}
	return []Finding{proven(SecretMalformed, "the secret from %s %s", s.From, strings.Join(faults, " and "))}
}

// splitSecrets splits a text into what is meant as one secret each. A well-formed text is split as the endpoint splits
// it; in any other a comma may also be a part of one secret ("v1,whsec_..."), and may be missing between two.
func splitSecrets(text string) (entries []string) {
	if _, err := svix.ParseSecrets(text); err == nil {
		return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	}
	pending := ""
	for piece := range strings.SplitSeq(separateSecrets(text), ",") {
		piece = pending + piece
		if pending = ""; strings.HasSuffix(piece, "v1") && len(piece) < len(prefix) {
			pending = piece + "," // it belongs to what follows
			continue
		}
		if strings.Trim(piece, quotesAndSeparators) != "" {
			entries = append(entries, piece)
		}
	}
	return entries
}

// separateSecrets puts a comma before each further whsec_ that begins a secret.
func separateSecrets(text string) string {
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
	quotes              = "\"'`“”‘’„«»"
	quotesAndSeparators = quotes + ",; \t\r\n"
)

// pasteMistake is something that goes wrong when a secret is pasted.
type pasteMistake struct {
	fault string // continues the sentence "the secret from ..."
	undo  func(string) string
}

// pasteMistakes are in the order in which they lie around a secret, the outermost first: each is undone in what the
// ones before have left.
func pasteMistakes() []pasteMistake {
	replace := func(pattern, replacement string) func(string) string {
		return func(s string) string { return regexp.MustCompile(pattern).ReplaceAllString(s, replacement) }
	}
	return []pasteMistake{
		{"has an invisible character in it", replace(`[\x{feff}\p{Cf}]`, "")},
		{"has white space around it", strings.TrimSpace},
		// A letter must follow, or what looks like a name is the secret, and the rest is its padding.
		{"has the variable's name before it", replace(`(?s)^(?:export\s+)?[A-Za-z_]\w*\s*[=:]\s*(.*\pL)`, "$1")},
		{"has a comma or semicolon after it", replace(`[,; \t\r\n]+$`, "")},
		{"is in quotes", func(s string) string {
			if strings.ContainsAny(s, quotes) {
				return strings.Trim(s, quotesAndSeparators)
			}
			return s
		}},
		{"has white space around it", strings.TrimSpace},
		{"has v1, before it, which belongs to a signature", replace(`^v1,`, "")},
		{"has white space in it", func(s string) string { return strings.Join(strings.Fields(s), "") }},
		{"has whsec_ twice before it", replace(`^(?:whsec_){2,}`, prefix)},
		{"has whsec_ in capitals before it", replace(`^(?i:whsec_)`, prefix)},
		{"lacks whsec_ before it", func(s string) string { return prefix + strings.TrimPrefix(s, prefix) }},
		{"is URL-safe base64 (- and _ for + and /)", func(s string) string {
			return prefix + strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimPrefix(s, prefix))
		}},
		{"has % escapes in it", func(s string) string {
			escapes := strings.NewReplacer("%2B", "+", "%2b", "+", "%2F", "/", "%2f", "/", "%3D", "=", "%3d", "=")
			return escapes.Replace(s)
		}},
		{"lacks its padding =", func(s string) string {
			if n := len(s) - len(prefix); n%4 == 2 || n%4 == 3 {
				return s + strings.Repeat("=", 4-n%4)
			}
			return s
		}},
	}
}

// undoPasteMistakes undoes every mistake and says which there were.
func undoPasteMistakes(text string) (clean string, faults []string) {
	for _, m := range pasteMistakes() {
		if undone := m.undo(text); undone != text {
			text, faults = undone, append(faults, m.fault)
		}
	}
	return text, faults
}

func decodeKey(clean string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.TrimPrefix(clean, prefix))
}
