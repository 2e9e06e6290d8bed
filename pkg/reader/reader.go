// Package reader reads the Directory table for an application: users,
// organizations and memberships as typed records, and whether a member may do
// something.
//
// Every row is read by its key, consistently: an answer holds every event that
// clerksync had applied when the call began. The look-ups by an attribute
// (UserByEmail and the like) ask an index first, which DynamoDB updates some
// time after the row, mostly within a second. What the index finds is then read
// by its key, so a result is never old; but a row that has just got the value
// may not be found yet.
//
// The table is a copy that follows Clerk by webhooks, usually within a second.
// A row that is not there may be on its way. docs/reading.md has all access
// patterns with what they cost.
//
//	reader.go     New, and the reads by key
//	index.go      the look-ups by e-mail address, username, external id and slug
//	list.go       the members of an organization, the memberships of a user
//	authorize.go  whether a member has a permission
//	clerk.go      WithClerk, for users who are not in the table yet
//	records.go    the records
package reader

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
)

// ErrNotFound says that the table has no such row and never had one, as far as
// it knows. With a new object it may only not have it yet.
var ErrNotFound = errors.New("reader: not found")

// ErrDeleted says that the row was there and is deleted. The error is then a
// *DeletedError, which says since when.
var ErrDeleted = errors.New("reader: deleted")

// DeletedError is ErrDeleted with what is known of the deletion.
type DeletedError struct {
	// At is when Clerk deleted the object, by the event's envelope; of a child, when
	// its parent was deleted. Where a repair found that Clerk no longer has the
	// object, it is when that was first seen. Zero if the row does not say.
	At time.Time
}

// Error says since when the object is deleted.
func (e *DeletedError) Error() string {
	return fmt.Sprintf("%v at %s", ErrDeleted, e.At.UTC().Format(directory.TimeFormat))
}

// Is makes errors.Is(err, ErrDeleted) true.
func (e *DeletedError) Is(target error) bool { return target == ErrDeleted }

// Reader reads one Directory table. It is safe for concurrent use.
type Reader struct {
	client   *dynamodb.Client
	table    string
	rows     *dynamo.Table
	instance string // "" for every
	now      func() time.Time
	fetcher  *fetcher // nil without WithClerk

	mu    sync.Mutex
	roles map[roleName]keptRole
}

// Option changes a Reader.
type Option func(*Reader)

// WithInstance makes rows of other Clerk instances count as not found, and rows
// without an instance too. Set it where several instances share a table: their
// users may have the same e-mail address, and whoever can sign up to a
// development instance can choose it.
func WithInstance(id string) Option { return func(r *Reader) { r.instance = id } }

// WithClock replaces time.Now, by which kept roles expire.
func WithClock(now func() time.Time) Option { return func(r *Reader) { r.now = now } }

// New returns a Reader of the Directory table of that name: the stack's output
// DirectoryTableName. The client needs the permissions of docs/iam/read.json.
func New(client *dynamodb.Client, table string, options ...Option) *Reader {
	r := &Reader{
		client: client, table: table, rows: dynamo.New(client, table, ""), now: time.Now,
		roles: map[roleName]keptRole{},
	}
	for _, o := range options {
		o(r)
	}
	return r
}

// User returns the user with that id. Its error wraps ErrNotFound or ErrDeleted
// where there is none; any other error is one of DynamoDB.
func (r *Reader) User(ctx context.Context, id string) (User, error) {
	key := directory.UserKey(id)
	row, err := r.live(ctx, key)
	// A deleted user stays deleted: Clerk never uses the id again.
	if errors.Is(err, ErrNotFound) && r.fetcher != nil && couldBeClerks(id) {
		row, err = r.readThrough(ctx, id)
	}
	if err != nil {
		return User{}, fmt.Errorf("read user: %w", err)
	}
	return newUser(row), nil
}

// Organization returns the organization with that id. Its errors are those of
// User.
func (r *Reader) Organization(ctx context.Context, id string) (Organization, error) {
	row, err := r.live(ctx, directory.OrganizationKey(id))
	if err != nil {
		return Organization{}, fmt.Errorf("read organization: %w", err)
	}
	return newOrganization(row), nil
}

// Membership returns the membership of the user in the organization. Its errors
// are those of User: ErrDeleted is for a member who has left, or whose user or
// organization was deleted.
func (r *Reader) Membership(ctx context.Context, userID, organizationID string) (Membership, error) {
	row, err := r.live(ctx, directory.MembershipKey(organizationID, userID))
	if err != nil {
		return Membership{}, fmt.Errorf("read membership: %w", err)
	}
	return newMembership(row), nil
}

// live returns the row at the key if it is live.
func (r *Reader) live(ctx context.Context, k directory.Key) (directory.Row, error) {
	// An id comes from outside, and DynamoDB refuses keys that are too long: no row
	// has one.
	if !k.Valid() {
		return nil, ErrNotFound
	}
	rows, err := r.rows.Read(ctx, k)
	if err != nil {
		return nil, err
	}
	return r.check(rows[0])
}

// check returns the row if it is live and of the reader's instance.
func (r *Reader) check(row directory.Row) (directory.Row, error) {
	switch {
	case row == nil || r.isForeign(row):
		return nil, ErrNotFound
	case row.Gone():
		return nil, &DeletedError{At: timeOf(row, directory.AttrDeletedAt)}
	}
	return row, nil
}

// isForeign says whether the row is of another instance than the reader's.
func (r *Reader) isForeign(row directory.Row) bool {
	return r.instance != "" && row.Text(directory.AttrInstanceID) != r.instance
}
