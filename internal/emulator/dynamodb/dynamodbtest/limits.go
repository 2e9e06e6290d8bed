package dynamodbtest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
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

func (t Tables) itemLimit(ctx context.Context, client *dynamodb.Client) error {
	if err := t.put(ctx, client, sized("put", largestItem)); err != nil {
		return fmt.Errorf("item of 409,600 bytes: %w", err)
	}
	if err := refused("an item of 409,601 bytes", t.put(ctx, client, sized("over", largestItem+1)), failedChecks); err != nil {
		return err
	}
	if err := transact(ctx, client, t.putAction(sized("transaction", largestItem), "", nil)); err != nil {
		return fmt.Errorf("item of 409,600 bytes in a transaction: %w", err)
	}
	err := transact(ctx, client, t.putAction(at("size", "before"), "", nil), t.putAction(sized("over", largestItem+1), "", nil))
	if err := invalidAction("an item of 409,601 bytes in a transaction", err, 1); err != nil {
		return err
	}
	_, err = client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &t.Rows, Key: at("size", "put"), UpdateExpression: aws.String("SET w = :w"),
		ExpressionAttributeValues: row{":w": &types.AttributeValueMemberBOOL{Value: true}},
	})
	if err := refused("an update to over 409,600 bytes", err, failedChecks); err != nil {
		return err
	}
	for _, sk := range []string{"over", "before"} {
		if err := t.expectNothing(ctx, client, "size", sk); err != nil {
			return err
		}
	}
	item, err := t.get(ctx, client, "size", "put")
	if err != nil {
		return err
	}
	if textOf(item["v"]) != textOf(sized("put", largestItem)["v"]) || item["w"] != nil {
		return fmt.Errorf("the largest item came back otherwise, with %q", names(item))
	}
	return nil
}

// refusedItems checks that items are refused, alone and in a transaction.
func (t Tables) refusedItems(ctx context.Context, client *dynamodb.Client, items map[string]row) error {
	var all error
	for what, item := range items {
		all = errors.Join(all,
			refused(what, t.put(ctx, client, item), failedChecks),
			invalidAction(what+" in a transaction", transact(ctx, client, t.putAction(item, "", nil)), 0))
	}
	return all
}

func (t Tables) emptyKeys(ctx context.Context, client *dynamodb.Client) error {
	return t.refusedItems(ctx, client, map[string]row{
		"an empty hash key":  at("", "1"),
		"an empty sort key":  at("empty", ""),
		"no sort key":        {"pk": text("empty")},
		"a sort key of N":    {"pk": text("empty"), "sk": number("1")},
		"an empty index key": at("empty", "1", row{"email": text("")}),
	})
}

func (t Tables) longKeys(ctx context.Context, client *dynamodb.Client) error {
	long := func(prefix string, size int) string { return prefix + strings.Repeat("x", size-len(prefix)) }
	fits := at(long("long-", longestHashKey), long("", longestSortKey), row{"email": text(long("long@example.com", longestHashKey))})
	if err := t.put(ctx, client, fits); err != nil {
		return fmt.Errorf("longest keys: %w", err)
	}
	return t.refusedItems(ctx, client, map[string]row{
		"a hash key of 2,049 bytes":                     at(long("long-", longestHashKey+1), "1"),
		"a sort key of 1,025 bytes":                     at("long", long("", longestSortKey+1)),
		"an index key of 2,049 bytes":                   at("long", "1", row{"email": text(long("long@example.com", longestHashKey+1))}),
		"a hash key of 2,050 bytes of 1,025 characters": at(strings.Repeat("é", longestHashKey/2+1), "1"),
	})
}

func (t Tables) indexKeyType(ctx context.Context, client *dynamodb.Client) error {
	items := map[string]row{
		"an index key of N":    at("index-type", "1", row{"email": number("1")}),
		"an index key of NULL": at("index-type", "1", row{"email": &types.AttributeValueMemberNULL{Value: true}}),
		"an index key of L":    at("index-type", "1", row{"email": &types.AttributeValueMemberL{Value: []types.AttributeValue{text("a")}}}),
	}
	if err := t.refusedItems(ctx, client, items); err != nil {
		return err
	}
	_, err := client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &t.Rows, Key: at("index-type", "1"), UpdateExpression: aws.String("SET email = :n"), ExpressionAttributeValues: row{":n": number("1")},
	})
	return refused("an update to an index key of N", err, failedChecks)
}

func (t Tables) numberLimits(ctx context.Context, client *dynamodb.Client) error {
	largest := "9." + strings.Repeat("9", 37) + "E+125"
	for _, n := range []string{largest, "-" + largest, "1E-130", "0", strings.Repeat("9", 38)} {
		if err := t.put(ctx, client, at("numbers", "1", row{"n": number(n)})); err != nil {
			return fmt.Errorf("number %s: %w", n, err)
		}
	}
	var all error
	for _, n := range []string{strings.Repeat("9", 39), "1E+126", "1E-131", "-1E+126", "", "abc", "1.2.3", "0x10", "Infinity", "NaN"} {
		err := t.put(ctx, client, at("numbers", "2", row{"n": number(n)}))
		all = errors.Join(all, refused("the number "+n, err, failedChecks))
	}
	return all
}
