package signature

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/clerksync/clerksync/pkg/svix"
)

// search tries combinations of keys, headers and bodies, those with the fewest
// things wrong first.
type search struct {
	Request
	header header
	keys   []key
	heads  []head
	budget int // bytes that may still be hashed
}

const (
	maxHashed = 1 << 31
	overhead  = 256 // bytes that an HMAC hashes beside the body
)

func newSearch(r Request) *search {
	h := newHeader(r.Header)
	return &search{Request: r, header: h, keys: keys(r.Secrets), heads: heads(h, r.Others), budget: cmp.Or(r.MaxHashed, maxHashed)}
}

// matched is a combination that fits.
type matched struct {
	from     string
	head     head
	findings []Finding
}

// run finds the combination with the fewest things wrong.
func (s *search) run() (matched, bool) {
	own, rest := s.heads[:1], s.heads[1:]
	if base := svix.FromHeader(s.header.get); base.ID == "" || base.Timestamp == "" || base.Signature == "" {
		own, rest = nil, s.heads // none is the request's own
	}
	sound := slices.DeleteFunc(slices.Clone(s.keys), func(k key) bool { return len(k.why) > 0 })
	for _, try := range []func() (matched, bool){
		func() (matched, bool) { return s.try(sound, own, s.Body, nil) },
		func() (matched, bool) { return s.try(s.keys, own, s.Body, nil) },
		func() (matched, bool) { return s.try(sound, rest, s.Body, nil) },
		func() (matched, bool) { return s.bodies(sound, own) },
		func() (matched, bool) { return s.try(s.keys, rest, s.Body, nil) },
		func() (matched, bool) { return s.bodies(s.keys, own) },
		func() (matched, bool) { return s.seconds(own) },
		func() (matched, bool) { return s.bodies(sound, rest) },
	} {
		if m, ok := try(); ok {
			return m, true
		}
	}
	return matched{}, false
}

// try says whether any of the keys made any of the heads over the body.
func (s *search) try(keys []key, heads []head, body []byte, why []Finding) (matched, bool) {
	for _, k := range keys {
		for _, h := range heads {
			if s.budget -= len(body) + overhead; s.budget < 0 {
				return matched{}, false
			}
			i := match(k, h, body)
			if i < 0 {
				continue
			}
			findings := slices.Concat(k.why, h.why, why)
			if c := h.sigs[i].why; c != "" {
				findings = append(findings, found(c, "%s", c.odd()))
			}
			return matched{k.from, h, findings}, true
		}
	}
	return matched{}, false
}

// odd says what is odd about a signature.
func (c Cause) odd() string {
	switch c {
	case SignatureHex:
		return "the signature is right, and written in hexadecimal"
	case SignatureBase64:
		return "the signature is right, and written in URL-safe or unpadded base64"
	default:
		return "the signature is right, and has no v1, before it"
	}
}

func (s *search) bodies(keys []key, heads []head) (m matched, ok bool) {
	if len(keys) == 0 || len(heads) == 0 {
		return m, false
	}
	for body, why := range bodies(s.Body) {
		if bytes.Equal(body, s.Body) {
			continue
		}
		if m, ok = s.try(keys, heads, body, []Finding{why}); ok || s.budget < 0 {
			return m, ok
		}
	}
	return m, false
}

// retries is how long Svix goes on sending one message by itself:
// https://docs.svix.com/retries
const retries = 28 * time.Hour

// seconds looks for another attempt's timestamp: the id stays the same, the
// timestamp and with it the signature is new each time.
func (s *search) seconds(own []head) (matched, bool) {
	if len(own) == 0 || len(own[0].sigs) == 0 {
		return matched{}, false
	}
	said, err := strconv.ParseInt(own[0].at, 10, 64)
	if err != nil {
		return matched{}, false
	}
	sane := slices.DeleteFunc(slices.Clone(s.keys), func(k key) bool {
		return slices.ContainsFunc(k.why, func(f Finding) bool { return f.Cause == TextAsKey })
	})
	for d := range int64(retries / time.Second) {
		for _, at := range [2]int64{said - d - 1, said + d + 1} {
			h := head{own[0].id, strconv.FormatInt(at, 10), own[0].sigs, nil}
			m, ok := s.try(sane, []head{h}, s.Body, nil)
			if ok {
				m.findings = append(m.findings, found(OtherTimestamp, "the timestamp is another attempt's: it says %s, and the signature was made at %s",
					time.Unix(said, 0).UTC().Format(time.RFC3339), time.Unix(at, 0).UTC().Format(time.RFC3339)))
			}
			if ok || s.budget < 0 {
				return m, ok
			}
		}
	}
	return matched{}, false
}
