package clerk_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/clerksync/clerksync/pkg/clerk"
)

// Times become `rev`, which decides which change wins: a time that is misread
// lets an old change win for ever. Each text here was met, or is the edge of a
// rule.
func TestTime(t *testing.T) {
	digits := func(n int) string { return strings.Repeat("1", n) }
	for name, c := range map[string]struct {
		text string // of the member's value
		want clerk.Millis
		bad  bool
	}{
		"milliseconds":  {text: "1767225600123", want: 1767225600123},
		"seconds":       {text: "1767225600", want: 1767225600000},
		"null":          {text: "null"},
		"empty":         {text: `""`},
		"zero":          {text: "0"},
		"zero decimals": {text: "0.000"},
		"zero exponent": {text: "0e999999999999999999999"},
		"minus zero":    {text: "-0"},
		"minus zero.0":  {text: "-0.0e5"},
		// https://github.com/guregu/null/issues/8
		"exponent":               {text: "1.7e12", want: 1700000000000},
		"exponent, capital":      {text: "1.7E+12", want: 1700000000000},
		"decimal":                {text: "1700000000000.0", want: 1700000000000},
		"negative exponent":      {text: "17000000000000000e-4", want: 1700000000000},
		"in a string":            {text: `"1700000000000"`, want: 1700000000000},
		"exponent, string":       {text: `"1.7e12"`, want: 1700000000000},
		"escaped string":         {text: `"\u0031700000000000"`, want: 1700000000000},
		"seconds, string":        {text: `"1700000000"`, want: 1700000000000},
		"seconds, exponent":      {text: "1.7e9", want: 1700000000000},
		"seconds, fraction":      {text: "1700000000.1239", want: 1700000000123},
		"fraction of a ms":       {text: "1700000000000.9999", want: 1700000000000},
		"less than a ms":         {text: "0.0009"},
		"one ms in seconds":      {text: "0.001", want: 1},
		"one":                    {text: "1", want: 1000},
		"just below 10^11":       {text: "99999999999", bad: true}, // the year 5138 in seconds
		"10^11":                  {text: "100000000000", want: 100000000000},
		"10^11 as exponent":      {text: "1e11", want: 100000000000},
		"a hair below 10^11":     {text: "99999999999.999", bad: true},
		"2100 less 1 ms":         {text: "4102444799999", want: 4102444799999},
		"2100 less a hair":       {text: "4102444799999.99", want: 4102444799999},
		"2100":                   {text: "4102444800000", bad: true},
		"2100 in seconds":        {text: "4102444800", bad: true},
		"2100 less 1 s":          {text: "4102444799", want: 4102444799000},
		"9999999999999":          {text: "9999999999999", bad: true},
		"14 digits":              {text: "10000000000000", bad: true},
		"microseconds":           {text: "1767225600123456", bad: true},
		"beyond int64":           {text: "9223372036854775808", bad: true},
		"40 digits":              {text: digits(40), bad: true},
		"40 decimal places":      {text: "0." + digits(40), want: 111},
		"400 zeros, then 1":      {text: "0." + strings.Repeat("0", 400) + "1"},
		"1e400":                  {text: "1e400", bad: true},
		"1e-400":                 {text: "1e-400"},
		"exponent overflows":     {text: "1e99999999999999999999999", bad: true},
		"exponent wraps at 2^64": {text: "1.7e18446744073709551628", bad: true}, // would be 1.7e12
		"and wraps below":        {text: "1e-18446744073709551616"},             // would be 1
		"and underflows":         {text: "1e-99999999999999999999999"},
		"zeros undo it":          {text: "0." + strings.Repeat("0", 50) + "17e63", want: 1700000000000},
		"negative":               {text: "-1", bad: true},
		"a hair below zero":      {text: "-1e-400", bad: true},
		"negative, string":       {text: `"-1767225600"`, bad: true},
		"date":                   {text: `"2026-01-01T00:00:00Z"`, bad: true},
		"blank before it":        {text: `" 1767225600"`, bad: true},
		"blank":                  {text: `" "`, bad: true},
		"leading zero":           {text: `"01767225600"`, bad: true},
		"sign of plus":           {text: `"+1767225600"`, bad: true},
		"hexadecimal":            {text: `"0x10"`, bad: true},
		"point at the end":       {text: `"1."`, bad: true},
		"point at the start":     {text: `".5"`, bad: true},
		"exponent alone":         {text: `"1e"`, bad: true},
		"exponent's sign":        {text: `"1e+"`, bad: true},
		"minus alone":            {text: `"-"`, bad: true},
		"letters after it":       {text: `"1767225600s"`, bad: true},
		"NaN":                    {text: `"NaN"`, bad: true},
		"Infinity":               {text: `"Infinity"`, bad: true},
		"text null":              {text: `"null"`, bad: true},
		"true":                   {text: "true", bad: true},
		"false":                  {text: "false", bad: true},
		"object":                 {text: "{}", bad: true},
		"list":                   {text: "[1767225600]", bad: true},
		"digits elsewhere":       {text: `"١٧٦٧"`, bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := object(t, `{"at":`+c.text+`}`).Time("at")
			if got != c.want || (err != nil) != c.bad {
				t.Errorf("Time(%s) = %d, %v, want %d, bad %v", c.text, got, err, c.want, c.bad)
			}
			if err != nil && (!errors.Is(err, clerk.ErrTime) || !strings.HasPrefix(err.Error(), "at ")) {
				t.Errorf("Time(%s) error = %v, want ErrTime that names the member", c.text, err)
			}
		})
	}
	if got, err := object(t, `{}`).Time("at"); got != 0 || err != nil {
		t.Errorf("Time of an absent member = %d, %v, want 0", got, err)
	}
}

