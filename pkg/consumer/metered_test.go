package consumer_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
)

// metered is Memory with what bounds DynamoDB: a round trip, 1,000 write and
// 3,000 read units a second for each partition key, and conflicts between
// transactions that touch the same item. Time is the bubble's.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
type metered struct {
	*directorytest.Memory
	unlimited bool // no partition has a limit

	mu        sync.Mutex
	budgets   map[string]*budget
	busy      map[directory.Key]bool
	writes    int
	throttles int
	conflicts int
}

type budget struct {
	at    time.Time
	units float64
}

var (
	errThrottled = errors.New("ProvisionedThroughputExceededException")
	errConflict  = errors.New("TransactionConflict")
)

const (
	roundTrip = 5 * time.Millisecond
	writeRate = 1000.0
	readRate  = 3000.0
	pageBytes = 1 << 20
)

// spend takes units from a partition's budget, which saves up to a second's
// worth.
func (m *metered) spend(partition string, units, rate float64) error {
	if m.unlimited {
		return nil
	}
	b := m.budgets[partition]
	if b == nil {
		b = &budget{at: time.Now(), units: rate}
		m.budgets[partition] = b
	}
	b.units = min(rate, b.units+time.Since(b.at).Seconds()*rate)
	b.at = time.Now()
	if b.units < 0 || b.units < units && units <= rate {
		m.throttles++
		return errThrottled
	}
	b.units -= units
	return nil
}

func (m *metered) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	sizes := map[directory.Key]int{}
	for _, r := range append(slices.Clone(w.Put), w.Row) {
		if r != nil {
			sizes[r.Key()] = r.Size()
		}
	}
	for _, k := range w.Drop {
		sizes[k] = 0
	}
	if err := m.lock(sizes); err != nil {
		return 0, err
	}
	err := sleep(ctx, roundTrip)
	m.mu.Lock()
	defer m.mu.Unlock()
	units := map[string]float64{} // of a transaction: two for each KB begun
	for k, size := range sizes {
		delete(m.busy, k)
		units[k.PK] += 2 * float64(max(1, (size+1023)/1024))
	}
	for pk, n := range units {
		if err == nil {
			err = m.spend("write "+pk, n, writeRate)
		}
	}
	if err != nil {
		return 0, err
	}
	return m.Memory.Write(ctx, w)
}

// lock holds the items of a transaction until it is done.
func (m *metered) lock(items map[directory.Key]int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	for k := range items {
		if m.busy[k] {
			m.conflicts++
			return errConflict
		}
	}
	for k := range items {
		m.busy[k] = true
	}
	return nil
}

func (m *metered) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	if err := sleep(ctx, roundTrip); err != nil {
		return nil, err
	}
	return m.Memory.Read(ctx, keys...)
}

func (m *metered) Live(ctx context.Context, pk, prefix, after string) (rows []directory.Row, next string, err error) {
	if err := sleep(ctx, roundTrip); err != nil {
		return nil, "", err
	}
	rows, next, err = m.Memory.Live(ctx, pk, prefix, after)
	size := pageBytes // tombstones are read, too: a page that is not the last is full
	if next == "" {
		size = 0
		for _, r := range rows {
			size += r.Size()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		err = m.spend("read "+pk, float64(size)/4096, readRate)
	}
	if err != nil {
		return nil, "", err
	}
	return rows, next, nil
}

// newMetered is a harness on a metered table.
func newMetered() (*harness, *metered) {
	m := &metered{budgets: map[string]*budget{}, busy: map[directory.Key]bool{}}
	return newHarness(withJitter(), func(h *harness, c *consumer.Config) {
		m.Memory, c.Table, c.Now = h.memory, m, time.Now
	}), m
}

// withJitter is for many consumers: those that fail together would come back
// together.
func withJitter() option {
	random := rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	return func(_ *harness, c *consumer.Config) {
		c.Random = func() float64 { mu.Lock(); defer mu.Unlock(); return random.Float64() }
	}
}
