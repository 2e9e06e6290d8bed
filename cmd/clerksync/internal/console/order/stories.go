package order

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/events"
)

// ErrUnknownStory says that no story has the given name.
var ErrUnknownStory = errors.New("no such story")

// Story is a few messages whose order matters to whoever does not look at it,
// made of sample events. Its ids are always the same, so that an order of it can
// be sent to somebody as a link; they meet nobody's rows, for the tables are fresh.
type Story struct {
	Name  string // in links
	Title string // for people
	Why   string // which mistake it finds
	parts []part
}

// part is one message of a story: a sample, and what is changed in it.
type part struct {
	sample string
	edits  []string // as of send --set
}

// Messages are the story's, as Clerk would send them one after another.
func (s Story) Messages() ([]Message, error) {
	messages := make([]Message, len(s.parts))
	for i, p := range s.parts {
		body, err := events.Body(p.sample)
		if err == nil {
			body, err = webhook.Edit(body, p.edits)
		}
		if err != nil {
			return nil, fmt.Errorf("story %s: %w", s.Name, err)
		}
		messages[i] = Message{SvixID: fmt.Sprint(s.prefix(), i+1), EventType: webhook.EventType(body), Body: body}
	}
	return messages, nil
}

// storyPrefix begins the ids of all stories' messages.
const storyPrefix = "msg_story_"

func (s Story) prefix() string { return storyPrefix + s.Name + "_" }

// Has says whether a message of that id is one of the story's.
func (s Story) Has(id string) bool { return strings.HasPrefix(id, s.prefix()) }

// FindMessage finds a message of any story by its id.
func FindMessage(id string) (Message, bool) {
	for _, s := range Stories() {
		if !s.Has(id) {
			continue
		}
		messages, err := s.Messages()
		i := slices.IndexFunc(messages, func(m Message) bool { return m.SvixID == id })
		if err == nil && i >= 0 {
			return messages[i], true
		}
	}
	return Message{}, false
}

// FindStory returns the story of that name, or an error that wraps ErrUnknownStory.
func FindStory(name string) (Story, error) {
	for _, s := range Stories() {
		if s.Name == name {
			return s, nil
		}
	}
	return Story{}, fmt.Errorf("%w: %q", ErrUnknownStory, name)
}

// unchanged are the parts that these samples are as they stand.
func unchanged(names ...string) (parts []part) {
	for _, name := range names {
		parts = append(parts, part{sample: name})
	}
	return parts
}

// Stories are all stories, the one to begin with first.
func Stories() []Story {
	const user, member, org = "user.", "organizationMembership.", "organization."
	late := part{sample: user + "updated", edits: []string{
		"data.first_name=Jon", "data.updated_at=1772800000000", "timestamp=1772800000000",
	}}
	sameTime := part{sample: user + "updated", edits: []string{
		"data.first_name=Jo", "data.updated_at=1772800000000", "timestamp=1772800000003",
	}}
	older := part{sample: user + "updated", edits: []string{
		"data.first_name=Jon", "data.updated_at=1772447600000", "timestamp=1772447600000",
	}}
	return []Story{
		{
			Name: "late-update", Title: "Late update after a deletion",
			Why:   "An update that arrives after the deletion must not bring the user back.",
			parts: append(unchanged(user+"created", member+"created", user+"updated", user+"deleted"), late),
		},
		{
			Name: "rejoin", Title: "A member leaves and comes back",
			Why: "The late removal of the first membership must not remove the second, which has the same key.",
			parts: unchanged(
				member+"created", member+"updated", member+"deleted",
				member+"created.rejoined",
			),
		},
		{
			Name: "organization-deleted", Title: "An organization is deleted while somebody joins",
			Why: "No member, invitation or domain may outlive the organization.",
			parts: unchanged(
				org+"created", member+"created", "organizationInvitation.created",
				"organizationDomain.created", org+"deleted",
			),
		},
		{
			Name: "edits", Title: "Edits that overtake one another",
			Why:   "The newest change wins, whichever arrives last; two of them have one updated_at.",
			parts: []part{{sample: user + "created"}, older, {sample: user + "updated"}, late, sameTime},
		},
		{
			Name: "roles", Title: "A role is renamed and deleted",
			Why: "A role is found by its key, so its pointer must move and go with it.",
			parts: []part{
				{sample: "permission.created"},
				{sample: "role.created"},
				{sample: "role.updated", edits: []string{"data.key=org:maker"}},
				{sample: "role.deleted"},
			},
		},
		{
			Name: "life", Title: "A whole life: six messages, 720 orders",
			Why: "Everything at once: a user, a company, and both of them end.",
			parts: unchanged(
				user+"created", org+"created", member+"created", user+"updated",
				org+"deleted", user+"deleted",
			),
		},
	}
}
