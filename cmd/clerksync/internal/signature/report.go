package signature

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/clerksync/clerksync/pkg/svix"
)

// proven makes a finding that undoing it, or looking at it, proves.
func proven(c Cause, format string, a ...any) Finding {
	return Finding{Cause: c, Detail: fmt.Sprintf(format, a...), Mend: c.advice(), Proven: true}
}

// likely makes a finding that nothing proves.
func likely(c Cause, format string, a ...any) Finding {
	f := proven(c, format, a...)
	f.Proven = false
	return f
}

// reportAccepted says what other verifiers may reject in a request that the endpoint accepts.
func (s *search) reportAccepted() Result {
	out := Result{Good: true, Secret: s.request.Secrets[0].From, Findings: []Finding{}}
	h := s.headers[0]
	for _, k := range s.soundKeys() {
		if i := matchingSignature(k.key, h, s.request.Body); i > 0 {
			out.Findings = append(out.Findings, proven(LaterSignature,
				"the signature that matches is number %d of %d", i+1, len(h.signatures)))
		}
	}
	return out
}

// reportMatch says what had to be undone before the signature matched. Where the secret that signed is not the
// endpoint's, what is wrong with the endpoint's comes first: it is what has to be corrected.
func (s *search) reportMatch(m match) Result {
	findings := m.findings
	if m.from != s.request.Secrets[0].From {
		findings = append(s.endpointSecretFindings(), findings...)
	}
	findings = append(findings, s.clockFindings(m.headers.timestamp)...)
	if len(findings) == 0 { // the endpoint rejects it although nothing was undone
		detail := "the signature is right, but not written as Svix writes it: `v1,` and base64, separated by spaces"
		if !svix.ValidID(s.own.ID) {
			detail = "the signature is right, but no message id looks like this one"
		}
		findings = append(findings, proven(HeaderAltered, "%s", detail))
	}
	return Result{Secret: m.from, Findings: findings}
}

// reportNoMatch says what can be seen to be wrong, or is likely to be, where no candidate matches.
func (s *search) reportNoMatch() Result {
	findings := append(s.endpointSecretFindings(), missingHeaders(s.received)...)
	if s.own.Timestamp != "" {
		findings = append(findings, s.clockFindings(s.own.Timestamp)...)
	}
	body := s.request.Body
	if n := strings.TrimSpace(s.received.get("content-length")); n != "" && n != strconv.Itoa(len(body)) {
		findings = append(findings,
			likely(BodyLength, "the header says that %s bytes were sent, the body holds %d", n, len(body)))
	}
	switch {
	case len(body) == 0:
		findings = append(findings, likely(BodyEmpty, "the body is empty"))
	case strings.Contains(string(body), "\ufffd"):
		findings = append(findings,
			likely(BodyDecoded, "the body holds U+FFFD, which stands for bytes that a program could not decode"))
	}
	if len(s.headers[0].signatures) > 0 {
		return Result{Findings: findings}
	}
	if strings.Contains(s.own.Signature, "v1a,") {
		return Result{Findings: append(findings, proven(SignatureAsymmetric, "the header holds v1a signatures only"))}
	}
	return Result{Findings: append(findings,
		proven(SignatureMalformed, "the header holds nothing that decodes to the 32 bytes of an HMAC-SHA256"))}
}

// endpointSecretFindings says what can be seen to be wrong with the secret that the endpoint verifies with.
func (s *search) endpointSecretFindings() []Finding {
	if len(s.request.Secrets) == 0 {
		return nil
	}
	return malformedSecret(s.request.Secrets[0])
}

// clockFindings says whether the endpoint would reject the timestamp, and why.
func (s *search) clockFindings(timestamp string) []Finding {
	received := s.request.Received
	if (svix.Headers{ID: "msg", Timestamp: timestamp, Signature: "-"}).Check(received) == nil {
		return nil
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || !svix.ValidTimestamp(timestamp) {
		return []Finding{proven(TimestampMalformed, "the timestamp is not ten digits of Unix seconds")}
	}
	signed := time.Unix(seconds, 0)
	offset, side := received.Sub(signed), "before"
	if offset < 0 {
		offset, side = -offset, "after"
	}
	return []Finding{proven(Clock, "it was signed at %s, %s %s the time of the check, %s; %s are allowed",
		formatTime(signed), offset.Round(time.Second), side, formatTime(received), svix.Tolerance)}
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }
