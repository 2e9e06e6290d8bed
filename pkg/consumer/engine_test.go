package consumer_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	diff "github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
)

// calls counts a client's requests by operation.
type calls struct {
	mu    sync.Mutex
	names []string
}

func (c *calls) Do(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.names = append(c.names, strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810."))
	c.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

func (c *calls) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := c.names
	c.names = nil
	return names
}

// engine is a world on DynamoDB's protocol.
func engine(t *testing.T, p consumer.DeletionPolicy) (*world, *dynamodb.Client, dynamotest.Names, *calls) {
	t.Helper()
	count := &calls{}
	client, names := dynamotest.Open(t, func(o *dynamodb.Options) { o.HTTPClient = count })
	w := newWorld(func(_ *world, c *consumer.Config) {
		c.Policy = p
		c.Table = dynamo.New(client, names.Directory, names.Deliveries)
	})
	return w, client, names, count
}

// TestEngine: the same story ends the same on DynamoDB's protocol as in
// memory.
func TestEngine(t *testing.T) {
	t.Parallel()
	for _, p := range policies() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			memory := newWorld(with(p))
			w, client, names, _ := engine(t, p)
			for _, r := range story() {
				want, got := memory.handle(t, r), w.handle(t, r)
				if d := diff.Diff(want, got); d != "" {
					t.Errorf("outcome of %s on the engine differs (-memory +engine):\n%s", r.MessageID, d)
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
				got, err := w.Table.Read(t.Context(), k)
				if err != nil {
					t.Fatal(err)
				}
				if d := diff.Diff(want, got[0]); d != "" {
					t.Errorf("row %v on the engine differs (-memory +engine):\n%s", k, d)
				}
			}
		})
	}
}

// TestRequests: what each kind of message costs.
func TestRequests(t *testing.T) {
	t.Parallel()
	const transact, put, get, batch, query = "TransactWriteItems", "PutItem", "GetItem", "BatchGetItem", "Query"
	for _, c := range []struct {
		name    string
		policy  consumer.DeletionPolicy
		before  []delivery.Record
		message delivery.Record
		want    []string
	}{
		{"user", consumer.Soft, nil, message("msg_1", user("created", "u1", 1, "")), []string{transact}},
		{"organization", consumer.Soft, nil, message("msg_1", organization("created", "o1", 1, "")), []string{transact}},
		{"duplicate", consumer.Soft, []delivery.Record{message("msg_1", user("created", "u1", 1, ""))}, message("msg_1", user("created", "u1", 1, "")), []string{transact}},
		{"stale", consumer.Soft, []delivery.Record{message("msg_2", user("updated", "u1", 2, ""))}, message("msg_1", user("created", "u1", 1, "")), []string{transact, put}},
		{"membership", consumer.Soft, nil, message("msg_1", membership("created", "o1", "u1", 1, 1, "x")), []string{transact, batch}},
		{"invitation", consumer.Soft, nil, message("msg_1", invitation("created", "o1", "i1", 1)), []string{transact, get}},
		{"domain", consumer.Soft, nil, message("msg_1", domain("created", "o1", "d1", 1)), []string{get, transact, get}},
		{"user's end, soft", consumer.Soft, nil, message("msg_1", deleted("user", "u1", 1)), []string{get, transact, query}},
		{"user's end, hard", consumer.Hard, nil, message("msg_1", deleted("user", "u1", 1)), []string{transact, query}},
		{"member's end, hard", consumer.Hard, nil, message("msg_1", membership("deleted", "o1", "u1", 1, 1, "x")), []string{transact}},
		{"role's end, soft", consumer.Soft, nil, message("msg_1", deleted("role", "r1", 1)), []string{get, transact}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, _, _, count := engine(t, c.policy)
			w.handle(t, c.before...)
			count.take()
			w.handle(t, c.message)
			if d := diff.Diff(c.want, count.take()); d != "" {
				t.Errorf("requests differ (-want +got):\n%s", d)
			}
		})
	}
}

// TestParallelUpdates: two updates of one user at once, 50 times.
// https://github.com/guregu/dynamo/issues/203
func TestParallelUpdates(t *testing.T) {
	t.Parallel()
	w, _, _, _ := engine(t, consumer.Soft)
	for round := range 50 {
		var wg sync.WaitGroup
		for i := range 2 {
			n := int64(2*round + i)
			wg.Go(func() {
				r := message("msg_"+string(rune('A'+round))+string(rune('a'+i)), user("updated", "u1", n, ""))
				if failed := w.Handle(t.Context(), []delivery.Record{r}); len(failed) > 0 {
					t.Errorf("Handle = %q, want none to come again", failed)
				}
			})
		}
		wg.Wait()
	}
	rows, err := w.Table.Read(t.Context(), directory.UserKey("u1"))
	if err != nil || rows[0]["updated_at"] != directory.Number("1772000000099") || len(w.queue.dead) > 0 {
		t.Errorf("updated_at = %v, %v, with %d dead letters, want the newest and none", rows[0]["updated_at"], err, len(w.queue.dead))
	}
}

// TestEmptyIndexKeys: rows without a value that could be a key are written, in
// no index, on an engine that refuses empty index keys.
// https://github.com/architect/dynalite/issues/164
func TestEmptyIndexKeys(t *testing.T) {
	t.Parallel()
	w, client, names, _ := engine(t, consumer.Soft)
	long := strings.Repeat("x", 3000)
	w.check(t, "applied applied applied applied applied",
		message("msg_1", user("created", "u1", 1, `,"username":"","external_id":"","email_addresses":[{"id":"i","email_address":""}]`)),
		message("msg_2", user("created", "u2", 1, `,"username":null,"external_id":"`+long+`","email_addresses":null`)),
		message("msg_3", organization("created", "o1", 1, `,"slug":""`)), message("msg_4", organization("created", "o2", 1, `,"slug":null`)),
		message("msg_5", user("created", "u3", 1, `,"username":"ada","external_id":"x","email_addresses":[{"id":"i","email_address":"Ada@example.com"}]`)))
	for name, want := range map[string]int32{"by_email": 1, "by_username": 1, "by_external_id": 1, "by_slug": 0} {
		out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &names.Directory, IndexName: aws.String(name)})
		if err != nil || out.Count != want {
			t.Errorf("Scan(%s) = %d items, %v, want %d", name, out.Count, err, want)
		}
	}
	w.check(t, "applied", message("msg_6", deleted("user", "u3", 2)))
	out, err := client.Query(t.Context(), &dynamodb.QueryInput{
		TableName: &names.Directory, IndexName: aws.String("by_email"), KeyConditionExpression: aws.String("by_email = :e"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":e": &types.AttributeValueMemberS{Value: "ada@example.com"}},
	})
	if err != nil || out.Count != 0 {
		t.Errorf("Query(by_email) after the deletion = %d, %v, want none", out.Count, err)
	}
}
