package dynamodbtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	racers = 50
	rounds = 50
)

// attempts is how often a writer takes another turn when the engine says that
// somebody else was at the item.
const attempts = 20

// win runs a conditional write until it is decided. Losing is no error.
func win(ctx context.Context, write func() error) (bool, error) {
	for n := range attempts {
		err := write()
		switch {
		case err == nil:
			return true, nil
		case lost(err):
			return false, nil
		case !conflicted(err):
			return false, err
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(time.Duration(n+1) * 20 * time.Millisecond):
		}
	}
	return false, errors.New("conflicts without end")
}

func lost(err error) bool {
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return true
	}
	return hasReason(err, "ConditionalCheckFailed")
}

func conflicted(err error) bool {
	var conflict *types.TransactionConflictException
	return errors.As(err, &conflict) || hasReason(err, "TransactionConflict")
}

func hasReason(err error, code string) bool {
	var canceled *types.TransactionCanceledException
	if !errors.As(err, &canceled) {
		return false
	}
	for _, got := range reasonCodes(canceled) {
		if got == code {
			return true
		}
	}
	return false
}

// race runs n writers at once and returns how many won.
func race(ctx context.Context, n int, write func(i int) error) (int, error) {
	var wins atomic.Int64
	failures := make([]error, n)
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			won, err := win(ctx, func() error { return write(i) })
			if failures[i] = err; won {
				wins.Add(1)
			}
		})
	}
	close(start)
	all.Wait()
	return int(wins.Load()), errors.Join(failures...)
}

func (t Tables) oneWriterWins(ctx context.Context, client *dynamodb.Client) error {
	wins, err := race(ctx, racers, func(i int) error {
		return t.putOn(ctx, client, at("race", "put", row{"v": text(strconv.Itoa(i))}), absent, nil)
	})
	if err != nil {
		return fmt.Errorf("race of conditional writers: %w", err)
	}
	if wins != 1 {
		return fmt.Errorf("%d of %d conditional writers won, want 1", wins, racers)
	}
	return nil
}

// transactionsExclude: two transactions that both need a row to be as they
// found it, and each write a second row; the loser's must not be there.
func (t Tables) transactionsExclude(ctx context.Context, client *dynamodb.Client) error {
	for round := range rounds {
		pk := fmt.Sprintf("exclude-%d", round)
		wins, err := race(ctx, 2, func(i int) error {
			return transact(ctx, client,
				t.putAction(at(pk, "contended"), absent, nil),
				t.putAction(at(pk, "own", row{"v": text("x")}, row{"sk": text(fmt.Sprintf("own-%d", i))}), "", nil))
		})
		if err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		written := 0
		for i := range 2 {
			item, err := t.get(ctx, client, pk, fmt.Sprintf("own-%d", i))
			if err != nil {
				return err
			}
			if item != nil {
				written++
			}
		}
		if wins != 1 || written != 1 {
			return fmt.Errorf("round %d: %d transactions won and %d left their row, want 1 and 1", round, wins, written)
		}
	}
	return nil
}
