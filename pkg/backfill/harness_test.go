package backfill_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/backfill"
	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/delivery/deliverytest"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
	"github.com/clerksync/clerksync/pkg/projector"
)

// errFault is the error of a call that is made to fail.
var errFault = errors.New("made up fault")

// base is where small times of tests begin: they count milliseconds from here.
// hour is that of reads, an hour later.
const (
	base = 1_772_000_000_000
	hour = 3_600_000
)

func at(ms int64) time.Time { return time.UnixMilli(base + ms) }

// world is a table with a consumer of events and a writer of what the API has.
type world struct {
	*backfill.Writer
	t      *testing.T
	memory *directorytest.Memory
	table  *hookedTable
	events int
}

// settings are what a world is made of; the zero value is soft and full.
type settings struct {
	policy  consumer.DeletionPolicy
	storage projector.ObjectStorage
	table   directory.Table // in memory, if nil
}

func newWorld(t *testing.T, s settings) *world {
	t.Helper()
	w := &world{t: t, memory: directorytest.NewMemory()}
	if s.policy == "" {
		s.policy = consumer.Soft
	}
	if s.table == nil {
		s.table = w.memory
	}
	w.table = &hookedTable{Table: s.table}
	w.Writer = &backfill.Writer{InstanceID: "ins_1", Concurrency: 4, Consumer: consumer.New(consumer.Config{
		Table: w.table, Policy: s.policy, Retention: time.Hour, Now: func() time.Time { return at(2 * hour) },
		Random:  func() float64 { return 0 },
		Observe: func(context.Context, consumer.Report) {},
		Warn:    func(context.Context, string, error) {},
	})}
	w.store(s.storage)
	return w
}

// store changes OBJECT_STORAGE.
func (w *world) store(storage projector.ObjectStorage) {
	if storage == "" {
		storage = projector.StoreFull
	}
	w.Consumer.Projector = projector.New(storage)
}

// hookedTable is a table with functions that run before and after each write.
type hookedTable struct {
	directory.Table
	before, after hook
	mu            sync.Mutex // guards hooks that are set while others write
}

// hook is called with each write; its error is the write's.
type hook = func(ctx context.Context, w directory.Write) error

// setAfter sets the hook while others write.
func (h *hookedTable) setAfter(f hook) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.after = f
}

func (h *hookedTable) hooks() (before, after hook) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.before, h.after
}

func (h *hookedTable) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	if before, _ := h.hooks(); before != nil {
		if err := before(ctx, w); err != nil {
			return 0, err
		}
	}
	result, err := h.Table.Write(ctx, w)
	if _, after := h.hooks(); after != nil && err == nil {
		err = after(ctx, w)
	}
	return result, err
}

// countWrites counts the writes that change something from now on.
func (w *world) countWrites() *int {
	n := new(int)
	w.table.before = func(context.Context, directory.Write) error {
		w.table.mu.Lock()
		defer w.table.mu.Unlock()
		*n++
		return nil
	}
	return n
}

// handle hands an event to the consumer.
func (w *world) handle(eventType string, sent int64, data string) {
	w.t.Helper()
	w.events++
	r := deliverytest.Record(fmt.Sprintf("msg_%03d", w.events), eventType, fmt.Sprintf(
		`{"type":%q,"object":"event","timestamp":%d,"instance_id":"ins_1","data":%s}`, eventType, base+sent, data))
	if failed := w.Consumer.Handle(w.t.Context(), []delivery.Record{r}); len(failed) > 0 {
		w.t.Fatalf("%s %s failed", eventType, data)
	}
}

// object is one that was read ms after base.
func (w *world) object(kind, text string, ms int64) backfill.Object {
	w.t.Helper()
	data, ok := clerk.ParseObject([]byte(text))
	if !ok {
		w.t.Fatalf("ParseObject(%s) = false", text)
	}
	o, err := w.Object(kind, data, clerkapi.Read{Began: at(ms), Date: at(ms)})
	if err != nil {
		w.t.Fatalf("Object(%s) = %v", text, err)
	}
	return o
}

// write writes one object and returns what was decided, such as "different name".
func (w *world) write(kind, text string, ms int64) string {
	w.t.Helper()
	decisions, err := w.Write(w.t.Context(), []backfill.Object{w.object(kind, text, ms)})
	if err != nil || len(decisions) != 1 {
		w.t.Fatalf("Write(%s) = %v, %v", text, decisions, err)
	}
	return format(decisions[0])
}

func format(d backfill.Decision) string {
	return strings.Join(append([]string{string(d.Verdict)}, d.Members...), " ")
}

func (w *world) row(k directory.Key) directory.Row { return w.memory.Rows()[k] }

// repair deletes a row by absence.
func (w *world) repair(k directory.Key, ms int64) bool {
	w.t.Helper()
	done, err := w.Consumer.DeleteAbsent(w.t.Context(), w.row(k), at(ms))
	if err != nil {
		w.t.Fatalf("DeleteAbsent(%v) = %v", k, err)
	}
	return done
}

// live are the keys of the live rows, sorted.
func (w *world) live() (keys []string) {
	for k, r := range w.memory.Rows() {
		if r.Live() {
			keys = append(keys, k.PK+" "+k.SK)
		}
	}
	slices.Sort(keys)
	return keys
}

func (w *world) checkLive(want ...string) {
	w.t.Helper()
	slices.Sort(want)
	if diff := cmp.Diff(want, w.live()); diff != "" {
		w.t.Errorf("live rows differ (-want +got):\n%s", diff)
	}
}

// checkRow compares some attributes; nil stands for one that must not be there.
func (w *world) checkRow(k directory.Key, want map[string]any) {
	w.t.Helper()
	row := w.row(k)
	got := map[string]any{}
	for name := range maps.Keys(want) {
		got[name] = row[name]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("row %v differs (-want +got):\n%s", k, diff)
	}
}

// checkPointers holds that there is a pointer for each live row, and no other.
func (w *world) checkPointers() {
	w.t.Helper()
	rows, want := w.memory.Rows(), map[directory.Key]directory.Row{}
	got := map[directory.Key]directory.Row{}
	for k, r := range rows {
		switch r.Text(directory.AttrKind) {
		case directory.KindMembershipOf, directory.KindDomainOf, directory.KindRoleByKey:
			got[k] = r
		default:
			if p := directory.Pointer(r); p != nil && r.Live() {
				want[p.Key()] = p
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("pointers differ (-want +got):\n%s", diff)
	}
}

func user(id string, updated int64, more string) string {
	return fmt.Sprintf(`{"id":%q,"created_at":%d,"updated_at":%d%s}`, id, base, base+updated, more)
}

// membership is of the incarnation that was created at that time.
func membership(org, user string, created, updated int64, more string) string {
	return fmt.Sprintf(`{"id":"orgmem_%s_%s_%d","created_at":%d,"updated_at":%d,`+
		`"organization":{"id":%q},"public_user_data":{"user_id":%q}%s}`,
		org, user, created, base+created, base+updated, org, user, more)
}
