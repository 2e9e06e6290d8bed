package dynamo

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/clerksync/clerksync/pkg/directory"
)

// Key returns a row's primary key as the Directory table has it.
func Key(k directory.Key) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		directory.AttrPK: &types.AttributeValueMemberS{Value: k.PK},
		directory.AttrSK: &types.AttributeValueMemberS{Value: k.SK},
	}
}

func item(r directory.Row) map[string]types.AttributeValue {
	it := make(map[string]types.AttributeValue, len(r))
	for name, v := range r {
		switch v := v.(type) {
		case string:
			it[name] = &types.AttributeValueMemberS{Value: v}
		case directory.Number:
			it[name] = &types.AttributeValueMemberN{Value: string(v)}
		case bool:
			it[name] = &types.AttributeValueMemberBOOL{Value: v}
		case []string:
			list := make([]types.AttributeValue, len(v))
			for i, s := range v {
				list[i] = &types.AttributeValueMemberS{Value: s}
			}
			it[name] = &types.AttributeValueMemberL{Value: list}
		}
	}
	return it
}

// row is nil for no item. Attributes that no row of ours has are left out,
// save what somebody added by hand as text, number or bool.
func row(it map[string]types.AttributeValue) directory.Row {
	if len(it) == 0 {
		return nil
	}
	r := make(directory.Row, len(it))
	for name, v := range it {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			r[name] = v.Value
		case *types.AttributeValueMemberN:
			r[name] = directory.Number(v.Value)
		case *types.AttributeValueMemberBOOL:
			r[name] = v.Value
		case *types.AttributeValueMemberL:
			list := make([]string, 0, len(v.Value))
			for _, e := range v.Value {
				if s, ok := e.(*types.AttributeValueMemberS); ok {
					list = append(list, s.Value)
				}
			}
			r[name] = list
		}
	}
	return r
}
