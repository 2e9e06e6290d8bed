package simulation

import (
	"context"
	"slices"
	"strings"

	"github.com/clerksync/clerksync/pkg/directory"
)

// Mistakes of whoever reads Clerk's API.
const (
	sentIsNow   mistake = "an object that was read counts as sent when it was read"
	oneLook     mistake = "404 alone ends a row"
	listAbsence mistake = "absence from a list ends a row"
	rowReadAnew mistake = "an absence ends the row that is there now, not the one that was looked for"
)

// bugsOfReaders are mistakes in bringing objects from Clerk's API into the tables.
func bugsOfReaders() (list []Bug) {
	for _, m := range []mistake{sentIsNow, oneLook, listAbsence, rowReadAnew} {
		list = append(list, Bug{Name: string(m), mistake: m})
	}
	list = append(list,
		Bug{Name: "empty last field", reads: readsWith(emptyLastField)},
		Bug{Name: "equal rows rewritten", reads: readingWith(withoutCreatedAt)},
		Bug{Name: "absence terminal", reads: readsWith(terminalAbsence)},
		Bug{Name: "absence without incarnation", reads: readsWith(absenceWithoutIncarnation)},
		Bug{Name: "a webhook-only field lost", reads: readingWith(withoutEventFields)},
		Bug{Name: "no parent read after an API write", reads: func(t directory.Table) directory.Table {
			return parentlessTable{t}
		}},
	)
	for i := range list {
		list[i].ofReaders = true
	}
	return list
}

// changingTable is a reader's table with other rows in its writes, or in its reads.
type changingTable struct {
	directory.Table
	write func(directory.Row)
	read  func(directory.Row)
}

func readsWith(write func(directory.Row)) func(directory.Table) directory.Table {
	return func(t directory.Table) directory.Table { return changingTable{Table: t, write: write} }
}

func readingWith(read func(directory.Row)) func(directory.Table) directory.Table {
	return func(t directory.Table) directory.Table { return changingTable{Table: t, read: read} }
}

// Write implements directory.Table.
func (t changingTable) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	if t.write != nil {
		w.Row, w.Put = w.Row.Clone(), slices.Clone(w.Put)
		t.write(w.Row)
		for i, p := range w.Put {
			w.Put[i] = p.Clone()
			w.Put[i]["rev"] = w.Row["rev"]
		}
	}
	return t.Table.Write(ctx, w)
}

// Read implements directory.Table.
func (t changingTable) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	rows, err := t.Table.Read(ctx, keys...)
	for i := range rows {
		if t.read != nil && rows[i].Live() {
			t.read(rows[i])
		}
	}
	return rows, err
}

// emptyLastField leaves out the digest of what was read.
func emptyLastField(r directory.Row) {
	if before, _, ok := strings.Cut(r.Text("rev"), "-api_"); ok && r.Live() {
		r["rev"] = before + "-"
	}
}

// withoutCreatedAt takes each row for one that differs from its object.
func withoutCreatedAt(r directory.Row) { delete(r, "created_at") }

func terminalAbsence(r directory.Row) { changeAbsence(r, 2, "1") }

// absenceWithoutIncarnation makes the tombstone of a membership as if it had an id
// that is never used again.
func absenceWithoutIncarnation(r directory.Row) {
	changeAbsence(r, 0, "000000000000000")
	changeAbsence(r, 1, "0")
}

// changeAbsence changes a field of the revision of a deletion by absence.
func changeAbsence(r directory.Row, field int, text string) {
	if byAbsence(r) {
		fields := revFields(r.Text("rev"))
		fields[field] = text
		r["rev"] = strings.Join(fields, "-")
	}
}

// withoutEventFields forgets what only events tell.
func withoutEventFields(r directory.Row) {
	if r.Text("kind") == directory.KindInvitation {
		delete(r, "user_id")
	}
	r.SetText("object", strings.ReplaceAll(r.Text("object"), `"scim":`, `"was":`))
}

// parentlessTable is a reader's table in which the parents of children are missing
// when they are looked for: they are read alone, without a child.
type parentlessTable struct{ directory.Table }

// Read implements directory.Table.
func (t parentlessTable) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	rows, err := t.Table.Read(ctx, keys...)
	isChild := func(k directory.Key) bool { return k.SK != "USER" && k.SK != "ORG" }
	client, ok := t.Table.(*tableClient)
	ofChildren := ok && slices.ContainsFunc(client.by.reader.page,
		func(o *state) bool { return isChild(o.content.key) })
	if ofChildren && !slices.ContainsFunc(keys, isChild) {
		for i := range rows {
			if rows[i].Gone() {
				rows[i] = nil
			}
		}
	}
	return rows, err
}
