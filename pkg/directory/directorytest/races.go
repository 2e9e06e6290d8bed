package directorytest

import (
	"context"
	"fmt"
	"sync"

	"github.com/clerksync/clerksync/pkg/directory"
)

func races() []Check {
	return []Check{
		{"of 50 racing writers the greatest revision wins", greatestWins},
		{"of 20 racing copies of a message one is written", oneCopy},
		{"of 20 racing writers that read the same row one is written", oneChange},
	}
}

// race runs the writes at once, each until it is decided, and counts results.
func race(ctx context.Context, t directory.Table, writes []directory.Write) (map[directory.Result]int, error) {
	var (
		mu     sync.Mutex
		wg     sync.WaitGroup
		counts = map[directory.Result]int{}
		failed error
	)
	for _, w := range writes {
		wg.Go(func() {
			result, err := decided(ctx, t, w)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
				return
			}
			counts[result]++
		})
	}
	wg.Wait()
	return counts, failed
}

// decided repeats a write for as long as the table does not know, as it may
// say when writes are in conflict.
func decided(ctx context.Context, t directory.Table, w directory.Write) (directory.Result, error) {
	const attempts = 200
	var err error
	for range attempts {
		var result directory.Result
		if result, err = t.Write(ctx, w); err == nil {
			return result, nil
		}
	}
	return 0, fmt.Errorf("no attempt was decided: %w", err)
}

func greatestWins(ctx context.Context, t directory.Table) error {
	const writers = 50
	var writes []directory.Write
	for i := range writers {
		rev := fmt.Sprintf("%04d", (i*37)%writers) // out of order
		w := newer(user("a", rev, "name "+rev))
		w.LedgerEntry, w.Put = record("msg_"+rev), []directory.Row{pointer(rev)}
		writes = append(writes, w)
	}
	counts, err := race(ctx, t, writes)
	if err != nil {
		return err
	}
	if sum := counts[directory.Written] + counts[directory.ConditionFailed]; sum != writers {
		return fmt.Errorf("results of racing writers = %v, want %d written or lost", counts, writers)
	}
	last := fmt.Sprintf("%04d", writers-1)
	if err := there(ctx, t, user("a", last, "name "+last)); err != nil {
		return err
	}
	pointers, err := walk(ctx, t, "USER#a", directory.PrefixMembership)
	if err == nil && len(pointers) != counts[directory.Written] {
		err = fmt.Errorf("racing writers left %d pointers, want %d, one for each that was written", len(pointers), counts[directory.Written])
	}
	return err
}

func oneCopy(ctx context.Context, t directory.Table) error {
	const copies = 20
	w := newer(user("a", "1", "Ada"))
	w.LedgerEntry = record("msg_1")
	writes := make([]directory.Write, copies)
	for i := range writes {
		writes[i] = w
	}
	counts, err := race(ctx, t, writes)
	if err == nil && (counts[directory.Written] != 1 || counts[directory.AlreadyRecorded] != copies-1) {
		err = fmt.Errorf("results of racing copies = %v, want 1 written, %d already recorded", counts, copies-1)
	}
	return err
}

func oneChange(ctx context.Context, t directory.Table) error {
	const writers = 20
	if err := put(ctx, t, user("a", "1", "Ada")); err != nil {
		return err
	}
	var writes []directory.Write
	for i := range writers {
		writes = append(writes, directory.Write{Row: user("a", fmt.Sprintf("2-%02d", i), ""), If: directory.IfUnchanged("1")})
	}
	counts, err := race(ctx, t, writes)
	if err == nil && (counts[directory.Written] != 1 || counts[directory.ConditionFailed] != writers-1) {
		err = fmt.Errorf("results of racing writers = %v, want 1 written, %d lost", counts, writers-1)
	}
	return err
}
