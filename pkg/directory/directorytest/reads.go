package directorytest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/clerksync/clerksync/pkg/directory"
)

// values are what rows may hold. What is read is equal to what was written, to
// the letter: rows are compared, and written again as tombstones.
func values() []Check {
	every, largest, odd := rowOfEveryValue(), largestRow(), rowsWithOddKeys()
	return []Check{
		check("every value comes back as it was",
			write(newer(DeepCopy(every)), written),
			exist(every),
			exist(every, every),
			listing(every.Key().PK, "", every),
		),
		check("a row of 400 KB is taken",
			write(newerBy("msg_1", largest, nil), written),
			exist(largest),
		),
		check("a key may hold any character and be as long as the limit", put(odd...), exist(odd...)),
		check("rows are the caller's own", ownRows),
	}
}

// rowOfEveryValue has what JSON texts may hold and what engines are known to
// change: empty values, large numbers, the order and doubles of lists, names
// that DynamoDB reserves.
func rowOfEveryValue() directory.Row {
	r := user("a", "000000000000000-0-0-000001772449375-0-000001772449375-msg_1", "Zoé 🚒")
	for name, v := range map[string]directory.Value{
		"nul": "a\x00b", "noncharacter": "\ufffe\uffff", "controls": "\x01\x1f\x7f\u0085\u2028", "unknown": "\ufffd",
		"quotes": `"\/{}`, "blank": " \t\r\n", "long": strings.Repeat("ö", 150_000), "empty text": "",
		"zero": directory.Number("0"), "below zero": directory.Number("-7"), "time": directory.Number("4102444799999"),
		"large": directory.Number("9223372036854775807"), "false": false, "true": true,
		"list": []string{"b", "a", "b", "Zoé\x00"}, "empty list": []string{}, "list of empty": []string{""},
		"omitted": []string{"object"}, "by_email": strings.Repeat("e", directory.MaxIndexKey),
		"size": "reserved word", "a.b": "dot", "#n": "hash", ":v": "colon",
	} {
		r[name] = v
	}
	return r
}

// largestRow has exactly the size that DynamoDB takes, by Row.Size, with values
// of every type in it.
func largestRow() directory.Row {
	r := user("a", "1", "Zoé")
	r["locked"], r["created_at"] = false, directory.Number("1772449375640")
	r["permissions"] = []string{"org:a:read", "org:b:read", "ö"}
	r[directory.AttrObject] = "-"
	r[directory.AttrObject] = strings.Repeat("x", directory.MaxRowBytes-r.Size()+1)
	return r
}

// rowsWithOddKeys are rows that an engine mixes up if it joins the parts of a key
// by a separator, or takes fewer bytes or characters than DynamoDB.
func rowsWithOddKeys() (rows []directory.Row) {
	for i, k := range []directory.Key{
		{PK: "ORG#a.b", SK: "c"},
		{PK: "ORG#a", SK: "b.c"},
		{PK: "ORG#", SK: "#"},
		{PK: "ö\x00\ufffe", SK: "🚒\x00"},
		{PK: strings.Repeat("p", directory.MaxPK), SK: strings.Repeat("s", directory.MaxSK)},
	} {
		r := directory.NewRow(k, directory.KindInvitation)
		r[directory.AttrRev] = strconv.Itoa(i)
		rows = append(rows, r)
	}
	return rows
}

// ownRows changes a row that was written, and one that was read.
func ownRows(ctx context.Context, t directory.Table) error {
	r := user("a", "1", "Ada")
	list := []string{"org:a:read"}
	r["permissions"] = list
	want := DeepCopy(r)
	if err := put(r)(ctx, t); err != nil {
		return err
	}
	r["first_name"], list[0] = "changed", "changed"
	if err := exist(want)(ctx, t); err != nil {
		return err
	}
	rows, err := t.Read(ctx, want.Key())
	if err != nil {
		return err
	}
	if got, ok := rows[0]["permissions"].([]string); ok {
		got[0] = "changed"
	}
	return exist(want)(ctx, t)
}

