package deployment

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
)

// Listing is a page of rows.
type Listing struct {
	Rows []Record // the attributes that listedAttributes names, and no more
	Next string   // where the next page goes on, "" at the end
	// Read is how many rows were looked at; Complete says whether these were all that
	// the table has, after what earlier pages have shown.
	Read     int
	Complete bool
	Units    float64 // read units that it took
	// Counts are the rows of each kind, tombstones only where the filter wants them.
	// List alone knows them.
	Counts map[string]int
	// Memberships are the pointers of live memberships, by the key of their user. List
	// alone has them.
	Memberships map[directory.Key][]Record
}

// maxListed bounds how many rows List looks at. It is for a table in memory, which
// has them in a fraction of a second.
const maxListed = 20_000

// maxScanned bounds how many read units ScanList takes for a page: some 12 MB of
// rows, for 0.0002 USD. A query that few rows match then goes on by another click.
const maxScanned = 1500

// listedAttributes are what a line of a listing shows and what a row is found by.
// `object` is by far the largest attribute and is not among them.
func listedAttributes() []string {
	return []string{
		directory.AttrPK, directory.AttrSK, directory.AttrKind, directory.AttrRev, directory.AttrSyncedAt,
		directory.AttrDeletedAt, directory.AttrDeletedBy, "id", "email", "email_verified", "email_address",
		"first_name", "last_name", "username", "external_id", "name", "slug", "key", "role", "role_name", "status",
		"org_id", "user_id", "updated_at",
	}
}

// List returns a page of the rows that the filter lets through, the newest first
// by `synced_at`, so that what has just changed is on top. For that it reads the
// table, up to maxListed rows of it: it is for tables in memory (see ScanList).
func (r *Rows) List(ctx context.Context, f Filter, after string, limit int) (l Listing, err error) {
	var exact, prefixed []Record
	l.Counts, l.Memberships = map[string]int{}, map[directory.Key][]Record{}
	l.Complete, err = r.Walk(ctx, r.directory, maxListed, func(row Record) {
		l.Read++
		if f.Deleted || !row.Deleted() {
			l.Counts[row.Text(directory.AttrKind)]++
		}
		if row.Text(directory.AttrKind) == directory.KindMembershipOf {
			user := directory.UserKey(row.Text("user_id"))
			l.Memberships[user] = append(l.Memberships[user], row)
		}
		switch f.match(row) {
		case exactMatch:
			exact = append(exact, row)
		case prefixMatch:
			prefixed = append(prefixed, row)
		case noMatch:
		}
	}, listedAttributes()...)
	if err != nil {
		return Listing{}, err
	}
	if f.Query != "" && !l.Complete { // what lies behind the limit is found by its exact name all the same
		found, err := r.Lookup(ctx, f)
		if err != nil {
			return Listing{}, err
		}
		exact = append(exact, found...)
	}
	if len(exact) == 0 { // user_1 is one user, not a prefix of ten
		exact = prefixed
	}
	slices.SortFunc(exact, func(a, b Record) int { return strings.Compare(b.position(), a.position()) })
	exact = slices.CompactFunc(exact, func(a, b Record) bool { return a.Key() == b.Key() })
	start := 0
	if from := decodeCursor(after); from != "" {
		start, _ = slices.BinarySearchFunc(exact, from, func(row Record, from string) int {
			if row.position() >= from { // shown before
				return -1
			}
			return 1
		})
	}
	l.Rows = exact[start:]
	if len(l.Rows) > limit {
		l.Rows = l.Rows[:limit]
		l.Next = encodeCursor(l.Rows[limit-1].position())
	}
	return l, nil
}

