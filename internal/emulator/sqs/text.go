package sqs

import (
	"regexp"
	"strings"
)

// allowed says whether SQS keeps every character of a text: tab, LF, CR,
// U+0020-D7FF, U+E000-FFFD, U+10000-10FFFF.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
func allowed(text string) bool {
	for _, r := range text {
		switch {
		case r == '\t', r == '\n', r == '\r':
		case r >= 0x20 && r <= 0xD7FF, r >= 0xE000 && r <= 0xFFFD, r >= 0x10000:
		default:
			return false
		}
	}
	return true
}

const refusedCharacters = "Invalid characters found. Valid unicode characters are " +
	"#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"

// validName says whether text is made of A-Z a-z 0-9 _ - alone and has 1 to 80
// characters: SQS's rule for names of queues and ids of batch entries.
func validName(text string) bool {
	if text == "" || len(text) > 80 {
		return false
	}
	return strings.IndexFunc(text, func(r rune) bool { return !nameRune(r) }) < 0
}

func nameRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-'
}

// checkAttributeName refuses the names that SQS refuses for message attributes.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
func checkAttributeName(name string) error {
	lower := strings.ToLower(name)
	switch {
	case name == "":
		return errInvalid("Message (user) attribute names must not be empty.")
	case len(name) > 256:
		return errInvalid("Message (user) attribute names must be at most 256 bytes long.")
	case strings.IndexFunc(name, func(r rune) bool { return r != '.' && !nameRune(r) }) >= 0:
		return errInvalid("Message (user) attribute name '%s' can only contain "+
			"A-Z a-z 0-9, underscores, hyphens and periods.", name)
	case strings.HasPrefix(lower, "aws."), strings.HasPrefix(lower, "amazon."):
		return errInvalid("You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. " +
			"These strings are reserved for internal use.")
	case strings.HasPrefix(name, "."), strings.HasSuffix(name, "."), strings.Contains(name, ".."):
		return errInvalid("Message (user) attribute name '%s' must not start or end with a period "+
			"or have two in succession.", name)
	}
	return nil
}

// validNumber says whether text is a decimal number of at most 38 digits, as
// attributes of type Number must be.
func validNumber(text string) bool {
	if !regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$`).MatchString(text) {
		return false
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
	digits := strings.Trim(strings.NewReplacer("+", "", "-", "", ".", "").Replace(mantissa), "0")
	return len(digits) <= 38
}
