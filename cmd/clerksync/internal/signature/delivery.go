package signature

import (
	"bytes"
	"cmp"
	"encoding/json"
)

// Delivery is an event of a recording, to be sent again.
type Delivery struct {
	ID   string // of the message; "" where the recording has the event alone
	Body []byte
}

// ParseDeliveries returns the events of a recording in its order: what `clerksync
// dev --record` wrote, `clerk webhooks listen --json` printed, or API Gateway handed
// on; or several events as such, one JSON object each. It returns none for any other
// text, of which one event is the most common.
func ParseDeliveries(text []byte) (list []Delivery) {
	text, _ = DecodeText(text)
	objects, err := splitObjects(text)
	if err != nil {
		return nil
	}
	for _, object := range objects {
		c, _, err := parseObject(object)
		if err != nil {
			return nil
		}
		// A line without a request says that the tool is ready, or the like.
		h := newHeaderSet(c.Header)
		if id := cmp.Or(h.get("svix-id"), h.get("webhook-id")); c.HasBody && id != "" {
			list = append(list, Delivery{ID: id, Body: c.Body})
		}
	}
	if len(list) > 0 || len(objects) < 2 {
		return list
	}
	for _, object := range objects {
		if !isEvent(object) {
			return nil
		}
		list = append(list, Delivery{Body: bytes.TrimSpace(object)})
	}
	return list
}

// isEvent says whether the object looks like an event of Clerk's.
func isEvent(object []byte) bool {
	var e struct {
		Type string                     `json:"type"`
		Data map[string]json.RawMessage `json:"data"`
	}
	return json.Unmarshal(object, &e) == nil && e.Type != "" && e.Data != nil
}
