package simulation

import (
	"context"
	"slices"
	"time"

	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
)

// What a run must have met of readers of Clerk's API.
const (
	EventLost            Fault = "event that never comes"
	LaggingReplica       Fault = "read of Clerk's API from a replica that lags"
	ReadersClockOff      Fault = "reader of Clerk's API whose clock is wrong by ten minutes"
	SilentChange         Fault = "change that was read from Clerk's API and never had an event"
	TieWithEvent         Fault = "object read that ties with an event of another content by updated_at"
	SameMillisecond      Fault = "two states of an object read in one millisecond"
	RejoinedMeanwhile    Fault = "membership created anew between its read and its write"
	ParentDiedMeanwhile  Fault = "parent deleted between the read of its child and the write"
	FalseAbsence         Fault = "row deleted by a false absence"
	TrueAbsence          Fault = "row deleted by a true absence"
	ChildOfAbsence       Fault = "child deleted with a row that is absent"
	HealedByRead         Fault = "deletion by absence taken back by a read"
	HealedByEvent        Fault = "deletion by absence taken back by an event"
	DeletedAfterAbsence  Fault = "deletion by absence followed by the event of the deletion"
	LookContradicted     Fault = "absence at the first look that the second contradicts"
	Repaired             Fault = "row mended at the end by the command's own repair"
	KeptOfEvents         Fault = "row written from a read that keeps what only events tell"
	RestoredThenBackfill Fault = "tables restored, then mended by a backfill"
)

func readerKinds() []Fault {
	return []Fault{
		EventLost, LaggingReplica, ReadersClockOff, SilentChange, TieWithEvent, SameMillisecond, RejoinedMeanwhile,
		ParentDiedMeanwhile, FalseAbsence, TrueAbsence, ChildOfAbsence, HealedByRead, HealedByEvent,
		DeletedAfterAbsence, LookContradicted, Repaired, KeptOfEvents, RestoredThenBackfill,
	}
}

// readers are those of a history: they work beside the consumers, each in the
// place of one.
type readers struct {
	instance instance
	left     int // that are still to start
	// unfinished are the rows of the pages that readers had in hand when they were
	// killed, or gave up. Such a row may be written without a look for its parents.
	unfinished map[directory.Key]bool
}

// prepareReaders begins Clerk's time, and loses some of the events for good.
func (s *scheduler) prepareReaders(states []*state) {
	s.readers = &readers{instance: instance{states: states, now: epoch}, unfinished: map[directory.Key]bool{}}
	s.monitor.reads.instance, s.monitor.reads.count = &s.readers.instance, s.count
	random := newRandom(s.plan.Seed, 6)
	s.readers.left = 3 + random.IntN(8)
	oneIn := oneOf(random, []int{12, 12, 3})
	s.messages = slices.DeleteFunc(slices.Clone(s.messages), func(m *message) bool {
		lost := !m.invalid && random.IntN(oneIn) == 0
		if lost {
			s.count(EventLost)
			s.logf("svix   %s %s is lost", m.eventType, m.svixID)
		}
		return lost
	})
}

// readsFromClerk is the start of a reader, where one is due.
func (s *scheduler) readsFromClerk() []choice {
	r := s.readers
	if r == nil || r.left == 0 || s.backup.isStopped() || !slices.Contains(s.running, nil) || s.random.IntN(8) > 0 {
		return nil
	}
	return []choice{{do: s.startReader}}
}

// startReader starts a backfill or a repair in the place of an idle worker.
func (s *scheduler) startReader() {
	s.readers.left--
	s.started++
	ctx, cancel := context.WithCancel(context.Background())
	r := &reader{
		readings:   map[string]*state{},
		lied:       map[directory.Key]bool{},
		looked:     map[directory.Key]string{},
		lookedAt:   map[directory.Key]string{},
		clockError: oneOf(s.random, []time.Duration{0, 0, 10 * time.Minute, -10 * time.Minute, 20 * time.Second}),
	}
	r.inv = &invocation{
		id: s.started, worker: slices.Index(s.running, nil), reader: r, cancel: cancel,
		listed: map[string]string{}, goesOn: map[string]bool{},
	}
	if r.clockError.Abs() >= 10*time.Minute {
		s.count(ReadersClockOff)
	}
	if r.targets = s.drawAbsent(); len(r.targets) == 0 {
		r.pages, r.kinds = 1+s.random.IntN(4), s.drawKinds()
	}
	s.running[r.inv.worker] = r.inv
	s.logf("reader %d starts, %d pages, looks at %v", r.inv.id, r.pages, r.targets)
	w := s.newWriter(s.consumerConfig(r.inv, s.random.Float64()))
	s.harness.consumers.Go(func() {
		r.run(ctx, s, w)
		s.harness.report(func() { s.harness.finished = append(s.harness.finished, r.inv) })
	})
}

