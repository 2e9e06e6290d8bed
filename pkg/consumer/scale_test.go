package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// metered is a table with what bounds DynamoDB: a round trip, 1,000 write and
// 3,000 read units a second for each partition key, pages of a megabyte, and
// conflicts between transactions that touch the same item. Time is the
// bubble's. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
type metered struct {
	mu       sync.Mutex
	rows     map[directory.Key]directory.Row
	sorted   map[string][]string // sks by pk
	records  map[string]bool
	spent    map[string]*budget
	busy     map[directory.Key]bool
	requests int // writes
	throttle int
	conflict int
	endless  bool // no partition has a limit
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
)

func newMetered() *metered {
	return &metered{
		rows: map[directory.Key]directory.Row{}, sorted: map[string][]string{}, records: map[string]bool{},
		spent: map[string]*budget{}, busy: map[directory.Key]bool{},
	}
}

// take spends units of a partition, or says that there are none. A second's
// worth may be saved up.
func (m *metered) take(partition string, units, rate float64) bool {
	if m.endless {
		return true
	}
	b := m.spent[partition]
	if b == nil {
		b = &budget{time.Now(), rate}
		m.spent[partition] = b
	}
	b.units = min(rate, b.units+time.Since(b.at).Seconds()*rate)
	b.at = time.Now()
	if b.units < 0 || b.units < units && units <= rate {
		return false
	}
	b.units -= units
	return true
}

func (m *metered) put(r directory.Row) {
	k := r.Key()
	if m.rows[k] == nil {
		sks := m.sorted[k.PK]
		i, _ := slices.BinarySearch(sks, k.SK)
		m.sorted[k.PK] = slices.Insert(sks, i, k.SK)
	}
	m.rows[k] = r
}

func (m *metered) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	keys := append([]directory.Key{}, w.Drop...)
	for _, r := range w.Put {
		keys = append(keys, r.Key())
	}
	if w.Row != nil {
		keys = append(keys, w.Row.Key())
	}
	m.mu.Lock()
	m.requests++
	for _, k := range keys {
		if m.busy[k] {
			m.conflict++
			m.mu.Unlock()
			return 0, errConflict
		}
	}
	for _, k := range keys {
		m.busy[k] = true
	}
	m.mu.Unlock()
	err := wait(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range keys {
		delete(m.busy, k)
	}
	if err != nil {
		return 0, err
	}
	if w.LedgerEntry != nil && m.records[w.LedgerEntry.SvixID] {
		return directory.AlreadyRecorded, nil
	}
	if w.Row != nil && !w.If.Holds(m.rows[w.Row.Key()]) {
		return directory.ConditionFailed, nil
	}
	for pk, units := range m.units(w) {
		if !m.take("write "+pk, units, writeRate) {
			m.throttle++
			return 0, errThrottled
		}
	}
	if w.LedgerEntry != nil {
		m.records[w.LedgerEntry.SvixID] = true
	}
	for _, r := range append(slices.Clone(w.Put), w.Row) {
		if r != nil {
			m.put(r)
		}
	}
	for _, k := range w.Drop {
		if m.rows[k] != nil {
			delete(m.rows, k)
			i, _ := slices.BinarySearch(m.sorted[k.PK], k.SK)
			m.sorted[k.PK] = slices.Delete(m.sorted[k.PK], i, i+1)
		}
	}
	return directory.Written, nil
}

// units are a transaction's, two for each KB begun, by partition.
func (m *metered) units(w directory.Write) map[string]float64 {
	by := map[string]float64{}
	add := func(k directory.Key, r directory.Row) { by[k.PK] += 2 * float64(max(1, (r.Size()+1023)/1024)) }
	if w.Row != nil {
		add(w.Row.Key(), w.Row)
	}
	for _, r := range w.Put {
		add(r.Key(), r)
	}
	for _, k := range w.Drop {
		add(k, m.rows[k])
	}
	return by
}

func (m *metered) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	if err := wait(ctx); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := make([]directory.Row, len(keys))
	for i, k := range keys {
		rows[i] = m.rows[k]
	}
	return rows, nil
}

