package directorytest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/clerksync/clerksync/pkg/directory"
)

// races are writes at the same time. They need not fail on a table that compares
// and writes in two steps, but they do so soon.
func races() []Check {
	return []Check{
		check("of 50 racing writers the greatest revision wins", greatestWins),
		check("of 20 racing copies of a message one is written", oneCopy),
		check("of 20 racing writers that read the same row one is written", oneChange),
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

// decided repeats a write until the table decides it: for writes in conflict it
// may answer with an error, which says that it is not known whether they took place.
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

// greatestWins also counts the pointers: each of a write that took place is
// there, and none of a write that lost.
func greatestWins(ctx context.Context, t directory.Table) error {
	const writers = 50
	var writes []directory.Write
	for i := range writers {
		rev := fmt.Sprintf("%04d", (i*37)%writers) // out of order
		writes = append(writes, newerBy("msg_"+rev, user("a", rev, "name "+rev), []directory.Row{pointer(rev)}))
	}
	counts, err := race(ctx, t, writes)
	if err != nil {
		return err
	}
	if sum := counts[written] + counts[conditionFailed]; sum != writers {
		return fmt.Errorf("results of racing writers = %v, want %d written or lost", counts, writers)
	}
	last := fmt.Sprintf("%04d", writers-1)
	if err := exist(user("a", last, "name "+last))(ctx, t); err != nil {
		return err
	}
	pointers, err := readPages(ctx, t, "USER#a", directory.PrefixMembership)
	if err == nil && len(pointers) != counts[written] {
		err = fmt.Errorf("racing writers left %d pointers, want one for each of the %d that were written",
			len(pointers), counts[written])
	}
	return err
}

// oneCopy is one message in 20 consumers at once.
func oneCopy(ctx context.Context, t directory.Table) error {
	const copies = 20
	w := newerBy("msg_1", user("a", "1", "Ada"), nil)
	counts, err := race(ctx, t, slices.Repeat([]directory.Write{w}, copies))
	if err == nil && (counts[written] != 1 || counts[alreadyRecorded] != copies-1) {
		err = fmt.Errorf("results of racing copies = %v, want 1 written, %d already recorded", counts, copies-1)
	}
	return err
}

// oneChange is a row that 20 consumers read before any of them wrote.
func oneChange(ctx context.Context, t directory.Table) error {
	const writers = 20
	if err := put(user("a", "1", "Ada"))(ctx, t); err != nil {
		return err
	}
	var writes []directory.Write
	for i := range writers {
		row := user("a", fmt.Sprintf("2-%02d", i), "")
		writes = append(writes, directory.Write{Row: row, If: directory.IfUnchanged("1")})
	}
	counts, err := race(ctx, t, writes)
	if err == nil && (counts[written] != 1 || counts[conditionFailed] != writers-1) {
		err = fmt.Errorf("results of racing writers = %v, want 1 written, %d lost", counts, writers-1)
	}
	return err
}
