package scenario

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// leastStop is how long a stop of DynamoDB lasts at least: events are sent in
// milliseconds, and nobody would see it.
const leastStop = time.Second

// Play sends the story's events in their order, each after its pause. stop, unless
// it is nil, stops DynamoDB and starts it again where the story wants that; it is
// started again whatever happens. The error is the first of send or stop, or wraps
// that of ctx.
func (s Story) Play(ctx context.Context, send func(Event) error, stop func(down bool) error) (err error) {
	var stopped time.Time
	start := func() error {
		if stopped.IsZero() {
			return nil
		}
		stopped = time.Time{}
		return stop(false)
	}
	defer func() {
		if startErr := start(); err == nil {
			err = startErr
		}
	}()
	for i, e := range s.Events {
		pause := e.Pause
		begins := slices.ContainsFunc(s.Stops, func(stop Stop) bool { return stop.From == i })
		ends := slices.ContainsFunc(s.Stops, func(stop Stop) bool { return stop.To == i })
		if ends && !stopped.IsZero() {
			pause += time.Until(stopped.Add(leastStop))
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
		if ends {
			if err := start(); err != nil {
				return err
			}
		}
		if stop != nil && begins {
			stopped = time.Now()
			if err := stop(true); err != nil {
				return err
			}
		}
		if err := send(e); err != nil {
			return err
		}
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 && ctx.Err() == nil {
		return nil
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("tell a story: %w", ctx.Err())
	case <-time.After(d):
		return nil
	}
}
