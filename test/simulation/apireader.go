package simulation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/clerksync/clerksync/pkg/backfill"
	clerkobject "github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
)

// reader is an invocation that reads Clerk's API: a backfill of some pages, or a
// repair of some rows.
type reader struct {
	inv        *invocation
	pages      int             // of a backfill
	kinds      []string        // likewise
	targets    []directory.Key // of a repair
	clockError time.Duration   // of its own clock

	// These belong to the scheduler.
	readings map[string]*state        // by key and read_at
	page     []*state                 // that it works on
	looked   map[directory.Key]string // when the first look at a row was, as its tombstone has it
	lookedAt map[directory.Key]string // the row's revision then
	lied     map[directory.Key]bool   // Clerk denies the object, whether it is there or not

	done bool // it came to its end; set before it returns

	err error // its mistake, not the tables'; set before it returns
}

// pageOf is one page of an answer, by both clocks.
type pageOf struct {
	states []*state
	read   clerkapi.Read
}

// ask makes a request to Clerk, which answer carries out when the scheduler
// releases it. The client tries it again a few times.
func (r *reader) ask(ctx context.Context, h *harness, name string, answer func()) error {
	for tries := 1; ; tries++ {
		err := h.await(ctx, &call{by: r.inv, name: r.inv.callName(name), run: func() error {
			answer()
			return nil
		}})
		if err == nil || tries == 4 || ctx.Err() != nil {
			return err
		}
	}
}

// run is the whole of a reader's work. An error of the tables ends it, as it ends
// the command.
func (r *reader) run(ctx context.Context, s *scheduler, w *backfill.Writer) {
	for n := range r.pages {
		var page pageOf
		if err := r.ask(ctx, s.harness, fmt.Sprint("page ", n), func() { page = s.readPage(r) }); err != nil {
			return
		}
		if err := r.write(ctx, w, page); err != nil {
			return
		}
	}
	for _, k := range r.targets {
		if err := r.repair(ctx, s, w, k); err != nil {
			return
		}
	}
	r.done = true
}

// errUnreadable says that an object of the model can have no row.
var errUnreadable = errors.New("simulation: an object that was read has no row")

// write brings a page into the tables.
func (r *reader) write(ctx context.Context, w *backfill.Writer, page pageOf) error {
	var objects []backfill.Object
	for _, s := range page.states {
		data, ok := clerkobject.ParseObject(s.text(page.read.Date.UnixMilli()))
		o, err := w.Object(s.kind(), data, page.read)
		if !ok || err != nil {
			r.err = fmt.Errorf("%w: %v: %w", errUnreadable, s.content.key, err)
			return r.err
		}
		objects = append(objects, o)
	}
	_, err := w.Write(ctx, objects)
	return err
}

// repair deletes the row at a key if Clerk denies its object at two looks. The
// row is that of before the first look.
func (r *reader) repair(ctx context.Context, s *scheduler, w *backfill.Writer, k directory.Key) error {
	rows, err := w.Consumer.Read(ctx, k)
	if err != nil || !rows[0].Live() {
		return err
	}
	var first look
	name := fmt.Sprint("first look at ", k)
	if err := r.ask(ctx, s.harness, name, func() { first = s.look(r, k, false) }); err != nil {
		return err
	}
	second := first
	if !s.mistake(oneLook) && !s.mistake(listAbsence) {
		name = fmt.Sprint("second look at ", k)
		if err := r.ask(ctx, s.harness, name, func() { second = s.look(r, k, true) }); err != nil {
			return err
		}
	}
	if first.there || second.there {
		return nil
	}
	if s.mistake(rowReadAnew) {
		if rows, err = w.Consumer.Read(ctx, k); err != nil || !rows[0].Live() {
			return err
		}
	}
	_, err = w.Consumer.DeleteAbsent(ctx, rows[0], first.at)
	return err
}

// look is Clerk's answer about one object.
type look struct {
	there bool
	at    time.Time // by the reader's clock
}

// newWriter is the writer of a reader on that table.
func (s *scheduler) newWriter(config consumer.Config) *backfill.Writer {
	// As many at once as a page has objects: which of two writes waits for the
	// other would not be the same in every run.
	return &backfill.Writer{Consumer: consumer.New(config), InstanceID: "ins_example", Concurrency: backfill.BatchSize}
}
