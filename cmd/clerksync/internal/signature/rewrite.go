package signature

import (
	"bytes"
	"encoding/json/jsontext"
	"fmt"
	"slices"
	"unicode/utf16"
)

// layout is how a program puts white space between JSON's tokens.
type layout struct {
	words   string
	options []jsontext.Options
}

func layouts() []layout {
	indent := func(with string) []jsontext.Options { return []jsontext.Options{jsontext.WithIndent(with)} }
	spaces := []jsontext.Options{jsontext.SpaceAfterComma(true), jsontext.SpaceAfterColon(true)}
	return []layout{
		{words: "compact JSON"},
		{words: "one line with a space after comma and colon", options: spaces},
		{words: "JSON indented by 2", options: indent("  ")},
		{words: "JSON indented by 4", options: indent("    ")},
		{words: "JSON indented by tabs", options: indent("\t")},
		{words: "JSON indented by 3", options: indent("   ")},
	}
}

// writing is how a program writes the characters of strings.
type writing struct {
	cause   Cause
	words   string // continues the layout's words
	options []jsontext.Options
	escape  func(text []byte) []byte // of JSON with no character escaped that need not be; may be nil
}

func writings() []writing {
	asSent := []jsontext.Options{jsontext.PreserveRawStrings(true)}
	likeGo := []jsontext.Options{jsontext.EscapeForHTML(true), jsontext.EscapeForJS(true)}
	both := func(text []byte) []byte { return escapeUnicode(escapeSlashes(text)) }
	return []writing{
		{cause: BodyReserialised, options: asSent},
		{cause: BodyEscaped, words: ", no character escaped that need not be"},
		{cause: BodyEscaped, words: `, < > and & escaped as \u003c and so on`, options: likeGo},
		{cause: BodyEscaped, words: `, what is not ASCII escaped as \uXXXX`, escape: escapeUnicode},
		{cause: BodyEscaped, words: `, slashes escaped as \/`, escape: escapeSlashes},
		{cause: BodyEscaped, words: `, slashes as \/ and what is not ASCII as \uXXXX`, escape: both},
	}
}

// escapeSlashes escapes slashes as PHP does. In JSON they stand in strings only.
func escapeSlashes(text []byte) []byte { return bytes.ReplaceAll(text, []byte("/"), []byte(`\/`)) }

// escapeUnicode escapes what is not ASCII as Python does. In JSON it stands in strings only.
func escapeUnicode(text []byte) []byte {
	var out []byte
	for _, r := range string(text) {
		if r <= '~' {
			out = append(out, byte(r)) //nolint:gosec // it fits, see above
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return out
}

// rewritings are the body's JSON as other programs write it, with and without a line feed at its end. The order of keys
// as it arrived comes first: most programs keep it. Doubled names and broken UTF-8 are written as they are, because the
// one who signed may have sent them.
func rewritings(b []byte, yield yieldBody) bool {
	text := bytes.TrimPrefix(b, []byte(byteOrderMark))
	lenient := []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
	for _, sorted := range []bool{false, true} {
		order := []jsontext.Options{jsontext.ReorderRawObjects(sorted)}
		for _, w := range writings() {
			for _, l := range layouts() {
				options := slices.Concat(lenient, order, l.options, w.options)
				body, err := jsontext.AppendFormat(nil, text, options...)
				if err != nil {
					return true // it is not JSON
				}
				if w.escape != nil {
					body = w.escape(body)
				}
				words := "the same JSON was signed as " + l.words + w.words
				if sorted {
					words += ", its keys in alphabetical order"
				}
				why := proven(w.cause, "%s", words)
				if !yield(body, why) || !yield(append(body, '\n'), why) {
					return false
				}
			}
		}
	}
	return true
}
