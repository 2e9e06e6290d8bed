package directorytest

import (
	"strings"

	"github.com/clerksync/clerksync/pkg/directory"
)

// transactions are writes of several items, of which all take place or none:
// a pointer exists exactly while its row is live.
func transactions() []Check {
	ada := user("a", "1", "Ada")
	first, second := []directory.Row{pointer("o1")}, []directory.Row{pointer("o2")}
	longer := pointer("o1")
	longer["role"], longer["role_name"] = "org:admin", "Admin"
	putLonger, putFirst, dropFirst := newer(ada), newer(user("a", "2", "Ada")), newer(ada)
	putLonger.Put, putFirst.Put = []directory.Row{longer}, first
	dropFirst.Drop = []directory.Key{pointer("o1").Key()}
	tooLong := pointer("o1")
	tooLong[directory.AttrSK] = strings.Repeat("k", directory.MaxSK+1)
	return []Check{
		check("pointers come and go with their row",
			write(newerBy("msg_1", ada, first), written),
			exist(ada, pointer("o1")),
			write(newerBy("msg_2", user("a", "2", "Eve"), second, pointer("o1").Key()), written),
			exist(user("a", "2", "Eve"), pointer("o2")),
			missing(pointer("o1").Key()),
			write(newerBy("msg_2", user("a", "2", "Eve"), second, pointer("o1").Key()), alreadyRecorded),
		),
		check("pointers are replaced as they are",
			write(putLonger, written),
			write(putFirst, written),
			exist(pointer("o1")),
		),
		// So a child is deleted with its parent: the message is the parent's.
		check("a row without a message is written",
			write(putLonger, written),
			exist(ada, longer),
		),
		// A deletion does not know whether its row ever had a pointer.
		check("dropping what is not there is no failure",
			write(dropFirst, written),
			missing(pointer("o1").Key()),
		),
		check("a refused write leaves nothing",
			refused(newerBy("msg_1", ada, []directory.Row{tooLong})),
			missing(ada.Key()),
			write(record("msg_1"), written),
		),
	}
}

// refusals are writes that DynamoDB takes in no state of the tables. They must
// be told from failures that pass: a message is given up for them.
func refusals() []Check {
	with := func(name string, v directory.Value) directory.Row {
		r := user("a", "1", "Ada")
		r[name] = v
		return r
	}
	long := func(n int) string { return strings.Repeat("x", n) }
	ada := user("a", "1", "Ada")
	dropped := newer(ada)
	dropped.Drop = []directory.Key{ada.Key()}
	putTwice := newer(ada)
	putTwice.Put = []directory.Row{user("a", "2", "Eve")}
	checks := []Check{check("one item has one operation",
		refused(dropped),
		refused(putTwice),
		missing(ada.Key()),
	)}
	for name, row := range map[string]directory.Row{
		"a row over 400 KB is refused":             with(directory.AttrObject, long(directory.MaxRowBytes)),
		"an empty pk is refused":                   with(directory.AttrPK, ""),
		"an empty sk is refused":                   with(directory.AttrSK, ""),
		"a pk over 2,048 bytes is refused":         with(directory.AttrPK, long(directory.MaxPK+1)),
		"a sk over 1,024 bytes is refused":         with(directory.AttrSK, long(directory.MaxSK+1)),
		"an empty index key is refused":            with("by_email", ""),
		"an index key over 2,048 bytes is refused": with("by_external_id", long(directory.MaxIndexKey+1)),
		"an index key that is no text is refused":  with("by_slug", directory.Number("1")),
	} {
		checks = append(checks, check(name,
			refused(newerBy("msg_1", row, nil)),
			refused(newer(row)),
			write(record("msg_1"), written),
		))
	}
	return checks
}
