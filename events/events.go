// Package events holds sample webhook bodies: what Clerk puts into the body of a POST, byte for byte, one file a body
// in the folder clerk. They are not signed: a signature is made when one is sent, for it is rejected after five
// minutes.
//
// Most of them tell one story, the first week (2026-03-02 to 2026-03-08) of a made-up company, Lumen & Oak: who signs
// up, who is invited, who leaves. A name with two parts, such as user.created, is an event type; there is one for
// every type that Clerk documents. A name with a third part is a further event of the story (user.created.founder) or
// a shape that is rare but legal (user.created.phone_only). README.md in this folder says what each one is.
//
// The people, companies and addresses in them do not exist: e-mail addresses end in .example or are example.com,
// telephone numbers are 555-01xx, IP addresses are of the ranges reserved for documentation
// (https://www.rfc-editor.org/rfc/rfc5737). Whatever looks like a secret, an invitation's ticket or a one-time code,
// is there so that tests can show that it is never stored.
//
// Sources of the shapes:
//   - https://github.com/clerk/openapi-specs, webhooks/2025-04-15.yml
//   - https://clerk.com/docs/guides/development/webhooks/overview
package events

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrUnknown says that no sample has the given name.
var ErrUnknown = errors.New("no such sample event")

//go:embed clerk/*.json
var bodies embed.FS

const extension = ".json"

// Names returns the names of all samples, sorted: their file names without ".json".
func Names() []string {
	entries, _ := bodies.ReadDir("clerk") // it is embedded, and cannot fail
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), extension))
	}
	slices.Sort(names)
	return names
}

// Types returns the event types that have a sample named after them, sorted.
func Types() []string {
	return slices.DeleteFunc(Names(), func(name string) bool {
		var event struct {
			Type string `json:"type"`
		}
		body, err := Body(name)
		return err != nil || json.Unmarshal(body, &event) != nil || event.Type != name
	})
}

// Body returns the body of the sample of that name, exactly as it is sent: one line of JSON in UTF-8 without a
// newline at its end. The bytes are the caller's own. The error for an unknown name wraps ErrUnknown and says where
// the names are.
func Body(name string) ([]byte, error) {
	body, err := bodies.ReadFile("clerk/" + name + extension)
	if err != nil {
		return nil, fmt.Errorf("%w: %q (names are those of the files in events/clerk, such as user.created)",
			ErrUnknown, name)
	}
	return body, nil
}
