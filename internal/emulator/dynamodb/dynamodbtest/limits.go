package dynamodbtest

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The sizes in bytes at which DynamoDB refuses.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	largestItem    = 400 << 10
	longestHashKey = 2048
	longestSortKey = 1024
)

// sized is an item of exactly so many bytes: names and texts count as UTF-8.
func sized(sk string, size int) row {
	const pk = "size"
	rest := size - len("pk"+"sk"+"v") - len(pk) - len(sk)
	return at(pk, sk, row{"v": text(strings.Repeat("é", rest/2) + strings.Repeat("e", rest%2))})
}

// itemLimit: projector leaves out what would not fit, which is right only if
// the limit is exact.
func (s *suite) itemLimit() {
	s.put(sized("put", largestItem))
	over := s.action(sized("over", largestItem+1), "", nil)
	s.wantRefused("an item of 409,601 bytes", s.putIf(over.Put.Item, "", nil), failedChecks)
	if err := s.transact(s.action(sized("transaction", largestItem), "", nil)); err != nil {
		s.t.Errorf("item of 409,600 bytes in a transaction: %v", err)
	}
	err := s.transact(s.action(at("size", "before"), "", nil), over)
	s.wantInvalid("an item of 409,601 bytes in a transaction", err, 1)
	err = s.update(at("size", "put"), "SET w = :w", row{":w": &types.AttributeValueMemberBOOL{Value: true}})
	s.wantRefused("an update to over 409,600 bytes", err, failedChecks)
	s.wantNone("size", "over")
	s.wantNone("size", "before")
	s.wantItem(sized("put", largestItem))
}

// wantItemsRefused fails unless items are refused, alone and in a transaction.
func (s *suite) wantItemsRefused(items map[string]row) {
	s.t.Helper()
	for what, item := range items {
		s.wantRefused(what, s.putIf(item, "", nil), failedChecks)
		s.wantInvalid(what+" in a transaction", s.transact(s.action(item, "", nil)), 0)
	}
}

// emptyKeys: keys of the table and of an index are there, not empty and of
// their type.
func (s *suite) emptyKeys() {
	s.wantItemsRefused(map[string]row{
		"an empty hash key":  at("", "1"),
		"an empty sort key":  at("empty", ""),
		"no sort key":        {"pk": text("empty")},
		"a sort key of N":    {"pk": text("empty"), "sk": number("1")},
		"an empty index key": at("empty", "1", row{"email": text("")}),
	})
}

// longKeys: the limits of keys count bytes.
func (s *suite) longKeys() {
	long := func(prefix string, size int) string { return prefix + strings.Repeat("x", size-len(prefix)) }
	email := func(size int) row { return row{"email": text(long("long@example.com", size))} }
	s.put(at(long("long-", longestHashKey), long("", longestSortKey), email(longestHashKey)))
	s.wantItemsRefused(map[string]row{
		"a hash key of 2,049 bytes":                     at(long("long-", longestHashKey+1), "1"),
		"a sort key of 1,025 bytes":                     at("long", long("", longestSortKey+1)),
		"an index key of 2,049 bytes":                   at("long", "1", email(longestHashKey+1)),
		"a hash key of 2,050 bytes of 1,025 characters": at(strings.Repeat("é", longestHashKey/2+1), "1"),
	})
}

// indexKeyType: an attribute that is the key of an index must be of its type,
// or the whole item is refused.
func (s *suite) indexKeyType() {
	of := func(v types.AttributeValue) row { return at("index-type", "1", row{"email": v}) }
	s.wantItemsRefused(map[string]row{
		"an index key of N":    of(number("1")),
		"an index key of NULL": of(&types.AttributeValueMemberNULL{Value: true}),
		"an index key of L":    of(&types.AttributeValueMemberL{Value: []types.AttributeValue{text("a")}}),
	})
	err := s.update(at("index-type", "1"), "SET email = :n", row{":n": number("1")})
	s.wantRefused("an update to an index key of N", err, failedChecks)
}

// numberLimits: a number is kept with 38 digits, or refused, never rounded.
func (s *suite) numberLimits() {
	largest := "9." + strings.Repeat("9", 37) + "E+125"
	for _, n := range []string{largest, "-" + largest, "1E-130", "0", strings.Repeat("9", 38)} {
		s.put(at("numbers", "1", row{"n": number(n)}))
	}
	for _, n := range []string{
		strings.Repeat("9", 39), "1E+126", "1E-131", "-1E+126", "", "abc", "1.2.3", "0x10", "Infinity", "NaN",
	} {
		err := s.putIf(at("numbers", "2", row{"n": number(n)}), "", nil)
		s.wantRefused("the number "+n, err, failedChecks)
	}
}
