package backfill

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
)

// errTable marks errors of the table, which say nothing about an object.
var errTable = errors.New("the table")

// look is what Clerk said when it was asked for one object by its id.
type look struct {
	absent bool
	at     time.Time // before Clerk was asked for what is absent
	// The rest is of an object that is there.
	object   Object
	decision Decision // nothing was written
}

// look asks Clerk for the object of a finding, and if Clerk has it, compares it
// with its row. An absence is proven as far as one look can: see clerkapi.Prove.
// Any other answer, also one that Clerk denies the object with for another reason,
// is an error.
func (d *Diff) look(ctx context.Context, f *Finding) (l look, err error) {
	organizationGone := false
	if f.Kind == directory.KindMembership || f.Kind == directory.KindInvitation {
		// Clerk has neither members nor invitations of a deleted organization, nor need
		// it have that.
		row, err := d.readRow(ctx, directory.OrganizationKey(f.ref.OrganizationID))
		if err != nil {
			return l, err
		}
		organizationGone = row.Gone()
	}
	data, read, err := d.Client.Prove(ctx, d.Writer.InstanceID, f.ref, organizationGone)
	if _, absent := errors.AsType[*clerkapi.AbsentError](err); absent {
		return look{absent: true, at: read.Began}, nil
	}
	if err != nil {
		return l, err //nolint:wrapcheck // the client names the object
	}
	if l.object, err = d.Writer.Object(f.Kind, data, read); err != nil {
		return l, fmt.Errorf("compare %s %s: %w", f.Kind, f.ID, err)
	}
	decisions, err := d.dry.Write(ctx, []Object{l.object})
	if err != nil {
		return l, fmt.Errorf("%w: %w", errTable, err)
	}
	l.decision = decisions[0]
	return l, nil
}

// readRow reads the row of a key, nil where there is none.
func (d *Diff) readRow(ctx context.Context, k directory.Key) (row directory.Row, err error) {
	err = d.dry.persist(ctx, func(ctx context.Context) error {
		rows, err := d.Writer.Consumer.Read(ctx, k)
		if err == nil {
			row = rows[0]
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%w: read row %s %s: %w", errTable, k.PK, k.SK, err)
	}
	return row, nil
}

// failOrReturn reports an error that is about one object, and returns one that
// the next object would have, too.
func (d *Diff) failOrReturn(f *Finding, err error) error {
	if isGeneral(err) {
		return err
	}
	d.count(f.Kind, func(c *DiffCounts) { c.Failed++ })
	d.fail(Failure{Kind: f.Kind, ID: f.ID, Err: err})
	return nil
}

// isGeneral tells errors that say nothing about the object that was asked for:
// Clerk or the table does not answer, or the key is not accepted.
func isGeneral(err error) bool {
	for _, target := range []error{context.Canceled, context.DeadlineExceeded, errTable} {
		if errors.Is(err, target) {
			return true
		}
	}
	// A key that was revoked meanwhile is refused for every object.
	if e, ok := errors.AsType[*clerkapi.APIError](err); ok && e.Status == http.StatusUnauthorized {
		return true
	}
	_, unavailable := errors.AsType[*clerkapi.UnavailableError](err)
	_, limited := errors.AsType[*clerkapi.RateLimitError](err)
	_, skewed := errors.AsType[*clerkapi.ClockError](err)
	return unavailable || limited || skewed
}

// maxAbsent and maxAbsentShare are the brake: above both, what looks like many
// absences is more likely a fault, such as the key of another instance whose id
// somebody gave to this one, or a replica without data.
const (
	maxAbsent      = 50
	maxAbsentShare = 100 // one of so many
)

// BrakeError says that more rows would be deleted by absence than is likely to be
// right. None was deleted.
type BrakeError struct {
	Deletions map[string]int // by kind, of the kinds that have too many
}

// Error says by which flag a person allows it. The number is the largest kind's, for
// the flag counts for each kind.
func (e *BrakeError) Error() string {
	var kinds []string
	most := 0
	for kind, n := range e.Deletions {
		kinds = append(kinds, fmt.Sprintf("%d of kind %s", n, kind))
		most = max(most, n)
	}
	slices.Sort(kinds)
	return fmt.Sprintf("nothing was deleted: Clerk denies %s, more than %d and more than 1 %% of them. "+
		"If that is right, run it again with --allow-deletions %d", strings.Join(kinds, " and "), maxAbsent, most)
}

// brake says whether so many rows of each kind may be deleted. live are the live
// rows of each kind; allowed is what a person has named.
func brake(deletions, live map[string]int, allowed int) error {
	tooMany := map[string]int{}
	for kind, n := range deletions {
		if n > maxAbsent && n*maxAbsentShare > live[kind] && n > allowed {
			tooMany[kind] = n
		}
	}
	if len(tooMany) > 0 {
		return &BrakeError{tooMany}
	}
	return nil
}
