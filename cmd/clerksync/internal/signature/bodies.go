package signature

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"iter"
	"net/url"
	"strings"
	"unicode/utf8"
)

// byteOrderMark is U+FEFF in UTF-8.
const byteOrderMark = "\xef\xbb\xbf"

// bodies are what may have been signed instead of b, and what then became of
// it, the likeliest first. Some equal b.
func bodies(b []byte) iter.Seq2[[]byte, Finding] {
	return func(yield func([]byte, Finding) bool) {
		for _, part := range []iter.Seq2[[]byte, Finding]{ends(b), encodings(b), rewritten(b)} {
			for body, why := range part {
				if !yield(body, why) {
					return
				}
			}
		}
	}
}

// ends are about the body's ends and its lines.
func ends(b []byte) iter.Seq2[[]byte, Finding] {
	return func(yield func([]byte, Finding) bool) {
		unix := bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
		added := func(what string) Finding {
			return found(BodyNewlineAdded, "%s was added at the body's end after it was signed", what)
		}
		lost := func(what string) Finding {
			return found(BodyNewlineLost, "%s at the body's end was lost after it was signed", what)
		}
		lines := func(from, to string) Finding {
			return found(BodyLineEndings, "the lines end in %s, and ended in %s when it was signed", from, to)
		}
		_ = yield(bytes.TrimSuffix(b, []byte("\n")), added("a line feed")) &&
			yield(bytes.TrimSuffix(b, []byte("\r\n")), added("a carriage return and a line feed")) &&
			yield(bytes.TrimRight(b, "\r\n"), added("more than one line end")) &&
			yield(append(bytes.Clone(b), '\n'), lost("a line feed")) &&
			yield(append(bytes.Clone(b), '\r', '\n'), lost("a carriage return and a line feed")) &&
			yield(unix, lines("CR LF", "LF")) &&
			yield(bytes.TrimRight(unix, "\n"), lines("CR LF", "LF, with none at the end")) &&
			yield(append(bytes.TrimRight(unix, "\n"), '\n'), lines("CR LF", "LF, with one at the end")) &&
			yield(bytes.ReplaceAll(unix, []byte("\n"), []byte("\r\n")), lines("LF", "CR LF")) &&
			yield(append(bytes.ReplaceAll(bytes.TrimRight(unix, "\n"), []byte("\n"), []byte("\r\n")), '\r', '\n'), lines("LF", "CR LF, with one at the end")) &&
			yield(bytes.ReplaceAll(b, []byte("\r"), []byte("\n")), lines("CR", "LF")) &&
			yield(bytes.TrimSpace(b), found(BodySpaceAdded, "white space was added around the body after it was signed")) &&
			yield(bytes.TrimPrefix(b, []byte(byteOrderMark)), found(BodyByteOrderMark, "a byte order mark was put before the body after it was signed")) &&
			yield(bytes.TrimRight(bytes.TrimPrefix(b, []byte(byteOrderMark)), "\r\n"), found(BodyByteOrderMark, "a byte order mark was put before the body, and a line end behind it, after it was signed")) &&
			yield(append([]byte(byteOrderMark), b...), found(BodyByteOrderMark, "a byte order mark before the body was lost after it was signed"))
	}
}

// encodings are about what the whole body was wrapped in or unwrapped from.
func encodings(b []byte) iter.Seq2[[]byte, Finding] {
	return func(yield func([]byte, Finding) bool) {
		left := found(BodyBase64Left, "the body is the base64 of what was signed")
		compact := bytes.Join(bytes.Fields(b), nil)
		for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
			if plain, err := e.DecodeString(string(compact)); err == nil && len(plain) > 0 && !yield(plain, left) {
				return
			}
			if !yield([]byte(e.EncodeToString(b)), found(BodyBase64Undone, "base64 was signed, and the body is what it decodes to")) {
				return
			}
		}
		var text string
		trimmed := bytes.TrimSpace(b)
		if json.Unmarshal(trimmed, &text) == nil && !yield([]byte(text), found(BodyQuoted, "the body was encoded once more, as one JSON string, after it was signed")) {
			return
		}
		if bytes.ContainsRune(b, '&') && !yield([]byte(html.UnescapeString(string(b))), found(BodyEscaped, "the body was escaped for HTML (&quot; and the like) after it was signed")) {
			return
		}
		if !latin(b, yield) {
			return
		}
		for _, form := range []string{string(trimmed), string(trimmed[bytes.IndexByte(trimmed, '=')+1:])} {
			if plain, err := url.QueryUnescape(form); err == nil && strings.Contains(form, "%") &&
				!yield([]byte(plain), found(BodyFormEncoded, "the body was encoded as a form's field after it was signed")) {
				return
			}
		}
	}
}

// latin takes UTF-8 for one byte a character, and the other way round.
func latin(b []byte, yield func([]byte, Finding) bool) bool {
	plain := make([]byte, 0, len(b))
	for _, r := range string(b) {
		if r > 0xff {
			plain = nil
			break
		}
		plain = append(plain, byte(r)) //nolint:gosec // it fits, see above
	}
	if plain != nil && utf8.Valid(b) && !yield(plain, found(BodyEncoding, "the body was read as Latin-1 and written as UTF-8 after it was signed")) {
		return false
	}
	wide := make([]rune, len(b))
	for i, c := range b {
		wide[i] = rune(c)
	}
	return yield([]byte(string(wide)), found(BodyEncoding, "the body was read as UTF-8 and written as Latin-1 after it was signed"))
}

// rewritten are the body's JSON as other programs write it.
func rewritten(b []byte) iter.Seq2[[]byte, Finding] {
	return func(yield func([]byte, Finding) bool) {
		text := bytes.TrimSpace(bytes.TrimPrefix(b, []byte(byteOrderMark)))
		if !json.Valid(text) {
			return
		}
		root := parse(text)
		for _, sorted := range []bool{false, true} {
			for _, w := range writings() {
				for _, l := range layouts() {
					st := style{l, w.write, sorted}
					body := st.render(root)
					why := found(w.cause, "the same JSON was signed as %s%s%s", l.words, w.words, map[bool]string{true: ", its keys in alphabetical order"}[sorted])
					if !yield(body, why) || !yield(append(body, '\n'), why) {
						return
					}
				}
			}
		}
	}
}
