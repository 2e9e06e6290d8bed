package backfill

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
)

// Lister lists the Directory table by pages: dynamo.Table is one.
type Lister interface {
	// Scan reads the rows that come after a key, the zero Key for the first page.
	// next is zero at the end.
	Scan(ctx context.Context, after directory.Key) (rows []directory.Row, next directory.Key, err error)
}

// Diff compares the tables with what Clerk has, and changes nothing.
//
// It reads twice: all of Clerk's lists, as a backfill does, and then all rows. Of
// what Clerk listed it keeps 8 bytes an object (see keySet), and of each finding
// its ids; so its memory grows with what differs. A row that no list had is not
// yet a finding: Clerk is asked for it by its own id.
type Diff struct {
	Client *clerkapi.Client
	Writer *Writer // decides; it writes only in Repair
	Rows   Lister
	Kinds  []string // all of Kinds if nil
	// ShowValues puts values into the findings. They are personal data.
	ShowValues bool

	// OnPage says how far it is: of one kind's list, of RowsStep or of AskStep.
	// total is -1 where it is not known. OnFailure is called for each object of
	// which it stays unknown whether it differs. Neither is called from two
	// goroutines at once.
	OnPage    func(step string, done, total int64)
	OnFailure func(Failure)

	dry    *Writer
	mu     sync.Mutex // guards what follows, and both functions
	report *Report
	listed keySet
	denied map[directory.Key]bool // rows that Clerk denied in this run
}

// Steps of a Diff besides the kinds, and of a Repair, for OnPage.
const (
	RowsStep   = "rows"   // the table is read
	AskStep    = "ask"    // Clerk is asked for what it did not list
	MendStep   = "mend"   // what is missing or differs is written
	DeleteStep = "delete" // Clerk is asked again for what is extra, and it is deleted
	CheckStep  = "check"  // what was repaired is looked at again
)

// Run compares. The report is as far as it got, also with an error.
func (d *Diff) Run(ctx context.Context) (*Report, error) {
	d.report, d.denied = &Report{Counts: map[string]*DiffCounts{}}, map[directory.Key]bool{}
	d.listed = keySet{} // a second Run must not take for listed what the first one saw
	w := d.Writer
	d.dry = &Writer{Consumer: w.Consumer, InstanceID: w.InstanceID, Concurrency: w.Concurrency, DryRun: true}
	// The lists come first: a row that is written between the two readings is then
	// asked for by its own id. The other way round it would be missing.
	err := d.readLists(ctx)
	var rows map[string][]*Finding
	if err == nil {
		rows, err = d.readRows(ctx)
	}
	if err == nil {
		err = d.askForAll(ctx, rows)
	}
	slices.SortFunc(d.report.Findings, func(a, b *Finding) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.ID, b.ID))
	})
	return d.report, err
}

// readLists is a backfill that writes nothing.
func (d *Diff) readLists(ctx context.Context) error {
	b := &Backfill{Client: d.Client, Writer: d.dry, Kinds: d.Kinds, State: NewState(), observe: d.observe}
	b.OnPage = func(kind string, c Counts, total int64) { d.progress(kind, int64(c.Read), total) }
	b.OnFailure = d.fail
	counts, err := b.Run(ctx)
	// Also after an error: the report is as far as the reading got. A kind that was not
	// asked for has no counts, so readRows takes none of its rows for extra.
	for kind, c := range counts {
		d.count(kind, func(n *DiffCounts) { n.Read, n.Failed, n.Skipped = c.Read, c.Failed, c.Skipped })
	}
	return err
}

// observe takes an object that Clerk listed. It is called by several goroutines.
func (d *Diff) observe(o Object, decision Decision) {
	f := d.compare(o, decision)
	d.mu.Lock()
	d.listed.add(o.Key())
	d.mu.Unlock()
	d.add(f)
}

// readRows lists the table and returns, by kind, the live rows that no list of
// Clerk's had, as findings without a class. Pointers are no rows of their own:
// they are compared with their rows.
func (d *Diff) readRows(ctx context.Context) (rows map[string][]*Finding, err error) {
	d.listed.sort() // nothing is added any more
	rows, read := map[string][]*Finding{}, int64(0)
	for after := (directory.Key{}); ; {
		var page []directory.Row
		var next directory.Key
		// A page that failed is read again from the same key, for 30 seconds: to leave
		// one out would hide every row on it that is extra.
		err := d.dry.persist(ctx, func(ctx context.Context) (err error) {
			page, next, err = d.Rows.Scan(ctx, after)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list the rows: %w", err)
		}
		for _, r := range page {
			kind := r.Text(directory.AttrKind)
			counts, ok := d.report.Counts[kind]
			if !ok || counts.Skipped != "" || !r.Live() { // what is switched off is not absent
				continue
			}
			// The key of this instance denies the rows of others that share the table, all of
			// them. A row that names none may still be one of this instance's.
			if of := r.Text(directory.AttrInstanceID); of != "" && of != d.Writer.InstanceID {
				continue
			}
			counts.Rows++
			if !d.listed.has(r.Key()) {
				rows[kind] = append(rows[kind], findingOfRow(r))
			}
		}
		read += int64(len(page))
		d.progress(RowsStep, read, -1)
		if after = next; next == (directory.Key{}) {
			return rows, nil
		}
	}
}

// add reports a finding, unless it is none.
func (d *Diff) add(f *Finding) {
	switch f.Class {
	case Equal:
		return
	case Activity, Deleted, Pending: // there may be many, and nothing more is done with them
		f.subject = nil
	case Missing, Different, Extra, Older: // a repair asks for these again
	}
	d.mu.Lock()
	d.report.Findings = append(d.report.Findings, f)
	d.mu.Unlock()
	d.count(f.Kind, func(c *DiffCounts) { c.add(f.Class) })
}

// count changes the counts of a kind.
func (d *Diff) count(kind string, change func(*DiffCounts)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.report.Counts[kind]
	if c == nil {
		c = &DiffCounts{}
		d.report.Counts[kind] = c
	}
	change(c)
}

// progress calls OnPage, one goroutine at a time as it promises.
func (d *Diff) progress(step string, done, total int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.OnPage != nil {
		d.OnPage(step, done, total)
	}
}

// fail calls OnFailure likewise. An object that fails ends nothing: of all others it
// can still be said whether they differ.
func (d *Diff) fail(f Failure) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.OnFailure != nil {
		d.OnFailure(f)
	}
}
