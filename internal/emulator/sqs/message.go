package sqs

import (
	"container/list"
	"crypto/md5" //nolint:gosec // SQS's checksums are MD5; they guard against accident only
	"encoding/binary"
	"encoding/hex"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// attribute is one value of MessageAttributes. The lists that the protocol also
// names are not there, as SQS does not take them.
type attribute struct {
	DataType    string
	StringValue *string `json:",omitempty"`
	BinaryValue []byte  `json:",omitempty"`
}

type attributes map[string]attribute

// message is one message of one queue. It is either ready (element is set) or
// waiting (index is its position in the heap).
type message struct {
	id           string
	body, md5    string
	attributes   attributes
	sent         time.Time
	firstReceive time.Time
	receives     int    // in all its queues, as ApproximateReceiveCount says
	tries        int    // in this queue, as maxReceiveCount counts
	receipt      string // the latest; older ones do nothing
	source       string // ARN of the queue that it was a dead letter of, or empty

	element   *list.Element
	index     int
	visibleAt time.Time
	delayed   bool // waits for its first delivery, not in flight
}

// isBinary says whether the attribute travels as bytes.
func (a attribute) isBinary() bool {
	return a.DataType == "Binary" || strings.HasPrefix(a.DataType, "Binary.")
}

func (a attribute) value() string {
	if a.isBinary() {
		return string(a.BinaryValue)
	}
	if a.StringValue == nil {
		return ""
	}
	return *a.StringValue
}

// check refuses what SQS refuses of an attribute's type and value.
func (a attribute) check(name string) error {
	kind, _, custom := strings.Cut(a.DataType, ".")
	switch {
	case kind != "String" && kind != "Number" && kind != "Binary":
		return errInvalid("The type of message (user) attribute '%s' must be String, Number or Binary, "+
			"or start with one of these and a period.", name)
	case custom && strings.HasSuffix(a.DataType, "."), len(a.DataType) > 256, !allowed(a.DataType):
		return errInvalid("The type of message (user) attribute '%s' is invalid: "+
			"at most 256 bytes, a label after the period.", name)
	case a.isBinary() && a.StringValue != nil, !a.isBinary() && a.BinaryValue != nil:
		return errInvalid("Message (user) attribute '%s' has a value of another kind than its type '%s'.",
			name, a.DataType)
	case a.value() == "":
		return errInvalid("Message (user) attribute '%s' must contain a non-empty value of type '%s'.", name, kind)
	case kind != "Binary" && !allowed(a.value()):
		return errInvalid(refusedCharacters)
	case kind == "Number" && !validNumber(a.value()):
		return errInvalid("Can't cast the value of message (user) attribute '%s' to a number.", name)
	}
	return nil
}

func (as attributes) check() error {
	if len(as) > 10 {
		return errInvalid("Number of message attributes [%d] exceeds the allowed maximum [10].", len(as))
	}
	for _, name := range slices.Sorted(maps.Keys(as)) {
		if err := checkAttributeName(name); err != nil {
			return err
		}
		if err := as[name].check(name); err != nil {
			return err
		}
	}
	return nil
}

// size is what the attributes count towards MaximumMessageSize, in bytes: names,
// types and values.
func (as attributes) size() int {
	n := 0
	for name, a := range as {
		n += len(name) + len(a.DataType) + len(a.value())
	}
	return n
}

// md5 is SQS's digest of the attributes, empty for none: by sorted name the
// name, the type and the value, each after its length in four bytes, and before
// the value a byte that is 1 for text and 2 for bytes.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
func (as attributes) md5() string {
	if len(as) == 0 {
		return ""
	}
	h := md5.New() //nolint:gosec // see the import
	part := func(text string) {
		_ = binary.Write(h, binary.BigEndian, uint32(len(text))) //nolint:gosec // a message has at most 1 MiB
		_, _ = io.WriteString(h, text)
	}
	for _, name := range slices.Sorted(maps.Keys(as)) {
		a := as[name]
		part(name)
		part(a.DataType)
		kind := byte(1)
		if a.isBinary() {
			kind = 2
		}
		_, _ = h.Write([]byte{kind})
		part(a.value())
	}
	return hex.EncodeToString(h.Sum(nil))
}

// pick returns the attributes that a receive names: by name, all of them (All
// or .*), or all whose name starts with what stands before a final ".*".
func (as attributes) pick(names []string) attributes {
	picked := make(attributes)
	for name, a := range as {
		if slices.ContainsFunc(names, func(want string) bool {
			prefix, isPrefix := strings.CutSuffix(want, ".*")
			return want == "All" || want == name || isPrefix && strings.HasPrefix(name, prefix)
		}) {
			picked[name] = a
		}
	}
	return picked
}

func md5Text(text string) string {
	sum := md5.Sum([]byte(text)) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}
