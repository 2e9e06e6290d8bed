package simulation

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
)

// What the runbook says, "Restore from a backup".
const (
	deliveriesBack = time.Hour       // the Deliveries are restored to so long before the Directory
	recentRows     = 5 * time.Minute // rows so young are deleted from the restored Directory
)

// tear is how far apart the moments may be to which a backup holds two items.
// AWS says only that a transaction may be there in part; the runbook's five minutes
// must be enough for more than it does.
const tear = 40 * time.Second

// change is one change of one item, of which a backup is made.
type change struct {
	at    time.Time
	key   directory.Key
	row   directory.Row          // nil where it was deleted
	entry *directory.LedgerEntry // likewise, of the Deliveries
}

// note keeps a change for the backups, where there are any.
func (m *Memory) note(c change) {
	if m.clock != nil {
		c.at = m.clock()
		m.changes = append(m.changes, c)
	}
}

// restore gives both tables their states of two seconds, each item that of a
// moment of its own shortly before.
func (m *Memory) restore(directoryTo, deliveriesTo time.Time, random *rand.Rand) {
	m.rows, m.ledger = map[directory.Key]directory.Row{}, map[string]directory.LedgerEntry{}
	until := map[directory.Key]time.Time{}
	for _, c := range m.changes {
		isEntry := c.key.SK == ""
		if _, ok := until[c.key]; !ok {
			until[c.key] = directoryTo
			if isEntry {
				until[c.key] = deliveriesTo
			}
			if random.IntN(2) == 0 {
				until[c.key] = until[c.key].Add(-time.Duration(random.Int64N(int64(tear))))
			}
		}
		switch {
		case c.at.After(until[c.key]):
		case c.entry != nil:
			m.ledger[c.key.PK] = *c.entry
		case isEntry:
			delete(m.ledger, c.key.PK)
		case c.row != nil:
			m.rows[c.key] = c.row
		default:
			delete(m.rows, c.key)
		}
	}
	m.index, m.unindexed = maps.Clone(m.rows), nil
}

// restore follows the runbook, "Restore from a backup", when sync is stopped and
// its last batches have ended.
func (s *scheduler) restore() {
	s.restores, s.stopped = false, false
	second := s.drawSecond()
	s.count(Restored)
	s.logf("restore to %s", second.Format(directory.TimeFormat))
	hourBefore := second.Add(-deliveriesBack)
	deliveriesTo := hourBefore
	if s.mistake(sameSecond) {
		deliveriesTo = second
	}
	s.memory.restore(second, deliveriesTo, s.random)
	if !s.mistake(recentRowsKept) {
		s.memory.deleteRecent(second.Add(-recentRows).UTC().Format(directory.TimeFormat), !s.mistake(recentPointersKept))
	}
	if !s.mistake(pointersNotWritten) {
		s.memory.writeMissingPointers()
	}
	for _, m := range s.messages { // what is replayed is recorded a second time
		if len(s.monitor.recorded[m.svixID]) > 0 && s.memory.ledger[m.svixID].SvixID == "" {
			s.monitor.expired[m.svixID] = true
		}
	}
	s.replay(s.replayFrom(second))
}

// drawSecond draws the last good second: shortly after a change, of which the
// backup may hold a part, and in half of the cases after a pointer was deleted.
func (s *scheduler) drawSecond() time.Time {
	changes := s.memory.changes
	dropped := slices.DeleteFunc(slices.Clone(changes), func(c change) bool { return c.row != nil || c.key.SK == "" })
	if len(dropped) > 0 && s.random.IntN(2) == 0 {
		changes = dropped
	}
	second := oneOf(s.random, changes).at.Add(time.Duration(s.random.Int64N(int64(tear))))
	if now := s.queue.now(); second.After(now) {
		return now
	}
	return second
}

// replayFrom is the time from which messages must be replayed: an hour before
// the second, or that of the oldest message that sync has worked on since then.
func (s *scheduler) replayFrom(second time.Time) time.Time {
	from := second.Add(-deliveriesBack)
	if s.mistake(replayedTooLate) {
		return second
	}
	if s.mistake(lateMessagesForgotten) {
		return from
	}
	since := from
	for m, at := range s.lastWork {
		if sent := s.sentAt[m]; !at.Before(since) && sent.Before(from) {
			from = sent
		}
	}
	return from
}

// replay lets Svix deliver once more what it has sent since then.
func (s *scheduler) replay(since time.Time) {
	for _, m := range s.messages {
		if sent, ok := s.sentAt[m]; ok && !sent.Before(since) {
			s.arrivals = append(s.arrivals, m)
		}
	}
	s.random.Shuffle(len(s.arrivals), func(i, j int) { s.arrivals[i], s.arrivals[j] = s.arrivals[j], s.arrivals[i] })
}

// deleteRecent deletes the rows that were written since then, with their pointers,
// as docs/examples/recent-keys.jq chooses them.
func (m *Memory) deleteRecent(since string, pointersToo bool) {
	recent, partitions := map[directory.Key]directory.Row{}, map[string]bool{}
	for k, r := range m.rows {
		if r.Text("synced_at") >= since {
			recent[k] = r
			partitions[k.PK] = true
		}
	}
	for k, r := range m.rows { // the pointer of a domain or a role names its row
		names := slices.Contains([]string{"domain_of", "role_key"}, r.Text("kind")) && partitions[k.SK]
		if names && pointersToo {
			delete(m.rows, k)
		}
	}
	for k, r := range recent {
		delete(m.rows, k)
		if r.Text("kind") == directory.KindMembership && pointersToo {
			org, user := strings.TrimPrefix(k.PK, "ORG#"), strings.TrimPrefix(k.SK, "MEMBER#")
			delete(m.rows, directory.Key{PK: "USER#" + user, SK: "MEMBERSHIP#" + org})
		}
	}
	m.index = maps.Clone(m.rows)
}

// writeMissingPointers writes the pointers of live memberships and domains that
// have none, as docs/examples/missing-pointers.jq does.
func (m *Memory) writeMissingPointers() {
	for _, r := range m.rows {
		has := slices.Contains([]string{"membership", "domain"}, r.Text("kind"))
		if p := directory.Pointer(r); has && r.Live() && p != nil && m.rows[p.Key()] == nil {
			m.rows[p.Key()] = p
		}
	}
	m.index = maps.Clone(m.rows)
}

// episode is what Svix delivers in one go. Between episodes minutes or hours
// go by.
type episode struct {
	deliveries []*message
	sent       []*message // the messages that are as old as the episode
}

// intoEpisodes splits the deliveries. A message may be delivered in a later
// episode than the one in which Clerk sent it.
func intoEpisodes(messages, deliveries []*message) []episode {
	const count = 5
	episodes, known := make([]episode, count), map[*message]bool{}
	for i, m := range deliveries {
		in := i * count / len(deliveries)
		episodes[in].deliveries = append(episodes[in].deliveries, m)
		if !known[m] {
			known[m] = true
			sent := min(in, slices.Index(messages, m)*count/len(messages))
			episodes[sent].sent = append(episodes[sent].sent, m)
		}
	}
	return episodes
}

// beginEpisode lets time go by until the next episode.
func (s *scheduler) beginEpisode() {
	s.queue.skipped += oneOf(s.random, []time.Duration{
		time.Second, 20 * time.Second, 4 * time.Minute, 20 * time.Minute, 70 * time.Minute, 5 * time.Hour,
	})
	next := s.episodes[0]
	s.episodes = s.episodes[1:]
	s.arrivals = append(s.arrivals, next.deliveries...)
	for _, m := range next.sent {
		s.sentAt[m] = s.queue.now()
	}
}