// rat is the rule again, in exact arithmetic.
func rat(text string) (clerk.Millis, bool) {
	v, ok := new(big.Rat).SetString(text)
	if !ok {
		return 0, false
	}
	if v.Cmp(new(big.Rat).SetInt64(100_000_000_000)) < 0 {
		v.Mul(v, big.NewRat(1000, 1))
	}
	if v.Sign() < 0 || v.Cmp(new(big.Rat).SetInt64(4_102_444_800_000)) >= 0 {
		return 0, false
	}
	return clerk.Millis(new(big.Int).Quo(v.Num(), v.Denom()).Int64()), true
}

func TestTimeAgainstExactArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?`),
			rapid.StringMatching(`(0|[1-9][0-9]{9,13})(\.[0-9]{1,4})?`),
			rapid.StringMatching(`[1-9]\.[0-9]{1,14}e(9|1[0-3])`),
			rapid.StringMatching(`0\.0{0,30}[0-9]{1,15}e[0-9]{1,2}`),
			rapid.SampledFrom([]string{
				"4102444800000", "4102444799999.9", "100000000000", "99999999999.9", "4102444800", "4102444799.9999",
			}),
		).Draw(t, "number")
		quoted := rapid.Bool().Draw(t, "in a string")
		value := text
		if quoted {
			value = `"` + text + `"`
		}
		if !json.Valid([]byte(value)) {
			t.Fatalf("%s is not JSON", value)
		}
		o, _ := clerk.ParseObject([]byte(fmt.Sprintf(`{"at":%s}`, value)))
		want, ok := rat(text)
		got, err := o.Time("at")
		if got != want || (err == nil) != ok {
			t.Errorf("Time(%s) = %d, %v, want %d, %v", value, got, err, want, ok)
		}
	})
}

// A whole number keeps every digit, however it is written: 2^53+1 is where a
// float would begin to lose them.
func TestInteger(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "-0": 0, "0.0": 0, "0e99999": 0,
		"5": 5, "-5": -5, "5.0": 5, "1e2": 100, "1.5E1": 15, "100e-2": 1, "0.05e2": 5, "100": 100,
		"9007199254740993": 9007199254740993, "999999999999999999": 999999999999999999, "1e17": 100000000000000000,
	} {
		o, _ := clerk.ParseObject([]byte(`{"n":` + text + `}`))
		if got, ok := o.Integer("n"); got != want || !ok {
			t.Errorf("Integer(%s) = %d, %v, want %d, true", text, got, ok, want)
		}
	}
	for _, text := range []string{
		"0.5", "5.5", "1e-1", "1e18", "1e400", "-1000000000000000000", "null", `"5"`, "true", "[]", "{}",
	} {
		o, _ := clerk.ParseObject([]byte(`{"n":` + text + `}`))
		if got, ok := o.Integer("n"); ok {
			t.Errorf("Integer(%s) = %d, true, want none", text, got)
		}
	}
	if got, ok := (clerk.Object{}).Integer("n"); ok {
		t.Errorf("Integer of an absent member = %d, true, want none", got)
	}
}
