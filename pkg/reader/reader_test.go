package reader_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
	"github.com/clerksync/clerksync/pkg/reader"
	"github.com/clerksync/clerksync/pkg/reader/readertest"
)

func TestReader(t *testing.T) {
	t.Parallel()
	client, _ := dynamotest.Open(t)
	readertest.Run(t, client)
}

// open makes tables with the webhooks applied, and a Reader whose requests go
// through the HTTP client.
func open(t *testing.T, through dynamodb.HTTPClient, bodies ...string) (*reader.Reader, *readertest.Sync) {
	t.Helper()
	client, names := dynamotest.Open(t)
	sync := readertest.NewSync(client, names, consumer.Soft)
	if err := sync.Apply(t.Context(), bodies...); err != nil {
		t.Fatal(err)
	}
	watched := dynamodb.New(client.Options(), func(o *dynamodb.Options) {
		o.HTTPClient = through
		o.RetryMaxAttempts = 1
	})
	return reader.New(watched, names.Directory), sync
}

// team is a role, and members with their users.
func team(n int) []string {
	bodies := []string{readertest.Role("created", "ins_1", "role_1", "org:member", 1, "org:read")}
	for i := range n {
		id := fmt.Sprintf("user_%03d", i)
		bodies = append(bodies,
			readertest.User("created", "ins_1", id, 1, readertest.Email(id+"@example.com")),
			readertest.Member("created", "ins_1", "org_1", id, "org:member", 1))
	}
	return bodies
}

// reads are all calls of a Reader on a team of 150.
func reads(ctx context.Context, r *reader.Reader) map[string]func() error {
	return map[string]func() error{
		"User":         func() error { _, err := r.User(ctx, "user_000"); return err },
		"Organization": func() error { _, err := r.Organization(ctx, "org_1"); return err },
		"Membership":   func() error { _, err := r.Membership(ctx, "user_000", "org_1"); return err },
		"UserByEmail":  func() error { _, err := r.UserByEmail(ctx, "user_000@example.com"); return err },
		"Authorize": func() error {
			ok, err := r.Authorize(ctx, "user_000", "org_1", "org:read")
			if err == nil && !ok {
				return errors.New("not allowed")
			}
			return err
		},
		"Members": func() (last error) {
			for _, err := range r.Members(ctx, "org_1") {
				last = err
			}
			return last
		},
		"one member of a page of ten": func() (last error) {
			for _, last = range r.Members(ctx, "org_1", reader.PageSize(10)) {
				break
			}
			return last
		},
		"Memberships": func() (last error) {
			for _, err := range r.Memberships(ctx, "user_000") {
				last = err
			}
			return last
		},
	}
}

// What each call costs in requests: docs/reading.md counts on it. All of them
// read consistently, but for the index.
func TestRequests(t *testing.T) {
	t.Parallel()
	requests := &dynamotest.Requests{}
	bodies := append(team(150), readertest.Event("organization.created", "ins_1", 1, `"id":"org_1"`))
	r, _ := open(t, requests, bodies...)
	calls := reads(t.Context(), r)
	const get, batch, query = "GetItem", "BatchGetItem", "Query"
	for _, c := range []struct {
		call string
		want []string
	}{
		{call: "User", want: []string{get}},
		{call: "Organization", want: []string{get}},
		{call: "Membership", want: []string{get}},
		{call: "UserByEmail", want: []string{query, get}},
		{call: "Authorize", want: []string{get, query}},
		{call: "Authorize", want: []string{get}}, // the role is kept
		{call: "Members", want: []string{query, batch, query, batch}},
		{call: "one member of a page of ten", want: []string{query, batch}},
		{call: "Memberships", want: []string{query}},
	} {
		before := requests.ConsistentReads()
		if err := calls[c.call](); err != nil {
			t.Errorf("%s = %v, want no error", c.call, err)
		}
		if diff := cmp.Diff(c.want, requests.Take()); diff != "" {
			t.Errorf("requests of %s differ (-want +got):\n%s", c.call, diff)
		}
		wantConsistent := len(c.want)
		if c.call == "UserByEmail" { // DynamoDB has no consistent reads of an index
			wantConsistent--
		}
		if got := requests.ConsistentReads() - before; got != wantConsistent {
			t.Errorf("consistent reads of %s = %d, want %d", c.call, got, wantConsistent)
		}
	}
}

