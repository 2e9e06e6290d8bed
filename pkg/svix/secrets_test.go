package svix_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

func parse(tb testing.TB, text string) *svix.Secrets {
	tb.Helper()
	s, err := svix.ParseSecrets(text)
	if err != nil {
		tb.Fatalf("ParseSecrets: %v", err)
	}
	return s
}

func TestParseSecretsGood(t *testing.T) {
	one, two := svixtest.Secret, svixtest.OtherSecret
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"one":                    {text: one, want: 1},
		"75 bytes, Svix's most":  {text: whsec(75), want: 1},
		"24 bytes, the least":    {text: whsec(24), want: 1},
		"padded":                 {text: whsec(25), want: 1},
		"two by comma":           {text: one + "," + two, want: 2},
		"two by comma and blank": {text: one + ", " + two, want: 2},
		"two by line feed":       {text: one + "\n" + two + "\n", want: 2},
		"the same twice":         {text: one + " " + one, want: 2},
		"comma at the end":       {text: one + ",", want: 1},
		// https://github.com/heripo-lab/heripo-engine/pull/47
		"line feed at the end":     {text: one + "\n", want: 1},
		"CRLF at the end":          {text: one + "\r\n", want: 1},
		"blanks around":            {text: "  " + one + "  ", want: 1},
		"tab at the end":           {text: one + "\t", want: 1},
		"no-break space at an end": {text: one + "\u00a0", want: 1},
		"line separator at an end": {text: one + "\u2028", want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := svix.ParseSecrets(c.text)
			if err != nil || s.Len() != c.want {
				t.Fatalf("ParseSecrets = %v, %v, want %d secrets", s, err, c.want)
			}
		})
	}
}

func whsec(n int) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", n)))
}

// Each bad form names its entry and never any of its text.
func TestParseSecretsBad(t *testing.T) {
	key := strings.TrimPrefix(svixtest.Secret, "whsec_")
	const (
		none     = "holds no secret"
		noPrefix = "entry 1 is not a whsec_ secret"
		noBase64 = "entry 1 is not padded standard base64"
	)
	urlAlphabet := base64.URLEncoding.EncodeToString([]byte(strings.Repeat("\xff\xfe", 12)))
	for name, c := range map[string]struct{ text, want string }{
		"empty":            {text: "", want: none},
		"white space only": {text: " \n\t", want: none},
		"commas only":      {text: ",,", want: none},
		// https://github.com/standard-webhooks/standard-webhooks/issues/235
		"v1, in front": {text: "v1," + svixtest.Secret, want: noPrefix},
		// https://github.com/corsairdev/corsair/pull/1024
		"no key":     {text: "whsec_", want: "entry 1 holds 0 bytes"},
		"no base64":  {text: "whsec_!!!!", want: noBase64},
		"only signs": {text: "whsec_====", want: noBase64},
		// https://github.com/openai/openai-node/pull/1887
		"a key of one byte":           {text: "whsec_eA==", want: "entry 1 holds 1 bytes"},
		"23 bytes":                    {text: whsec(23), want: "entry 1 holds 23 bytes"},
		"one bad beside a good one":   {text: svixtest.Secret + ",whsec_eA==", want: "entry 2 holds 1 bytes"},
		"a bad one before a good one": {text: "whsec_eA== " + svixtest.Secret, want: "entry 1 holds 1 bytes"},
		"the third of three is garbage": {
			text: svixtest.Secret + "\n" + svixtest.OtherSecret + "\nhunter2canary",
			want: "entry 3 is not a whsec_ secret",
		},
		// https://github.com/nextlyhq/nextly/pull/227
		"no prefix":                {text: key, want: noPrefix},
		"prefix in capitals":       {text: "WHSEC_" + key, want: noPrefix},
		"public key":               {text: "whpk_" + key, want: noPrefix},
		"doubled prefix":           {text: "whsec_" + svixtest.Secret, want: noBase64},
		"quotes around":            {text: `"` + svixtest.Secret + `"`, want: noPrefix},
		"cut off":                  {text: svixtest.Secret[:len(svixtest.Secret)-1], want: noBase64},
		"no padding":               {text: strings.TrimRight(whsec(25), "="), want: noBase64},
		"URL alphabet":             {text: "whsec_" + urlAlphabet, want: noBase64},
		"bits after the last byte": {text: "whsec_" + strings.Repeat("AAAA", 8) + "AB==", want: noBase64},
		"zero width space":         {text: svixtest.Secret + "\u200b", want: noBase64},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := svix.ParseSecrets(c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("ParseSecrets = %v, %v, want an error with %q", s, err, c.want)
			}
			for _, leak := range []string{key[:6], "eA==", "hunter2", "whsec_e", "!!!!", key[len(key)-6:]} {
				if strings.Contains(err.Error(), leak) {
					t.Errorf("ParseSecrets error %q holds text of a secret", err)
				}
			}
		})
	}
}

func TestEqual(t *testing.T) {
	one, two := svixtest.Secret, svixtest.OtherSecret
	for name, c := range map[string]struct {
		a, b string
		want bool
	}{
		"same":             {a: one, b: one + "\n", want: true},
		"same two":         {a: one + "," + two, b: one + " " + two, want: true},
		"another":          {a: one, b: two, want: false},
		"one more":         {a: one, b: one + "," + two, want: false},
		"in another order": {a: one + "," + two, b: two + "," + one, want: false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := parse(t, c.a).Equal(parse(t, c.b)); got != c.want {
				t.Errorf("Equal = %v, want %v", got, c.want)
			}
		})
	}
}
