package consumer_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
)

// crowd is the table of one organization with very many members of 1 KB, of
// which it keeps no more than whether each is live. It has what bounds DynamoDB:
// a round trip, pages of 1 MB that hold tombstones too, and the writes of one
// partition key.
type crowd struct {
	live      []bool
	left      int
	pages     int // that were read
	tombstone directory.Row
	ledger    map[string]bool

	mu   sync.Mutex
	free time.Time // when the partition takes the next write
}

const (
	crowdPage  = pageBytes / 1024
	crowdWrite = time.Second / 500 // 1,000 units a second, two for each transactional write of 1 KB
)

func (c *crowd) key(i int) directory.Key {
	return directory.MembershipKey("org_big", fmt.Sprintf("user_%07d", i))
}

func (c *crowd) index(sk string) int {
	i, _ := strconv.Atoi(sk[strings.LastIndex(sk, "_")+1:])
	return i
}

func (c *crowd) member(i int) directory.Row {
	r := directory.NewRow(c.key(i), directory.KindMembership)
	r["org_id"], r["user_id"] = "org_big", fmt.Sprintf("user_%07d", i)
	r[directory.AttrRev] = string(directory.Order{
		Incarnation: directory.NewIncarnation(int64(i), "m"), SvixID: "msg_1",
	}.Revision())
	return r
}

func (c *crowd) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	c.mu.Lock()
	now := time.Now()
	if c.free.Before(now.Add(-time.Second)) {
		c.free = now.Add(-time.Second)
	}
	c.free = c.free.Add(crowdWrite)
	turn := c.free.Sub(now)
	c.mu.Unlock()
	if err := sleep(ctx, max(turn, roundTrip)); err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case w.LedgerEntry != nil && c.ledger[w.LedgerEntry.SvixID]:
		return directory.AlreadyRecorded, nil
	case w.Row == nil:
	case w.Row.Text(directory.AttrKind) == directory.KindOrganization:
		c.tombstone = w.Row
	default:
		i := c.index(w.Row.Key().SK)
		if !c.live[i] || !w.If.Holds(c.member(i)) {
			return directory.ConditionFailed, nil
		}
		c.live[i] = false
		c.left--
	}
	if w.LedgerEntry != nil {
		c.ledger[w.LedgerEntry.SvixID] = true
	}
	return directory.Written, nil
}

func (c *crowd) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	if err := sleep(ctx, roundTrip); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return []directory.Row{c.tombstone}[:len(keys)], nil // of the organization, the only row that is read
}

func (c *crowd) Live(ctx context.Context, _, _, after string) (rows []directory.Row, next string, err error) {
	if err := sleep(ctx, roundTrip); err != nil {
		return nil, "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pages++
	first := 0
	if after != "" {
		first = c.index(after) + 1
	}
	end := min(first+crowdPage, len(c.live))
	for i := first; i < end; i++ {
		if c.live[i] {
			rows = append(rows, c.member(i))
		}
	}
	if end == len(c.live) {
		return rows, "", nil
	}
	return rows, c.key(end - 1).SK, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// An organization of 1,000,000 members ends by itself, at the rate of its
// partition: no receive fails, none is the second of its copy (SQS would make a
// dead letter of the 61st), and what is done costs the next receive nothing:
// every page is read once, and one page more at each receive. So many take a
// minute of CPU: without CASCADE_MEMBERS, the number, there are 100,000.
func TestAMillionMembers(t *testing.T) {
	t.Parallel()
	n := 100_000
	if text := os.Getenv("CASCADE_MEMBERS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatalf("CASCADE_MEMBERS: %v", err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{live: make([]bool, n), left: n, ledger: map[string]bool{}}
		for i := range c.live {
			c.live[i] = true
		}
		h := newHarness(withJitter(), func(_ *harness, k *consumer.Config) { k.Table, k.Now = c, time.Now })
		took, receives := h.handleCopies(t, message("msg_9", deleted("organization", "org_big", 1)))
		t.Logf("%d members: %s, %d receives, %d pages", n, took, receives, c.pages)
		if c.left > 0 || len(h.queue.dead) > 0 {
			t.Errorf("%d members left and %d dead letters, want none", c.left, len(h.queue.dead))
		}
		if most := (n+crowdPage-1)/crowdPage + receives; c.pages > most {
			t.Errorf("%d pages in %d receives, want at most %d", c.pages, receives, most)
		}
		if most := time.Duration(n)*crowdWrite*11/10 + time.Minute; took > most {
			t.Errorf("took %s, want at most %s: the rate of the partition", took, most)
		}
	})
}
