package dynamodbtest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	racers = 50
	rounds = 50
)

// attempts is how often a writer tries again when the engine reports a conflict
// with another write.
const attempts = 20

// decide runs a conditional write until it has won or lost. Losing is no error.
func decide(write func() error) (won bool, err error) {
	for n := range attempts {
		err := write()
		var failed *types.ConditionalCheckFailedException
		var conflict *types.TransactionConflictException
		reasons := reasonCodes(err)
		switch {
		case err == nil:
			return true, nil
		case errors.As(err, &failed), slices.Contains(reasons, "ConditionalCheckFailed"):
			return false, nil
		case !errors.As(err, &conflict) && !slices.Contains(reasons, "TransactionConflict"):
			return false, err
		}
		time.Sleep(time.Duration(n+1) * 20 * time.Millisecond)
	}
	return false, errors.New("conflicts without end")
}

// race runs n writers at once and returns how many won.
func (s *suite) race(n int, write func(i int) error) (wins int) {
	s.t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			won, err := decide(func() error { return write(i) })
			if err != nil {
				s.t.Errorf("writer %d: %v", i, err)
			}
			mu.Lock()
			defer mu.Unlock()
			if won {
				wins++
			}
		})
	}
	close(start)
	all.Wait()
	return wins
}

// oneWriterWins: of many conditional writers of one key, exactly one succeeds.
func (s *suite) oneWriterWins() {
	wins := s.race(racers, func(i int) error {
		return s.putIf(at("race", "put", row{"v": text(strconv.Itoa(i))}), absent, nil)
	})
	if wins != 1 {
		s.t.Errorf("%d of %d conditional writers won, want 1", wins, racers)
	}
}

// transactionsExclude: two transactions that both need a row to be as they
// found it, and each write a second row; the loser's must not be there.
func (s *suite) transactionsExclude() {
	for round := range rounds {
		pk := fmt.Sprintf("exclude-%d", round)
		wins := s.race(2, func(i int) error {
			return s.transact(
				s.action(at(pk, "contended"), absent, nil),
				s.action(at(pk, fmt.Sprintf("own-%d", i)), "", nil))
		})
		written := 0
		for i := range 2 {
			if s.get(pk, fmt.Sprintf("own-%d", i)) != nil {
				written++
			}
		}
		if wins != 1 || written != 1 {
			s.t.Fatalf("round %d: %d transactions won and %d left their row, want 1 and 1", round, wins, written)
		}
	}
}
