package dynamo_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/dynamo"
)

// An operator may have put values of any type into a row: each is shown as it is.
func TestPlainValuesOfEveryType(t *testing.T) {
	t.Parallel()
	text := &types.AttributeValueMemberS{Value: "a"}
	got := dynamo.PlainValues(map[string]types.AttributeValue{
		"S":    text,
		"N":    &types.AttributeValueMemberN{Value: "1.50"},
		"B":    &types.AttributeValueMemberB{Value: []byte{1}},
		"BOOL": &types.AttributeValueMemberBOOL{Value: true},
		"NULL": &types.AttributeValueMemberNULL{Value: true},
		"L":    &types.AttributeValueMemberL{Value: []types.AttributeValue{text}},
		"M":    &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"x": text}},
		"SS":   &types.AttributeValueMemberSS{Value: []string{"a"}},
		"NS":   &types.AttributeValueMemberNS{Value: []string{"1"}},
		"BS":   &types.AttributeValueMemberBS{Value: [][]byte{{1}}},
	})
	want := map[string]any{
		"S": "a", "N": json.Number("1.50"), "B": []byte{1}, "BOOL": true, "NULL": nil,
		"L": []any{"a"}, "M": map[string]any{"x": "a"},
		"SS": []string{"a"}, "NS": []string{"1"}, "BS": [][]byte{{1}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("PlainValues differs (-want +got):\n%s", diff)
	}
}
