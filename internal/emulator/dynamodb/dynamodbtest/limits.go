package dynamodbtest

import (
	"strings"
	"testing"

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

func (s *suite) itemLimit(t *testing.T) {
	s.put(t, sized("put", largestItem))
	over := s.action(sized("over", largestItem+1), "", nil)
	wantRefused(t, "an item of 409,601 bytes", s.putIf(t, over.Put.Item, "", nil), failedChecks)
	if err := s.transact(t, s.action(sized("transaction", largestItem), "", nil)); err != nil {
		t.Errorf("item of 409,600 bytes in a transaction: %v", err)
	}
	err := s.transact(t, s.action(at("size", "before"), "", nil), over)
	wantInvalid(t, "an item of 409,601 bytes in a transaction", err, 1)
	err = s.update(t, at("size", "put"), "SET w = :w", row{":w": &types.AttributeValueMemberBOOL{Value: true}})
	wantRefused(t, "an update to over 409,600 bytes", err, failedChecks)
	s.wantNone(t, "size", "over")
	s.wantNone(t, "size", "before")
	s.wantItem(t, sized("put", largestItem))
}

// wantItemsRefused fails unless items are refused, alone and in a transaction.
func (s *suite) wantItemsRefused(t *testing.T, items map[string]row) {
	t.Helper()
	for what, item := range items {
		wantRefused(t, what, s.putIf(t, item, "", nil), failedChecks)
		wantInvalid(t, what+" in a transaction", s.transact(t, s.action(item, "", nil)), 0)
	}
}

func (s *suite) emptyKeys(t *testing.T) {
	s.wantItemsRefused(t, map[string]row{
		"an empty hash key":  at("", "1"),
		"an empty sort key":  at("empty", ""),
		"no sort key":        {"pk": text("empty")},
		"a sort key of N":    {"pk": text("empty"), "sk": number("1")},
		"an empty index key": at("empty", "1", row{"email": text("")}),
	})
}

func (s *suite) longKeys(t *testing.T) {
	long := func(prefix string, size int) string { return prefix + strings.Repeat("x", size-len(prefix)) }
	email := func(size int) row { return row{"email": text(long("long@example.com", size))} }
	s.put(t, at(long("long-", longestHashKey), long("", longestSortKey), email(longestHashKey)))
	s.wantItemsRefused(t, map[string]row{
		"a hash key of 2,049 bytes":                     at(long("long-", longestHashKey+1), "1"),
		"a sort key of 1,025 bytes":                     at("long", long("", longestSortKey+1)),
		"an index key of 2,049 bytes":                   at("long", "1", email(longestHashKey+1)),
		"a hash key of 2,050 bytes of 1,025 characters": at(strings.Repeat("é", longestHashKey/2+1), "1"),
	})
}

func (s *suite) indexKeyType(t *testing.T) {
	of := func(v types.AttributeValue) row { return at("index-type", "1", row{"email": v}) }
	s.wantItemsRefused(t, map[string]row{
		"an index key of N":    of(number("1")),
		"an index key of NULL": of(&types.AttributeValueMemberNULL{Value: true}),
		"an index key of L":    of(&types.AttributeValueMemberL{Value: []types.AttributeValue{text("a")}}),
	})
	err := s.update(t, at("index-type", "1"), "SET email = :n", row{":n": number("1")})
	wantRefused(t, "an update to an index key of N", err, failedChecks)
}

func (s *suite) numberLimits(t *testing.T) {
	largest := "9." + strings.Repeat("9", 37) + "E+125"
	for _, n := range []string{largest, "-" + largest, "1E-130", "0", strings.Repeat("9", 38)} {
		s.put(t, at("numbers", "1", row{"n": number(n)}))
	}
	for _, n := range []string{
		strings.Repeat("9", 39), "1E+126", "1E-131", "-1E+126", "", "abc", "1.2.3", "0x10", "Infinity", "NaN",
	} {
		err := s.putIf(t, at("numbers", "2", row{"n": number(n)}), "", nil)
		wantRefused(t, "the number "+n, err, failedChecks)
	}
}
