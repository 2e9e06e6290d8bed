package clerk

import "encoding/binary"

// The grammar of RFC 8259 over text that is UTF-8. Each function takes the
// index at which its part must begin and returns the one behind it, or bad.
// They accept what json.Valid accepts (a fuzz test holds them to it) in one
// pass with the finding of members, at a quarter of its time.

// bad is no index: what must be there is not.
const bad = -1

// maxDepth is how deep objects and lists may be nested, as for encoding/json.
const maxDepth = 10_000

// at is the byte at i, 0 behind the end: no text holds it outside of strings,
// and none within them.
func at(b []byte, i int) byte {
	if i < len(b) {
		return b[i]
	}
	return 0
}

// space is the index of the first byte at or after i that is no white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// value reads any value that is in depth objects and lists.
func value(b []byte, i, depth int) int {
	switch at(b, i) {
	case '"':
		return quoted(b, i)
	case '{':
		return object(b, i, depth, nil)
	case '[':
		return list(b, i, depth, nil)
	case 't':
		return word(b, i, "true")
	case 'f':
		return word(b, i, "false")
	case 'n':
		return word(b, i, "null")
	}
	return number(b, i)
}

// member is where in the text a member's quoted name and its value begin and end.
type member struct{ name, nameEnd, value, end int }

// object calls found for each member, unless it is nil.
func object(b []byte, i, depth int, found func(member)) int {
	if at(b, i) != '{' || depth == maxDepth {
		return bad
	}
	i = space(b, i+1)
	if at(b, i) == '}' {
		return i + 1
	}
	for {
		m := member{name: i, nameEnd: quoted(b, i)}
		if m.nameEnd == bad {
			return bad
		}
		if i = space(b, m.nameEnd); at(b, i) != ':' {
			return bad
		}
		m.value = space(b, i+1)
		if m.end = value(b, m.value, depth+1); m.end == bad {
			return bad
		}
		if found != nil {
			found(m)
		}
		switch i = space(b, m.end); at(b, i) {
		case ',':
			i = space(b, i+1)
		case '}':
			return i + 1
		default:
			return bad
		}
	}
}

// list calls found for each element, unless it is nil.
func list(b []byte, i, depth int, found func(start, end int)) int {
	if at(b, i) != '[' || depth == maxDepth {
		return bad
	}
	i = space(b, i+1)
	if at(b, i) == ']' {
		return i + 1
	}
	for {
		start := i
		if i = value(b, i, depth+1); i == bad {
			return bad
		}
		if found != nil {
			found(start, i)
		}
		switch i = space(b, i); at(b, i) {
		case ',':
			i = space(b, i+1)
		case ']':
			return i + 1
		default:
			return bad
		}
	}
}

// plain says whether a byte of a string stands for itself.
func plain(c byte) bool { return c >= ' ' && c != '"' && c != '\\' }

// quoted reads a string with its quotes.
func quoted(b []byte, i int) int {
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
			if i = escape(b, i); i == bad {
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

func escape(b []byte, i int) int {
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

func word(b []byte, i int, w string) int {
	if end := i + len(w); end <= len(b) && string(b[i:end]) == w {
		return end
	}
	return bad
}

func number(b []byte, i int) int {
	if at(b, i) == '-' {
		i++
	}
	if at(b, i) == '0' {
		i++
	} else if i = digits(b, i); i == bad {
		return bad
	}
	if at(b, i) == '.' {
		if i = digits(b, i+1); i == bad {
			return bad
		}
	}
	if c := at(b, i); c == 'e' || c == 'E' {
		i++
		if c := at(b, i); c == '+' || c == '-' {
			i++
		}
		i = digits(b, i)
	}
	return i
}

// digits reads one or more.
func digits(b []byte, i int) int {
	if !isDigit(at(b, i)) {
		return bad
	}
	for isDigit(at(b, i)) {
		i++
	}
	return i
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
