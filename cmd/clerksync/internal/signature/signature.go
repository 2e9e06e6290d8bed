// Package signature says why a webhook's signature does not match. It undoes what usually happens to secrets, headers
// and bodies on their way, one candidate after another, until the signature matches; what had to be undone is the
// cause. The package is pure: it reads no clock, no file and no network, and no part of a secret stands in what it
// returns.
//
// A tour, in the order of the search:
//
//   - capture.go reads a request that a person recorded: lines, JSON, an event of API Gateway, what Clerk's CLI
//     printed; encoding.go reads files that are not UTF-8.
//   - secrets.go lists the keys that may have signed: of every secret at hand, with mistakes of pasting undone.
//   - candidates.go lists the ids, timestamps and signatures that may belong together, headers.go looks headers up and
//     signatures.go reads what a signature header holds.
//   - bodies.go lists what may have been signed instead of the body, rewrite.go the same JSON as other programs write
//     it.
//   - search.go combines keys, headers and bodies, the combinations with the fewest faults first, until one matches.
//   - report.go puts a match, or what can be seen without one, into findings; causes.go names the causes and says what
//     to do about each.
//
// What is tried comes from https://docs.svix.com/receiving/verifying-payloads/why and from the questions that people
// ask about it: a body that was parsed and printed again, a secret pasted with something around it, headers of another
// attempt, a clock that is off.
package signature

import (
	"time"

	"github.com/clerksync/clerksync/pkg/svix"
)

// Request is a request whose signature is in doubt.
type Request struct {
	Header map[string][]string // as received; the case of names does not matter
	Body   []byte              // as received, with the gateway's base64 undone
	// Others are the headers of other requests at hand, from which an id, a timestamp or a signature may have been
	// taken by mistake.
	Others   []map[string][]string
	Received time.Time
	// Secrets are those at hand. The first is the one that the endpoint verifies with.
	Secrets []Secret
	// MaxHashed bounds the search, in bytes that are hashed; 0 means 2 GiB, which takes some seconds.
	MaxHashed int
}

// Secret is the text of one or several signing secrets, as a person typed it.
type Secret struct {
	From string // where it comes from, in words for people
	Text string
}

// Finding is one thing that is wrong with a request, a secret or a clock.
type Finding struct {
	Cause  Cause  `json:"cause"`
	Detail string `json:"detail"` // a clause without a full stop, holding nothing secret
	Mend   string `json:"mend"`   // what to do about it
	// Proven says that the signature matches once this is undone, or that the fault can be seen; otherwise it is only
	// likely.
	Proven bool `json:"proven"`
}

// Result is what Diagnose found.
type Result struct {
	// Good says that the endpoint accepts the request as it is. Findings then holds what another verifier may reject.
	Good     bool      `json:"good"`
	Secret   string    `json:"secret,omitempty"` // Secret.From of the one that signed, "" where none matches
	Findings []Finding `json:"findings"`         // nil where nothing matches and nothing wrong can be seen
}

// Diagnose tries every candidate. Where none matches, the result holds the faults that can be seen all the same.
func Diagnose(r Request) Result {
	s := newSearch(r)
	if len(s.headers) == 0 {
		return Result{Findings: append(s.endpointSecretFindings(), missingHeaders(s.received)...)}
	}
	if s.endpointAccepts() {
		return s.reportAccepted()
	}
	if m, ok := s.run(); ok {
		return s.reportMatch(m)
	}
	return s.reportNoMatch()
}

// endpointAccepts says whether clerksync's own ingest would take the request as it is.
func (s *search) endpointAccepts() bool {
	if len(s.request.Secrets) == 0 {
		return false
	}
	secrets, err := svix.ParseSecrets(s.request.Secrets[0].Text)
	return err == nil && secrets.Verify(s.own, s.request.Body) == nil && s.own.Check(s.request.Received) == nil
}
