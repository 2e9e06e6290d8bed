package reader_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/backfill"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
	"github.com/clerksync/clerksync/pkg/projector"
	"github.com/clerksync/clerksync/pkg/reader"
	"github.com/clerksync/clerksync/pkg/reader/readertest"
)

// clerkWorld is a table without rows, a Clerk instance, and a Reader of both.
type clerkWorld struct {
	*reader.Reader
	t        *testing.T
	sync     *readertest.Sync
	instance *clerk.Instance
	client   *dynamodb.Client
	names    dynamotest.Names
	requests atomic.Int64 // for users
	answer   atomic.Pointer[clerk.Answer]
}

// inClerkWorld runs the test in a bubble, whose clock stands still while anything
// works: a reader gives Clerk two seconds, which a busy machine may take.
func inClerkWorld(t *testing.T, test func(w *clerkWorld)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		time.Sleep(time.Until(time.UnixMilli(1772000000000))) // ada's year
		test(newClerkWorld(t, "ins_1"))
	})
}

func newClerkWorld(t *testing.T, instanceID string) *clerkWorld {
	t.Helper()
	w := &clerkWorld{t: t}
	w.answer.Store(&clerk.Answer{})
	w.instance = clerk.New(clerk.Options{ID: "ins_1", Limit: -1, Answer: func(r *http.Request) clerk.Answer {
		if !strings.Contains(r.URL.Path, "/users/") {
			return clerk.Answer{}
		}
		w.requests.Add(1)
		return *w.answer.Load()
	}})
	api, err := clerkapi.New(clerkapi.Options{
		Key: "sk_test_a", Rate: 1000, Transport: emulator.HandlerClient{Handler: w.instance},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.client = dynamodb.NewFromConfig(emulator.InProcess(emulator.New(emulator.Options{})))
	w.names = dynamotest.OpenAt(t, w.client)
	w.sync = readertest.NewSync(w.client, w.names, consumer.Soft)
	table := dynamo.New(w.client, w.names.Directory, w.names.Deliveries)
	fetcher := backfill.NewFetcher(api, table, instanceID, consumer.Soft, projector.StoreFull)
	w.Reader = reader.New(w.client, w.names.Directory, reader.WithClerk(fetcher))
	return w
}

// putAda puts a user into the Clerk instance.
func (w *clerkWorld) putAda() {
	w.t.Helper()
	const ada = `{"id":"user_1","created_at":1772000000000,"updated_at":1772000000005,"first_name":"Ada"}`
	if err := w.instance.Put(directory.KindUser, []byte(ada)); err != nil {
		w.t.Fatal(err)
	}
}

// apply applies a webhook.
func (w *clerkWorld) apply(body string) {
	w.t.Helper()
	if err := w.sync.Apply(w.t.Context(), body); err != nil {
		w.t.Fatal(err)
	}
}

// A user whose webhook is on its way is read from Clerk, once, and is in the table
// from then on; the webhook that comes later is newer.
func TestReadThrough(t *testing.T) {
	t.Parallel()
	inClerkWorld(t, func(w *clerkWorld) {
		t := w.t // the bubble's
		w.putAda()
		for range 2 {
			got, err := w.User(t.Context(), "user_1")
			if err != nil || got.FirstName != "Ada" || got.Source.ReadAt.IsZero() {
				t.Fatalf("User = %+v, %v, want Ada, read from Clerk", got, err)
			}
		}
		if n := w.requests.Load(); n != 1 {
			t.Errorf("requests to Clerk = %d, want 1: the row is in the table", n)
		}
		w.apply(readertest.User("updated", "ins_1", "user_1", 9, `"first_name":"Bo"`))
		if got, err := w.User(t.Context(), "user_1"); err != nil || got.FirstName != "Bo" {
			t.Errorf("User after the webhook = %q, %v, want Bo", got.FirstName, err)
		}
	})
}

// What Clerk denies is remembered, and leaves nothing in the table: the replica
// may lag, and the webhook may be on its way.
func TestDeniedLeavesNothing(t *testing.T) {
	t.Parallel()
	inClerkWorld(t, func(w *clerkWorld) {
		t := w.t // the bubble's
		for range 3 {
			if _, err := w.User(t.Context(), "user_1"); !errors.Is(err, reader.ErrNotFound) {
				t.Errorf("User = %v, want ErrNotFound", err)
			}
		}
		if n := w.requests.Load(); n != 1 {
			t.Errorf("requests to Clerk = %d, want 1", n)
		}
		out, err := w.client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &w.names.Directory})
		if err != nil || out.Count != 0 {
			t.Errorf("rows = %d, %v, want none: what is absent never becomes a tombstone", out.Count, err)
		}
		// The webhook counts at once, whatever is remembered.
		w.apply(readertest.User("created", "ins_1", "user_1", 1))
		if _, err := w.User(t.Context(), "user_1"); err != nil {
			t.Errorf("User after the webhook = %v, want the row", err)
		}
	})
}

