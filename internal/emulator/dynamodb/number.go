package dynamodb

import (
	"encoding/binary"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// Limits of numbers: 38 significant digits, magnitudes from 1E-130 to just
// below 1E+126.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	maxDigits   = 38
	maxExponent = 126
	minExponent = -129
)

var numberSyntax = regexp.MustCompile(`^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$`)

// decimal is the number 0.digits times ten to the exponent; zero has no digits.
type decimal struct {
	negative bool
	digits   string
	exponent int
}

// parseDecimal reads a number as DynamoDB does, and refuses what it would have
// to round.
func parseDecimal(text string) (decimal, error) {
	parts := numberSyntax.FindStringSubmatch(text)
	if parts == nil || parts[2]+parts[3] == "" {
		return decimal{}, invalid("The parameter cannot be converted to a numeric value: %s", text)
	}
	exponent := 0
	if parts[4] != "" {
		// Six digits always fit.
		exponent, _ = strconv.Atoi(parts[4])
	}
	return normal(parts[1] == "-", parts[2]+parts[3], exponent+len(parts[2]))
}

// normal brings a number into the form in which equal ones are equal, or refuses
// it: DynamoDB never rounds.
func normal(negative bool, digits string, exponent int) (decimal, error) {
	trimmed := strings.TrimLeft(digits, "0")
	exponent -= len(digits) - len(trimmed)
	trimmed = strings.TrimRight(trimmed, "0")
	switch {
	case trimmed == "":
		return decimal{}, nil
	case len(trimmed) > maxDigits:
		return decimal{}, invalid("Attempting to store more than 38 significant digits in a Number")
	case exponent > maxExponent:
		return decimal{}, invalid("Number overflow. " +
			"Attempting to store a number with magnitude larger than supported range")
	case exponent < minExponent:
		return decimal{}, invalid("Number underflow. " +
			"Attempting to store a number with magnitude smaller than supported range")
	}
	return decimal{negative, trimmed, exponent}, nil
}

// String writes the number without exponent and without idle zeros.
func (d decimal) String() string {
	if d.digits == "" {
		return "0"
	}
	sign := ""
	if d.negative {
		sign = "-"
	}
	switch n := len(d.digits); {
	case d.exponent <= 0:
		return sign + "0." + strings.Repeat("0", -d.exponent) + d.digits
	case d.exponent >= n:
		return sign + d.digits + strings.Repeat("0", d.exponent-n)
	default:
		return sign + d.digits[:d.exponent] + "." + d.digits[d.exponent:]
	}
}

// sortable is text whose bytes sort as the numbers do.
func (d decimal) sortable() string {
	if d.digits == "" {
		return "\x80"
	}
	exponent := uint16(d.exponent + 1000) //nolint:gosec // between 871 and 1126
	key := binary.BigEndian.AppendUint16([]byte{0xC0}, exponent)
	key = append(key, d.digits...)
	if !d.negative {
		return string(key)
	}
	for i := range key {
		key[i] = ^key[i]
	}
	// Of two negative numbers that begin alike, the one with further digits is the
	// smaller.
	return string(append(key, 0xFF))
}

// sum is a plus b, or a minus b, exactly, or refused where it needs rounding.
func sum(a, b string, minus bool) (string, error) {
	x, y := scaled(a), scaled(b)
	if minus {
		y.Neg(y)
	}
	x.Add(x, y)
	digits := new(big.Int).Abs(x).String()
	total, err := normal(x.Sign() < 0, digits, len(digits)-scale)
	return total.String(), err
}

// scale makes every number an integer: 129 zeros and 38 digits after the point.
const scale = maxDigits - minExponent

// scaled is the number times ten to the scale.
func scaled(text string) *big.Int {
	number, err := parseDecimal(text)
	if err != nil || number.digits == "" {
		return new(big.Int)
	}
	digits := number.digits + strings.Repeat("0", scale+number.exponent-len(number.digits))
	integer, _ := new(big.Int).SetString(digits, 10)
	if number.negative {
		integer.Neg(integer)
	}
	return integer
}
