package simulation

import (
	"errors"
	"fmt"

	"github.com/clerksync/clerksync/pkg/directory"
)

// view is what the final check reads.
type view interface {
	row(k directory.Key) (directory.Row, error)
	recorded(m *message) (bool, error)
	dead(m *message) bool
	// others are the keys of rows beside the known ones.
	others(known map[directory.Key]bool) []directory.Key
}

// checkAll compares all that is there with all that should be.
func (e *expectation) checkAll(messages []*message, v view) error {
	known := map[directory.Key]bool{}
	for _, k := range e.keys {
		there, err := v.row(k)
		if err != nil {
			return err
		}
		known[k] = true
		if err := e.check(k, there); err != nil {
			return err
		}
		want, none := e.pointers(k, there, messages)
		if want != nil {
			known[want.Key()] = true
			p, err := v.row(want.Key())
			if err != nil {
				return err
			}
			if err := same(want.Key(), p, want); err != nil {
				return err
			}
		}
		for _, pk := range none {
			if p, err := v.row(pk); err != nil || p != nil {
				return errors.Join(fmt.Errorf("a pointer %v is left of %v", pk, k), err)
			}
		}
	}
	for _, m := range messages {
		ok, err := v.recorded(m)
		switch {
		case err != nil:
			return err
		case ok == m.hopeless:
			return fmt.Errorf("%s is recorded: %v, want %v", m.svixID, ok, !m.hopeless)
		case v.dead(m) != m.hopeless:
			return fmt.Errorf("%s is among the dead letters: %v, want %v", m.svixID, v.dead(m), m.hopeless)
		}
	}
	if others := v.others(known); len(others) > 0 {
		return fmt.Errorf("rows of nothing that Clerk told of: %v", others)
	}
	return nil
}
