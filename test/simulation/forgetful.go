package simulation

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/clerksync/clerksync/pkg/directory"
)

// forgetfulTable makes the consumer leave out a message's follow-up: what the
// follow-up reads first shows nothing to do, once.
type forgetfulTable struct {
	*gatedTable
	leaveOut func(r directory.Result, gated bool) bool

	mu   sync.Mutex
	skip [][]directory.Key
}

func forgetful(leaveOut func(r directory.Result, gated bool) bool) func(*gatedTable) directory.Table {
	return func(t *gatedTable) directory.Table {
		return &forgetfulTable{gatedTable: t, leaveOut: leaveOut}
	}
}

// Write asks in the transaction itself that no parent is gone, where the
// bug is of that kind, and remembers whose follow-up is left out.
func (t *forgetfulTable) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	if w.LedgerEntry == nil {
		return t.gatedTable.Write(ctx, w)
	}
	m := t.judge.messages[w.LedgerEntry.SvixID]
	gated := w.Row.Live() && len(m.parents) > 0 && t.leaveOut(directory.Written, true)
	r := soundRules()
	if gated {
		r.gate = m.parents
	}
	result, err := t.writeBy(ctx, w, r)
	if err == nil && gated && result == directory.ConditionFailed {
		gated = false // a parent is gone, or the row is newer: as it should be
		result, err = t.gatedTable.Write(ctx, w)
	}
	if err == nil && t.leaveOut(result, gated) {
		t.mu.Lock()
		defer t.mu.Unlock()
		if m.deletion {
			t.skip = append(t.skip, []directory.Key{m.key})
		} else {
			t.skip = append(t.skip, m.parents)
		}
	}
	return result, err
}

func (t *forgetfulTable) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	t.mu.Lock()
	i := slices.IndexFunc(t.skip, func(s []directory.Key) bool { return slices.Equal(s, keys) })
	if i >= 0 {
		t.skip = slices.Delete(t.skip, i, i+1)
	}
	t.mu.Unlock()
	if i >= 0 {
		return make([]directory.Row, len(keys)), nil
	}
	return t.gatedTable.Read(ctx, keys...)
}

// unnormalised is a revision with the envelope's time as it was written, in
// seconds or ms.
func (j *judge) unnormalised(rev string) string {
	f := fields(rev)
	if m := j.messages[f[6]]; m != nil {
		f[5] = fmt.Sprintf("%015d", m.rawSent)
	}
	return fmt.Sprint(f)
}
