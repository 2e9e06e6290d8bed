package simulation

import (
	"maps"
	"strings"

	"github.com/clerksync/clerksync/pkg/delivery"
)

// changedWhere gives the consumer records that are changed where they fit.
func changedWhere(
	fits func(delivery.Record) bool, change func(*delivery.Record),
) func([]delivery.Record) []delivery.Record {
	return func(records []delivery.Record) []delivery.Record {
		out := make([]delivery.Record, len(records))
		for i, r := range records {
			if fits(r) {
				r.Attributes = maps.Clone(r.Attributes) // the queue's own record stays as it is
				change(&r)
			}
			out[i] = r
		}
		return out
	}
}

func isUnknownType(r delivery.Record) bool { return strings.Contains(r.Body, envelopeType+"tomorrow.") }

func isUnknownVersion(r delivery.Record) bool {
	return r.Attributes[delivery.AttrVersion].Text != delivery.Version
}

func isBase64(r delivery.Record) bool { return r.Attributes[delivery.AttrEncoding].Text == "base64" }
