package scenario

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/events"
)

// occurrence is one request of a story as it is written down: a sample, and what
// is changed in it, with the ids and times of the samples.
type occurrence struct {
	day    string
	what   string
	sample string   // of package events
	edits  []string // as of send --set
	again  bool     // the message of the last occurrence of that sample, once more
	forged bool
	pause  time.Duration
	want   string // Event.Outcome
}

// body returns the event as the sample has it, with the edits.
func (o occurrence) body() []byte {
	body, err := events.Body(o.sample)
	if err == nil {
		body, err = webhook.Edit(body, o.edits)
	}
	if err != nil {
		panic(err) // samples and edits stand in this package, and a test tells every story
	}
	return body
}

// eventsOf makes requests of the occurrences. bodies are theirs.
func eventsOf(occurrences []occurrence, bodies [][]byte, now time.Time) []Event {
	list := make([]Event, len(occurrences))
	ids := map[string]string{} // the last one by the sample
	for i, o := range occurrences {
		if !o.again {
			ids[o.sample] = webhook.NewID(now)
		}
		list[i] = Event{
			Day: o.day, What: o.what, Pause: o.pause, Outcome: o.want,
			Request: webhook.Request{ID: ids[o.sample], Body: bodies[i], Tamper: o.forged},
		}
	}
	return list
}

// cast is who plays in a story: the ids and names that stand for those of the
// samples.
type cast struct {
	ids   map[string]string // by the sample's id
	tag   string            // in each address and user name
	place string            // in each slug, and in the organization's address
}

func newCast() *cast { return &cast{ids: map[string]string{}, tag: newTag(), place: newTag()} }

// newTag returns what tells the addresses of two casts apart. It is in lower case,
// as Clerk keeps slugs and addresses.
func newTag() string {
	const length = 6 // of 36 characters: two casts in a table hardly ever meet
	return strings.ToLower(webhook.RandomID("")[:length])
}

// colleague is a cast with other people in the same organization.
func (c *cast) colleague() *cast {
	other := &cast{ids: map[string]string{}, tag: newTag(), place: c.place}
	for old, id := range c.ids {
		if strings.HasPrefix(old, "org_") {
			other.ids[old] = id
		}
	}
	return other
}

// The ids and names of the samples, as their JSON has them. An instance keeps its
// id: clerksync may take events of that one alone.
var (
	sampleID   = regexp.MustCompile(`\b[a-z]+_2example[0-9A-Za-z]+`)
	sampleMail = regexp.MustCompile(`@([a-z]+\.example)\b`)
	sampleSlug = regexp.MustCompile(`"slug":"(lumen-oak[a-z-]*)"`)
	sampleUser = regexp.MustCompile(`"(username|external_id)":"([a-z0-9.-]+)"`)
	sampleTime = regexp.MustCompile(`\b1[67][0-9]{11}\b`) // in Unix milliseconds, of these years
)

// id returns the id that stands for one of the samples.
func (c *cast) id(sample string) string {
	if strings.HasPrefix(sample, "ins_") {
		return sample
	}
	if c.ids[sample] == "" {
		prefix, _, _ := strings.Cut(sample, "_")
		c.ids[sample] = webhook.RandomID(prefix + "_")
	}
	return c.ids[sample]
}

// mail returns the address that stands for one of the samples.
func (c *cast) mail(sample string) string {
	return sampleMail.ReplaceAllString(sample, "@"+c.tag+".$1")
}

// play returns the body with the cast's ids and names in place of the sample's, and
// its times moved. Everything else keeps its bytes.
func (c *cast) play(body []byte, moved timeline) []byte {
	text := sampleID.ReplaceAllStringFunc(string(body), c.id)
	text = c.mail(text)
	text = sampleSlug.ReplaceAllString(text, `"slug":"$1-`+c.place+`"`)
	text = sampleUser.ReplaceAllString(text, `"$1":"$2-`+c.tag+`"`)
	return []byte(sampleTime.ReplaceAllStringFunc(text, func(at string) string {
		n, _ := strconv.ParseInt(at, 10, 64) // thirteen digits
		return strconv.FormatInt(moved.move(n), 10)
	}))
}

// tell plays the occurrences, so that the newest has just happened.
func (c *cast) tell(now time.Time, occurrences ...occurrence) []Event {
	bodies := make([][]byte, len(occurrences))
	for i, o := range occurrences {
		bodies[i] = o.body()
	}
	moved := newTimeline(now, bodies)
	for i, body := range bodies {
		bodies[i] = c.play(body, moved)
	}
	return eventsOf(occurrences, bodies, now)
}

// timeline moves times of the samples, in Unix milliseconds. The events of a week
// then lie within minutes, in the same order.
type timeline struct {
	marks []int64 // the times of the events, ascending
	last  int64   // what stands for the last of them
}

// spacing is how far two events of a story lie apart, in milliseconds.
const spacing = int64(time.Minute / time.Millisecond)

func newTimeline(now time.Time, bodies [][]byte) timeline {
	t := timeline{last: now.UnixMilli()}
	for _, body := range bodies {
		t.marks = append(t.marks, timestamp(body))
	}
	slices.Sort(t.marks)
	t.marks = slices.Compact(t.marks)
	return t
}

// move keeps the distance to the nearest event, as far as the distances between the
// events allow: of two times the later one stays the later, and equal times stay
// equal, so each object keeps the time of its creation in every event.
func (t timeline) move(at int64) int64 {
	next, exact := slices.BinarySearch(t.marks, at)
	if exact || next == 0 {
		return t.mark(next) + at - t.marks[next]
	}
	after := at - t.marks[next-1]
	if next == len(t.marks) {
		return t.mark(next-1) + after
	}
	if before := t.marks[next] - at; before < after {
		return t.mark(next) - min(before, spacing/2-1)
	}
	return t.mark(next-1) + min(after, spacing/2)
}

// mark is where the event with the index lies now.
func (t timeline) mark(i int) int64 { return t.last - int64(len(t.marks)-1-i)*spacing }

// timestamp is the envelope's time.
func timestamp(body []byte) int64 {
	var envelope struct {
		Timestamp int64 `json:"timestamp"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil || envelope.Timestamp == 0 {
		panic("a story's event has no timestamp") // as in occurrence.body
	}
	return envelope.Timestamp
}
