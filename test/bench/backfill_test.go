package bench_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/backfill"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/test/program"
)

// kills is how often a backfill that keeps its state is killed.
const kills = 5

// BenchmarkBackfill fills a table from an instance with BACKFILL_USERS users (20,000 if it is not set), a tenth as
// many organizations and half as many memberships again, with the command as it is built, and beside it the two
// floors; then a diff looks for what differs. It holds what must not depend on the machine: rows, requests, writes, and
// that nothing differs. `make bench-backfill` is the size of a large company, 200,000 users.
func BenchmarkBackfill(b *testing.B) {
	n := 20_000
	if text := os.Getenv("BACKFILL_USERS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	c := startCompany(b, program.Build(b, "./cmd/clerksync"), n)
	table := c.createTables(b, "first")
	first := c.backfill(b, table)
	c.checkFirst(b, first)
	second := c.backfill(b, table)
	c.checkSecond(b, second)
	diff := c.run(b, 0, "diff", table)
	c.checkDiff(b, diff)
	c.checkKilled(b, c.digest(b, table))

	pages := c.measure(b, "")
	rows := c.measure(b, c.createTables(b, "floor"))
	floor := max(pages, rows)
	b.Logf("%d objects: backfill %s, again %s, diff %s; pages alone %s, rows alone %s", c.size(),
		first.took.Round(time.Millisecond), second.took.Round(time.Millisecond), diff.took.Round(time.Millisecond),
		pages.Round(time.Millisecond), rows.Round(time.Millisecond))
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(first.took.Seconds()/floor.Seconds(), "x-floor")
	b.ReportMetric(first.peakMB, "peak-MB")
	b.ReportMetric(second.peakMB, "peak-MB-again")
	b.ReportMetric(diff.peakMB, "peak-MB-diff")
	b.ReportMetric(float64(first.requests())/first.took.Seconds(), "Clerk-requests/s")
}

// requireScale skips what takes a minute unless it is asked for.
func requireScale(t *testing.T) {
	t.Helper()
	if os.Getenv("BACKFILL_SCALE") == "" {
		t.Skip("BACKFILL_SCALE=1 builds the command and fills tables with thousands of rows")
	}
}

// A backfill of a few thousand objects: what it reads, what it writes, and what one reads that is killed five times.
// The benchmark holds the same at any size.
func TestBackfillCounts(t *testing.T) {
	requireScale(t)
	c := startCompany(t, program.Build(t, "./cmd/clerksync"), 2000)
	table := c.createTables(t, "first")
	c.checkFirst(t, c.backfill(t, table))
	c.checkSecond(t, c.backfill(t, table))
	c.checkDiff(t, c.run(t, 0, "diff", table))
	c.checkKilled(t, c.digest(t, table))
}

// The memory of a backfill does not grow with the instance: at ten times the size its peak is within a tenth. It is a
// dry run of the longest list, which reads all that a real one reads and decides the same, for time's sake.
func TestBackfillMemory(t *testing.T) {
	requireScale(t)
	command := program.Build(t, "./cmd/clerksync")
	peak := func(n int) float64 {
		c := startCompany(t, command, n)
		table := c.createTables(t, "dry")
		peaks := make([]float64, 5) // the collector's moment is chance, so the median counts
		for i := range peaks {
			peaks[i] = c.backfill(t, table, "--dry-run", "--kind", directory.KindMembership).peakMB
		}
		slices.Sort(peaks)
		return peaks[len(peaks)/2]
	}
	const small = 2000
	few, many := peak(small), peak(10*small)
	t.Logf("peak memory: %.1f MB for %d users, %.1f MB for %d", few, small, many, 10*small)
	if many > few*1.1 || many > 100 {
		t.Errorf("peak memory = %.1f MB for %d users, want at most 100 and a tenth more than the %.1f MB of %d",
			many, 10*small, few, small)
	}
}

// checkFirst holds one request for each 500 objects of a kind, one BatchGetItem for each 100 rows, and one write for
// each object.
func (c *company) checkFirst(tb testing.TB, r run) {
	tb.Helper()
	for kind, n := range c.objects {
		if got := r.counts[kind]; got.Read != n || got.Written != n {
			tb.Errorf("%s: %d read, %d written, want %d", kind, got.Read, got.Written, n)
		}
	}
	if r.writes() != c.size() {
		tb.Errorf("%d writes (%v), want one for each of %d objects", r.writes(), r.operations, c.size())
	}
	// A page of an offset list has one object in common with the one before. A window of users ends in a page that is
	// not full, and so does every list.
	const pageSize, windows = 500, 8
	most := map[string]int{"users": c.objects[directory.KindUser]/pageSize + windows + 2}
	for path, kind := range map[string]string{
		"organizations": directory.KindOrganization, "organization_memberships": directory.KindMembership,
	} {
		most[path] = c.objects[kind]/(pageSize-1) + 1
	}
	for path, n := range most {
		if r.pages[path] > n {
			tb.Errorf("%d requests for %s, want at most %d", r.pages[path], path, n)
		}
	}
	// Rows, the pointers of memberships, and their parents after the write: 100 keys in a request.
	const batch = 100
	keys := c.size() + 3*c.objects[directory.KindMembership]
	if n := keys/batch + 2*r.requests(); r.operations["BatchGetItem"] > n {
		tb.Errorf("%d BatchGetItem, want at most %d for %d keys", r.operations["BatchGetItem"], n, keys)
	}
}

// checkSecond holds that a backfill of an unchanged instance writes nothing.
func (c *company) checkSecond(tb testing.TB, r run) {
	tb.Helper()
	for kind, n := range c.objects {
		if got := r.counts[kind]; got.Read != n || got.Equal != n {
			tb.Errorf("%s, again: %d read, %d equal, want %d", kind, got.Read, got.Equal, n)
		}
	}
	if r.writes() != 0 {
		tb.Errorf("a second backfill writes: %v", r.operations)
	}
}

// checkDiff holds that a diff of what a backfill has written finds nothing: every object of Clerk's has a live row and
// every live row an object. It is one line, that of the counts, and changes nothing.
func (c *company) checkDiff(tb testing.TB, r run) {
	tb.Helper()
	var got struct {
		Event    string                         `json:"event"`
		Finished bool                           `json:"finished"`
		Kinds    map[string]backfill.DiffCounts `json:"kinds"`
	}
	if err := json.Unmarshal(r.stdout, &got); err != nil || got.Event != "counts" || !got.Finished {
		tb.Errorf("diff printed %.1000q, want the counts alone: %v", r.stdout, err)
	}
	for kind, n := range c.objects {
		if want := (backfill.DiffCounts{Read: n, Rows: n}); got.Kinds[kind] != want {
			tb.Errorf("diff of %s = %+v, want %+v", kind, got.Kinds[kind], want)
		}
	}
	if r.writes() != 0 {
		tb.Errorf("a diff writes: %v", r.operations)
	}
	tb.Logf("diff of %d objects: %.1f MB at its peak", c.size(), r.peakMB)
}

// checkKilled kills a backfill five times, each time after another seventh of its writes. The next process goes on from
// the state: the rows end the same, and no page is read twice but those that were not whole in the table.
func (c *company) checkKilled(tb testing.TB, want digest) {
	tb.Helper()
	table := c.createTables(tb, "killed")
	state := filepath.Join(tb.TempDir(), "state.json")
	read := map[string]int{}
	for kill := range kills + 1 {
		writes := c.size() / (kills + 2)
		if kill == kills {
			writes = 0
		}
		r := c.backfillUntil(tb, writes, table, "--state", state)
		for page, n := range r.queries {
			read[page] += n
		}
		if kill < kills {
			continue
		}
		for kind, n := range c.objects {
			if got := r.counts[kind]; got.Read != n {
				tb.Errorf("%s, killed %d times: %d read in all, want %d", kind, kills, got.Read, n)
			}
		}
	}
	if got := c.digest(tb, table); got != want {
		tb.Errorf("rows after %d kills differ: %+v, want %+v", kills, got, want)
	}
	again := 0
	for _, n := range read {
		again += n - 1
	}
	// Each of the four parts that are read at once has a page that is written and one that was read meanwhile.
	const inHand = 4 * 2
	tb.Logf("killed %d times: %d of %d pages were read again", kills, again, len(read))
	if most := kills * inHand; again > most {
		tb.Errorf("%d of %d pages were read again, want at most %d", again, len(read), most)
	}
}

// digest is that of a table's rows, in any order.
type digest struct {
	rows int
	sum  uint64
}

// digest reads the whole table. What tells when an object was read is left out.
func (c *company) digest(tb testing.TB, table string) (d digest) {
	tb.Helper()
	for after := (directory.Key{}); ; {
		rows, next, err := c.table(table).Scan(tb.Context(), after)
		if err != nil {
			tb.Fatal(err)
		}
		for _, row := range rows {
			row = maps.Clone(row)
			for _, name := range []string{directory.AttrRev, directory.AttrReadAt, directory.AttrSyncedAt} {
				delete(row, name)
			}
			text, err := json.Marshal(row)
			if err != nil {
				tb.Fatal(err)
			}
			sum := sha256.Sum256(text)
			d.sum += binary.BigEndian.Uint64(sum[:]) // in any order
			d.rows++
		}
		if after = next; after == (directory.Key{}) {
			return d
		}
	}
}