// reads are of single rows, always consistent: a follow-up decides by them what
// it deletes.
func reads() []Check {
	a, c := user("a", "1", "Ada"), user("c", "1", "Cy")
	keys := func(ids string) (all []directory.Key) {
		for _, id := range ids {
			all = append(all, directory.UserKey(string(id)))
		}
		return all
	}
	return []Check{
		check("reads are in the order of the keys, nil where there is none",
			put(a, c),
			reading(keys("")),
			reading(keys("b"), nil),
			reading(keys("cba"), c, nil, a),
			reading(keys("badc"), nil, a, nil, c),
		),
		check("a read takes any number of keys, some of them twice", readsMany),
		check("a read of states is of every row what tells the living from the dead", readsStates),
		check("a read sees every acknowledged write", readsLatest),
		check("a context that is over is an error", overIsError),
	}
}

// readsMany needs several requests, and DynamoDB refuses a request that names a
// key twice: a Table hides both.
func readsMany(ctx context.Context, t directory.Table) error {
	const rows = 130 // more than one BatchGetItem takes
	var want []directory.Row
	for i := range rows {
		r := user(strconv.Itoa(i), "1", fmt.Sprint("name ", i))
		if err := put(r)(ctx, t); err != nil {
			return err
		}
		want = append(want, r)
		if i%10 == 0 {
			want = append(want, r)
		}
	}
	return exist(want...)(ctx, t)
}

// readsStates reads of one row and of several, live, deleted and missing, what a
// child is deleted by. More than that may be in them.
func readsStates(ctx context.Context, t directory.Table) error {
	live, deleted := user("a", "1", "Ada"), tombstone(user("b", "2", "Bo"))
	for _, r := range []directory.Row{live, deleted} {
		r[directory.AttrObject], r["locked"], r[directory.AttrSvixID] = `{"id":"a"}`, false, "msg_1"
	}
	deleted[directory.AttrDeletedBy] = directory.Absence
	deleted[directory.AttrReadAt] = deleted[directory.AttrDeletedAt]
	if err := put(live, deleted)(ctx, t); err != nil {
		return err
	}
	missing := directory.UserKey("c")
	for _, keys := range [][]directory.Key{
		{live.Key()}, {deleted.Key()}, {missing}, {missing, deleted.Key(), live.Key(), deleted.Key()},
	} {
		whole, err := t.Read(ctx, keys...)
		if err != nil {
			return fmt.Errorf("Read(%v): %w", keys, err)
		}
		rows, err := directory.ReadStates(ctx, t, keys...)
		if err != nil {
			return fmt.Errorf("ReadStates(%v): %w", keys, err)
		}
		for i, row := range rows {
			got, want := statesOf(row), statesOf(whole[i])
			if !maps.Equal(got, want) || row.Gone() != whole[i].Gone() || row.Live() != whole[i].Live() {
				return fmt.Errorf("ReadStates of %v = %v, want %v", keys[i], got, want)
			}
		}
	}
	return nil
}

// statesOf is a row's states, all of which are texts; empty for no row.
func statesOf(r directory.Row) map[string]string {
	states := map[string]string{}
	for _, name := range directory.States() {
		if v := r.Text(name); v != "" {
			states[name] = v
		}
	}
	return states
}

// readsLatest writes and reads at once, by key, by several keys and by listing:
// an index, or a read that is eventually consistent, would lag sometimes.
func readsLatest(ctx context.Context, t directory.Table) error {
	for i := range 20 {
		rev := fmt.Sprintf("%04d", i)
		r := user("a", rev, rev)
		err := steps(
			write(newer(r), written),
			exist(r),
			exist(r, r),
			listing(r.Key().PK, "", r),
		)(ctx, t)
		if err != nil {
			return fmt.Errorf("after write %s: %w", rev, err)
		}
	}
	return nil
}

// overIsError asks for an error, and for no result that a caller might take for
// the table's answer.
func overIsError(ctx context.Context, t directory.Table) error {
	over, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := t.Write(over, newer(user("a", "1", "Ada"))); err == nil {
		return errors.New("Write with a context that is over = no error, want one")
	}
	if _, err := t.Read(over, directory.UserKey("a")); err == nil {
		return errors.New("Read with a context that is over = no error, want one")
	}
	if _, _, err := t.Live(over, "USER#a", "", ""); err == nil {
		return errors.New("Live with a context that is over = no error, want one")
	}
	return nil
}
