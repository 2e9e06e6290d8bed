package dynamodbtest

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// putBatches writes items of n partitions, pk-000 on, 25 at a time.
func (s *suite) putBatches(pk string, n int) {
	s.t.Helper()
	for start := 0; start < n; start += 25 {
		var requests []types.WriteRequest
		for i := start; i < min(start+25, n); i++ {
			item := at(fmt.Sprintf("%s-%03d", pk, i), "1", row{"v": text("kept"), "w": text("left out")})
			requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
		}
		out, err := s.client.BatchWriteItem(s.t.Context(), &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{s.rows: requests},
		})
		if err != nil || len(out.UnprocessedItems) > 0 {
			s.t.Fatalf("batch write = %v, %v, want all items processed", out, err)
		}
	}
}

// batchGet: parents are read in batches of at most a hundred; what is not
// there is left out.
func (s *suite) batchGet() {
	s.putBatches("batch", 99)
	get := func(keys ...row) (*dynamodb.BatchGetItemOutput, error) {
		return s.client.BatchGetItem(s.t.Context(), &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{s.rows: {
				Keys: keys, ConsistentRead: aws.Bool(true),
				ProjectionExpression: aws.String("pk, #v"), ExpressionAttributeNames: map[string]string{"#v": "v"},
			}},
		})
	}
	var keys []row
	for i := range 101 {
		keys = append(keys, at(fmt.Sprintf("batch-%03d", i), "1"))
	}
	_, err := get(keys...)
	s.wantRefused("101 keys", err, failedChecks)
	_, err = get(keys[0], keys[1], keys[0])
	s.wantRefused("a key twice", err, failedChecks)
	// 100 keys, of which the last has no item.
	out, err := get(keys[:100]...)
	if err != nil || len(out.UnprocessedKeys) > 0 {
		s.t.Fatalf("get 100 keys = %v, %v, want all processed", out, err)
	}
	seen := map[string]bool{}
	for _, item := range out.Responses[s.rows] {
		if len(item) != 2 || textOf(item["v"]) != "kept" {
			s.t.Errorf("item has attributes %q, want pk and v", names(item))
		}
		seen[textOf(item["pk"])] = true
	}
	if n := len(out.Responses[s.rows]); n != 99 || len(seen) != 99 {
		s.t.Errorf("%d items, %d of them different, want 99", n, len(seen))
	}
}

// scanSegments: parallel readers of a table see each item once.
func (s *suite) scanSegments() {
	s.putBatches("segment", 200)
	const segments = 4
	seen, filled := map[string]int{}, 0
	for segment := range int32(segments) {
		before := len(seen)
		paginator := dynamodb.NewScanPaginator(s.client, &dynamodb.ScanInput{
			TableName: &s.rows, ConsistentRead: aws.Bool(true), Limit: aws.Int32(37),
			Segment: &segment, TotalSegments: aws.Int32(segments),
			FilterExpression:          aws.String("begins_with(pk, :pk)"),
			ExpressionAttributeValues: row{":pk": text("segment-")},
		})
		for paginator.HasMorePages() {
			page, err := paginator.NextPage(s.t.Context())
			s.noError("scan a segment", err)
			for _, item := range page.Items {
				seen[textOf(item["pk"])]++
			}
		}
		if len(seen) > before {
			filled++
		}
	}
	for pk, times := range seen {
		if times != 1 {
			s.t.Errorf("%s is in %d segments, want 1", pk, times)
		}
	}
	if len(seen) != 200 || filled < 2 {
		s.t.Errorf("%d segments of %d hold %d items together, want 200", filled, segments, len(seen))
	}
}
