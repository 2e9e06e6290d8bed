package backfill

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// Members that are named in a Decision, but are none of Clerk's.
const (
	memberPointer = "pointer"
	memberObject  = "object"
)

// names is a set of members.
type names map[string]bool

func (n names) sorted() []string { return slices.Sorted(maps.Keys(n)) }

// comparison finds in which members an object differs from its row. Where a row
// keeps no `object`, its columns are all that is compared.
type comparison struct {
	kind string
	kept func(object string) string // what of `object` the settings still allow

	different names
	activity  names // differ in what changes without news
}

// rows compares the row as it would be written with the one that exists.
func (c *comparison) rows(row, existing directory.Row) {
	c.different, c.activity = names{}, names{}
	row = row.Clone()
	row[directory.AttrSyncedAt] = time.Time{}.Format(directory.TimeFormat) // as long as any time
	object := row.Text(directory.AttrObject)
	row.Fit() // what does not fit is no difference: it would not be written
	// Both rows are walked: a column may be in one of them alone.
	for _, r := range []directory.Row{row, existing} {
		for name := range r {
			if isColumn(name) && !reflect.DeepEqual(row[name], existing[name]) {
				c.add(memberOf(name))
			}
		}
	}
	// But an `object` that is there is compared: that of an event has more room.
	if old := existing.Text(directory.AttrObject); object != "" && (row[directory.AttrObject] != nil || old != "") {
		c.objects(object, c.kept(old))
	}
}

// add names a member whose columns differ.
// What has moved without news is no reason to write: most users sign in without
// any other change.
func (c *comparison) add(member string) {
	if member == "updated_at" || projector.Volatile(c.kind, member) {
		c.activity[member] = true
	} else {
		c.different[member] = true
	}
}

// objects compares two texts of `object`, member by member.
func (c *comparison) objects(text, existing string) {
	old, ok := clerk.ParseObject([]byte(existing))
	// The members would all differ, and to name each says less than that the whole does.
	if !ok {
		c.different[memberObject] = true // there is none, or one that was damaged
		return
	}
	o, _ := clerk.ParseObject([]byte(text)) // it is made of an object that was parsed
	for _, name := range append(o.Names(), old.Names()...) {
		// Most members have the same text, which saves half the time of a backfill that
		// finds nothing to write: canonical texts cost more than all the rest of it.
		if bytes.Equal(o.Raw(name), old.Raw(name)) {
			continue
		}
		isVolatile := projector.Volatile(c.kind, name)
		stable := bytes.Equal(projector.CanonicalMember(c.kind, name, o), projector.CanonicalMember(c.kind, name, old))
		switch {
		case !isVolatile && !stable:
			c.add(name)
		// What the API does not have tells nothing.
		case o.Raw(name) != nil && !bytes.Equal(projector.WholeMember(name, o), projector.WholeMember(name, old)):
			c.activity[name] = true
		}
	}
}

// pointers compares the pointer with the one that the row that exists makes. The
// row may have moved: then its own pointer was not read.
func (c *comparison) pointers(row directory.Row, e Existing) {
	want := directory.Pointer(e.Row) // of the row as it is: a row that differs is written with its pointer
	if key, ok := directory.PointerKey(row); !ok || want == nil || want.Key() != key {
		return
	}
	for _, p := range []directory.Row{want, e.Pointer} {
		for name := range p {
			if isColumn(name) && !reflect.DeepEqual(want[name], e.Pointer[name]) {
				c.different[memberPointer] = true
			}
		}
	}
}

// isColumn tells the attributes that hold what Clerk says from those of the row
// itself.
func isColumn(name string) bool {
	switch name {
	case directory.AttrPK, directory.AttrSK, directory.AttrKind, directory.AttrRev, directory.AttrSyncedAt,
		directory.AttrSvixID, directory.AttrReadAt, directory.AttrInstanceID, directory.AttrDeletedAt,
		directory.AttrDeletedBy, directory.AttrObject, directory.AttrOmitted:
		return false
	}
	return true
}

// memberOf is the member of Clerk's object that a column is made of.
func memberOf(column string) string {
	switch column {
	case "email", "email_verified", "by_email":
		return "email_addresses"
	case "phone":
		return "phone_numbers"
	case "org_id":
		return "organization_id"
	}
	return strings.TrimPrefix(column, "by_")
}

// appendMember adds a member to an object's text.
func appendMember(object, name string, value json.RawMessage) string {
	body := strings.TrimRight(object, " \t\r\n")
	body = strings.TrimRight(strings.TrimSuffix(body, "}"), " \t\r\n")
	if !strings.HasSuffix(body, "{") {
		body += ","
	}
	return body + `"` + name + `":` + string(value) + "}"
}
