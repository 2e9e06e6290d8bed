package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// record is a row as plain JSON values, numbers by their text.
type record map[string]any

func (r record) text(name string) string {
	s, _ := r[name].(string)
	return s
}

// summary is what a person wants to see of a row at a glance.
func (r record) summary() string {
	var parts []string
	for _, name := range []string{"email", "phone", "name", "email_address", "role", "key", "status", "enrollment_mode"} {
		if s := r.text(name); s != "" {
			parts = append(parts, s)
		}
	}
	if n := strings.TrimSpace(r.text("first_name") + " " + r.text("last_name")); n != "" {
		parts = append([]string{n}, parts...)
	}
	return strings.Join(parts, " ")
}

func toRecord(item map[string]types.AttributeValue) record {
	r := record{}
	for name, v := range item {
		r[name] = plain(v)
	}
	return r
}

func plain(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return json.Number(v.Value)
	case *types.AttributeValueMemberBOOL:
		return v.Value
	case *types.AttributeValueMemberL:
		list := make([]any, len(v.Value))
		for i, e := range v.Value {
			list[i] = plain(e)
		}
		return list
	case *types.AttributeValueMemberM:
		return map[string]any(toRecord(v.Value))
	case *types.AttributeValueMemberSS:
		return v.Value
	case *types.AttributeValueMemberNS:
		return v.Value
	case *types.AttributeValueMemberB:
		return v.Value
	}
	return nil
}

func scan(ctx context.Context, c *dynamodb.Client, table string) (records []record, err error) {
	pages := dynamodb.NewScanPaginator(c, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read table %s: %w", table, err)
		}
		for _, item := range out.Items {
			records = append(records, toRecord(item))
		}
	}
	return records, nil
}
