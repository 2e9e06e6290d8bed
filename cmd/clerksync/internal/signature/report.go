// Package signature says why a Svix signature does not match, by trying what
// usually happens to secrets, headers and bodies on their way until the
// signature does match. It is pure: no clock, no network, and no secret ever
// stands in what it returns.
//
// What is tried comes from https://docs.svix.com/receiving/verifying-payloads/why
// and the questions that people ask about it: a body that was parsed and
// printed again, a secret pasted with something around it, headers of another
// attempt, a clock that is off.
package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/clerksync/clerksync/pkg/svix"
)

// Request is a request whose signature is in doubt.
type Request struct {
	Header map[string][]string // as received; the case of names does not matter
	Body   []byte              // as received, base64 of the gateway undone
	// Others are the headers of other requests at hand, from which an id, a
	// timestamp or a signature may have been taken.
	Others   []map[string][]string
	Received time.Time
	// Secrets are those at hand. The first is what the endpoint verifies with.
	Secrets []Secret
	// MaxHashed bounds the search, in bytes that are hashed; 0 means 2 GiB,
	// which is some seconds.
	MaxHashed int
}

// Secret is the text of one or several signing secrets, as somebody typed it.
type Secret struct {
	From string // where it comes from, in words for people
	Text string
}

// Finding is one thing that is wrong.
type Finding struct {
	Cause  Cause  `json:"cause"`
	Detail string `json:"detail"`
	Mend   string `json:"mend"`
	// Proven says that the signature matches once this is undone, or that it
	// can be seen; otherwise it is only likely.
	Proven bool `json:"proven"`
}

// Result is what came out.
type Result struct {
	// Good says that the endpoint accepts the request as it is. Findings then
	// holds what another verifier may stumble over.
	Good     bool      `json:"good"`
	Secret   string    `json:"secret,omitempty"` // where the one that matches comes from
	Findings []Finding `json:"findings"`
}

// found makes a proven finding.
func found(c Cause, format string, a ...any) Finding {
	return Finding{c, fmt.Sprintf(format, a...), c.mend(), true}
}

func likely(c Cause, format string, a ...any) Finding {
	f := found(c, format, a...)
	f.Proven = false
	return f
}

// Signature tries everything. Where nothing matches, the result holds what can
// be seen to be wrong, if anything.
func Signature(r Request) Result {
	s := newSearch(r)
	if len(s.heads) == 0 {
		return Result{Findings: append(s.seen(), missing(s.header)...)}
	}
	if s.good() {
		return s.accepted()
	}
	if m, ok := s.run(); ok {
		return s.explained(m)
	}
	findings := append(s.seen(), missing(s.header)...)
	if base := svix.FromHeader(s.header.get); base.Timestamp != "" {
		findings = append(findings, s.clock(head{id: base.ID, at: base.Timestamp})...)
	}
	return Result{Findings: append(findings, s.suspicions()...)}
}

// explained is what the match tells.
func (s *search) explained(m matched) Result {
	findings := m.findings
	if m.from != s.Secrets[0].From {
		findings = append(s.seen(), findings...)
	}
	findings = append(findings, s.clock(m.head)...)
	if base := svix.FromHeader(s.header.get); len(findings) == 0 && !svix.ValidID(base.ID) {
		findings = append(findings, found(HeaderAltered, "the signature is right, and no message id looks like this one"))
	}
	if len(findings) == 0 {
		findings = append(findings, found(HeaderAltered, "the signature is right, and not written as Svix writes it: `v1,` and base64, separated by spaces"))
	}
	return Result{Secret: m.from, Findings: findings}
}

// seen is what can be seen to be wrong with the endpoint's secret.
func (s *search) seen() []Finding {
	if len(s.Secrets) == 0 {
		return nil
	}
	return malformed(s.Secrets[0])
}

// good says whether a verifier of ours takes the request as it is.
func (s *search) good() bool {
	secrets, err := s.configured()
	base := svix.FromHeader(s.header.get)
	return err == nil && secrets.Verify(base, s.Body) == nil && base.Check(s.Received) == nil
}

// configured are the secrets that the endpoint verifies with.
func (s *search) configured() (*svix.Secrets, error) {
	if len(s.Secrets) == 0 {
		return nil, errors.New("no secret at hand")
	}
	return svix.ParseSecrets(s.Secrets[0].Text)
}

// accepted tells what other verifiers may stumble over.
func (s *search) accepted() Result {
	out := Result{Good: true, Secret: s.Secrets[0].From, Findings: []Finding{}}
	h := s.heads[0]
	for _, k := range s.keys {
		if len(k.why) > 0 {
			continue
		}
		if i := match(k, h, s.Body); i > 0 {
			out.Findings = append(out.Findings, found(LaterSignature,
				"the signature that matches is number %d of %d", i+1, len(h.sigs)))
		}
	}
	return out
}

// clock says whether the timestamp would be refused.
func (s *search) clock(h head) []Finding {
	err := svix.Headers{ID: "msg", Timestamp: h.at, Signature: "-"}.Check(s.Received)
	if err == nil {
		return nil
	}
	sec, parsed := strconv.ParseInt(h.at, 10, 64)
	if parsed != nil || !svix.ValidTimestamp(h.at) {
		return []Finding{found(TimestampMalformed, "the timestamp is not ten digits of Unix seconds")}
	}
	off, side := s.Received.Sub(time.Unix(sec, 0)), "before"
	if off < 0 {
		off, side = -off, "after"
	}
	return []Finding{found(Clock, "it was signed at %s, %s %s the time of the check, %s; %s are allowed",
		time.Unix(sec, 0).UTC().Format(time.RFC3339), off.Round(time.Second), side, s.Received.UTC().Format(time.RFC3339), svix.Tolerance)}
}

// match says which of the head's signatures is the key's over the body, or -1.
func match(k key, h head, body []byte) int {
	want := sign(k.bytes, h.id, h.at, body)
	for i := range h.sigs {
		if hmac.Equal(h.sigs[i].mac[:], want[:]) {
			return i
		}
	}
	return -1
}

func sign(key []byte, id, at string, body []byte) (sum [sha256.Size]byte) {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(id + "." + at + "."))
	m.Write(body)
	m.Sum(sum[:0])
	return sum
}

// suspicions are what can't be undone, so that no signature proves it.
func (s *search) suspicions() (out []Finding) {
	if n := strings.TrimSpace(s.header.get("content-length")); n != "" && n != strconv.Itoa(len(s.Body)) {
		out = append(out, likely(BodyLength, "the header says that %s bytes were sent, the body holds %d", n, len(s.Body)))
	}
	switch {
	case len(s.Body) == 0:
		out = append(out, likely(BodyEmpty, "the body is empty"))
	case strings.Contains(string(s.Body), "\ufffd"):
		out = append(out, likely(BodyDecoded, "the body holds U+FFFD, which stands for bytes that somebody could not decode"))
	}
	if len(s.heads) > 0 && len(s.heads[0].sigs) == 0 {
		out = append(out, s.unreadable()...)
	}
	return out
}

// unreadable says what the signature header holds instead of a signature.
func (s *search) unreadable() []Finding {
	text := svix.FromHeader(s.header.get).Signature
	if strings.Contains(text, "v1a,") {
		return []Finding{found(SignatureAsymmetric, "the header holds v1a signatures only")}
	}
	return []Finding{found(SignatureMalformed, "the header holds nothing that decodes to the 32 bytes of an HMAC-SHA256")}
}
