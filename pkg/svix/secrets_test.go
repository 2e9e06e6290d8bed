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
		"one":                    {one, 1},
		"75 bytes, Svix's most":  {whsec(75), 1},
		"24 bytes, the least":    {whsec(24), 1},
		"padded":                 {whsec(25), 1},
		"two by comma":           {one + "," + two, 2},
		"two by comma and blank": {one + ", " + two, 2},
		"two by line feed":       {one + "\n" + two + "\n", 2},
		"the same twice":         {one + " " + one, 2},
		"comma at the end":       {one + ",", 1},
		// https://github.com/heripo-lab/heripo-engine/pull/47
		"line feed at the end":     {one + "\n", 1},
		"CRLF at the end":          {one + "\r\n", 1},
		"blanks around":            {"  " + one + "  ", 1},
		"tab at the end":           {one + "\t", 1},
		"no-break space at an end": {one + "\u00a0", 1},
		"line separator at an end": {one + "\u2028", 1},
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
	for name, c := range map[string]struct{ text, want string }{
		"empty":            {"", "holds no secret"},
		"white space only": {" \n\t", "holds no secret"},
		"commas only":      {",,", "holds no secret"},
		// https://github.com/standard-webhooks/standard-webhooks/issues/235
		"v1, in front": {"v1," + svixtest.Secret, "entry 1 is not a whsec_ secret"},
		// https://github.com/corsairdev/corsair/pull/1024
		"no key":     {"whsec_", "entry 1 holds 0 bytes"},
		"no base64":  {"whsec_!!!!", "entry 1 is not padded standard base64"},
		"only signs": {"whsec_====", "entry 1 is not padded standard base64"},
		// https://github.com/openai/openai-node/pull/1887
		"a key of one byte":             {"whsec_eA==", "entry 1 holds 1 bytes"},
		"23 bytes":                      {whsec(23), "entry 1 holds 23 bytes"},
		"one bad beside a good one":     {svixtest.Secret + ",whsec_eA==", "entry 2 holds 1 bytes"},
		"a bad one before a good one":   {"whsec_eA== " + svixtest.Secret, "entry 1 holds 1 bytes"},
		"the third of three is garbage": {svixtest.Secret + "\n" + svixtest.OtherSecret + "\nhunter2canary", "entry 3 is not a whsec_ secret"},
		// https://github.com/nextlyhq/nextly/pull/227
		"no prefix":                 {key, "entry 1 is not a whsec_ secret"},
		"prefix in capitals":        {"WHSEC_" + key, "entry 1 is not a whsec_ secret"},
		"public key":                {"whpk_" + key, "entry 1 is not a whsec_ secret"},
		"doubled prefix":            {"whsec_" + svixtest.Secret, "entry 1 is not padded standard base64"},
		"quotes around":             {`"` + svixtest.Secret + `"`, "entry 1 is not a whsec_ secret"},
		"cut off":                   {svixtest.Secret[:len(svixtest.Secret)-1], "entry 1 is not padded standard base64"},
		"no padding":                {strings.TrimRight(whsec(25), "="), "entry 1 is not padded standard base64"},
		"URL alphabet":              {"whsec_" + base64.URLEncoding.EncodeToString([]byte(strings.Repeat("\xff\xfe", 12))), "entry 1 is not padded standard base64"},
		"bits behind the last byte": {"whsec_" + strings.Repeat("AAAA", 8) + "AB==", "entry 1 is not padded standard base64"},
		"zero width space":          {svixtest.Secret + "\u200b", "entry 1 is not padded standard base64"},
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
		"same":             {one, one + "\n", true},
		"same two":         {one + "," + two, one + " " + two, true},
		"another":          {one, two, false},
		"one more":         {one, one + "," + two, false},
		"in another order": {one + "," + two, two + "," + one, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := parse(t, c.a).Equal(parse(t, c.b)); got != c.want {
				t.Errorf("Equal = %v, want %v", got, c.want)
			}
		})
	}
}
