package directory

import (
	"context"
	"errors"
)

// ErrWriteRejected says that the table will never take a write as it is. Any other
// error of a Table means that it is not known whether the deed was done.
var ErrWriteRejected = errors.New("directory: the table refuses the write for good")

// Table is the pair of tables, Directory and Deliveries. Its promises are the
// suite in directorytest, which every implementation passes.
type Table interface {
	// Write commits all of w or nothing. A Delivery that exists is told
	// before a condition that fails.
	Write(ctx context.Context, w Write) (Result, error)

	// Read reads rows, each as it is after every acknowledged write: one
	// for each key, in their order, nil where there is none.
	Read(ctx context.Context, keys ...Key) ([]Row, error)

	// Live reads a page of the rows under pk whose sk begins with prefix and
	// follows after, in order of sk, each as Read would; tombstones are left
	// out. next is where the next page goes on, "" at the end.
	Live(ctx context.Context, pk, prefix, after string) (rows []Row, next string, err error)
}
