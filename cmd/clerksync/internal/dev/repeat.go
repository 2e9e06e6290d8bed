package dev

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
)

// repeatWindow is for how long a line that comes again is counted and not shown.
// A second of forged requests must not push everything else off the screen.
const repeatWindow = time.Second

// isRepeated counts a step where an equal line was shown within the window. At
// the end of the window a line says how many came after the first. s.mu is held.
func (s *screen) isRepeated(st step) bool {
	key := withoutDifferences(st)
	if n, ok := s.repeats[key]; ok {
		s.repeats[key] = n + 1
		return true
	}
	s.repeats[key] = 0
	time.AfterFunc(repeatWindow, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.showRepeats(key)
	})
	return false
}

// showRepeats shows how often a line has come again, and begins anew with it.
// s.mu is held.
func (s *screen) showRepeats(key step) {
	n := s.repeats[key]
	delete(s.repeats, key)
	if n > 0 {
		key.times = n
		s.term.Print("%s", s.format(key))
	}
}

// showAllRepeats is for the end, when no window ends any more.
func (s *screen) showAllRepeats() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.repeats {
		s.showRepeats(key)
	}
}

// withoutDifferences is the step without what makes no other line of it. The id
// of a rejected request says nothing, for nobody has signed it. Any other message
// is found by its id, so each has its line.
func withoutDifferences(st step) step {
	st.lag, st.attempt = 0, 0
	if st.Stage == string(ingest.Rejected) {
		st.SvixID = ""
	}
	return st
}

// showCounts shows at the end how many steps there were of each kind, and in
// which time. The first four are always there; the rest is where it happened.
func (s *screen) showCounts() {
	s.showAllRepeats()
	s.mu.Lock()
	counts := maps.Clone(s.counts)
	s.mu.Unlock()
	var parts []string
	for _, c := range []struct {
		stage, word string
		always      bool
	}{
		{stage: string(consumer.Applied), word: "applied", always: true},
		{stage: string(consumer.Stale), word: "stale", always: true},
		{stage: string(consumer.Duplicate), word: "duplicate", always: true},
		{stage: string(ingest.Rejected), word: "rejected", always: true},
		{stage: string(ingest.Ignored), word: "ignored"},
		{stage: string(consumer.Dead), word: "dead"},
		{stage: string(consumer.Failed), word: "failed attempts"},
	} {
		if n := counts[c.stage]; n > 0 || c.always {
			parts = append(parts, fmt.Sprintf("%d %s", n, c.word))
		}
	}
	s.note("%s in %s.", strings.Join(parts, ", "), terminal.FormatDuration(s.now().Sub(s.started)))
}
