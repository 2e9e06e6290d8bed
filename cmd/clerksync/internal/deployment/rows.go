package deployment

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
)

// Record is a row as plain JSON values, as dynamo.PlainValues makes them.
type Record map[string]any

// Text returns an attribute that is text, "" where it is not.
func (r Record) Text(name string) string {
	s, _ := r[name].(string)
	return s
}

// Row returns the row as the pipeline has it. Values of types that it never writes
// are left out.
func (r Record) Row() directory.Row {
	row := directory.Row{}
	for name, v := range r {
		switch v := v.(type) {
		case string, bool:
			row[name] = v
		case json.Number:
			row[name] = directory.Number(v)
		case []any:
			list := []string{}
			for _, e := range v {
				if text, ok := e.(string); ok {
					list = append(list, text)
				}
			}
			row[name] = list
		}
	}
	return row
}

// Rows reads the two tables.
type Rows struct {
	client                *dynamodb.Client
	directory, deliveries string // names of tables
}

// NewRows makes Rows.
func NewRows(client *dynamodb.Client, directoryTable, deliveriesTable string) *Rows {
	return &Rows{client, directoryTable, deliveriesTable}
}

// Rows reads the deployment's tables.
func (d *Deployment) Rows() *Rows {
	return NewRows(dynamodb.NewFromConfig(d.AWS), d.DirectoryTable, d.DeliveriesTable)
}

// Each lookup returns the rows that a name stands for. None is not an error.

// User finds a user by id, e-mail address, user name or external id.
func (r *Rows) User(ctx context.Context, name string) ([]Record, error) {
	return r.find(ctx, directory.UserKey(name), name, "by_email", "by_username", "by_external_id")
}

// Organization finds an organization by id or slug.
func (r *Rows) Organization(ctx context.Context, name string) ([]Record, error) {
	return r.find(ctx, directory.OrganizationKey(name), name, "by_slug")
}

// Members finds the live memberships of an organization.
func (r *Rows) Members(ctx context.Context, name string) ([]Record, error) {
	return r.children(ctx, r.Organization, name, directory.OrganizationKey, directory.PrefixMember)
}

// Memberships finds the live memberships of a user.
func (r *Rows) Memberships(ctx context.Context, name string) ([]Record, error) {
	return r.children(ctx, r.User, name, directory.UserKey, directory.PrefixMembership)
}

// Delivery finds the entry of a message in the Deliveries table, by svix id.
func (r *Rows) Delivery(ctx context.Context, id string) ([]Record, error) {
	return r.get(ctx, r.deliveries, map[string]types.AttributeValue{"svix_id": &types.AttributeValueMemberS{Value: id}})
}

// find tries the key, then one index after the other.
func (r *Rows) find(ctx context.Context, k directory.Key, name string, indexes ...string) ([]Record, error) {
	rows, err := r.get(ctx, r.directory, dynamo.Key(k))
	for _, index := range indexes {
		if err != nil || len(rows) > 0 {
			break
		}
		value := name
		if index == "by_email" {
			value = directory.FoldEmail(name)
		}
		rows, err = r.findIndexed(ctx, index, value)
	}
	return rows, err
}

// Get returns the row with that key, live or not; none where there is none.
func (r *Rows) Get(ctx context.Context, k directory.Key) ([]Record, error) {
	if !k.Valid() {
		return nil, nil // DynamoDB holds no such key
	}
	return r.get(ctx, r.directory, dynamo.Key(k))
}

func (r *Rows) get(ctx context.Context, table string, key map[string]types.AttributeValue) ([]Record, error) {
	out, err := r.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &table, Key: key, ConsistentRead: aws.Bool(true),
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if err == nil { // an answer of something else would say that there is no such row
		err = dynamo.Confirm(out.ConsumedCapacity, table)
	}
	if err != nil {
		return nil, fmt.Errorf("read table %s: %w", table, err)
	}
	if len(out.Item) == 0 {
		return nil, nil
	}
	return []Record{dynamo.PlainValues(out.Item)}, nil
}