// answering gives every request of the operations the same answer.
type answering struct {
	status     int
	body       string
	operations string // those of the names in this text
}

func (a answering) Do(r *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if !strings.Contains(a.operations, operation) {
		return http.DefaultTransport.RoundTrip(r)
	}
	return &http.Response{
		StatusCode: a.status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(a.body)), Request: r,
	}, nil
}

// A call whose answer DynamoDB did not give, or gave as an error, never says that
// something is not there, nor that a list is at its end.
func TestFaults(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]answering{
		"an empty answer of a proxy":     {status: http.StatusOK, body: `{}`},
		"an answer of another table":     {status: http.StatusOK, body: `{"ConsumedCapacity":{"TableName":"x"}}`},
		"an outage":                      {status: http.StatusInternalServerError, body: `{}`},
		"a policy that denies all reads": {status: http.StatusBadRequest, body: `{"__type":"AccessDeniedException"}`},
	} {
		a.operations = "GetItem BatchGetItem Query"
		r, _ := open(t, a, team(1)...)
		for call, read := range reads(t.Context(), r) {
			err := read()
			if err == nil || errors.Is(err, reader.ErrNotFound) || errors.Is(err, reader.ErrDeleted) {
				t.Errorf("%s: %s = %v, want an error that is neither ErrNotFound nor ErrDeleted", name, call, err)
			}
			if err != nil && strings.Contains(err.Error(), "@example.com") {
				t.Errorf("%s: %s = %v, want no address in it", name, call, err)
			}
		}
	}
	// The second request of a call fails.
	for call, operation := range map[string]string{
		"UserByEmail": "GetItem", "Authorize": "Query", "Members": "BatchGetItem",
	} {
		r, _ := open(t, answering{status: http.StatusInternalServerError, operations: operation}, team(2)...)
		if err := reads(t.Context(), r)[call](); err == nil || errors.Is(err, reader.ErrNotFound) {
			t.Errorf("%s where %s fails = %v, want an error that is not ErrNotFound", call, operation, err)
		}
	}
}

// A list ends where its context does.
func TestCanceled(t *testing.T) {
	t.Parallel()
	r, _ := open(t, http.DefaultClient, team(150)...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	members := 0
	for _, err := range r.Members(ctx, "org_1") {
		if cancel(); err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error = %v, want context.Canceled", err)
			}
			break
		}
		members++
	}
	if members != 100 {
		t.Errorf("members = %d, want the 100 of the page that was read", members)
	}
}

// lagging is an index that answers as it did the first time.
type lagging struct{ first []byte }

func (l *lagging) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if l.first != nil && bytes.Contains(body, []byte(`"IndexName"`)) {
		return answering{status: http.StatusOK, body: string(l.first), operations: "Query"}.Do(r)
	}
	out, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || !bytes.Contains(body, []byte(`"IndexName"`)) {
		return out, err
	}
	l.first, err = io.ReadAll(out.Body)
	out.Body = io.NopCloser(bytes.NewReader(l.first))
	return out, err
}

// What an index still has is read by its key: neither a user who has another
// address now, nor one who is deleted, is found by it.
func TestIndexLags(t *testing.T) {
	t.Parallel()
	const address = "ada@example.com"
	created := readertest.User("created", "ins_1", "user_1", 1, readertest.Email(address))
	check := func(later string, want error) {
		t.Helper()
		r, sync := open(t, &lagging{}, created)
		if got, err := r.UserByEmail(t.Context(), address); err != nil || got.ID != "user_1" {
			t.Fatalf("UserByEmail = %q, %v, want user_1", got.ID, err)
		}
		if err := sync.Apply(t.Context(), later); err != nil {
			t.Fatal(err)
		}
		if got, err := r.UserByEmail(t.Context(), address); !errors.Is(err, want) {
			t.Errorf("UserByEmail = %q, %v, want %v", got.ID, err, want)
		}
	}
	check(readertest.User("updated", "ins_1", "user_1", 2, readertest.Email("b@example.com")), reader.ErrNotFound)
	check(readertest.Event("user.deleted", "ins_1", 2, `"id":"user_1","deleted":true`), reader.ErrDeleted)
}
