package simulation

import (
	"slices"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
)

// What the runbook says, "Restore from a backup".
const (
	deliveriesBack = time.Hour       // the Deliveries are restored to so long before the Directory
	recentRows     = 5 * time.Minute // rows so young are deleted from the restored Directory
)

// backup is what a history has in which the tables are restored, nil in others.
// In it hours go by, and the consumers' clocks are the queue's.
type backup struct {
	episodes []episode              // that Svix delivers after the scheduler's arrivals
	sentAt   map[*message]time.Time // when Svix got each message
	lastWork map[*message]time.Time // when sync last logged a line about it; behind the harness's mu
	due      bool                   // the restoration is still to come
	stopped  bool                   // sync is, for the restoration
}

// prepareBackup delivers the messages in episodes, and keeps what a restoration
// needs.
func (s *scheduler) prepareBackup() {
	s.backup = &backup{
		episodes: intoEpisodes(s.messages, s.arrivals),
		sentAt:   map[*message]time.Time{},
		lastWork: map[*message]time.Time{},
		due:      true,
	}
	s.arrivals, s.memory.clock = nil, s.queue.now
}

// isStopped says whether sync receives nothing now.
func (b *backup) isStopped() bool { return b != nil && b.stopped }

// stopAtSomeTime stops sync at some step, when the history has gone on for a
// while: what runs goes on to its end.
func (s *scheduler) stopAtSomeTime() {
	if b := s.backup; b != nil && b.due && len(b.episodes) < 3 && s.random.IntN(200) == 0 {
		b.stopped = true
	}
}

// letHoursPass does what happens in a history with a backup when no consumer
// runs: it restores the tables, or lets time go by until the next episode. It
// reports false where nothing of that is due. waiting says that messages are left
// on the queue.
func (s *scheduler) letHoursPass(waiting bool) bool {
	switch b := s.backup; {
	case b == nil:
		return false
	case b.stopped, b.due && len(b.episodes) == 0 && !waiting:
		s.restore()
		return true
	case len(b.episodes) > 0 && (!waiting || s.random.IntN(2) == 0):
		s.beginEpisode()
		return true
	}
	return false
}

// restore follows the runbook, "Restore from a backup", when sync is stopped and
// its last batches have ended.
func (s *scheduler) restore() {
	s.backup.due, s.backup.stopped = false, false
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
		since := second.Add(-recentRows).UTC().Format(directory.TimeFormat)
		s.memory.deleteRecent(since, !s.mistake(recentPointersKept))
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
	if len(changes) == 0 { // in a history that was shortened
		return s.queue.now()
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
	for m, at := range s.backup.lastWork {
		if sent := s.backup.sentAt[m]; !at.Before(since) && sent.Before(from) {
			from = sent
		}
	}
	return from
}

// replay lets Svix deliver once more what it has sent since then.
func (s *scheduler) replay(since time.Time) {
	for _, m := range s.messages {
		if sent, ok := s.backup.sentAt[m]; ok && !sent.Before(since) {
			s.arrivals = append(s.arrivals, m)
		}
	}
	s.random.Shuffle(len(s.arrivals), func(i, j int) { s.arrivals[i], s.arrivals[j] = s.arrivals[j], s.arrivals[i] })
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
		20 * time.Second, 4 * time.Minute, 20 * time.Minute, 70 * time.Minute, 5 * time.Hour, 5 * time.Hour,
	})
	next := s.backup.episodes[0]
	s.backup.episodes = s.backup.episodes[1:]
	s.arrivals = append(s.arrivals, next.deliveries...)
	for _, m := range next.sent {
		s.backup.sentAt[m] = s.queue.now()
	}
}
