package order

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/clerksync/clerksync/pkg/directory"
)

// Digest is the SHA-256, in hex, of what no order of the same messages may change in
// a Directory table with these rows, which it leaves as they are.
func Digest(rows []directory.Row) string {
	rows = slices.Clone(rows)
	sortByKey(rows)
	return digest(kept(rows))
}

// kept is what no order may change, of a table's rows in the order of their keys:
// live rows without the time of writing, and of deleted users, organizations,
// roles and permissions their key, revision and time. What else a tombstone still
// holds, and which deleted children left one, may depend on the order.
func kept(rows []directory.Row) (same []directory.Row) {
	for _, r := range rows {
		if r.Live() {
			r = r.Clone()
			delete(r, directory.AttrSyncedAt)
			same = append(same, r)
			continue
		}
		switch kind := r.Text(directory.AttrKind); kind {
		case directory.KindUser, directory.KindOrganization, directory.KindRole, directory.KindPermission:
			deleted := directory.NewRow(r.Key(), kind)
			deleted[directory.AttrRev] = r[directory.AttrRev]
			deleted[directory.AttrDeletedAt] = r[directory.AttrDeletedAt]
			same = append(same, deleted)
		}
	}
	return same
}

// digest is the SHA-256 of rows, in hex. Equal rows have equal texts: encoding/json
// sorts the names, and every value of an attribute has its own type there.
func digest(rows []directory.Row) string {
	text, _ := json.Marshal(Values(rows)) // texts, numbers, bools and lists of texts can be encoded
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Values are rows as encoding/json prints them: numbers as numbers, with their text.
func Values(rows []directory.Row) []map[string]any {
	all := make([]map[string]any, len(rows))
	for i, r := range rows {
		all[i] = make(map[string]any, len(r))
		for name, v := range r {
			if n, ok := v.(directory.Number); ok {
				v = json.Number(n)
			}
			all[i][name] = v
		}
	}
	return all
}
