package deployment

import "encoding/json"

// Item returns the row as DynamoDB's own JSON has it, in which every value names
// its type: what `aws dynamodb put-item` takes. Sets, which no row of clerksync's
// has, are shown as sets of texts.
func (r Record) Item() map[string]any {
	item := make(map[string]any, len(r))
	for name, v := range r {
		item[name] = typed(v)
	}
	return item
}

func typed(v any) map[string]any {
	switch v := v.(type) {
	case string:
		return map[string]any{"S": v}
	case json.Number:
		return map[string]any{"N": v.String()}
	case bool:
		return map[string]any{"BOOL": v}
	case []string:
		return map[string]any{"SS": v}
	case []byte:
		return map[string]any{"B": v}
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = typed(e)
		}
		return map[string]any{"L": list}
	case map[string]any:
		return map[string]any{"M": Record(v).Item()}
	}
	return map[string]any{"NULL": true}
}
