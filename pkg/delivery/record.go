package delivery

import (
	"strings"
	"time"
)

// Record is a message as the queue handed it out.
type Record struct {
	MessageID  string // SQS's
	Receipt    string
	Receives   int // how often it was handed out, this time included
	Body       string
	Attributes map[string]Attribute
}

// Attribute is a message attribute as SQS types it.
type Attribute struct {
	DataType string // String, Number or Binary, maybe with .label
	Text     string
	Binary   []byte
}

// IsBinary says which of the values counts.
func (a Attribute) IsBinary() bool { return strings.HasPrefix(a.DataType, "Binary") }

// Message is the record as ingest sent it. Ingest sends text alone; what was
// put there by hand as bytes is read as the text that it is.
func (r Record) Message() Message {
	m := Message{Body: r.Body, Attributes: make(map[string]string, len(r.Attributes))}
	for name, a := range r.Attributes {
		if m.Attributes[name] = a.Text; a.IsBinary() {
			m.Attributes[name] = string(a.Binary)
		}
	}
	return m
}

// Delay says when a record that failed comes again, from now.
type Delay struct {
	Record Record
	For    time.Duration
}
