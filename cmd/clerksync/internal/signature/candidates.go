package signature

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clerksync/clerksync/pkg/svix"
)

// headerCandidate is an id, a timestamp and signatures that may belong together.
type headerCandidate struct {
	id, timestamp string
	signatures    []parsedSignature
	findings      []Finding // what must have gone wrong if they do; empty for the request's own
}

// headerCandidates lists what may have been signed together. The first is the request's own, where that is complete.
func headerCandidates(h headerSet, others []map[string][]string) (out []headerCandidate) {
	own := svix.FromHeader(h.get)
	if isComplete(own) {
		c := headerCandidate{id: own.ID, timestamp: own.Timestamp, signatures: parseSignatures(own.Signature)}
		out = append(append(out, c), repairedCandidates(c)...)
	}
	if plain, renamed := h.undoRenaming(); len(renamed) > 0 {
		if r := svix.FromHeader(plain.get); isComplete(r) && r != own {
			out = append(out, headerCandidate{
				id: r.ID, timestamp: r.Timestamp, signatures: parseSignatures(r.Signature),
				findings: []Finding{
					proven(HeaderRenamed, "headers came under other names: %s", strings.Join(renamed, ", ")),
				},
			})
		}
	}
	return append(out, mixedCandidates(h, own, others)...)
}

// headerValue is a value of one field and where it stands.
type headerValue struct{ text, source string }

// mixedCandidates takes each field from any family and any request at hand.
func mixedCandidates(h headerSet, own svix.Headers, others []map[string][]string) (out []headerCandidate) {
	var choices [3][]headerValue // in the order of fields
	add := func(in headerSet, whose string) {
		for i, field := range fields() {
			for _, family := range families() {
				texts := in[family+field]
				if field != "signature" { // a list of signatures may hold a comma, an id and a timestamp may not
					texts = strings.Split(in.get(family+field), ",")
				}
				for _, text := range texts {
					known := slices.ContainsFunc(choices[i], func(v headerValue) bool { return v.text == text })
					if text != "" && !known {
						choices[i] = append(choices[i], headerValue{text: text, source: family + field + whose})
					}
				}
			}
		}
	}
	add(h, "")
	for i, o := range others {
		add(newHeaderSet(o), " of other request "+strconv.Itoa(i+1))
	}
	for _, id := range choices[0] {
		for _, timestamp := range choices[1] {
			for _, sig := range choices[2] {
				if (svix.Headers{ID: id.text, Timestamp: timestamp.text, Signature: sig.text}) == own {
					continue
				}
				out = append(out, headerCandidate{
					id: id.text, timestamp: timestamp.text, signatures: parseSignatures(sig.text),
					findings: explainMixture(own, id, timestamp, sig),
				})
			}
		}
	}
	return out
}

// explainMixture says which fields are another request's.
func explainMixture(own svix.Headers, chosen ...headerValue) (findings []Finding) {
	if !isComplete(own) {
		return []Finding{proven(HeadersMixed, "they are of two families: the signature belongs to %s, %s, %s, and an "+
			"endpoint takes all three of one family",
			chosen[0].source, chosen[1].source, chosen[2].source)}
	}
	texts := [...]string{own.ID, own.Timestamp, own.Signature}
	causes := [...]Cause{OtherID, OtherTimestamp, OtherSignature}
	for i, field := range fields() {
		if chosen[i].text != texts[i] {
			findings = append(findings, proven(causes[i],
				"the %s is another request's: the one in %s fits", field, chosen[i].source))
		}
	}
	return findings
}

// repairedCandidates undo what happens to an id or a timestamp on its way.
func repairedCandidates(own headerCandidate) (out []headerCandidate) {
	trim := func(s string) string { return strings.Trim(s, " \t\r\n\"'<>") }
	id, timestamp := trim(own.id), trim(own.timestamp)
	add := func(id, timestamp string, cause Cause, detail string) {
		out = append(out, headerCandidate{
			id: id, timestamp: timestamp, signatures: own.signatures, findings: []Finding{proven(cause, "%s", detail)},
		})
	}
	if id != own.id {
		add(id, timestamp, HeaderAltered, "the id has quotes or white space around it")
	}
	if timestamp != own.timestamp {
		add(own.id, timestamp, HeaderAltered, "the timestamp has quotes or white space around it")
	}
	addSeconds := func(seconds int64, form string) {
		add(id, strconv.FormatInt(seconds, 10), TimestampMalformed,
			"the timestamp is "+form+", and was signed as Unix seconds")
	}
	if n, err := strconv.ParseFloat(timestamp, 64); err == nil && !svix.ValidTimestamp(timestamp) {
		if n > 1e11 {
			addSeconds(int64(n)/1000, "in milliseconds")
		}
		addSeconds(int64(n), "not a whole number of ten digits")
	}
	for _, layout := range []string{time.RFC3339, time.RFC1123, time.RFC1123Z} {
		if t, err := time.Parse(layout, timestamp); err == nil {
			addSeconds(t.Unix(), "a date")
		}
	}
	return out
}
