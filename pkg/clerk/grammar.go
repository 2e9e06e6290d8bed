package clerk

import "encoding/binary"

// The grammar of RFC 8259 over text that is UTF-8. Each function takes the
// index at which its part must begin and returns the one behind it, or bad.
// They accept exactly what json.Valid accepts, in one pass with the finding of
// members; docs/performance.md says what that saves.

// bad is no index: what must be there is not.
const bad = -1

// maxDepth is how deep objects and lists may be nested, as for encoding/json.
const maxDepth = 10_000

// at is the byte at i, 0 behind the end: JSON holds no such byte anywhere, so
// that nothing takes it for its own.
func at(b []byte, i int) byte {
	if i < len(b) {
		return b[i]
	}
	return 0
}

// skipSpace is the index of the first byte at or after i that is no white space.
func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// scanValue reads any value that is in depth objects and lists.
func scanValue(b []byte, i, depth int) int {
	switch at(b, i) {
	case '"':
		return scanString(b, i)
	case '{':
		return scanObject(b, i, depth, nil)
	case '[':
		return scanList(b, i, depth, nil)
	case 't':
		return scanWord(b, i, "true")
	case 'f':
		return scanWord(b, i, "false")
	case 'n':
		return scanWord(b, i, "null")
	}
	return scanNumber(b, i)
}

// member is where in the text a member's quoted name and its value begin and end.
type member struct{ name, nameEnd, value, end int }

// scanObject calls found, unless it is nil, for each member.
func scanObject(b []byte, i, depth int, found func(member)) int {
	if at(b, i) != '{' || depth == maxDepth {
		return bad
	}
	i = skipSpace(b, i+1)
	if at(b, i) == '}' {
		return i + 1
	}
	for {
		m := member{name: i, nameEnd: scanString(b, i)}
		if m.nameEnd == bad {
			return bad
		}
		if i = skipSpace(b, m.nameEnd); at(b, i) != ':' {
			return bad
		}
		m.value = skipSpace(b, i+1)
		if m.end = scanValue(b, m.value, depth+1); m.end == bad {
			return bad
		}
		if found != nil {
			found(m)
		}
		switch i = skipSpace(b, m.end); at(b, i) {
		case ',':
			i = skipSpace(b, i+1)
		case '}':
			return i + 1
		default:
			return bad
		}
	}
}

// scanList calls found, unless it is nil, for each element.
func scanList(b []byte, i, depth int, found func(start, end int)) int {
	if at(b, i) != '[' || depth == maxDepth {
		return bad
	}
	i = skipSpace(b, i+1)
	if at(b, i) == ']' {
		return i + 1
	}
	for {
		start := i
		if i = scanValue(b, i, depth+1); i == bad {
			return bad
		}
		if found != nil {
			found(start, i)
		}
		switch i = skipSpace(b, i); at(b, i) {
		case ',':
			i = skipSpace(b, i+1)
		case ']':
			return i + 1
		default:
			return bad
		}
	}
}

// plain says whether a byte of a string stands for itself.
func plain(c byte) bool { return c >= ' ' && c != '"' && c != '\\' }

// scanString reads a string with its quotes.
func scanString(b []byte, i int) int {
	if at(b, i) != '"' {
		return bad
	}
	for i++; ; {
		for ; i+8 <= len(b) && allPlain(binary.LittleEndian.Uint64(b[i:])); i += 8 {
		}
		for i < len(b) && plain(b[i]) {
			i++
		}
		switch at(b, i) {
		case '"':
			return i + 1
		case '\\':
			if i = scanEscape(b, i); i == bad {
				return bad
			}
		default:
			return bad
		}
	}
}

// allPlain says whether eight bytes are all plain: none is below a blank, a
// quote or a backslash (https://graphics.stanford.edu/~seander/bithacks.html).
func allPlain(x uint64) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	quote, slash := x^'"'*ones, x^'\\'*ones
	return ((x-' '*ones)&^x|(quote-ones)&^quote|(slash-ones)&^slash)&high == 0
}

func scanEscape(b []byte, i int) int {
	switch at(b, i+1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		for k := i + 2; k < i+6; k++ {
			if c := at(b, k) | 0x20; !isDigit(at(b, k)) && (c < 'a' || c > 'f') {
				return bad
			}
		}
		return i + 6
	}
	return bad
}

func scanWord(b []byte, i int, w string) int {
	if end := i + len(w); end <= len(b) && string(b[i:end]) == w {
		return end
	}
	return bad
}

func scanNumber(b []byte, i int) int {
	if at(b, i) == '-' {
		i++
	}
	if at(b, i) == '0' {
		i++
	} else if i = scanDigits(b, i); i == bad {
		return bad
	}
	if at(b, i) == '.' {
		if i = scanDigits(b, i+1); i == bad {
			return bad
		}
	}
	if c := at(b, i); c == 'e' || c == 'E' {
		i++
		if c := at(b, i); c == '+' || c == '-' {
			i++
		}
		i = scanDigits(b, i)
	}
	return i
}

// scanDigits reads one or more.
func scanDigits(b []byte, i int) int {
	if !isDigit(at(b, i)) {
		return bad
	}
	for isDigit(at(b, i)) {
		i++
	}
	return i
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
