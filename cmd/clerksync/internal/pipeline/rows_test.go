package pipeline_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// rows are a table's, as plain values.
func (w *world) rows(t *testing.T, table string) (rows []map[string]any) {
	t.Helper()
	pages := dynamodb.NewScanPaginator(w.DynamoDB, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range out.Items {
			row := map[string]any{}
			for name, v := range item {
				row[name] = plain(v)
			}
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b map[string]any) int { return strings.Compare(key(a), key(b)) })
	return rows
}

func key(row map[string]any) string {
	if id, ok := row["outcome"]; ok && id != "" {
		return row["svix_id"].(string)
	}
	return row["pk"].(string) + " " + row["sk"].(string)
}

func plain(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return number(v.Value)
	case *types.AttributeValueMemberBOOL:
		return v.Value
	case *types.AttributeValueMemberL:
		list := []any{}
		for _, e := range v.Value {
			list = append(list, plain(e))
		}
		return list
	}
	return "an attribute of a type that no row has"
}

// number prints as it is stored.
type number string

func (n number) MarshalJSON() ([]byte, error) { return []byte(n), nil }

// row is the row of a key, nil where none is.
func (w *world) row(t *testing.T, pk, sk string) map[string]any {
	t.Helper()
	for _, r := range w.rows(t, w.DirectoryTable) {
		if r["pk"] == pk && r["sk"] == sk {
			return r
		}
	}
	return nil
}
