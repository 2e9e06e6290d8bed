package backfill

// Report is what a Diff has found, and a Repair has done.
type Report struct {
	Findings []*Finding // sorted by kind and id
	Counts   map[string]*DiffCounts
}

// DiffCounts count objects and rows of one kind.
type DiffCounts struct {
	Read      int    `json:"read"` // objects that Clerk listed
	Rows      int    `json:"rows"` // live rows of the table, but for those of other instances
	Missing   int    `json:"missing"`
	Extra     int    `json:"extra"`
	Different int    `json:"different"`
	Activity  int    `json:"activity"`
	Deleted   int    `json:"deleted"`
	Pending   int    `json:"pending"`
	Failed    int    `json:"failed"` // nothing is known of these
	Repaired  int    `json:"repaired,omitempty"`
	Left      int    `json:"left,omitempty"`    // by a repair
	Skipped   string `json:"skipped,omitempty"` // Clerk's code, where the kind is switched off
}

// add counts a finding. A row that is Older than its object is a finding of class
// Different (see classify), so no finding has that class.
func (c *DiffCounts) add(class Verdict) {
	switch class {
	case Missing:
		c.Missing++
	case Extra:
		c.Extra++
	case Different:
		c.Different++
	case Activity:
		c.Activity++
	case Deleted:
		c.Deleted++
	case Pending:
		c.Pending++
	case Equal, Older: // no classes of findings
	}
}

// Total is the sum over all kinds. Skipped is left out: it says nothing of the others.
func (r *Report) Total() (t DiffCounts) {
	for _, c := range r.Counts {
		t.Read += c.Read
		t.Rows += c.Rows
		t.Missing += c.Missing
		t.Extra += c.Extra
		t.Different += c.Different
		t.Activity += c.Activity
		t.Deleted += c.Deleted
		t.Pending += c.Pending
		t.Failed += c.Failed
		t.Repaired += c.Repaired
		t.Left += c.Left
	}
	return t
}
