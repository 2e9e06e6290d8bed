package backfill

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/clerksync/clerksync/pkg/clerkapi"
)

// stateVersion is that of the file's format. Another version's file is refused:
// what it calls done may not be.
const stateVersion = 1

// State is what a backfill has done: which parts of which lists, up to where, and
// what became of their objects. A file keeps it, if it has a path. It holds ids
// of Clerk, times and counts, and nothing that an object says.
type State struct {
	path string
	mu   sync.Mutex
	file stateFile
}

type stateFile struct {
	Version    int                    `json:"version"`
	InstanceID string                 `json:"instance_id"`
	Table      string                 `json:"table"` // the Directory table's name
	Finished   bool                   `json:"finished"`
	Kinds      map[string]kindOfState `json:"kinds"`
}

// kindOfState is a kind that was begun. Its counts are those of the pages that
// Parts have behind them, so that they and the positions never disagree.
type kindOfState struct {
	Counts Counts `json:"counts"`
	Parts  []part `json:"parts"`
}

// part is a part of a list.
type part struct {
	Window clerkapi.Window   `json:"window"` // without bounds for all but users
	Next   clerkapi.Position `json:"next"`   // what is before is in the table
	Done   bool              `json:"done"`
}

// NewState is the state of a backfill that has done nothing, kept by no file.
func NewState() *State {
	return &State{file: stateFile{Version: stateVersion, Kinds: map[string]kindOfState{}}}
}

// OpenState reads the file that an earlier backfill of the same instance into the
// same table has left, so that this one goes on from there. Where there is none,
// or one that had finished, it begins anew. It refuses a file of another
// instance, table or version.
func OpenState(path, instanceID, table string) (*State, error) {
	s := NewState()
	s.path, s.file.InstanceID, s.file.Table = path, instanceID, table
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, s.save() // a place that cannot be written is said before the first request
	}
	if err != nil {
		return nil, fmt.Errorf("read the state: %w", err)
	}
	var f stateFile
	switch err := json.Unmarshal(text, &f); {
	case err != nil || f.Version == 0:
		return nil, fmt.Errorf("state %s: the file is not one of clerksync backfill", path)
	case f.Version != stateVersion:
		return nil, fmt.Errorf("state %s is of version %d, this program's is %d: finish with that program, "+
			"or begin anew with another file", path, f.Version, stateVersion)
	case f.InstanceID != instanceID:
		return nil, fmt.Errorf("state %s is of Clerk instance %s, the key of %s: name another file",
			path, f.InstanceID, instanceID)
	case f.Table != table:
		return nil, fmt.Errorf("state %s is of table %s, not %s: name another file", path, f.Table, table)
	// Whoever runs the same command after it has finished wants to see what changed
	// since, which no position tells.
	case f.Finished:
		return s, s.save()
	}
	if f.Kinds != nil {
		s.file.Kinds = f.Kinds
	}
	return s, nil
}

// save replaces the file. A process that is killed meanwhile leaves the one before.
func (s *State) save() error {
	if s.path == "" {
		return nil
	}
	text, err := json.MarshalIndent(s.file, "", "\t")
	if err != nil {
		return fmt.Errorf("encode the state: %w", err)
	}
	next := s.path + ".next"
	if err := writeFile(next, append(text, '\n')); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	if err := os.Rename(next, s.path); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	return nil
}

// writeFile writes a file that its owner alone may read, and waits until the
// disk has it: a rename that is kept without its content would lose the state.
func writeFile(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err //nolint:wrapcheck // os.PathError names operation and file
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// parts are copies of the parts of a kind that was begun. One that was skipped
// was not: it may have been switched on since.
func (s *State) parts(kind string) (parts []part, begun bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.file.Kinds[kind]
	if !ok || k.Counts.Skipped != "" {
		return nil, false
	}
	return append(parts, k.Parts...), true
}

// begin sets the parts of a kind. They are saved with the first page.
func (s *State) begin(kind string, windows []clerkapi.Window) (parts []part) {
	for _, w := range windows {
		parts = append(parts, part{Window: w})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.file.Kinds[kind] = kindOfState{Parts: append([]part(nil), parts...)}
	return parts
}

// advance records that a page is whole in the table.
func (s *State) advance(kind string, part int, next clerkapi.Position, c Counts) error {
	return s.update(func() {
		k := s.file.Kinds[kind]
		k.Parts[part].Next = next
		k.Counts.add(c)
		s.file.Kinds[kind] = k
	})
}

// finishPart records that a part's last page was read, so that nobody asks Clerk
// for what comes after it.
func (s *State) finishPart(kind string, part int) error {
	return s.update(func() { s.file.Kinds[kind].Parts[part].Done = true })
}

// skip records that an instance has a kind switched off.
func (s *State) skip(kind, code string) error {
	return s.update(func() {
		s.file.Kinds[kind] = kindOfState{Counts: Counts{Skipped: code}}
	})
}

// finish records that all kinds that were begun are done. An earlier process may
// have begun more of them than this one was asked for.
func (s *State) finish() error {
	return s.update(func() {
		s.file.Finished = true
		for _, k := range s.file.Kinds {
			for _, p := range k.Parts {
				s.file.Finished = s.file.Finished && p.Done
			}
		}
	})
}

// update changes the state and its file. Where the file cannot be written the
// backfill ends: to go on would promise what the file does not hold.
func (s *State) update(change func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	return s.save()
}

// counts are those of a kind; ok is false for one that was not begun.
func (s *State) counts(kind string) (c Counts, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.file.Kinds[kind]
	if !ok {
		return Counts{}, false
	}
	return k.Counts, true
}
