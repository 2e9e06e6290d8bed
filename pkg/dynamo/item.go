package dynamo

import (
	"strconv"
	"time"

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

// toItem returns the row's item. A row holds no other types of values than
// these four, which directory.Value lists.
func toItem(r directory.Row) map[string]types.AttributeValue {
	item := make(map[string]types.AttributeValue, len(r))
	for name, v := range r {
		switch v := v.(type) {
		case string:
			item[name] = &types.AttributeValueMemberS{Value: v}
		case directory.Number:
			item[name] = &types.AttributeValueMemberN{Value: string(v)}
		case bool:
			item[name] = &types.AttributeValueMemberBOOL{Value: v}
		case []string:
			list := make([]types.AttributeValue, len(v))
			for i, s := range v {
				list[i] = &types.AttributeValueMemberS{Value: s}
			}
			item[name] = &types.AttributeValueMemberL{Value: list}
		}
	}
	return item
}

// RowOf returns the item's row, nil for no item. Attributes and elements of
// types that no row has are left out: an operator may have added them by hand.
func RowOf(item map[string]types.AttributeValue) directory.Row {
	if len(item) == 0 {
		return nil
	}
	r := make(directory.Row, len(item))
	for name, v := range item {
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

// Attributes of the Deliveries table, beside directory.AttrSvixID.
const (
	attrEventType   = "event_type"
	attrEntity      = "entity"
	attrOutcome     = "outcome"
	attrReceivedAt  = "received_at"
	attrProcessedAt = "processed_at"
	attrExpiresAt   = "expires_at"
)

// ledgerItem returns the item of the Deliveries row. DynamoDB reads expires_at
// as seconds: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
func ledgerItem(e directory.LedgerEntry) map[string]types.AttributeValue {
	at := func(t time.Time) string { return t.UTC().Format(directory.TimeFormat) }
	return toItem(directory.Row{
		directory.AttrSvixID: e.SvixID,
		attrEventType:        e.EventType,
		attrEntity:           e.Entity,
		attrOutcome:          e.Outcome,
		attrReceivedAt:       at(e.ReceivedAt),
		attrProcessedAt:      at(e.ProcessedAt),
		attrExpiresAt:        directory.Number(strconv.FormatInt(e.ExpiresAt.Unix(), 10)),
	})
}

// toLedgerEntry returns the Deliveries row of the item, nil for no item. What does
// not parse is zero: only words for people are made of it.
func toLedgerEntry(item map[string]types.AttributeValue) *directory.LedgerEntry {
	r := RowOf(item)
	if r == nil {
		return nil
	}
	at := func(name string) time.Time {
		t, _ := time.Parse(directory.TimeFormat, r.Text(name))
		return t
	}
	expires, _ := r[attrExpiresAt].(directory.Number)
	seconds, _ := strconv.ParseInt(string(expires), 10, 64)
	return &directory.LedgerEntry{
		SvixID: r.Text(directory.AttrSvixID), EventType: r.Text(attrEventType), Entity: r.Text(attrEntity),
		Outcome: r.Text(attrOutcome), ReceivedAt: at(attrReceivedAt), ProcessedAt: at(attrProcessedAt),
		ExpiresAt: time.Unix(seconds, 0).UTC(),
	}
}