// findIndexed reads the rows whose keys an index has under a value: an index
// holds keys alone, and is updated a moment after its table.
func (r *Rows) findIndexed(ctx context.Context, index, value string) (rows []Record, err error) {
	keys, err := r.query(ctx, "index "+index, &dynamodb.QueryInput{
		IndexName:                 &index,
		KeyConditionExpression:    aws.String(index + " = :v"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":v": &types.AttributeValueMemberS{Value: value}},
	})
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		found, err := r.get(ctx, r.directory, dynamo.Key(directory.Key{PK: k.Text("pk"), SK: k.Text("sk")}))
		if err != nil {
			return nil, err
		}
		rows = append(rows, found...)
	}
	return rows, nil
}

// children returns the live rows with a prefix below the parent that a name
// stands for. Where no parent is found the name is taken for its id: children
// may arrive before their parent.
func (r *Rows) children(
	ctx context.Context, findParent func(context.Context, string) ([]Record, error), name string,
	key func(id string) directory.Key, prefix string,
) (rows []Record, err error) {
	parents, err := findParent(ctx, name)
	if err != nil {
		return nil, err
	}
	pk := key(name).PK
	if len(parents) > 0 {
		pk = parents[0].Text("pk")
	}
	return r.query(ctx, "table "+r.directory, r.below(pk, prefix))
}

// query reads all pages of a query of the Directory table. An error says of what
// was read, the table or one of its indexes.
func (r *Rows) query(ctx context.Context, what string, in *dynamodb.QueryInput) (rows []Record, err error) {
	in.TableName, in.ReturnConsumedCapacity = &r.directory, types.ReturnConsumedCapacityTotal
	for pages := dynamodb.NewQueryPaginator(r.client, in); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err == nil {
			err = dynamo.Confirm(out.ConsumedCapacity, r.directory)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", what, err)
		}
		for _, item := range out.Items {
			rows = append(rows, dynamo.PlainValues(item))
		}
	}
	return rows, nil
}

// below asks for the live rows of a partition whose sort keys begin with a prefix.
func (r *Rows) below(pk, prefix string) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName:              &r.directory,
		ConsistentRead:         aws.Bool(true),
		KeyConditionExpression: aws.String("pk = :pk AND begins_with(sk, :sk)"),
		FilterExpression:       aws.String("attribute_not_exists(deleted_at)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": &types.AttributeValueMemberS{Value: pk}, ":sk": &types.AttributeValueMemberS{Value: prefix},
		},
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}
}

// Walk calls see with the rows of a table. With attributes it reads these alone,
// eventually consistent, at half the price of whole rows; no page begins once
// limit rows are read (0 for no limit), and complete says whether that was the
// end of the table. Without attributes it reads whole rows, consistently.
func (r *Rows) Walk(
	ctx context.Context, table string, limit int, see func(Record), attributes ...string,
) (complete bool, err error) {
	in := &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(len(attributes) == 0)}
	if len(attributes) > 0 {
		project(in, attributes)
	}
	for n := 0; limit == 0 || n < limit; {
		out, err := dynamo.ScanPage(ctx, r.client, in)
		if err != nil {
			return false, err //nolint:wrapcheck // it names the table
		}
		for _, item := range out.Items {
			see(dynamo.PlainValues(item))
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			return true, nil
		}
		n += int(out.ScannedCount)
	}
	return false, nil
}

// project makes a scan return these attributes alone.
func project(in *dynamodb.ScanInput, attributes []string) {
	in.ExpressionAttributeNames = map[string]string{} // # escapes DynamoDB's reserved words
	for _, name := range attributes {
		in.ExpressionAttributeNames["#"+name] = name
	}
	in.ProjectionExpression = aws.String("#" + strings.Join(attributes, ", #"))
}
