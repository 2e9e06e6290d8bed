package svix_test

import (
	"errors"
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
	both := func(change func(h map[string]string)) map[string]string {
		h := map[string]string{}
		for _, family := range []map[string]string{svixFamily, webhookFamily} {
			for k, v := range family {
				h[k] = v
			}
		}
		change(h)
		return h
	}
	none := func(map[string]string) {}
	s, w := svix.Headers{ID: "msg_s", Timestamp: "1", Signature: "v1,s"}, svix.Headers{ID: "msg_w", Timestamp: "2", Signature: "v1,w"}
	for name, c := range map[string]struct {
		header map[string]string
		want   svix.Headers
	}{
		"svix alone": {svixFamily, s},
		// https://github.com/kortix-ai/suna/pull/6040
		"webhook alone": {webhookFamily, w},
		// https://github.com/svix/svix-webhooks/pull/2147
		"both complete: svix decides":  {both(none), s},
		"svix without id":              {both(func(h map[string]string) { delete(h, "svix-id") }), w},
		"svix without timestamp":       {both(func(h map[string]string) { delete(h, "svix-timestamp") }), w},
		"svix with an empty signature": {both(func(h map[string]string) { h["svix-signature"] = "" }), w},
		"two of svix, one of webhook": {
			map[string]string{"svix-id": "msg_s", "svix-timestamp": "1", "webhook-signature": "v1,w"},
			svix.Headers{Signature: "v1,w"},
		},
		"one of svix, two of webhook": {
			map[string]string{"svix-id": "msg_s", "webhook-timestamp": "2", "webhook-signature": "v1,w"},
			svix.Headers{Timestamp: "2", Signature: "v1,w"},
		},
		"none": {nil, svix.Headers{}},
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
		"as Svix makes them": {svixtest.ID, true},
		"one character":      {"!", true},
		"every sign":         {"!\"#$%&'()*+-/0123456789:;<=>?@A[\\]^_`a{|}~", true},
		"256 characters":     {strings.Repeat("a", 256), true},
		"257 characters":     {strings.Repeat("a", 257), false},
		// https://github.com/facebook/ThreatExchange/issues/1324
		"2,100 characters": {strings.Repeat("a", 2100), false},
		"empty":            {"", false},
		"dot":              {"msg.a", false},
		"comma":            {"msg_a,msg_a", false},
		"blank":            {"msg a", false},
		// https://github.com/softwaremill/elasticmq/pull/341
		"tab":           {"msg\ta", false},
		"line feed":     {"msg_a\n", false},
		"NUL":           {"msg_a\x00", false},
		"DEL":           {"msg_a\x7f", false},
		"letter beyond": {"msg_é", false},
		"byte 0xFF":     {"msg_\xff", false},
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
		"now": {h(ago(0)), nil},
		// https://github.com/svix/svix-webhooks/issues/93
		"299 s old": {h(ago(299 * time.Second)), nil},
		"300 s old": {h(ago(300 * time.Second)), nil},
		"301 s old": {h(ago(301 * time.Second)), svix.ErrInvalidTimestamp},
		"a day old": {h(ago(24 * time.Hour)), svix.ErrInvalidTimestamp},
		// https://github.com/stripe/stripe-dotnet/issues/1183
		"299 s ahead":  {h(ago(-299 * time.Second)), nil},
		"300 s ahead":  {h(ago(-300 * time.Second)), nil},
		"301 s ahead":  {h(ago(-301 * time.Second)), svix.ErrInvalidTimestamp},
		"a year ahead": {h(ago(-365 * 24 * time.Hour)), svix.ErrInvalidTimestamp},
		// https://github.com/open-mercato/open-mercato/pull/3945
		"letters behind":      {h("1767225600abc"), svix.ErrInvalidTimestamp},
		"sign in front":       {h("+1767225600"), svix.ErrInvalidTimestamp},
		"sign, ten in all":    {h("+767225600"), svix.ErrInvalidTimestamp},
		"exponent":            {h("1.767e9"), svix.ErrInvalidTimestamp},
		"decimals":            {h("1767225600.0"), svix.ErrInvalidTimestamp},
		"blank in front":      {h(" 1767225600"), svix.ErrInvalidTimestamp},
		"blank only":          {h(" "), svix.ErrInvalidTimestamp},
		"negative":            {h("-1"), svix.ErrInvalidTimestamp},
		"hexadecimal":         {h("0x69559e00"), svix.ErrInvalidTimestamp},
		"underscores":         {h("1_767225600"), svix.ErrInvalidTimestamp},
		"40 digits":           {h(strings.Repeat("1767225600", 4)), svix.ErrInvalidTimestamp},
		"milliseconds":        {h("1767225600000"), svix.ErrInvalidTimestamp},
		"leading zero, 11":    {h("01767225600"), svix.ErrInvalidTimestamp},
		"digits of elsewhere": {h("١٧٦٧٢"), svix.ErrInvalidTimestamp},
		"repeated":            {h("1767225600,1767225600"), svix.ErrInvalidTimestamp},
		"the greatest":        {h("9999999999"), svix.ErrInvalidTimestamp},
		// https://github.com/swamp-club/swamp/pull/1638
		"no id":        {svix.Headers{Timestamp: ago(0), Signature: "v1,x"}, svix.ErrMissingHeaders},
		"no timestamp": {svix.Headers{ID: "msg_a", Signature: "v1,x"}, svix.ErrMissingHeaders},
		"no signature": {svix.Headers{ID: "msg_a", Timestamp: ago(0)}, svix.ErrMissingHeaders},
		"nothing":      {svix.Headers{}, svix.ErrMissingHeaders},
		"malformed id comes before a bad timestamp": {svix.Headers{ID: "a.b", Timestamp: "x", Signature: "v1,x"}, svix.ErrMissingHeaders},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.h.Check(now); !errors.Is(err, c.want) {
				t.Errorf("Check(%v) = %v, want %v", c.h, err, c.want)
			}
		})
	}
}

func TestValidTimestamp(t *testing.T) {
	for text, want := range map[string]bool{"1767225600": true, "0000000000": true, "176722560": false, "17672256000": false, "176722560x": false, "": false} {
		if got := svix.ValidTimestamp(text); got != want {
			t.Errorf("ValidTimestamp(%q) = %v, want %v", text, got, want)
		}
	}
}
