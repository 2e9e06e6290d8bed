package svix_test

import (
	"errors"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

func TestFromHeader(t *testing.T) {
	svixFamily := map[string]string{"svix-id": "msg_s", "svix-timestamp": "1", "svix-signature": "v1,s"}
	webhookFamily := map[string]string{"webhook-id": "msg_w", "webhook-timestamp": "2", "webhook-signature": "v1,w"}
	// both has the headers of both families, less one of svix-*.
	both := func(less string) map[string]string {
		h := maps.Clone(svixFamily)
		maps.Copy(h, webhookFamily)
		delete(h, less)
		return h
	}
	empty := both("")
	empty["svix-signature"] = ""
	s := svix.Headers{ID: "msg_s", Timestamp: "1", Signature: "v1,s"}
	w := svix.Headers{ID: "msg_w", Timestamp: "2", Signature: "v1,w"}
	for name, c := range map[string]struct {
		header map[string]string
		want   svix.Headers
	}{
		"svix alone": {header: svixFamily, want: s},
		// https://github.com/kortix-ai/suna/pull/6040
		"webhook alone": {header: webhookFamily, want: w},
		// https://github.com/svix/svix-webhooks/pull/2147
		"both complete: svix decides":  {header: both(""), want: s},
		"svix without id":              {header: both("svix-id"), want: w},
		"svix without timestamp":       {header: both("svix-timestamp"), want: w},
		"svix with an empty signature": {header: empty, want: w},
		"two of svix, one of webhook": {
			header: map[string]string{"svix-id": "msg_s", "svix-timestamp": "1", "webhook-signature": "v1,w"},
			want:   svix.Headers{Signature: "v1,w"},
		},
		"one of svix, two of webhook": {
			header: map[string]string{"svix-id": "msg_s", "webhook-timestamp": "2", "webhook-signature": "v1,w"},
			want:   svix.Headers{Timestamp: "2", Signature: "v1,w"},
		},
		"none": {header: nil, want: svix.Headers{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := svix.FromHeader(func(n string) string { return c.header[n] }); got != c.want {
				t.Errorf("FromHeader(%v) = %v, want %v", c.header, got, c.want)
			}
		})
	}
}

func TestValidID(t *testing.T) {
	for name, c := range map[string]struct {
		id   string
		want bool
	}{
		"as Svix makes them": {id: svixtest.ID, want: true},
		"one character":      {id: "!", want: true},
		"every sign":         {id: "!\"#$%&'()*+-/0123456789:;<=>?@A[\\]^_`a{|}~", want: true},
		"256 characters":     {id: strings.Repeat("a", 256), want: true},
		"257 characters":     {id: strings.Repeat("a", 257), want: false},
		// https://github.com/facebook/ThreatExchange/issues/1324
		"2,100 characters": {id: strings.Repeat("a", 2100), want: false},
		"empty":            {id: "", want: false},
		"dot":              {id: "msg.a", want: false},
		"comma":            {id: "msg_a,msg_a", want: false},
		"blank":            {id: "msg a", want: false},
		// https://github.com/softwaremill/elasticmq/pull/341
		"tab":                 {id: "msg\ta", want: false},
		"line feed":           {id: "msg_a\n", want: false},
		"NUL":                 {id: "msg_a\x00", want: false},
		"DEL":                 {id: "msg_a\x7f", want: false},
		"letter beyond ASCII": {id: "msg_é", want: false},
		"byte 0xFF":           {id: "msg_\xff", want: false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := svix.ValidID(c.id); got != c.want {
				t.Errorf("ValidID(%q) = %v, want %v", c.id, got, c.want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	now := svixtest.Epoch().Add(999 * time.Millisecond)
	ago := func(d time.Duration) string { return strconv.FormatInt(svixtest.Epoch().Add(-d).Unix(), 10) }
	h := func(timestamp string) svix.Headers {
		return svix.Headers{ID: "msg_a", Timestamp: timestamp, Signature: "v1,x"}
	}
	for name, c := range map[string]struct {
		h    svix.Headers
		want error
	}{
		"now": {h: h(ago(0)), want: nil},
		// https://github.com/svix/svix-webhooks/issues/93
		"299 s old": {h: h(ago(299 * time.Second)), want: nil},
		"300 s old": {h: h(ago(300 * time.Second)), want: nil},
		"301 s old": {h: h(ago(301 * time.Second)), want: svix.ErrInvalidTimestamp},
		"a day old": {h: h(ago(24 * time.Hour)), want: svix.ErrInvalidTimestamp},
		// https://github.com/stripe/stripe-dotnet/issues/1183
		"299 s ahead":  {h: h(ago(-299 * time.Second)), want: nil},
		"300 s ahead":  {h: h(ago(-300 * time.Second)), want: nil},
		"301 s ahead":  {h: h(ago(-301 * time.Second)), want: svix.ErrInvalidTimestamp},
		"a year ahead": {h: h(ago(-365 * 24 * time.Hour)), want: svix.ErrInvalidTimestamp},
		// https://github.com/open-mercato/open-mercato/pull/3945
		"letters at the end": {h: h("1767225600abc"), want: svix.ErrInvalidTimestamp},
		"sign at the start":  {h: h("+1767225600"), want: svix.ErrInvalidTimestamp},
		"sign, ten in all":   {h: h("+767225600"), want: svix.ErrInvalidTimestamp},
		"exponent":           {h: h("1.767e9"), want: svix.ErrInvalidTimestamp},
		"decimals":           {h: h("1767225600.0"), want: svix.ErrInvalidTimestamp},
		"blank at the start": {h: h(" 1767225600"), want: svix.ErrInvalidTimestamp},
		"blank only":         {h: h(" "), want: svix.ErrInvalidTimestamp},
		"negative":           {h: h("-1"), want: svix.ErrInvalidTimestamp},
		"hexadecimal":        {h: h("0x69559e00"), want: svix.ErrInvalidTimestamp},
		"underscores":        {h: h("1_767225600"), want: svix.ErrInvalidTimestamp},
		"40 digits":          {h: h(strings.Repeat("1767225600", 4)), want: svix.ErrInvalidTimestamp},
		"milliseconds":       {h: h("1767225600000"), want: svix.ErrInvalidTimestamp},
		"leading zero, 11":   {h: h("01767225600"), want: svix.ErrInvalidTimestamp},
		"Arabic digits":      {h: h("١٧٦٧٢"), want: svix.ErrInvalidTimestamp},
		"repeated":           {h: h("1767225600,1767225600"), want: svix.ErrInvalidTimestamp},
		"the greatest":       {h: h("9999999999"), want: svix.ErrInvalidTimestamp},
		// https://github.com/swamp-club/swamp/pull/1638
		"no id":        {h: svix.Headers{Timestamp: ago(0), Signature: "v1,x"}, want: svix.ErrMissingHeaders},
		"no timestamp": {h: svix.Headers{ID: "msg_a", Signature: "v1,x"}, want: svix.ErrMissingHeaders},
		"no signature": {h: svix.Headers{ID: "msg_a", Timestamp: ago(0)}, want: svix.ErrMissingHeaders},
		"nothing":      {h: svix.Headers{}, want: svix.ErrMissingHeaders},
		"malformed id comes before a bad timestamp": {
			h: svix.Headers{ID: "a.b", Timestamp: "x", Signature: "v1,x"}, want: svix.ErrMissingHeaders,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.h.Check(now); !errors.Is(err, c.want) {
				t.Errorf("Check(%v) = %v, want %v", c.h, err, c.want)
			}
		})
	}
}

func TestValidTimestamp(t *testing.T) {
	for text, want := range map[string]bool{
		"1767225600": true, "0000000000": true,
		"176722560": false, "17672256000": false, "176722560x": false, "": false,
		"+176722560": false, "-176722560": false, // digits alone
	} {
		if got := svix.ValidTimestamp(text); got != want {
			t.Errorf("ValidTimestamp(%q) = %v, want %v", text, got, want)
		}
	}
}
