package recorder

import (
	"bytes"
	"encoding/json/jsontext"

	"github.com/clerksync/clerksync/pkg/clerk"
)

// Masked stands in a shown body for a value that is a credential.
const Masked = `"[masked: whoever has it can accept the invitation]"`

// Mask is a body as it may be shown: the url of an invitation, with which whoever
// has it joins the organization, is replaced. The rest keeps its text. A body that
// is no event of an invitation is returned as it is.
func Mask(body []byte) []byte {
	e, err := clerk.Decode(body)
	if err != nil || !bytes.HasPrefix([]byte(e.Type), []byte("organizationInvitation.")) {
		return body
	}
	d := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	var masked []byte
	done := int64(0) // up to where body is in masked
	for {
		token, err := d.ReadToken()
		if err != nil {
			return append(masked, body[done:]...)
		}
		if token.Kind() != jsontext.KindString || d.StackPointer() != "/data/url" {
			continue
		}
		// The name was read; all values of a doubled one come by here.
		value, err := d.ReadValue()
		if err != nil {
			return append(masked, body[done:]...)
		}
		end := d.InputOffset()
		masked = append(masked, body[done:end-int64(len(value))]...)
		masked, done = append(masked, Masked...), end
	}
}