func (m *metered) Live(ctx context.Context, pk, prefix, after string) (rows []directory.Row, next string, err error) {
	if err := wait(ctx); err != nil {
		return nil, "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	size := 0
	sks := m.sorted[pk]
	i, _ := slices.BinarySearch(sks, max(prefix, after+"\x00"))
	for _, sk := range sks[i:] {
		if !strings.HasPrefix(sk, prefix) {
			break
		}
		r := m.rows[directory.Key{PK: pk, SK: sk}]
		if size += r.Size(); size > 1<<20 {
			break
		}
		next = sk
		if r.Live() {
			rows = append(rows, r)
		}
	}
	if size <= 1<<20 {
		next = ""
	}
	if !m.take("read "+pk, float64(size)/4096, readRate) {
		m.throttle++
		return nil, "", errThrottled
	}
	return rows, next, nil
}

func wait(ctx context.Context) error {
	t := time.NewTimer(roundTrip)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// instant is a queue that remembers what it was told.
type instant struct {
	mu     sync.Mutex
	delays map[string]time.Duration
	dead   int
}

func (q *instant) DeadLetter(context.Context, delivery.Record, string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dead++
	return nil
}
func (q *instant) Acknowledge(context.Context, []delivery.Record) error { return nil }

func (q *instant) Delay(_ context.Context, delays []delivery.Delay) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, d := range delays {
		q.delays[d.Record.MessageID] = d.For
	}
	return nil
}

func scaled(m *metered, q *instant) *consumer.Consumer {
	random := rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	return consumer.New(consumer.Config{
		Table: m, Queue: q, Projector: projector.New(projector.StoreFull), Policy: consumer.Soft,
		Retention: time.Hour, Now: time.Now, Observe: func(context.Context, consumer.Report) {}, Warn: func(context.Context, string, error) {},
		Random: func() float64 { mu.Lock(); defer mu.Unlock(); return random.Float64() },
	})
}

func record(svixID, eventType, body string, receives int) delivery.Record {
	m := delivery.Delivery{SvixID: svixID, SvixTimestamp: "1772447460", EventType: eventType, ReceivedAt: time.Now(), Body: []byte(body)}.Encode()
	r := delivery.Record{MessageID: svixID, Receives: receives, Body: m.Body, Attributes: map[string]delivery.Attribute{}}
	for name, text := range m.Attributes {
		r.Attributes[name] = delivery.Attribute{DataType: "String", Text: text}
	}
	return r
}

// members fills an organization with live members whose rows have 2 KB.
func members(m *metered, n int) {
	for i := range n {
		user := fmt.Sprintf("user_%06d", i)
		r := directory.NewRow(directory.MembershipKey("org_big", user), directory.KindMembership)
		r["id"], r["org_id"], r["user_id"], r["role"] = "orgmem_"+user, "org_big", user, "org:member"
		r[directory.AttrRev] = string(directory.Order{Incarnation: directory.NewIncarnation(int64(i), "orgmem_"+user), SvixID: "msg_2b3Ck9u0PqVbFZ1r2s3T4u5V6w7"}.Revision())
		r[directory.AttrSyncedAt] = "2026-03-02T10:31:00.000Z"
		r[directory.AttrSvixID] = "msg_2b3Ck9u0PqVbFZ1r2s3T4u5V6w7"
		r[directory.AttrObject] = ""
		r[directory.AttrObject] = strings.Repeat("o", 2000-r.Size())
		m.put(r)
		m.put(directory.Pointer(r))
	}
}

// cascade deletes the organization through invocations of a minute, as often
// as the message comes again, and returns how long that took and how often.
func cascade(t *testing.T, n int) (took time.Duration, receives int) {
	t.Helper()
	m, q := newMetered(), &instant{delays: map[string]time.Duration{}}
	members(m, n)
	c := scaled(m, q)
	began := time.Now()
	for receives = 1; receives <= 60; receives++ {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		failed := c.Handle(ctx, []delivery.Record{record("msg_2b3Ck9u0PqVbFZ1r2s3T4u5V6w8", "organization.deleted",
			`{"type":"organization.deleted","timestamp":1772884800000,"data":{"id":"org_big","deleted":true}}`, receives)})
		cancel()
		if len(failed) == 0 {
			break
		}
		if d := q.delays["msg_2b3Ck9u0PqVbFZ1r2s3T4u5V6w8"]; d != 0 {
			t.Fatalf("receive %d: comes again after %s, want at once", receives, d)
		}
	}
	took = time.Since(began)
	if q.dead > 0 || receives > 60 {
		t.Fatalf("dead letters %d after %d receives, want none", q.dead, receives)
	}
	for k, r := range m.rows {
		if r.Live() && r.Text(directory.AttrKind) != directory.KindOrganization {
			t.Fatalf("%v is live under a deleted organization", k)
		}
	}
	return took, receives
}

// 10,000 members of 2 KB end within a minute at AWS's published limits.
func TestCascadeOfTenThousandMembers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		took, receives := cascade(t, 10_000)
		t.Logf("%s, %d receives", took, receives)
		if took > time.Minute {
			t.Errorf("took %s, want at most a minute", took)
		}
	})
}

// A cascade that no single invocation can finish goes on by itself.
func TestCascadeOfAHundredThousandMembers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes ten seconds of real time")
	}
	synctest.Test(t, func(t *testing.T) {
		took, receives := cascade(t, 100_000)
		t.Logf("%s, %d receives", took, receives)
		if receives < 3 {
			t.Errorf("%d receives: the deadline never struck", receives)
		}
	})
}

// 5,000 membership events of one organization, 100 in flight, make no dead
// letter and hardly more than a write each: they do not conflict.
func TestBusyOrganization(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, q := newMetered(), &instant{delays: map[string]time.Duration{}}
		m.endless = true // what is shown is that they do not conflict
		c := scaled(m, q)
		const events, batches = 5000, 10
		todo := make(chan []delivery.Record, events/10)
		var batch []delivery.Record
		for i := range events {
			user := fmt.Sprintf("user_%04d", i/2) // each is created and updated
			kind, at := "created", 1772447460000
			if i%2 == 1 {
				kind, at = "updated", at+1
			}
			batch = append(batch, record(fmt.Sprintf("msg_%04d", i), "organizationMembership."+kind, fmt.Sprintf(
				`{"type":"organizationMembership.%s","timestamp":%d,"data":{"id":"orgmem_%s","created_at":1772447460000,"updated_at":%d,"organization":{"id":"org_busy"},"public_user_data":{"user_id":"%s"},"role":"org:member"}}`,
				kind, at, user, at, user), 1))
			if len(batch) == 10 {
				todo <- batch
				batch = nil
			}
		}
		close(todo)
		var g sync.WaitGroup
		for range batches {
			g.Go(func() {
				for b := range todo {
					for len(b) > 0 {
						failed := c.Handle(t.Context(), b)
						b = slices.DeleteFunc(b, func(r delivery.Record) bool { return !slices.Contains(failed, r.MessageID) })
						for i := range b {
							b[i].Receives++
						}
					}
				}
			})
		}
		g.Wait()
		per := float64(m.requests) / events
		t.Logf("%.3f write requests per event, %d conflicts, %d throttled", per, m.conflict, m.throttle)
		if per > 1.2 || q.dead > 0 {
			t.Errorf("%.3f write requests per event and %d dead letters, want at most 1.2 and none", per, q.dead)
		}
	})
}
