package dynamodbtest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func (t Tables) sparseIndex(ctx context.Context, client *dynamodb.Client) error {
	const email = "sparse@example.com"
	with, without := at("sparse", "1", row{"email": text(email), "name": text("Ada")}), at("sparse", "1", row{"name": text("Ada")})
	for step, item := range []row{with, without, with, at("sparse", "1", row{"email": text("other@example.com")})} {
		if err := t.put(ctx, client, item); err != nil {
			return err
		}
		var want []row
		if textOf(item["email"]) == email {
			// An index of KEYS_ONLY shows no name.
			want = []row{at("sparse", "1", row{"email": text(email)})}
		}
		if err := t.expectIndex(ctx, client, email, want); err != nil {
			return fmt.Errorf("step %d: %w", step, err)
		}
	}
	if _, err := client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &t.Rows, Key: at("sparse", "1")}); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	return t.expectIndex(ctx, client, "other@example.com", nil)
}

// expectIndex waits until both a query and a scan of the index agree.
func (t Tables) expectIndex(ctx context.Context, client *dynamodb.Client, email string, want []row) error {
	ctx, cancel := context.WithTimeout(ctx, t.IndexWait)
	defer cancel()
	for {
		queried, err := client.Query(ctx, &dynamodb.QueryInput{
			TableName: &t.Rows, IndexName: aws.String("by_email"),
			KeyConditionExpression: aws.String("email = :email"), ExpressionAttributeValues: row{":email": text(email)},
		})
		if err != nil {
			return fmt.Errorf("query the index for %s, %d items wanted: %w", email, len(want), err)
		}
		scanned, err := client.Scan(ctx, &dynamodb.ScanInput{
			TableName: &t.Rows, IndexName: aws.String("by_email"),
			FilterExpression: aws.String("email = :email OR attribute_not_exists(email)"), ExpressionAttributeValues: row{":email": text(email)},
		})
		if err != nil {
			return fmt.Errorf("scan the index: %w", err)
		}
		if same(queried.Items, want) && same(scanned.Items, want) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("index holds %d items for %s in a query and %d in a scan, want %d of keys only", len(queried.Items), email, len(scanned.Items), len(want))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func same(got, want []row) bool {
	return slices.EqualFunc(got, want, func(a, b row) bool {
		if len(a) != len(b) {
			return false
		}
		for name := range b {
			if textOf(a[name]) != textOf(b[name]) {
				return false
			}
		}
		return true
	})
}

func (t Tables) indexConsistentRead(ctx context.Context, client *dynamodb.Client) error {
	_, err := client.Query(ctx, &dynamodb.QueryInput{
		TableName: &t.Rows, IndexName: aws.String("by_email"), ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String("email = :email"), ExpressionAttributeValues: row{":email": text("a@example.com")},
	})
	return refused("a consistent read of an index", err, failedChecks)
}

// partition queries all of a partition page by page and returns the sort keys.
func (t Tables) partition(ctx context.Context, client *dynamodb.Client, pk string, limit *int32) (keys []string, pages int, err error) {
	paginator := dynamodb.NewQueryPaginator(client, &dynamodb.QueryInput{
		TableName: &t.Rows, ConsistentRead: aws.Bool(true), Limit: limit,
		KeyConditionExpression: aws.String("pk = :pk"), ExpressionAttributeValues: row{":pk": text(pk)},
	})
	for paginator.HasMorePages() {
		page, err := paginator.NextPage(ctx)
		if err != nil {
			return nil, 0, fmt.Errorf("page %d: %w", pages, err)
		}
		pages++
		for _, item := range page.Items {
			keys = append(keys, textOf(item["sk"]))
		}
	}
	return keys, pages, nil
}

func (t Tables) queryPages(ctx context.Context, client *dynamodb.Client) error {
	var want []string
	for i := range 8 {
		sk := fmt.Sprintf("%02d", i)
		want = append(want, sk)
		if err := t.put(ctx, client, at("pages", sk, row{"v": text(strings.Repeat("x", 300_000))})); err != nil {
			return err
		}
	}
	got, pages, err := t.partition(ctx, client, "pages", nil)
	if err != nil {
		return err
	}
	if !slices.Equal(got, want) || pages < 3 {
		return fmt.Errorf("2.4 MB came as %q in %d pages, want %q in 3", got, pages, want)
	}
	got, pages, err = t.partition(ctx, client, "pages", aws.Int32(2))
	if err != nil {
		return err
	}
	if !slices.Equal(got, want) || pages < 4 {
		return fmt.Errorf("8 items came as %q in %d pages of 2, want %q", got, pages, want)
	}
	return nil
}

// pageAfterDeleted: whoever deletes while reading must not lose the rest.
func (t Tables) pageAfterDeleted(ctx context.Context, client *dynamodb.Client) error {
	for i := range 5 {
		if err := t.put(ctx, client, at("cursor", strconv.Itoa(i))); err != nil {
			return err
		}
	}
	in := &dynamodb.QueryInput{
		TableName: &t.Rows, ConsistentRead: aws.Bool(true), Limit: aws.Int32(2),
		KeyConditionExpression: aws.String("pk = :pk"), ExpressionAttributeValues: row{":pk": text("cursor")},
	}
	var got []string
	for {
		out, err := client.Query(ctx, in)
		if err != nil {
			return fmt.Errorf("query: %w", err)
		}
		for _, item := range out.Items {
			got = append(got, textOf(item["sk"]))
			if _, err := client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &t.Rows, Key: item}); err != nil {
				return fmt.Errorf("delete: %w", err)
			}
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			break
		}
	}
	if want := []string{"0", "1", "2", "3", "4"}; !slices.Equal(got, want) {
		return fmt.Errorf("items deleted page by page = %q, want %q", got, want)
	}
	return nil
}

