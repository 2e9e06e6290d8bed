package dynamodbtest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	absent     = "attribute_not_exists(pk)"
	revSmaller = "attribute_not_exists(pk) OR rev < :rev"
)

func (t Tables) putIfAbsent(ctx context.Context, client *dynamodb.Client) error {
	if err := t.putOn(ctx, client, at("absent", "1", row{"v": text("first")}), absent, nil); err != nil {
		return fmt.Errorf("first put: %w", err)
	}
	if err := refused("a second put", t.putOn(ctx, client, at("absent", "1", row{"v": text("second")}), absent, nil), failedCondition); err != nil {
		return err
	}
	return t.expectText(ctx, client, "absent", "1", "v", "first")
}

func (t Tables) putIfRevSmaller(ctx context.Context, client *dynamodb.Client) error {
	steps := []struct {
		rev  string
		wins bool
	}{{"005", true}, {"004", false}, {"005", false}, {"0051", true}, {"006", true}, {"0059", false}}
	for _, step := range steps {
		item := at("rev", "1", row{"rev": text(step.rev)})
		err := t.putOn(ctx, client, item, revSmaller, row{":rev": text(step.rev)})
		if step.wins && err != nil {
			return fmt.Errorf("put of rev %s: %w", step.rev, err)
		}
		if !step.wins {
			if err := refused("rev "+step.rev, err, failedCondition); err != nil {
				return err
			}
		}
	}
	return t.expectText(ctx, client, "rev", "1", "rev", "006")
}

// textSortsByBytes holds the order of UTF-8 bytes, in conditions and in sort
// keys; UTF-16 would put the last two the other way round.
func (t Tables) textSortsByBytes(ctx context.Context, client *dynamodb.Client) error {
	sorted := []string{"-", "0", "00", "1", "10", "9", "A", "Z", "_", "a", "z", "~", "é", "\uFFFD", "\U00010000"}
	for i := len(sorted) - 1; i >= 0; i-- {
		if err := t.put(ctx, client, at("bytes", sorted[i])); err != nil {
			return err
		}
	}
	for _, forward := range []bool{true, false} {
		out, err := client.Query(ctx, &dynamodb.QueryInput{
			TableName: &t.Rows, ConsistentRead: aws.Bool(true), ScanIndexForward: &forward,
			KeyConditionExpression: aws.String("pk = :pk"), ExpressionAttributeValues: row{":pk": text("bytes")},
		})
		if err != nil {
			return fmt.Errorf("query: %w", err)
		}
		var got []string
		for _, item := range out.Items {
			got = append(got, textOf(item["sk"]))
		}
		want := slices.Clone(sorted)
		if !forward {
			slices.Reverse(want)
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("sort keys (forward %v) = %q, want %q", forward, got, want)
		}
	}
	for i, rev := range sorted {
		item := at("bytes-rev", "1", row{"rev": text(rev)})
		if err := t.putOn(ctx, client, item, revSmaller, row{":rev": text(rev)}); err != nil {
			return fmt.Errorf("put of rev %q after %q: %w", rev, sorted[max(i-1, 0)], err)
		}
	}
	return nil
}

// typesDoNotCompare: a condition on another type, or on nothing, is false and
// no error.
func (t Tables) typesDoNotCompare(ctx context.Context, client *dynamodb.Client) error {
	if err := t.put(ctx, client, at("types", "1", row{"v": text("5")})); err != nil {
		return err
	}
	for _, condition := range []string{"v < :n", "v > :n", "v = :n", "nothing < :n", "nothing = :n", "begins_with(nothing, :n)", "contains(nothing, :n)"} {
		value := number("6")
		if condition == "begins_with(nothing, :n)" {
			value = text("5")
		}
		err := t.putOn(ctx, client, at("types", "1"), condition, row{":n": value})
		if err := refused(condition, err, failedCondition); err != nil {
			return err
		}
	}
	// The second condition holds; without a word between them there is none.
	err := t.putOn(ctx, client, at("types", "1"), "v = :n v = :s", row{":n": number("6"), ":s": text("5")})
	return refused("two conditions in a row", err, failedChecks)
}

