package signature

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
)

// byteOrderMark is U+FEFF in UTF-8.
const byteOrderMark = "\xef\xbb\xbf"

// DecodeText returns a text file as UTF-8 without a byte order mark, and what it was otherwise, in words for people: ""
// for plain UTF-8, which it returns as it is. PowerShell's > writes UTF-16, and editors on Windows write the mark. JSON
// is UTF-8 and begins with neither (RFC 8259, section 8.1).
func DecodeText(text []byte) (plain []byte, was string) {
	if order := utf16Order(text); order != nil {
		units := make([]uint16, len(text)/2)
		for i := range units {
			units[i] = order.Uint16(text[2*i:])
		}
		return bytes.TrimPrefix([]byte(string(utf16.Decode(units))), []byte(byteOrderMark)), "UTF-16"
	}
	if plain, marked := bytes.CutPrefix(text, []byte(byteOrderMark)); marked {
		return plain, "UTF-8 with a byte order mark"
	}
	return text, ""
}

// utf16Order is the byte order of a text in UTF-16, nil for another text. Without a mark the first character tells:
// JSON and headers begin with one of ASCII, and neither has a zero byte in UTF-8.
func utf16Order(text []byte) binary.ByteOrder {
	switch {
	case len(text) < 2 || len(text)%2 != 0:
		return nil
	case text[0] == 0xff && text[1] == 0xfe, text[0] != 0 && text[0] < 0x80 && text[1] == 0:
		return binary.LittleEndian
	case text[0] == 0xfe && text[1] == 0xff, text[0] == 0 && text[1] != 0 && text[1] < 0x80:
		return binary.BigEndian
	}
	return nil
}
