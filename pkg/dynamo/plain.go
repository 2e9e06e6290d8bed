package dynamo

import (
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// PlainValues returns an item's attributes as values that encoding/json prints
// as JSON does: texts as string, numbers as json.Number with the text that is
// stored, bools as bool, lists as []any, maps as map[string]any, sets as
// []string and binaries as []byte, sets of them as [][]byte. Null is nil. It is for
// commands and tests that show an item as it is; Table reads rows.
func PlainValues(item map[string]types.AttributeValue) map[string]any {
	values := make(map[string]any, len(item))
	for name, v := range item {
		values[name] = plainValue(v)
	}
	return values
}

func plainValue(v types.AttributeValue) any {
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
			list[i] = plainValue(e)
		}
		return list
	case *types.AttributeValueMemberM:
		return PlainValues(v.Value)
	case *types.AttributeValueMemberSS:
		return v.Value
	case *types.AttributeValueMemberNS:
		return v.Value
	case *types.AttributeValueMemberB:
		return v.Value
	case *types.AttributeValueMemberBS:
		return v.Value
	}
	return nil
}