func (t Tables) removeTakesAway(ctx context.Context, client *dynamodb.Client) error {
	full := row{"a": text("a"), "b": text("b"), "c": text("c"), "email": text("remove@example.com")}
	for _, sk := range []string{"single", "transaction"} {
		if err := t.put(ctx, client, at("remove", sk, full)); err != nil {
			return err
		}
	}
	expression, values := aws.String("SET c = :c REMOVE a, email"), row{":c": text("changed")}
	_, err := client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &t.Rows, Key: at("remove", "single"), UpdateExpression: expression, ExpressionAttributeValues: values,
	})
	if err != nil {
		return fmt.Errorf("update: %w", err)
	}
	err = transact(ctx, client, types.TransactWriteItem{Update: &types.Update{
		TableName: &t.Rows, Key: at("remove", "transaction"), UpdateExpression: expression, ExpressionAttributeValues: values,
	}})
	if err != nil {
		return fmt.Errorf("update in a transaction: %w", err)
	}
	for _, sk := range []string{"single", "transaction"} {
		got, err := t.get(ctx, client, "remove", sk)
		if err != nil {
			return err
		}
		if want := at("remove", sk, row{"b": text("b"), "c": text("changed")}); !reflect.DeepEqual(got, want) {
			return fmt.Errorf("%s: item has attributes %v, want %v", sk, names(got), names(want))
		}
	}
	return nil
}

func names(item row) []string {
	var all []string
	for name := range item {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func (t Tables) valuesKept(ctx context.Context, client *dynamodb.Client) error {
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
		"list":       &types.AttributeValueMemberL{Value: []types.AttributeValue{text("b"), text("a"), number("1"), text("b")}},
		"no list":    &types.AttributeValueMemberL{Value: []types.AttributeValue{}},
		"map":        &types.AttributeValueMemberM{Value: row{"a.b": text("dot"), "deep": &types.AttributeValueMemberM{Value: row{}}}},
	})
	if err := t.put(ctx, client, want); err != nil {
		return err
	}
	if err := sameValues(ctx, client, t, want); err != nil {
		return err
	}
	// An update of one attribute leaves the others as they are.
	_, err := client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &t.Rows, Key: at("values", "1"), UpdateExpression: aws.String("SET seen = :yes"),
		ExpressionAttributeValues: row{":yes": &types.AttributeValueMemberBOOL{Value: true}},
	})
	if err != nil {
		return fmt.Errorf("update: %w", err)
	}
	want["seen"] = &types.AttributeValueMemberBOOL{Value: true}
	return sameValues(ctx, client, t, want)
}

func sameValues(ctx context.Context, client *dynamodb.Client, t Tables, want row) error {
	got, err := t.get(ctx, client, "values", "1")
	if err != nil {
		return err
	}
	var all error
	for name := range want {
		if !reflect.DeepEqual(got[name], want[name]) {
			all = errors.Join(all, fmt.Errorf("%s = %+v, want %+v", name, got[name], want[name]))
		}
	}
	if len(got) != len(want) {
		all = errors.Join(all, fmt.Errorf("attributes = %q, want %q", names(got), names(want)))
	}
	return all
}

func (t Tables) keysNeverCollide(ctx context.Context, client *dynamodb.Client) error {
	pairs := [][2]string{
		{"key", "b.c"},
		{"key.b", "c"},
		{"key#b", "c"},
		{"key", "b#c"},
		{"key|b", "c"},
		{"key", "b|c"},
		{"key", "\x00c"},
		{"key\x00", "c"},
		{"key\x00\x01", "c"},
		{"key", "\x01\x00c"},
		{"key/b", "c"},
		{"key", "b/c"},
	}
	for _, pair := range pairs {
		if err := t.putOn(ctx, client, at(pair[0], pair[1], row{"v": text(pair[0] + "+" + pair[1])}), absent, nil); err != nil {
			return fmt.Errorf("put of %q: %w", pair, err)
		}
	}
	for _, pair := range pairs {
		if err := t.expectText(ctx, client, pair[0], pair[1], "v", pair[0]+"+"+pair[1]); err != nil {
			return err
		}
	}
	return nil
}
