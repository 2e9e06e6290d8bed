package consumer_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
)

// onEmulator is a harness on DynamoDB's protocol.
func onEmulator(
	t *testing.T, p consumer.DeletionPolicy,
) (*harness, *dynamodb.Client, dynamotest.Names, *dynamotest.Requests) {
	t.Helper()
	requests := &dynamotest.Requests{}
	client, names := dynamotest.Open(t, func(o *dynamodb.Options) { o.HTTPClient = requests })
	h := newHarness(withPolicy(p), func(_ *harness, c *consumer.Config) {
		c.Table = dynamo.New(client, names.Directory, names.Deliveries)
	})
	return h, client, names, requests
}

// The same history leads to the same rows on DynamoDB's protocol as in memory.
func TestEmulator(t *testing.T) {
	t.Parallel()
	withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
		memory := newHarness(withPolicy(p))
		h, client, names, _ := onEmulator(t, p)
		for _, r := range history() {
			want, got := memory.handle(t, r), h.handle(t, r)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("outcome of %s differs (-memory +emulator):\n%s", r.MessageID, diff)
			}
		}
		out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &names.Directory})
		if err != nil {
			t.Fatal(err)
		}
		rows := memory.memory.Rows()
		if len(out.Items) != len(rows) {
			t.Errorf("%d items, want %d", len(out.Items), len(rows))
		}
		for k, want := range rows {
			got, err := h.Table.Read(t.Context(), k)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got[0]); diff != "" {
				t.Errorf("row %v differs (-memory +emulator):\n%s", k, diff)
			}
		}
	})
}

// What each kind of message costs in requests: docs/cost.md counts on it.
func TestRequests(t *testing.T) {
	t.Parallel()
	const transact, put, get, batch, query = "TransactWriteItems", "PutItem", "GetItem", "BatchGetItem", "Query"
	check := func(name string, p consumer.DeletionPolicy, records []delivery.Record, want ...string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, _, _, requests := onEmulator(t, p)
			last := len(records) - 1
			h.handle(t, records[:last]...)
			requests.Take()
			h.handle(t, records[last])
			if diff := cmp.Diff(want, requests.Take()); diff != "" {
				t.Errorf("requests differ (-want +got):\n%s", diff)
			}
		})
	}
	created, member := user("created", "u1", 1, ""), membership("created", "o1", "u1", 1, 1, "x")
	one := func(body string) []delivery.Record { return messages(body) }
	twice := append(messages(created), messages(created)...)
	older := messages(user("updated", "u1", 2, ""), created)
	check("user", consumer.Soft, one(created), transact)
	check("organization", consumer.Soft, one(organization("created", "o1", 1, "")), transact)
	check("duplicate", consumer.Soft, twice, transact)
	check("stale", consumer.Soft, older, transact, put)
	check("membership", consumer.Soft, one(member), transact, batch)
	check("invitation", consumer.Soft, one(invitation("created", "o1", "i1", 1)), transact, get)
	check("domain", consumer.Soft, one(domain("created", "o1", "d1", 1)), get, transact, get)
	check("user deleted, soft", consumer.Soft, one(deleted("user", "u1", 1)), get, transact, query)
	check("user deleted, hard", consumer.Hard, one(deleted("user", "u1", 1)), transact, query)
	check("member removed, hard", consumer.Hard, one(membership("deleted", "o1", "u1", 1, 1, "x")), transact)
	check("role", consumer.Soft, one(event("role.created", base, `{"id":"r1","key":"a"}`)), get, transact)
	check("role deleted, soft", consumer.Soft, one(deleted("role", "r1", 1)), get, transact)
	check("role deleted, hard", consumer.Hard, one(deleted("role", "r1", 1)), get, transact)
	check("permission deleted, hard", consumer.Hard, one(deleted("permission", "p1", 1)), transact)
}

// Two updates of one user at once, 50 times: the newest is in the table.
// https://github.com/guregu/dynamo/issues/203
func TestConcurrentUpdates(t *testing.T) {
	t.Parallel()
	h, _, _, _ := onEmulator(t, consumer.Soft)
	for round := range 50 {
		var wg sync.WaitGroup
		for i := range 2 {
			n := 2*round + i
			r := message(fmt.Sprintf("msg_%03d", n), user("updated", "u1", int64(n), ""))
			wg.Go(func() { h.handleAll(t, []delivery.Record{r}) })
		}
		wg.Wait()
	}
	rows, err := h.Table.Read(t.Context(), directory.UserKey("u1"))
	if err != nil || rows[0]["updated_at"] != directory.Number("1772000000099") || len(h.queue.dead) > 0 {
		t.Errorf("updated_at = %v, %v, with %d dead letters, want the newest and none",
			rows[0]["updated_at"], err, len(h.queue.dead))
	}
}

// Rows without a value that could be a key are written, in no index, on an
// engine that refuses empty index keys.
// https://github.com/architect/dynalite/issues/164
func TestEmptyIndexKeys(t *testing.T) {
	t.Parallel()
	h, client, names, _ := onEmulator(t, consumer.Soft)
	emails := func(address string) string {
		return `,"email_addresses":[{"id":"i","email_address":"` + address + `"}]`
	}
	tooLong := strings.Repeat("x", 3000)
	h.check(t, "applied applied applied applied applied", messages(
		user("created", "u1", 1, `,"username":"","external_id":""`+emails("")),
		user("created", "u2", 1, `,"username":null,"external_id":"`+tooLong+`","email_addresses":null`),
		organization("created", "o1", 1, `,"slug":""`),
		organization("created", "o2", 1, `,"slug":null`),
		user("created", "u3", 1, `,"username":"ada","external_id":"x"`+emails("Ada@example.com")))...)
	indexed := func(name string, want int32) {
		t.Helper()
		out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &names.Directory, IndexName: &name})
		if err != nil || out.Count != want {
			t.Errorf("Scan(%s) = %d items, %v, want %d", name, out.Count, err, want)
		}
	}
	for name, want := range map[string]int32{"by_email": 1, "by_username": 1, "by_external_id": 1, "by_slug": 0} {
		indexed(name, want)
	}
	h.check(t, "applied", message("msg_6", deleted("user", "u3", 2)))
	for _, name := range directory.Indexes() {
		indexed(name, 0)
	}
}
