package console

import (
	"slices"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/signature"
)

// signatureDoubt is why the last request of a message that was not proven has the
// wrong signature, as `clerksync doctor signature` says it.
type signatureDoubt struct {
	Findings []signature.Finding
	NotKept  bool // without its body nothing can be tried
}

// maxHashed bounds the search, in bytes: a page that is open makes it again with
// each change, and this is a tenth of a second.
const maxHashed = 64 << 20

// doubt looks into the last unproven request.
func (c *Console) doubt(m recorder.Message) (d signatureDoubt) {
	for _, q := range slices.Backward(m.Requests) {
		if q.Proven {
			continue
		}
		if d.NotKept = q.Body == nil && q.Size > 0; d.NotKept {
			return d
		}
		d.Findings = signature.Diagnose(signature.Request{
			Header: q.Header, Body: q.Body, Received: q.At, MaxHashed: maxHashed,
			Secrets: []signature.Secret{{From: "this dev's secret", Text: c.options.Dev.Secret}},
		}).Findings
		return d
	}
	return d
}

// hasUnproven says whether a message has a request to look into.
func (c *Console) hasUnproven(m recorder.Message) bool {
	return c.options.Dev.Secret != "" &&
		slices.ContainsFunc(m.Requests, func(q recorder.Request) bool { return !q.Proven })
}
