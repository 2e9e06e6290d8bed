package dynamodb

import "encoding/json"

// PackedAgain packs the item of that JSON as a table does, reads it and packs what
// was read. It returns the item's JSON before and after, and both texts.
func PackedAgain(data []byte) (before, after []byte, first, second string, err error) {
	var it item
	if err := json.Unmarshal(data, &it); err != nil {
		return nil, nil, "", "", err //nolint:wrapcheck // for a test
	}
	p := it.pack()
	read := p.item()
	if before, err = json.Marshal(it); err == nil {
		after, err = json.Marshal(read)
	}
	return before, after, string(p), string(read.pack()), err
}
