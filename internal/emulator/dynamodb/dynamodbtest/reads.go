package dynamodbtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
)

// indexWait is far above the fraction of a second by which an index of the real
// service lags.
const indexWait = 20 * time.Second

// sparseIndex: an item without the attribute is not in the index, and one that
// loses or changes it does not stay there.
func (s *suite) sparseIndex() {
	const email = "sparse@example.com"
	with := at("sparse", "1", row{"email": text(email), "name": text("Ada")})
	without := at("sparse", "1", row{"name": text("Ada")})
	other := at("sparse", "1", row{"email": text("other@example.com")})
	// An index of KEYS_ONLY shows no name.
	shown := []string{"email pk sk"}
	for i, step := range []struct {
		item row
		want []string
	}{{with, shown}, {without, nil}, {with, shown}, {other, nil}} {
		s.put(step.item)
		s.wantIndexed(fmt.Sprintf("step %d", i), email, step.want)
	}
	s.delete(at("sparse", "1"))
	s.wantIndexed("after the deletion", "other@example.com", nil)
}

// wantIndexed waits until both a query and a scan of the index show items of
// one e-mail address by the names of their attributes.
func (s *suite) wantIndexed(when, email string, want []string) {
	s.t.Helper()
	values := row{":email": text(email)}
	var got [2][]string
	for end := time.Now().Add(indexWait); ; time.Sleep(200 * time.Millisecond) {
		queried := s.query(&dynamodb.QueryInput{
			TableName: &s.rows, IndexName: aws.String("by_email"),
			KeyConditionExpression: aws.String("email = :email"), ExpressionAttributeValues: values,
		})
		scanned, err := s.client.Scan(s.t.Context(), &dynamodb.ScanInput{
			TableName: &s.rows, IndexName: aws.String("by_email"),
			FilterExpression:          aws.String("email = :email OR attribute_not_exists(email)"),
			ExpressionAttributeValues: values,
		})
		s.noError("scan the index "+when, err)
		for i, items := range [][]row{queried.Items, scanned.Items} {
			got[i] = nil
			for _, item := range items {
				got[i] = append(got[i], strings.Join(names(item), " "))
			}
		}
		diff := cmp.Diff([2][]string{want, want}, got)
		if diff == "" {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("%s: items with %s in a query and in a scan (-want +got):\n%s", when, email, diff)
		}
	}
}

// indexConsistentRead: an index lags, so that a consistent read of it is
// refused.
func (s *suite) indexConsistentRead() {
	_, err := s.client.Query(s.t.Context(), &dynamodb.QueryInput{
		TableName: &s.rows, IndexName: aws.String("by_email"), ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("email = :email"),
		ExpressionAttributeValues: row{":email": text("a@example.com")},
	})
	s.wantRefused("a consistent read of an index", err, failedChecks)
}

// queryPages: a page ends after 1 MB or at its limit, and the pages together
// are the whole partition.
func (s *suite) queryPages() {
	var want []string
	for i := range 8 {
		sk := fmt.Sprintf("%02d", i)
		want = append(want, sk)
		s.put(at("pages", sk, row{"v": text(strings.Repeat("x", 300_000))}))
	}
	for name, test := range map[string]struct {
		limit *int32
		pages int // at least
	}{
		"2.4 MB":                {pages: 3},
		"8 items in pages of 2": {limit: aws.Int32(2), pages: 4},
	} {
		in := s.queryOf("pages")
		in.Limit = test.limit
		paginator := dynamodb.NewQueryPaginator(s.client, in)
		var got []string
		pages := 0
		for ; paginator.HasMorePages(); pages++ {
			page, err := paginator.NextPage(s.t.Context())
			s.noError("next page of "+name, err)
			got = append(got, sortKeys(page.Items)...)
		}
		if !slices.Equal(got, want) || pages < test.pages {
			s.t.Errorf("%s came as %q in %d pages, want %q in %d", name, got, pages, want, test.pages)
		}
	}
}