// ScanList returns the next rows that the filter lets through in the order of a
// scan, which is that of no attribute. It reads page after page until it has
// enough of them or has taken maxScanned read units, and says what it took.
func (r *Rows) ScanList(ctx context.Context, f Filter, after string, limit int) (l Listing, err error) {
	in := &dynamodb.ScanInput{TableName: &r.directory}
	project(in, listedAttributes())
	if pk, sk, ok := strings.Cut(decodeCursor(after), "\x00"); ok {
		in.ExclusiveStartKey = dynamo.Key(directory.Key{PK: pk, SK: sk})
	}
	for len(l.Rows) < limit && l.Units < maxScanned {
		out, err := dynamo.ScanPage(ctx, r.client, in)
		if err != nil {
			return Listing{}, err //nolint:wrapcheck // it names the table
		}
		l.Read += int(out.ScannedCount)
		l.Units += aws.ToFloat64(out.ConsumedCapacity.CapacityUnits)
		for _, item := range out.Items {
			row := Record(dynamo.PlainValues(item))
			if f.match(row) == noMatch {
				continue
			}
			if len(l.Rows) == limit { // the next page reads the rest of this one again
				l.Next = scanCursor(l.Rows[limit-1].Key())
				return l, nil
			}
			l.Rows = append(l.Rows, row)
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			l.Complete = true
			return l, nil
		}
	}
	l.Next = scanCursor(Record(dynamo.PlainValues(in.ExclusiveStartKey)).Key())
	return l, nil
}

// scanCursor is the place in a scan after the row with that key.
func scanCursor(k directory.Key) string { return encodeCursor(k.PK + "\x00" + k.SK) }

// Below returns a page of the rows of a partition whose sort keys begin with a
// prefix, in the order of their sort keys: the members of an organization, for
// one. It reads consistently.
func (r *Rows) Below(
	ctx context.Context, pk, prefix string, deleted bool, after string, limit int,
) (l Listing, err error) {
	in := r.below(pk, prefix)
	if deleted {
		in.FilterExpression = nil
	}
	in.Limit = aws.Int32(int32(limit)) //nolint:gosec // a page's length
	if sk := decodeCursor(after); sk != "" {
		in.ExclusiveStartKey = dynamo.Key(directory.Key{PK: pk, SK: sk})
	}
	out, err := r.client.Query(ctx, in)
	if err == nil {
		err = dynamo.Confirm(out.ConsumedCapacity, r.directory)
	}
	if err != nil {
		return Listing{}, fmt.Errorf("read table %s: %w", r.directory, err)
	}
	for _, item := range out.Items {
		l.Rows = append(l.Rows, dynamo.PlainValues(item))
	}
	l.Read, l.Units = int(out.ScannedCount), aws.ToFloat64(out.ConsumedCapacity.CapacityUnits)
	if l.Complete = len(out.LastEvaluatedKey) == 0; !l.Complete {
		l.Next = encodeCursor(Record(dynamo.PlainValues(out.LastEvaluatedKey)).Key().SK)
	}
	return l, nil
}

// TableSize is how many rows and bytes the Directory table has, as DynamoDB counts
// them every six hours.
func (r *Rows) TableSize(ctx context.Context) (rows, bytes int64, err error) {
	out, err := r.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &r.directory})
	if err != nil {
		return 0, 0, fmt.Errorf("describe table %s: %w", r.directory, err)
	}
	return aws.ToInt64(out.Table.ItemCount), aws.ToInt64(out.Table.TableSizeBytes), nil
}

// position is a row's place in List, from the end: rows of one time are told apart
// by their keys.
func (r Record) position() string {
	return r.Text(directory.AttrSyncedAt) + "\x00" + r.Text(directory.AttrPK) + "\x00" + r.Text(directory.AttrSK)
}

// Key is the row's key.
func (r Record) Key() directory.Key {
	return directory.Key{PK: r.Text(directory.AttrPK), SK: r.Text(directory.AttrSK)}
}

// Deleted says whether the row is a tombstone.
func (r Record) Deleted() bool { return r.Text(directory.AttrDeletedAt) != "" }

// encodeCursor makes of a place in a listing what can stand in a URL.
func encodeCursor(place string) string { return base64.RawURLEncoding.EncodeToString([]byte(place)) }

// decodeCursor is the place, "" for the beginning and for what is no cursor.
func decodeCursor(cursor string) string {
	place, _ := base64.RawURLEncoding.DecodeString(cursor)
	return string(place)
}
