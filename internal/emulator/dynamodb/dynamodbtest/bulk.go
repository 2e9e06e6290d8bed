package dynamodbtest

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// fill writes n items of a partition each, pk-000 on, 25 at a time.
func (t Tables) fill(ctx context.Context, client *dynamodb.Client, pk string, n int) error {
	for start := 0; start < n; start += 25 {
		var requests []types.WriteRequest
		for i := start; i < min(start+25, n); i++ {
			item := at(fmt.Sprintf("%s-%03d", pk, i), "1", row{"v": text("kept"), "w": text("left out")})
			requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
		}
		out, err := client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{t.Rows: requests}})
		if err != nil {
			return fmt.Errorf("batch write: %w", err)
		}
		if len(out.UnprocessedItems) > 0 {
			return fmt.Errorf("batch write left %d items", len(out.UnprocessedItems[t.Rows]))
		}
	}
	return nil
}

func (t Tables) batchGet(ctx context.Context, client *dynamodb.Client) error {
	if err := t.fill(ctx, client, "batch", 99); err != nil {
		return err
	}
	get := func(keys []row) ([]row, error) {
		out, err := client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{t.Rows: {
			Keys: keys, ConsistentRead: aws.Bool(true),
			ProjectionExpression: aws.String("pk, #v"), ExpressionAttributeNames: map[string]string{"#v": "v"},
		}}})
		if err != nil {
			return nil, err
		}
		if len(out.UnprocessedKeys) > 0 {
			return nil, fmt.Errorf("%d keys left", len(out.UnprocessedKeys[t.Rows].Keys))
		}
		return out.Responses[t.Rows], nil
	}
	var keys []row
	for i := range 101 {
		keys = append(keys, at(fmt.Sprintf("batch-%03d", i), "1"))
	}
	if _, err := get(keys); err != nil {
		if err := refused("101 keys", err, failedChecks); err != nil {
			return err
		}
	} else {
		return errors.New("101 keys were accepted")
	}
	_, err := get([]row{keys[0], keys[1], keys[0]})
	if err := refused("a key twice", err, failedChecks); err != nil {
		return err
	}
	// 100 keys, of which the last has no item.
	items, err := get(keys[:100])
	if err != nil {
		return fmt.Errorf("get 100 keys: %w", err)
	}
	seen := map[string]bool{}
	for _, item := range items {
		if len(item) != 2 || textOf(item["v"]) != "kept" {
			return fmt.Errorf("item has attributes %q, want pk and v", names(item))
		}
		seen[textOf(item["pk"])] = true
	}
	if len(items) != 99 || len(seen) != 99 {
		return fmt.Errorf("%d items, %d of them different, want 99", len(items), len(seen))
	}
	return nil
}

func (t Tables) scanSegments(ctx context.Context, client *dynamodb.Client) error {
	if err := t.fill(ctx, client, "segment", 200); err != nil {
		return err
	}
	const segments = 4
	seen, filled := map[string]int{}, 0
	for segment := range int32(segments) {
		found := 0
		paginator := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{
			TableName: &t.Rows, ConsistentRead: aws.Bool(true), Segment: &segment, TotalSegments: aws.Int32(segments), Limit: aws.Int32(37),
			FilterExpression: aws.String("begins_with(pk, :pk)"), ExpressionAttributeValues: row{":pk": text("segment-")},
		})
		for paginator.HasMorePages() {
			page, err := paginator.NextPage(ctx)
			if err != nil {
				return fmt.Errorf("scan of segment %d: %w", segment, err)
			}
			for _, item := range page.Items {
				seen[textOf(item["pk"])]++
				found++
			}
		}
		if found > 0 {
			filled++
		}
	}
	for pk, times := range seen {
		if times != 1 {
			return fmt.Errorf("%s is in %d segments, want 1", pk, times)
		}
	}
	if len(seen) != 200 || filled < 2 {
		return fmt.Errorf("%d segments of %d hold %d items together, want 200", filled, segments, len(seen))
	}
	return nil
}
