package deployment_test

import (
	"strconv"
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
