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

// yieldBody takes a body that may have been signed and says whether more are wanted. The finding says what happened to
// that body on its way.
type yieldBody = func(body []byte, why Finding) bool

// bodyCandidates are the bodies that may have been signed instead of b, the likeliest first. Some equal b. They are
// made one at a time: a body may hold a megabyte, and most searches stop early.
func bodyCandidates(b []byte) iter.Seq2[[]byte, Finding] {
	return func(yield func([]byte, Finding) bool) {
		_ = trimmings(b, yield) && lineEndings(b, yield) && encodings(b, yield) && rewritings(b, yield)
	}
}

// trimmings are about what was added to the body's two ends, or was lost there. One line feed comes before several:
// where both would match, the smaller change is what happened.
func trimmings(b []byte, yield yieldBody) bool {
	added := func(what string) Finding {
		return proven(BodyNewlineAdded, "%s was added at the body's end after it was signed", what)
	}
	lost := func(what string) Finding {
		return proven(BodyNewlineLost, "%s at the body's end was lost after it was signed", what)
	}
	marked := func(what string) Finding {
		return proven(BodyByteOrderMark, "a byte order mark %s after it was signed", what)
	}
	const lineFeed, carriageReturn = "a line feed", "a carriage return and a line feed"
	unmarked := bytes.TrimPrefix(b, []byte(byteOrderMark))
	return yield(bytes.TrimSuffix(b, []byte("\n")), added(lineFeed)) &&
		yield(bytes.TrimSuffix(b, []byte("\r\n")), added(carriageReturn)) &&
		yield(bytes.TrimRight(b, "\r\n"), added("more than one line end")) &&
		yield(join(b, "\n"), lost(lineFeed)) &&
		yield(join(b, "\r\n"), lost(carriageReturn)) &&
		yield(bytes.TrimSpace(b), proven(BodySpaceAdded, "white space was put around the body after it was signed")) &&
		yield(unmarked, marked("was put before the body")) &&
		yield(bytes.TrimRight(unmarked, "\r\n"), marked("was put before the body, and a line end after it,")) &&
		yield(join([]byte(byteOrderMark), string(b)), marked("before the body was lost"))
}

// lineEndings are about editors and shells that write other line ends.
func lineEndings(b []byte, yield yieldBody) bool {
	changed := func(now, signed string) Finding {
		return proven(BodyLineEndings, "the lines end in %s, and ended in %s when it was signed", now, signed)
	}
	unix := bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
	trimmed := bytes.TrimRight(unix, "\n")
	windows := func(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")) }
	return yield(unix, changed("CR LF", "LF")) &&
		yield(trimmed, changed("CR LF", "LF, with none at the end")) &&
		yield(join(trimmed, "\n"), changed("CR LF", "LF, with one at the end")) &&
		yield(windows(unix), changed("LF", "CR LF")) &&
		yield(join(windows(trimmed), "\r\n"), changed("LF", "CR LF, with one at the end")) &&
		yield(bytes.ReplaceAll(b, []byte("\r"), []byte("\n")), changed("CR", "LF"))
}

// join appends without touching what may follow b in its array.
func join(b []byte, end string) []byte { return append(bytes.Clone(b), end...) }

// encodings are about what the whole body was wrapped in or unwrapped from.
func encodings(b []byte, yield yieldBody) bool {
	undone := proven(BodyBase64Undone, "base64 was signed, and the body is what it decodes to")
	left := proven(BodyBase64Left, "the body is the base64 of what was signed")
	compact := string(bytes.Join(bytes.Fields(b), nil))
	for _, e := range []*base64.Encoding{
		base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding,
	} {
		if plain, err := e.DecodeString(compact); err == nil && len(plain) > 0 && !yield(plain, left) {
			return false
		}
		if !yield([]byte(e.EncodeToString(b)), undone) {
			return false
		}
	}
	trimmed := bytes.TrimSpace(b)
	var text string
	if json.Unmarshal(trimmed, &text) == nil && !yield([]byte(text),
		proven(BodyQuoted, "the body was encoded once more, as one JSON string, after it was signed")) {
		return false
	}
	if bytes.ContainsRune(b, '&') && !yield([]byte(html.UnescapeString(string(b))),
		proven(BodyEscaped, "the body was escaped for HTML (&quot; and the like) after it was signed")) {
		return false
	}
	if !characterSets(b, yield) {
		return false
	}
	form := proven(BodyFormEncoded, "the body was encoded as a form's field after it was signed")
	for _, field := range []string{string(trimmed), string(trimmed[bytes.IndexByte(trimmed, '=')+1:])} {
		plain, err := url.QueryUnescape(field)
		if err == nil && strings.Contains(field, "%") && !yield([]byte(plain), form) {
			return false
		}
	}
	return true
}

// characterSets undoes UTF-16, and takes UTF-8 for Latin-1 (one byte a character) and the other way round. A text with
// characters that Latin-1 does not have cannot have been read as Latin-1 and is not tried.
func characterSets(b []byte, yield yieldBody) bool {
	mistaken := func(read, written string) Finding {
		return proven(BodyEncoding, "the body was read as %s and written as %s after it was signed", read, written)
	}
	narrow, wide := make([]byte, 0, len(b)), make([]rune, 0, len(b))
	for _, r := range string(b) {
		if r <= 0xff {
			narrow = append(narrow, byte(r)) //nolint:gosec // it fits, see above
		}
	}
	for _, c := range b {
		wide = append(wide, rune(c))
	}
	if plain, was := DecodeText(b); was == "UTF-16" { // as PowerShell writes a file, with line ends of its own
		unix := bytes.ReplaceAll(plain, []byte("\r\n"), []byte("\n"))
		if !yield(plain, mistaken("UTF-8", "UTF-16")) || !yield(unix, mistaken("UTF-8", "UTF-16")) ||
			!yield(bytes.TrimRight(unix, "\n"), mistaken("UTF-8", "UTF-16, with a line end after it,")) {
			return false
		}
	}
	fits := utf8.Valid(b) && len(narrow) == utf8.RuneCount(b)
	return (!fits || yield(narrow, mistaken("Latin-1", "UTF-8"))) &&
		yield([]byte(string(wide)), mistaken("UTF-8", "Latin-1"))
}
