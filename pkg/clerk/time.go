package clerk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Millis is a time in Unix milliseconds, as Clerk counts inside `data`.
type Millis int64

// ErrTime says that a member is not a time that Clerk can mean.
var ErrTime = errors.New("is not a time between 1970 and 2100")

// maxMillis is 2100-01-01. A later time would be a unit that was misread
// (microseconds, say), and would win over every true update of its row.
const maxMillis Millis = 4102444800000

// Time reads the member as a time: a JSON number or the text of one (integer,
// decimal or exponent), seconds where it is below 10^11 and milliseconds
// otherwise, fractions of a millisecond dropped. Both units occur: Clerk
// documents milliseconds and publishes samples in seconds. Null, empty and
// absent are 0. Anything else is an error that wraps ErrTime and names the
// member, never its value.
func (o Object) Time(name string) (Millis, error) {
	raw := o.Raw(name)
	if !present(raw) {
		return 0, nil
	}
	if s := text(raw); s != "" {
		raw = json.RawMessage(s)
	}
	m, ok := parseMillis(raw)
	if !ok {
		return 0, fmt.Errorf("%s %w", name, ErrTime)
	}
	return m, nil
}

// Integer is the member's whole number, whether it is written as integer,
// decimal or exponent. ok is false where the member is not a whole number or
// has more than 18 digits.
func (o Object) Integer(name string) (n int64, ok bool) {
	negative, digits, point, ok := parseNumber(o.Raw(name))
	if digits = bytes.TrimRight(digits, "0"); len(digits) == 0 {
		return 0, ok
	}
	if !ok || point < int64(len(digits)) || point > maxDigits {
		return 0, false
	}
	if n = leadingDigits(digits, point); negative {
		n = -n
	}
	return n, true
}

// maxDigits is the number of decimal digits that always fit into an int64.
const maxDigits = 18

// leadingDigits returns the number that the first point digits make. Digits
// that are missing count as zeros.
func leadingDigits(digits []byte, point int64) (n int64) {
	for i := range int(max(point, 0)) {
		n *= 10
		if i < len(digits) {
			n += int64(digits[i] - '0')
		}
	}
	return n
}

// Has reports whether the member is there and neither null nor empty text.
func (o Object) Has(name string) bool { return present(o.Raw(name)) }

func present(raw json.RawMessage) bool {
	return len(raw) > 0 && string(raw) != "null" && string(raw) != `""`
}

// parseMillis works on the digits and never expands an exponent: a number like
// 1e999999999 would take all memory. The value is 0.DIGITS times ten to the
// power of point.
func parseMillis(raw []byte) (Millis, bool) {
	negative, digits, point, ok := parseNumber(raw)
	if !ok {
		return 0, false
	}
	if len(digits) == 0 {
		return 0, true
	}
	if negative {
		return 0, false
	}
	if point <= 11 { // below 10^11: seconds
		point += 3
	}
	if point > 13 { // maxMillis has 13 digits
		return 0, false
	}
	m := Millis(leadingDigits(digits, point))
	return m, m < maxMillis
}

// maxExponent bounds an exponent before it can overflow an int64. No body holds
// as many digits as it would take to bring such a number back into range.
const maxExponent = 1 << 40

// parseNumber reads the text of a JSON number as 0.DIGITS times ten to the power
// of point. digits has no leading zeros and is empty for zero. ok is false for
// any other text, for the text may come from inside a JSON string.
func parseNumber(raw []byte) (negative bool, digits []byte, point int64, ok bool) {
	rest := raw
	if len(rest) > 0 && rest[0] == '-' {
		negative, rest = true, rest[1:]
	}
	whole, rest := cutDigits(rest)
	if len(whole) == 0 || len(whole) > 1 && whole[0] == '0' {
		return negative, nil, 0, false
	}
	var fraction []byte
	if len(rest) > 0 && rest[0] == '.' {
		if fraction, rest = cutDigits(rest[1:]); len(fraction) == 0 {
			return negative, nil, 0, false
		}
	}
	exponent, ok := parseExponent(rest)
	if !ok {
		return negative, nil, 0, false
	}
	digits = append(append(digits, whole...), fraction...)
	point = int64(len(whole)) + exponent
	for len(digits) > 0 && digits[0] == '0' {
		digits = digits[1:]
		point--
	}
	return negative, digits, point, true
}

// parseExponent reads what follows a number's digits: nothing, or e and an
// integer.
func parseExponent(rest []byte) (exponent int64, ok bool) {
	if len(rest) == 0 {
		return 0, true
	}
	if rest[0] != 'e' && rest[0] != 'E' {
		return 0, false
	}
	rest = rest[1:]
	sign := int64(1)
	if len(rest) > 0 && (rest[0] == '+' || rest[0] == '-') {
		if rest[0] == '-' {
			sign = -1
		}
		rest = rest[1:]
	}
	digits, rest := cutDigits(rest)
	if len(digits) == 0 || len(rest) > 0 {
		return 0, false
	}
	for _, d := range digits {
		exponent = min(exponent*10+int64(d-'0'), maxExponent)
	}
	return sign * exponent, true
}

// cutDigits splits b after its leading decimal digits.
func cutDigits(b []byte) (digits, rest []byte) {
	i := 0
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return b[:i], b[i:]
}
