package deployment_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
)

// Walk never cuts a page, so that a table of one page is always complete.
func TestWalkReadsWholePages(t *testing.T) {
	t.Parallel()
	s := deploymenttest.New(t)
	for i := range 5 {
		s.PutUser(strconv.Itoa(i), "ins_a")
	}
	d := find(t, s)
	for limit, want := range map[int]int{0: 5, 1: 5, 100: 5} {
		n := 0
		complete, err := d.Rows().Walk(t.Context(), d.DirectoryTable, limit, func(r deployment.Record) {
			if len(r) != 1 || r.Text("kind") != "user" {
				t.Errorf("Walk shows %v, want the kind alone", r)
			}
			n++
		}, "kind")
		if err != nil || n != want || !complete {
			t.Errorf("Walk(limit %d) = %d rows, complete %t, %v, want %d, true", limit, n, complete, err, want)
		}
	}
}

// An index whose rows under one value fill more than a page is read to its end:
// the row that is asked for may stand on the last one.
func TestLookupReadsAllPagesOfAnIndex(t *testing.T) {
	t.Parallel()
	const (
		perPage = 1 << 20 // bytes that one Query reads
		size    = 2000    // of a key: an index of keys alone needs many rows for a page
		rows    = perPage/size + 3
	)
	long := strings.Repeat("x", size)
	s := deploymenttest.New(t)
	d := find(t, s)
	for i := range rows {
		s.PutRow(d.DirectoryTable, map[string]string{
			"pk": "USER#" + strconv.Itoa(i) + long, "sk": "USER", "kind": "user", "by_email": "ada@example.com",
		})
	}
	found, err := d.Rows().User(t.Context(), "ada@example.com")
	if err != nil || len(found) != rows {
		t.Errorf("User finds %d rows, %v, want %d", len(found), err, rows)
	}
}