// drawKinds are the kinds of objects that a backfill reads.
func (s *scheduler) drawKinds() []string {
	kinds := []string{
		directory.KindUser, directory.KindUser, directory.KindMembership, directory.KindMembership,
		directory.KindMembership, directory.KindInvitation, directory.KindDomain, directory.KindOrganization,
		directory.KindRole, directory.KindPermission,
	}
	s.random.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	return kinds[:1+s.random.IntN(4)]
}

// drawAbsent are the keys of rows that a repair looks at: in most cases of one that
// Clerk does not have now. There are none for a backfill.
func (s *scheduler) drawAbsent() []directory.Key {
	if s.random.IntN(2) == 0 {
		return nil
	}
	i := &s.readers.instance
	var live, absent []directory.Key
	for k, r := range s.memory.rows {
		if r.Live() && !isPointer(r) {
			live = append(live, k)
			if i.has(i.position, k) == nil {
				absent = append(absent, k)
			}
		}
	}
	if len(absent) > 0 && s.random.IntN(4) > 0 {
		live = absent
	}
	slices.SortFunc(live, compareKeys)
	s.random.Shuffle(len(live), func(i, j int) { live[i], live[j] = live[j], live[i] })
	return live[:min(len(live), 1+s.random.IntN(2))]
}

func isPointer(r directory.Row) bool {
	return slices.Contains([]string{"membership_of", "domain_of", "role_key"}, r.Text("kind"))
}

// readPage is Clerk's answer to a request for a page of objects of one kind.
func (s *scheduler) readPage(r *reader) pageOf {
	i := &s.readers.instance
	i.pass(oneOf(s.random, []time.Duration{0, 0, 0, 0, 0, time.Millisecond, 2 * time.Second, 6 * time.Minute}))
	position := s.replica()
	kind := oneOf(s.random, r.kinds)
	list := slices.DeleteFunc(i.living(position), func(o *state) bool { return o.kind() != kind })
	list = list[s.random.IntN(len(list)/3+1):]
	clerks := time.UnixMilli(i.now)
	page := pageOf{
		states: list[:min(len(list), 6)],
		read:   clerkapi.Read{Began: clerks.Add(r.clockError), Date: clerks.Truncate(time.Second)},
	}
	r.page = page.states
	for _, o := range page.states {
		s.logf("       reader %d reads %v as of %d", r.inv.id, o.content.key, o.index)
		r.readings[readingOf(o.content.key, page.read.Began)] = o
		s.monitor.readFromClerk(o, i.now)
	}
	if s.mistake(sentIsNow) { // less than nothing would be taken from it
		page.read.Date = page.read.Began.Add(5 * time.Minute)
		page.read.Began = page.read.Date
		for _, o := range page.states {
			r.readings[readingOf(o.content.key, page.read.Began)] = o
		}
	}
	return page
}

// readingOf names what was read by what its row says of it.
func readingOf(k directory.Key, began time.Time) string {
	return k.PK + " " + k.SK + " " + began.UTC().Format("2006-01-02T15:04:05.000Z")
}

// replica is the position of the replica that answers a request.
func (s *scheduler) replica() int {
	i := &s.readers.instance
	p := i.lagging(oneOf(s.random, []int{0, 1, 2, 3, 5, 9}))
	if s.random.IntN(2) == 0 {
		p = i.beforeDeletion(p)
	}
	if p < i.position {
		s.count(LaggingReplica)
	}
	return p
}

// secondLook is how long after the first look at an object the second one is.
const secondLook = 10 * time.Minute

// look is Clerk's answer about the object at a key.
func (s *scheduler) look(r *reader, k directory.Key, again bool) look {
	i := &s.readers.instance
	if again {
		i.pass(secondLook)
	} else {
		r.lied[k] = s.random.IntN(3) == 0
	}
	at := time.UnixMilli(i.now).Add(r.clockError)
	if !again {
		r.looked[k], r.lookedAt[k] = at.UTC().Format(directory.TimeFormat), s.memory.rows[k].Text("rev")
	}
	there := i.has(s.replica(), k) != nil && !r.lied[k]
	if s.mistake(listAbsence) { // the row that the page after a deletion begins with is on neither page
		there = there && s.random.IntN(10) > 0
	}
	if again && there {
		s.count(LookContradicted)
	}
	s.logf("       reader %d finds %v there: %v", r.inv.id, k, there)
	return look{there: there, at: at}
}

// countMeanwhile counts what has happened to objects since a reader got them, when
// it reads or writes their rows.
func (s *scheduler) countMeanwhile(c *call) {
	if c.by.reader == nil {
		return
	}
	for _, o := range c.by.reader.page {
		if !slices.Contains(c.keys, o.content.key) {
			continue
		}
		row := s.memory.rows[o.content.key]
		if row != nil && string(row.Revision().Incarnation()) > o.content.incarnationText() {
			s.count(RejoinedMeanwhile)
		}
		if slices.ContainsFunc(o.content.parents, func(k directory.Key) bool { return s.memory.rows[k].Gone() }) {
			s.count(ParentDiedMeanwhile)
		}
	}
}