func (t Tables) limitBeforeFilter(ctx context.Context, client *dynamodb.Client) error {
	for i := range 6 {
		if err := t.put(ctx, client, at("filter", strconv.Itoa(i), row{"n": number(strconv.Itoa(i % 2))})); err != nil {
			return err
		}
	}
	out, err := client.Query(ctx, &dynamodb.QueryInput{
		TableName: &t.Rows, ConsistentRead: aws.Bool(true), Limit: aws.Int32(4), ProjectionExpression: aws.String("sk"),
		KeyConditionExpression: aws.String("pk = :pk"), FilterExpression: aws.String("n = :n"),
		ExpressionAttributeValues: row{":pk": text("filter"), ":n": number("1.0")},
	})
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	if !same(out.Items, []row{{"sk": text("1")}, {"sk": text("3")}}) || out.Count != 2 || out.ScannedCount != 4 || textOf(out.LastEvaluatedKey["sk"]) != "3" {
		return fmt.Errorf("page = %d items, %d counted, %d scanned, last %v; want 1 and 3 of the first four", len(out.Items), out.Count, out.ScannedCount, names(out.LastEvaluatedKey))
	}
	return nil
}

func (t Tables) beginsWith(ctx context.Context, client *dynamodb.Client) error {
	for _, sk := range []string{"MEMBER", "MEMBER#", "MEMBER#a", "MEMBER#é", "MEMBER#\U0010FFFF", "MEMBER$", "MEMBERS", "ORG"} {
		if err := t.put(ctx, client, at("begins", sk)); err != nil {
			return err
		}
	}
	tests := map[string]struct {
		condition string
		want      []string
	}{
		"begins_with": {"begins_with(sk, :a)", []string{"MEMBER#", "MEMBER#a", "MEMBER#é", "MEMBER#\U0010FFFF"}},
		"greater":     {"sk > :a", []string{"MEMBER#a", "MEMBER#é", "MEMBER#\U0010FFFF", "MEMBER$", "MEMBERS", "ORG"}},
		"at most":     {"sk <= :a", []string{"MEMBER", "MEMBER#"}},
		"equal":       {"sk = :a", []string{"MEMBER#"}},
	}
	for name, test := range tests {
		out, err := client.Query(ctx, &dynamodb.QueryInput{
			TableName: &t.Rows, ConsistentRead: aws.Bool(true),
			KeyConditionExpression:    aws.String("pk = :pk AND " + test.condition),
			ExpressionAttributeValues: row{":pk": text("begins"), ":a": text("MEMBER#")},
		})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		var got []string
		for _, item := range out.Items {
			got = append(got, textOf(item["sk"]))
		}
		if !slices.Equal(got, test.want) {
			return fmt.Errorf("%s = %q, want %q", name, got, test.want)
		}
	}
	return nil
}

func (t Tables) timeToLive(ctx context.Context, client *dynamodb.Client) error {
	wanted := &types.TimeToLiveSpecification{AttributeName: aws.String("expires_at"), Enabled: aws.Bool(true)}
	out, err := client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: &t.Seen, TimeToLiveSpecification: wanted})
	if err != nil {
		return fmt.Errorf("enable TTL: %w", err)
	}
	if got := out.TimeToLiveSpecification; got == nil || aws.ToString(got.AttributeName) != "expires_at" || !aws.ToBool(got.Enabled) {
		return fmt.Errorf("TTL as updated = %+v, want expires_at, enabled", got)
	}
	described, err := client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &t.Seen})
	if err != nil {
		return fmt.Errorf("describe TTL: %w", err)
	}
	got := described.TimeToLiveDescription
	on := got != nil && (got.TimeToLiveStatus == types.TimeToLiveStatusEnabled || got.TimeToLiveStatus == types.TimeToLiveStatusEnabling)
	if !on || aws.ToString(got.AttributeName) != "expires_at" {
		return fmt.Errorf("TTL as described = %+v, want expires_at, enabled", got)
	}
	return nil
}
