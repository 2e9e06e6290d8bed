package directorytest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/directory"
)

func values() []Check {
	return []Check{
		{"every value comes back as it was", roundTrip},
		{"a row of 400 KB is taken", largest},
		{"a key may hold any character and be as long as the limit", oddKeys},
		{"rows are the caller's own", ownRows},
	}
}

func roundTrip(ctx context.Context, t directory.Table) error {
	r := user("a", "000000000000000-0-0-000001772449375-0-000001772449375-msg_1", "Zoé 🚒")
	for name, v := range map[string]directory.Value{
		"nul": "a\x00b", "noncharacter": "\ufffe\uffff", "controls": "\x01\x1f\x7f\u0085\u2028", "replacement": "\ufffd",
		"quotes": `"\/{}`, "blank": " \t\r\n", "long": strings.Repeat("ö", 150_000), "empty text": "",
		"zero": directory.Number("0"), "below zero": directory.Number("-7"), "millis": directory.Number("4102444799999"),
		"large": directory.Number("9223372036854775807"), "false": false, "true": true,
		"list": []string{"b", "a", "b", "Zoé\x00"}, "empty list": []string{}, "list of empty": []string{""},
		"omitted": []string{"object"}, "by_email": strings.Repeat("e", directory.MaxIndexKey),
		"size": "reserved word", "a.b": "dot", "#n": "hash", ":v": "colon",
	} {
		r[name] = v
	}
	return steps(
		func() error { return write(ctx, t, newer(copied(r)), directory.Written) },
		func() error { return there(ctx, t, r) },
		func() error { return there(ctx, t, r, r) },
		func() error {
			rows, err := walk(ctx, t, r.Key().PK, "")
			if diff := cmp.Diff([]directory.Row{r}, rows); err == nil && diff != "" {
				err = fmt.Errorf("Live: rows differ (-want +got):\n%.2000s", diff)
			}
			return err
		},
	)
}

func largest(ctx context.Context, t directory.Table) error {
	r := user("a", "1", "Zoé")
	r["locked"], r["created_at"] = false, directory.Number("1772449375640")
	r["permissions"] = []string{"org:a:read", "org:b:read", "ö"}
	r[directory.AttrObject] = "-"
	r[directory.AttrObject] = strings.Repeat("x", directory.MaxRowBytes-r.Size()+1)
	w := newer(r)
	w.LedgerEntry = record("msg_1")
	return steps(
		func() error { return write(ctx, t, w, directory.Written) },
		func() error { return there(ctx, t, r) },
	)
}

func oddKeys(ctx context.Context, t directory.Table) error {
	var rows []directory.Row
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
	return steps(
		func() error { return put(ctx, t, rows...) },
		func() error { return there(ctx, t, rows...) },
	)
}

func ownRows(ctx context.Context, t directory.Table) error {
	r := user("a", "1", "Ada")
	list := []string{"org:a:read"}
	r["permissions"] = list
	want := copied(r)
	return steps(
		func() error { return put(ctx, t, r) },
		func() error {
			r["first_name"], list[0] = "changed", "changed"
			return there(ctx, t, want)
		},
		func() error {
			rows, err := t.Read(ctx, want.Key())
			if err != nil {
				return err
			}
			if got, ok := rows[0]["permissions"].([]string); ok {
				got[0] = "changed"
			}
			return there(ctx, t, want)
		},
	)
}

func reads() []Check {
	return []Check{
		{"reads are in the order of the keys, nil where there is none", readsInOrder},
		{"a read takes any number of keys, some of them twice", readsMany},
		{"a read sees every acknowledged write", readsLatest},
		{"a context that is over is an error", overIsError},
	}
}

func readsInOrder(ctx context.Context, t directory.Table) error {
	a, c := user("a", "1", "Ada"), user("c", "1", "Cy")
	if err := put(ctx, t, a, c); err != nil {
		return err
	}
	key := directory.UserKey
	for _, ask := range []struct {
		keys []directory.Key
		want []directory.Row
	}{
		{nil, []directory.Row{}},
		{[]directory.Key{key("b")}, []directory.Row{nil}},
		{[]directory.Key{key("c"), key("b"), key("a")}, []directory.Row{c, nil, a}},
		{[]directory.Key{key("b"), key("a"), key("d"), key("c")}, []directory.Row{nil, a, nil, c}},
	} {
		got, err := t.Read(ctx, ask.keys...)
		if err != nil {
			return fmt.Errorf("Read(%v): %w", ask.keys, err)
		}
		if diff := cmp.Diff(ask.want, got); diff != "" {
			return fmt.Errorf("Read(%v) differs (-want +got):\n%s", ask.keys, diff)
		}
	}
	return nil
}

func readsMany(ctx context.Context, t directory.Table) error {
	const rows = 130 // more than one BatchGetItem takes
	var want []directory.Row
	for i := range rows {
		r := user(strconv.Itoa(i), "1", fmt.Sprint("name ", i))
		if err := put(ctx, t, r); err != nil {
			return err
		}
		want = append(want, r)
		if i%10 == 0 {
			want = append(want, r)
		}
	}
	return there(ctx, t, want...)
}

func readsLatest(ctx context.Context, t directory.Table) error {
	for i := range 20 {
		rev := fmt.Sprintf("%04d", i)
		r := user("a", rev, rev)
		err := steps(
			func() error { return write(ctx, t, newer(r), directory.Written) },
			func() error { return there(ctx, t, r) },
			func() error { return there(ctx, t, r, r) },
			func() error {
				rows, err := walk(ctx, t, r.Key().PK, "")
				if err == nil && (len(rows) != 1 || rows[0].Text("first_name") != rev) {
					err = fmt.Errorf("Live does not show the write %s before it", rev)
				}
				return err
			},
		)
		if err != nil {
			return err
		}
	}
	return nil
}

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
