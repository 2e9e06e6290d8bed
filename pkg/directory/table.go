package directory

import (
	"context"
	"errors"
)

// ErrWriteRefused says that the tables refuse a write as it is, whatever rows
// they hold. Any other error of Write means that the write may or may not have
// taken place.
var ErrWriteRefused = errors.New("directory: the table refuses the write")

// Table is the pair of tables, Directory and Deliveries. Its promises are the
// suite in directorytest, which every implementation passes.
type Table interface {
	// Write commits all of w or nothing. If the ledger entry exists, the
	// result is AlreadyRecorded, also where the condition on the row fails.
	Write(ctx context.Context, w Write) (Result, error)

	// Read reads rows, each as it is after every acknowledged write: one for
	// each key, in their order, nil where there is none.
	Read(ctx context.Context, keys ...Key) ([]Row, error)

	// Live reads a page of the rows under pk whose sk begins with prefix and
	// is greater than after, in order of sk, each as Read would; tombstones
	// are left out. The next page goes on after next, "" at the end.
	Live(ctx context.Context, pk, prefix, after string) (rows []Row, next string, err error)
}

// StateReader is a Table that can read part of a row. A Table that is none reads
// whole rows instead: see ReadStates.
type StateReader interface {
	// ReadStates is Read of those attributes of each row that States names.
	ReadStates(ctx context.Context, keys ...Key) ([]Row, error)
}

// States names the attributes that tell whether a row lives, and if not, since
// when, by what and with which revision.
func States() []string {
	return []string{AttrPK, AttrSK, AttrKind, AttrRev, AttrSvixID, AttrReadAt, AttrDeletedAt, AttrDeletedBy}
}

// ReadStates reads rows of which no more is asked than States: they may hold more,
// and must not be written back. Most of a row is what Clerk says of it, so where a
// hundred parents are looked at, the answer is a tenth as long.
func ReadStates(ctx context.Context, t Table, keys ...Key) ([]Row, error) {
	if r, ok := t.(StateReader); ok {
		return r.ReadStates(ctx, keys...) //nolint:wrapcheck // as Read's
	}
	return t.Read(ctx, keys...) //nolint:wrapcheck // the table names what it did
}
