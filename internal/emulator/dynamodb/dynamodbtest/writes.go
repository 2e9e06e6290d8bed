package dynamodbtest

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const (
	absent     = "attribute_not_exists(pk)"
	revSmaller = "attribute_not_exists(rev) OR NOT (rev >= :rev)"
)

// putIfAbsent is the condition of the ledger: of two deliveries of one message
// the second is refused and changes nothing.
func (s *suite) putIfAbsent() {
	s.noError("first put", s.putIf(at("absent", "1", row{"v": text("first")}), absent, nil))
	again := s.putIf(at("absent", "1", row{"v": text("second")}), absent, nil)
	s.wantRefused("a second put", again, failedCondition)
	s.wantText("absent", "1", "v", "first")
}

// putIfRevSmaller is the condition on which every row of the Directory is
// written.
func (s *suite) putIfRevSmaller() {
	for _, step := range []struct {
		rev  string
		wins bool
	}{
		{rev: "005", wins: true},
		{rev: "004"},
		{rev: "005"},
		{rev: "0051", wins: true},
		{rev: "006", wins: true},
		{rev: "0059"},
	} {
		err := s.putIf(at("rev", "1", row{"rev": text(step.rev)}), revSmaller, row{":rev": text(step.rev)})
		if step.wins && err != nil {
			s.t.Errorf("put of rev %s: %v", step.rev, err)
		}
		if !step.wins {
			s.wantRefused("rev "+step.rev, err, failedCondition)
		}
	}
	s.wantText("rev", "1", "rev", "006")
	s.put(at("rev", "2")) // without a rev it loses to every rev
	if err := s.putIf(at("rev", "2", row{"rev": text("0")}), revSmaller, row{":rev": text("0")}); err != nil {
		s.t.Errorf("put over a row without rev: %v", err)
	}
}

// textSortsByBytes holds the order of UTF-8 bytes, in conditions and in sort
// keys; UTF-16 would put the last two the other way round.
func (s *suite) textSortsByBytes() {
	sorted := []string{"-", "0", "00", "1", "10", "9", "A", "Z", "_", "a", "z", "~", "é", "\uFFFD", "\U00010000"}
	for _, sk := range slices.Backward(sorted) {
		s.put(at("bytes", sk))
	}
	want := slices.Clone(sorted)
	for _, forward := range []bool{true, false} {
		in := s.queryOf("bytes")
		in.ScanIndexForward = &forward
		if got := sortKeys(s.query(in).Items); !slices.Equal(got, want) {
			s.t.Errorf("sort keys (forward %v) = %q, want %q", forward, got, want)
		}
		slices.Reverse(want)
	}
	for _, rev := range sorted {
		if err := s.putIf(at("bytes-rev", "1", row{"rev": text(rev)}), revSmaller, row{":rev": text(rev)}); err != nil {
			s.t.Errorf("put of rev %q after those before it: %v", rev, err)
		}
	}
}

// typesDoNotCompare: a condition on another type, or on nothing, is false and
// no error.
func (s *suite) typesDoNotCompare() {
	s.put(at("types", "1", row{"v": text("5")}))
	for condition, value := range map[string]types.AttributeValue{
		"v < :n": number("6"), "v > :n": number("6"), "v = :n": number("6"),
		"nothing < :n": number("6"), "nothing = :n": number("6"), "contains(nothing, :n)": number("6"),
		"begins_with(nothing, :n)": text("5"),
	} {
		s.wantRefused(condition, s.putIf(at("types", "1"), condition, row{":n": value}), failedCondition)
	}
	// The second condition holds; without a word between them there is none.
	err := s.putIf(at("types", "1"), "v = :n v = :s", row{":n": number("6"), ":s": text("5")})
	s.wantRefused("two conditions in a row", err, failedChecks)
}

// removeTakesAway: an update that removes an attribute leaves no trace of it,
// alone and in a transaction.
func (s *suite) removeTakesAway() {
	const expression = "SET c = :c REMOVE a, email"
	full := row{"a": text("a"), "b": text("b"), "c": text("c"), "email": text("remove@example.com")}
	values := row{":c": text("changed")}
	for sk, update := range map[string]func(key row) error{
		"single": func(key row) error { return s.update(key, expression, values) },
		"transaction": func(key row) error {
			return s.transact(s.updateAction(key, expression, values))
		},
	} {
		s.put(at("remove", sk, full))
		if err := update(at("remove", sk)); err != nil {
			s.t.Fatalf("update, %s: %v", sk, err)
		}
		s.wantItem(at("remove", sk, row{"b": text("b"), "c": text("changed")}))
	}
}

// wantItem fails unless the item is stored exactly so.
func (s *suite) wantItem(want row) {
	s.t.Helper()
	got := s.get(textOf(want["pk"]), textOf(want["sk"]))
	unexported := cmpopts.IgnoreUnexported(
		types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberB{},
		types.AttributeValueMemberBOOL{}, types.AttributeValueMemberNULL{},
		types.AttributeValueMemberL{}, types.AttributeValueMemberM{})
	if diff := cmp.Diff(want, got, unexported); diff != "" {
		s.t.Errorf("item (-want +got):\n%s", diff)
	}
}

// valuesKept: every character of a text and every digit of a number comes
// back.
func (s *suite) valuesKept() {
	want := at("values", "1", row{
		"empty":      text(""),
		"characters": text("\x00\x01\t\n\r\x1f\"\\<&>\u2028\uFFFE\uFFFF\U0010FFFF é e\u0301"),
		"milli":      number("1767225600123"),
		"digits":     number("12345678901234567890123456789012345678"),
		"negative":   number("-1234.5678"),
		"true":       &types.AttributeValueMemberBOOL{Value: true},
		"false":      &types.AttributeValueMemberBOOL{Value: false},
		"null":       &types.AttributeValueMemberNULL{Value: true},
		"binary":     &types.AttributeValueMemberB{Value: []byte{0, 255, 1, 254}},
		"list": &types.AttributeValueMemberL{
			Value: []types.AttributeValue{text("b"), text("a"), number("1"), text("b")},
		},
		"no list": &types.AttributeValueMemberL{Value: []types.AttributeValue{}},
		"map": &types.AttributeValueMemberM{
			Value: row{"a.b": text("dot"), "deep": &types.AttributeValueMemberM{Value: row{}}},
		},
	})
	s.put(want)
	s.wantItem(want)
	// An update of one attribute leaves the others as they are.
	yes := &types.AttributeValueMemberBOOL{Value: true}
	s.noError("update", s.update(at("values", "1"), "SET seen = :yes", row{":yes": yes}))
	want["seen"] = yes
	s.wantItem(want)
}

// keysNeverCollide: ids of Clerk meet in keys, joined by separators; two keys
// are two items whatever stands in them.
func (s *suite) keysNeverCollide() {
	pairs := [][2]string{
		{"key", "b.c"},
		{"key.b", "c"},
		{"key#b", "c"},
		{"key", "b#c"},
		{"key|b", "c"},
		{"key", "b|c"},
		{"key/b", "c"},
		{"key", "b/c"},
		{"key", "\x00c"},
		{"key\x00", "c"},
		{"key\x00\x01", "c"},
		{"key", "\x01\x00c"},
	}
	for _, pair := range pairs {
		if err := s.putIf(at(pair[0], pair[1], row{"v": text(pair[0] + "+" + pair[1])}), absent, nil); err != nil {
			s.t.Fatalf("put of %q: %v", pair, err)
		}
	}
	for _, pair := range pairs {
		s.wantText(pair[0], pair[1], "v", pair[0]+"+"+pair[1])
	}
}