// pageAfterDeleted: a reader that deletes what it has read, as a follow-up
// does, must not lose the rest.
func (s *suite) pageAfterDeleted() {
	want := []string{"0", "1", "2", "3", "4"}
	for _, sk := range want {
		s.put(at("cursor", sk))
	}
	in := s.queryOf("cursor")
	in.Limit = aws.Int32(2)
	var got []string
	for {
		out := s.query(in)
		got = append(got, sortKeys(out.Items)...)
		for _, item := range out.Items {
			s.delete(item)
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			break
		}
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("items deleted page by page = %q, want %q", got, want)
	}
}

// limitBeforeFilter: a page is limited by what is read, not by what the filter
// keeps.
func (s *suite) limitBeforeFilter() {
	for i := range 6 {
		s.put(at("filter", strconv.Itoa(i), row{"n": number(strconv.Itoa(i % 2))}))
	}
	in := s.queryOf("filter")
	in.Limit, in.ProjectionExpression = aws.Int32(4), aws.String("sk")
	in.FilterExpression, in.ExpressionAttributeValues[":n"] = aws.String("n = :n"), number("1.0")
	out := s.query(in)
	last := textOf(out.LastEvaluatedKey["sk"])
	got := fmt.Sprintf("%v %d %d %s", sortKeys(out.Items), out.Count, out.ScannedCount, last)
	if want := "[1 3] 2 4 3"; got != want {
		s.t.Errorf("items, count, scanned, last = %s, want %s, of the first four", got, want)
	}
}

// beginsWith: the children of an organization are the rows whose sort key has
// a prefix, in the order of their bytes.
func (s *suite) beginsWith() {
	for _, sk := range []string{
		"MEMBER", "MEMBER#", "MEMBER#a", "MEMBER#é", "MEMBER#\U0010FFFF", "MEMBER$", "MEMBERS", "ORG",
	} {
		s.put(at("begins", sk))
	}
	for condition, want := range map[string][]string{
		"begins_with(sk, :a)": {"MEMBER#", "MEMBER#a", "MEMBER#é", "MEMBER#\U0010FFFF"},
		"sk > :a":             {"MEMBER#a", "MEMBER#é", "MEMBER#\U0010FFFF", "MEMBER$", "MEMBERS", "ORG"},
		"sk <= :a":            {"MEMBER", "MEMBER#"},
		"sk = :a":             {"MEMBER#"},
	} {
		in := s.queryOf("begins")
		*in.KeyConditionExpression += " AND " + condition
		in.ExpressionAttributeValues[":a"] = text("MEMBER#")
		if got := sortKeys(s.query(in).Items); !slices.Equal(got, want) {
			s.t.Errorf("%s = %q, want %q", condition, got, want)
		}
	}
}

// timeToLive: the setting by which rows of deliveries expire is kept.
func (s *suite) timeToLive() {
	out, err := s.client.UpdateTimeToLive(s.t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName: &s.seen,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{
			AttributeName: aws.String("expires_at"), Enabled: aws.Bool(true),
		},
	})
	s.noError("enable TTL", err)
	set := out.TimeToLiveSpecification
	if set == nil || aws.ToString(set.AttributeName) != "expires_at" || !aws.ToBool(set.Enabled) {
		s.t.Errorf("TTL as updated = %+v, want expires_at, enabled", set)
	}
	described, err := s.client.DescribeTimeToLive(s.t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: &s.seen})
	s.noError("describe TTL", err)
	// A real account enables it within the hour.
	on := []types.TimeToLiveStatus{types.TimeToLiveStatusEnabled, types.TimeToLiveStatusEnabling}
	got := described.TimeToLiveDescription
	if got == nil || !slices.Contains(on, got.TimeToLiveStatus) || aws.ToString(got.AttributeName) != "expires_at" {
		s.t.Errorf("TTL as described = %+v, want expires_at, enabled", got)
	}
}
