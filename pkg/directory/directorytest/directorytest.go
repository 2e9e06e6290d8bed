// Package directorytest is the contract of directory.Table as a suite, and
// Memory, the plainest Table that keeps it. Every implementation runs the
// suite, so that what is shown on Memory holds on DynamoDB.
//
// A check is a list of steps, each of which does something with the table and
// says what must come of it: steps.go has them, the other files the checks.
package directorytest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
)

// Check is one promise of a Table. It takes a table without rows.
type Check struct {
	Name string
	Run  func(ctx context.Context, t directory.Table) error
}

// check is a promise that is kept if all its steps come out as they must.
func check(name string, all ...step) Check { return Check{Name: name, Run: steps(all...)} }

// Checks are the whole contract.
func Checks() []Check {
	return slices.Concat(conditions(), ledger(), transactions(), refusals(), values(), reads(), listings(), races())
}

// timeout bounds one check.
const timeout = 30 * time.Second

// Run holds the tables that open makes, without rows, to the contract.
func Run(t *testing.T, open func(t *testing.T) directory.Table) {
	t.Helper()
	RunBut(t, nil, open)
}

// RunBut leaves out the checks of those names, each with its reason: known
// gaps of an engine that is not ours.
func RunBut(t *testing.T, skip map[string]string, open func(t *testing.T) directory.Table) {
	t.Helper()
	for _, c := range Checks() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if reason, ok := skip[c.Name]; ok {
				t.Skip(reason)
			}
			table := open(t) // before the timeout: it takes its time on a real account
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			if err := c.Run(ctx, table); err != nil {
				t.Error(err)
			}
		})
	}
}
