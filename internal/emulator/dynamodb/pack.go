package dynamodb

import (
	"encoding/binary"
	"maps"
	"slices"
)

// packed is an item as a table holds it: one text. A decoded item is a map of
// values, most of whose size is room for what they do not have, and takes ten
// times the memory of a small row's data.
//
// An attribute is its name and its value. A value is a byte, the index of its
// type in kinds, and what that type has: a text; a byte; or a count and as many
// values, attributes or texts. A text is its length and its bytes.
type packed string

// kinds are the types by the byte that stands for each.
func kinds() [10]string {
	return [10]string{"S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"}
}

// pack is the item by its names, so that equal items are packed to equal texts.
func (it item) pack() packed { return packed(it.appendPacked(nil)) }

func (it item) appendPacked(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(it)))
	for _, name := range slices.Sorted(maps.Keys(it)) {
		b = it[name].appendPacked(appendPackedText(b, name))
	}
	return b
}

func (v value) appendPacked(b []byte) []byte {
	all := kinds()
	b = append(b, byte(slices.Index(all[:], v.kind))) //nolint:gosec // there are ten kinds
	switch v.kind {
	case "BOOL":
		if v.flag {
			return append(b, 1)
		}
		return append(b, 0)
	case "NULL":
		return b
	case "L":
		b = binary.AppendUvarint(b, uint64(len(v.list)))
		for _, element := range v.list {
			b = element.appendPacked(b)
		}
		return b
	case "M":
		return v.fields.appendPacked(b)
	case "SS", "NS", "BS":
		b = binary.AppendUvarint(b, uint64(len(v.set)))
		for _, element := range v.set {
			b = appendPackedText(b, element)
		}
		return b
	}
	return appendPackedText(b, v.text)
}

func appendPackedText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// item is the item that was packed, nil of nothing. Its texts are parts of the
// packed one, so that only the map is made anew.
func (p packed) item() item {
	if p == "" {
		return nil
	}
	return p.readItem()
}

// readItem reads an item off the front, as the other methods read their part.
func (p *packed) readItem() item {
	n := p.readCount()
	it := make(item, n)
	for range n {
		name := p.readText()
		it[name] = p.readValue()
	}
	return it
}

func (p *packed) readValue() value {
	v := value{kind: kinds()[(*p)[0]]}
	*p = (*p)[1:]
	switch v.kind {
	case "BOOL":
		v.flag = (*p)[0] == 1
		*p = (*p)[1:]
	case "NULL":
	case "L":
		v.list = make([]value, p.readCount())
		for i := range v.list {
			v.list[i] = p.readValue()
		}
	case "M":
		v.fields = p.readItem()
	case "SS", "NS", "BS":
		v.set = make([]string, p.readCount())
		for i := range v.set {
			v.set[i] = p.readText()
		}
	default:
		v.text = p.readText()
	}
	return v
}

func (p *packed) readText() string {
	n := p.readCount()
	text := string((*p)[:n])
	*p = (*p)[n:]
	return text
}

// readCount reads a uvarint; what pack wrote has one here.
func (p *packed) readCount() int {
	n, shift := 0, 0
	for i := 0; ; i++ {
		b := (*p)[i]
		n |= int(b&0x7f) << shift
		if b < 0x80 {
			*p = (*p)[i+1:]
			return n
		}
		shift += 7
	}
}
