package status_test

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/status"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
)

// counter answers by kind; a kind that it does not know is 7.
type counter map[string]error

func (c counter) Count(_ context.Context, kind string) (int64, error) { return 7, c[kind] }

// A kind that is switched off has no number, and any other error is one: a count that is not known is not 0.
func TestCountClerk(t *testing.T) {
	t.Parallel()
	off := &clerkapi.DisabledError{Err: &clerkapi.APIError{Status: 403}}
	var r status.Report
	if err := r.CountClerk(t.Context(), counter{directory.KindDomain: off}); err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{
		"invitation": 7, "membership": 7, "organization": 7, "permission": 7, "role": 7, "user": 7,
	}
	if diff := cmp.Diff(want, r.Clerk); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	failure := errors.New("unavailable")
	if err := r.CountClerk(t.Context(), counter{directory.KindUser: failure}); !errors.Is(err, failure) {
		t.Errorf("CountClerk = %v, want %v", err, failure)
	}
	// Rows of a large table were not counted by kind: Clerk's numbers stand alone.
	var out bytes.Buffer
	r = status.Report{RowsTotal: 200_000, Clerk: map[string]int64{"user": 7}}
	r.Show(terminal.New(t.Context(), nil, &out, &out), time.Now(), deployment.Names{})
	if !regexp.MustCompile(`(?m)^rows +about 200000 in all; --count.*\n\n` +
		`kind +rows +tombstones +at Clerk\nuser +\? +\? +7$`).
		Match(out.Bytes()) {
		t.Errorf("Show = %s, want Clerk's count and no number of rows", out.String())
	}
}
