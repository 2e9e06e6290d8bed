package reader

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
)

// UserByEmail returns the user whose primary e-mail address this is, however its
// A-Z are written. It says nothing of whether the address is verified:
// User.EmailVerified does, so do not let anybody in by an address alone. Its
// errors are those of User. Addresses that are not primary are in
// User.EmailAddresses and in no index.
func (r *Reader) UserByEmail(ctx context.Context, address string) (User, error) {
	return r.userBy(ctx, "by_email", directory.FoldEmail(address))
}

// UserByExternalID returns the user with that external_id. Its errors are those
// of User.
func (r *Reader) UserByExternalID(ctx context.Context, externalID string) (User, error) {
	return r.userBy(ctx, "by_external_id", externalID)
}

// UserByUsername returns the user with that username, written as Clerk has it.
// Its errors are those of User.
func (r *Reader) UserByUsername(ctx context.Context, username string) (User, error) {
	return r.userBy(ctx, "by_username", username)
}

// OrganizationBySlug returns the organization with that slug. Its errors are
// those of User.
func (r *Reader) OrganizationBySlug(ctx context.Context, slug string) (Organization, error) {
	row, err := r.find(ctx, "by_slug", slug)
	if err != nil {
		return Organization{}, fmt.Errorf("read organization by_slug: %w", err)
	}
	return newOrganization(row), nil
}

func (r *Reader) userBy(ctx context.Context, index, value string) (User, error) {
	row, err := r.find(ctx, index, value)
	if err != nil { // the value is personal data, so no error has it
		return User{}, fmt.Errorf("read user %s: %w", index, err)
	}
	return newUser(row), nil
}

// find returns the live row that has the value in the index.
//
// The index may have several, or ones that are old: it lags behind the table,
// and each row gets there in its own time. So each is read by its key, and counts
// only if it is live and has the value now. Several can still be left: where an
// address has moved and the event of its former user is late, or where instances
// share a table. The one that Clerk changed last is returned.
func (r *Reader) find(ctx context.Context, index, value string) (directory.Row, error) {
	// A value that is empty or too long is in no index: see directory.SetIndex.
	if value == "" || len(value) > directory.MaxIndexKey {
		return nil, ErrNotFound
	}
	keys, err := r.query(ctx, index, value)
	if err != nil || len(keys) == 0 {
		return nil, cmp.Or(err, ErrNotFound)
	}
	rows, err := r.rows.Read(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var live []directory.Row
	reason := ErrNotFound
	for _, row := range rows {
		row, err := r.check(row)
		switch {
		case errors.Is(err, ErrDeleted):
			reason = err
		case err == nil && row.Text(index) == value:
			live = append(live, row)
		}
	}
	if len(live) == 0 {
		return nil, reason
	}
	return newest(live), nil
}

// newest returns the row that Clerk changed last: a user's or an organization's
// revision sorts by updated_at first, and no two are equal.
func newest(rows []directory.Row) directory.Row {
	return slices.MaxFunc(rows, func(a, b directory.Row) int { return cmp.Compare(a.Revision(), b.Revision()) })
}

// query returns the keys of the rows that the index has under the value.
func (r *Reader) query(ctx context.Context, index, value string) (keys []directory.Key, err error) {
	pages := dynamodb.NewQueryPaginator(r.client, &dynamodb.QueryInput{
		TableName:              &r.table,
		IndexName:              &index,
		KeyConditionExpression: aws.String(index + " = :value"), // a name of directory.Indexes
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":value": &types.AttributeValueMemberS{Value: value},
		},
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err == nil { // else an answer of something else would mean that there is no such row
			err = dynamo.Confirm(page.ConsumedCapacity, r.table)
		}
		if err != nil {
			return nil, fmt.Errorf("query the index: %w", err)
		}
		for _, item := range page.Items {
			keys = append(keys, dynamo.RowOf(item).Key())
		}
	}
	return keys, nil
}