// A deleted user is not asked for, though a lagging replica may still have one.
func TestDeletedIsNotFetched(t *testing.T) {
	t.Parallel()
	inClerkWorld(t, func(w *clerkWorld) {
		t := w.t // the bubble's
		w.putAda()
		w.apply(readertest.Event("user.deleted", "ins_1", 2, `"id":"user_1"`))
		if _, err := w.User(t.Context(), "user_1"); !errors.Is(err, reader.ErrDeleted) || w.requests.Load() > 0 {
			t.Errorf("User = %v after %d requests to Clerk, want ErrDeleted and none", err, w.requests.Load())
		}
	})
}

// Where Clerk cannot be asked the answer is as without it, and says why. After a
// 429 nobody asks until Clerk wants it.
func TestClerkFails(t *testing.T) {
	t.Parallel()
	inClerkWorld(t, func(w *clerkWorld) {
		t := w.t // the bubble's
		w.answer.Store(&clerk.Answer{Fault: clerk.Limited})
		w.putAda()
		began := time.Now()
		for range 3 {
			if _, err := w.User(t.Context(), "user_1"); !errors.Is(err, reader.ErrNotFound) {
				t.Errorf("User = %v, want ErrNotFound with the reason", err)
			}
		}
		if n, took := w.requests.Load(), time.Since(began); float64(n) > 1+took.Seconds() {
			t.Errorf("requests to Clerk = %d in %v, want none before the second is over that a 429 asks for", n, took)
		}
		w.answer.Store(&clerk.Answer{})
		time.Sleep(time.Second)
		if _, err := w.User(t.Context(), "user_1"); err != nil {
			t.Errorf("User = %v when Clerk answers again, want Ada: a failure is not remembered", err)
		}
		other := newClerkWorld(t, "ins_2")
		other.putAda()
		_, err := other.User(t.Context(), "user_1")
		if e, ok := errors.AsType[*backfill.InstanceError](err); !ok || !errors.Is(err, reader.ErrNotFound) {
			t.Errorf("User with the key of another instance = %v, %v, want ErrNotFound and an InstanceError", err, e)
		}
		if n := other.requests.Load(); n != 0 {
			t.Errorf("requests with the key of another instance = %d, want none", n)
		}
	})
}

// fetch is a Clerk that is one function.
type fetch func(ctx context.Context, id string) (bool, error)

func (f fetch) FetchUser(ctx context.Context, id string) (bool, error) { return f(ctx, id) }

// noTable answers every read as an empty table does.
type noTable struct{}

func (noTable) Do(r *http.Request) (*http.Response, error) {
	return answering{
		status: http.StatusOK, body: `{"ConsumedCapacity":{"TableName":"t"}}`, operations: "GetItem",
	}.Do(r)
}

// readerOf returns a Reader of an empty table, without a network.
func readerOf(f fetch) *reader.Reader {
	client := dynamodb.New(dynamodb.Options{Region: "us-east-1", HTTPClient: noTable{}})
	return reader.New(client, "t", reader.WithClerk(f))
}

// A hundred callers who miss one user make one request, even if the first gives
// up; all of them wait for 2 s at most.
func TestOneFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		r := readerOf(func(ctx context.Context, _ string) (bool, error) {
			asked++
			<-ctx.Done()
			return false, ctx.Err()
		})
		first, giveUp := context.WithCancel(t.Context())
		began := time.Now()
		var g sync.WaitGroup
		for i := range 100 {
			ctx, want := t.Context(), context.DeadlineExceeded
			if i == 0 {
				ctx, want = first, context.Canceled
			}
			g.Go(func() {
				_, err := r.User(ctx, "user_1")
				if !errors.Is(err, want) {
					t.Errorf("User of caller %d = %v, want %v", i, err, want)
				}
			})
			synctest.Wait() // the first is first
		}
		giveUp()
		g.Wait()
		if took := time.Since(began); asked != 1 || took != 2*time.Second {
			t.Errorf("requests to Clerk = %d in %v, want 1 in 2s", asked, took)
		}
	})
}

// What is denied is not asked again for ten seconds, and then it is. A failure and
// a panic are not remembered. An id that Clerk cannot have is not asked for.
func TestWhatIsRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked, answer := 0, func() (bool, error) { return false, nil }
		r := readerOf(func(context.Context, string) (bool, error) { asked++; return answer() })
		check := func(what, id string, want int) {
			t.Helper()
			asked = 0
			for range 2 {
				if _, err := r.User(t.Context(), id); !errors.Is(err, reader.ErrNotFound) {
					t.Errorf("%s: User = %v, want ErrNotFound", what, err)
				}
			}
			if asked != want {
				t.Errorf("%s: requests to Clerk = %d for two calls, want %d", what, asked, want)
			}
		}
		check("denied", "user_1", 1)
		time.Sleep(10*time.Second - time.Millisecond)
		check("denied for less than 10 s", "user_1", 0)
		time.Sleep(time.Millisecond)
		check("denied for 10 s", "user_1", 1)
		for _, id := range []string{"", "..", "user_1/metadata", "user 1", "usér", strings.Repeat("x", 101)} {
			check("no id of Clerk's: "+id, id, 0)
		}
		answer = func() (bool, error) { return false, errors.New("made up") }
		check("failed", "user_2", 2)
		answer = func() (bool, error) { panic("made up") }
		check("panicked", "user_3", 2)
	})
}
