package signature

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"strconv"
	"time"

	"github.com/clerksync/clerksync/pkg/svix"
)

const (
	defaultMaxHashed = 1 << 31
	hashedPerMAC     = 256 // bytes that an HMAC hashes in addition to the body
	// svixRetries is how long Svix goes on sending one message by itself: https://docs.svix.com/retries
	svixRetries = 28 * time.Hour
)

// search holds the candidates of one request and what may still be spent on trying them.
type search struct {
	request  Request
	received headerSet
	own      svix.Headers // the request's, as the endpoint reads them
	keys     []keyCandidate
	headers  []headerCandidate // the first is the request's own, where it is complete
	budget   int               // bytes that may still be hashed
}

func newSearch(r Request) *search {
	received := newHeaderSet(r.Header)
	return &search{
		request:  r,
		received: received,
		own:      svix.FromHeader(received.get),
		keys:     keyCandidates(r.Secrets),
		headers:  headerCandidates(received, r.Others),
		budget:   cmp.Or(r.MaxHashed, defaultMaxHashed),
	}
}

// match is a combination whose signature is right.
type match struct {
	from     string // Secret.From
	headers  headerCandidate
	findings []Finding // what was undone
}

// run returns the match with the fewest faults: one fault before two, and what happens often before what is rare. A
// signature that matches by chance cannot happen, but several explanations may match (the request of another attempt is
// also one with another timestamp): the first round that has a match names the one that people can act on. The budget
// bounds all rounds together.
func (s *search) run() (match, bool) {
	own, others := s.headers[:1], s.headers[1:]
	if !isComplete(s.own) {
		own, others = nil, s.headers
	}
	sound, body := s.soundKeys(), s.request.Body
	for _, round := range []func() (match, bool){
		func() (match, bool) { return s.tryAll(sound, own, body, nil) },
		func() (match, bool) { return s.tryAll(s.keys, own, body, nil) },
		func() (match, bool) { return s.tryAll(sound, others, body, nil) },
		func() (match, bool) { return s.tryBodies(sound, own) },
		func() (match, bool) { return s.tryAll(s.keys, others, body, nil) },
		func() (match, bool) { return s.tryBodies(s.keys, own) },
		func() (match, bool) { return s.tryOtherTimestamps(own) },
		func() (match, bool) { return s.tryBodies(sound, others) },
	} {
		if m, ok := round(); ok {
			return m, true
		}
	}
	return match{}, false
}

// soundKeys are those that the endpoint verifies with: nothing has to be undone for them.
func (s *search) soundKeys() []keyCandidate {
	return slices.DeleteFunc(slices.Clone(s.keys), func(k keyCandidate) bool { return len(k.findings) > 0 })
}

// tryAll looks for a key that made one of the headers' signatures over the body. The findings are what was undone to
// get that body.
func (s *search) tryAll(keys []keyCandidate, headers []headerCandidate, body []byte, undone []Finding) (match, bool) {
	for _, k := range keys {
		for _, h := range headers {
			if s.budget -= len(body) + hashedPerMAC; s.budget < 0 {
				return match{}, false
			}
			i := matchingSignature(k.key, h, body)
			if i < 0 {
				continue
			}
			findings := slices.Concat(k.findings, h.findings, undone)
			if c := h.signatures[i].cause; c != "" {
				findings = append(findings, proven(c, "%s", c.describeSignature()))
			}
			return match{from: k.from, headers: h, findings: findings}, true
		}
	}
	return match{}, false
}

// tryBodies is tryAll with every body that may have been signed instead.
func (s *search) tryBodies(keys []keyCandidate, headers []headerCandidate) (match, bool) {
	if len(keys) == 0 || len(headers) == 0 {
		return match{}, false
	}
	for body, why := range bodyCandidates(s.request.Body) {
		if bytes.Equal(body, s.request.Body) {
			continue
		}
		if m, ok := s.tryAll(keys, headers, body, []Finding{why}); ok || s.budget < 0 {
			return m, ok
		}
	}
	return match{}, false
}

// tryOtherTimestamps looks for another attempt's timestamp, the nearest first: the id stays the same, the timestamp and
// with it the signature is new each time.
func (s *search) tryOtherTimestamps(own []headerCandidate) (match, bool) {
	if len(own) == 0 || len(own[0].signatures) == 0 {
		return match{}, false
	}
	stated, err := strconv.ParseInt(own[0].timestamp, 10, 64)
	if err != nil {
		return match{}, false
	}
	keys := slices.DeleteFunc(slices.Clone(s.keys), func(k keyCandidate) bool {
		return slices.ContainsFunc(k.findings, func(f Finding) bool { return f.Cause == TextAsKey })
	})
	for distance := int64(1); distance <= int64(svixRetries/time.Second); distance++ {
		for _, signed := range [2]int64{stated - distance, stated + distance} {
			h := headerCandidate{id: own[0].id, timestamp: strconv.FormatInt(signed, 10), signatures: own[0].signatures}
			m, ok := s.tryAll(keys, []headerCandidate{h}, s.request.Body, nil)
			if ok {
				m.findings = append(m.findings, proven(OtherTimestamp,
					"the timestamp is another attempt's: it says %s, and the signature was made at %s",
					formatTime(time.Unix(stated, 0)), formatTime(time.Unix(signed, 0))))
			}
			if ok || s.budget < 0 {
				return m, ok
			}
		}
	}
	return match{}, false
}

// matchingSignature returns the index of the signature that the key made over the body, or -1.
func matchingSignature(key []byte, h headerCandidate, body []byte) int {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(h.id + "." + h.timestamp + "."))
	m.Write(body)
	want := m.Sum(nil)
	return slices.IndexFunc(h.signatures, func(s parsedSignature) bool { return hmac.Equal(s.mac, want) })
}
