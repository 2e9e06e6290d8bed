package backfill_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/backfill"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
	"github.com/clerksync/clerksync/pkg/projector"
)

// counted counts requests by operation.
func counted(operations []string) map[string]int {
	n := map[string]int{}
	for _, o := range operations {
		n[o]++
	}
	return n
}

// What a batch costs: a read of 100 keys a request, one write for each row that
// changed, memberships their parents besides. Unchanged objects cost no write.
func TestRequests(t *testing.T) {
	t.Parallel()
	const n = 250
	requests := &dynamotest.Requests{}
	client, names := dynamotest.Open(t, func(o *dynamodb.Options) { o.HTTPClient = requests })
	w := newWorld(t, settings{table: dynamo.New(client, names.Directory, names.Deliveries)})
	write := func(what string, want map[string]int, object func(i int) backfill.Object) {
		t.Helper()
		var objects []backfill.Object
		for i := range n {
			objects = append(objects, object(i))
		}
		requests.Take()
		if _, err := w.Write(t.Context(), objects); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, counted(requests.Take())); diff != "" {
			t.Errorf("%s: requests differ (-want +got):\n%s", what, diff)
		}
	}
	users := func(more func(i int) string, ms int64) func(i int) backfill.Object {
		return func(i int) backfill.Object {
			return w.object(directory.KindUser, user(fmt.Sprint("u", i), 5, more(i)), ms)
		}
	}
	plain := func(int) string { return "" }
	third := func(i int) string {
		if i%3 == 0 {
			return `,"first_name":"Ada"`
		}
		return ""
	}
	write("new users", map[string]int{"BatchGetItem": 3, "PutItem": n}, users(plain, hour))
	write("the same users", map[string]int{"BatchGetItem": 3}, users(plain, 2*hour))
	write("some changed", map[string]int{"BatchGetItem": 3, "PutItem": 84}, users(third, 3*hour))
	members := func(ms int64) func(i int) backfill.Object {
		return func(i int) backfill.Object {
			text := membership(fmt.Sprint("o", i%10), fmt.Sprint("u", i), 5, 5, "")
			return w.object(directory.KindMembership, text, ms)
		}
	}
	// Each row is read with its pointer. A batch has 10 parents of one kind and 100 of the other.
	reads := 2 + 2 + 1 + 2 + 2 + 1
	write("new memberships", map[string]int{"BatchGetItem": reads, "TransactWriteItems": n}, members(hour))
	write("the same memberships", map[string]int{"BatchGetItem": reads}, members(2*hour))
}

// On DynamoDB's protocol the rows come out as in memory, with every setting.
func TestRowsOnTheEmulator(t *testing.T) {
	t.Parallel()
	client, _ := dynamotest.Open(t)
	for _, policy := range []consumer.DeletionPolicy{consumer.Soft, consumer.Hard} {
		for _, storage := range []projector.ObjectStorage{
			projector.StoreFull, projector.StorePublic, projector.StoreNone,
		} {
			t.Run(string(policy)+" "+string(storage), func(t *testing.T) {
				t.Parallel()
				names := dynamotest.OpenAt(t, client)
				table := dynamo.New(client, names.Directory, names.Deliveries)
				memory := newWorld(t, settings{policy: policy, storage: storage})
				engine := newWorld(t, settings{policy: policy, storage: storage, table: table})
				for _, w := range []*world{memory, engine} {
					story(w)
				}
				rows := memory.memory.Rows()
				for k, want := range rows {
					got, err := table.Read(t.Context(), k)
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(want, got[0]); diff != "" {
						t.Errorf("row %v differs (-memory +emulator):\n%s", k, diff)
					}
				}
				memory.checkPointers()
				memory.checkSecrets(storage)
			})
		}
	}
}

// checkSecrets holds that no row holds what is not to be kept.
func (w *world) checkSecrets(storage projector.ObjectStorage) {
	w.t.Helper()
	rows := fmt.Sprint(w.memory.Rows())
	for word, allowed := range map[string]bool{
		"SECRET": false, "PRIVATE": storage == projector.StoreFull, "PUBLIC": storage != projector.StoreNone,
	} {
		if strings.Contains(rows, word) != allowed {
			w.t.Errorf("with %s the rows hold %s: %t, want %t", storage, word, !allowed, allowed)
		}
	}
}

// story brings an organization of every kind of object, and changes it.
func story(w *world) {
	w.t.Helper()
	org := func(updated int64) string {
		return fmt.Sprintf(
			`{"id":"o1","slug":"s%d","updated_at":%d,"private_metadata":{"a":"PRIVATE"}}`, updated, base+updated)
	}
	for _, step := range []struct{ kind, text string }{
		{kind: directory.KindPermission, text: `{"id":"p1","key":"org:a","type":"user","updated_at":1772000000005}`},
		{kind: directory.KindRole, text: `{"id":"r1","key":"org:admin","permissions":[{"key":"org:a"}]}`},
		{kind: directory.KindRole, text: `{"id":"r1","key":"org:boss","permissions":[{"key":"org:b"}]}`},
		{kind: directory.KindOrganization, text: org(5)},
		{kind: directory.KindOrganization, text: org(6)},
		{kind: directory.KindUser, text: user("u1", 5, `,"username":"ada","public_metadata":{"a":"PUBLIC"}`)},
		{kind: directory.KindUser, text: user("u1", 6, `,"username":null,"public_metadata":{"a":"PUBLIC"}`)},
		{kind: directory.KindMembership, text: membership("o1", "u1", 5, 5, `,"role":"org:admin"`)},
		{
			kind: directory.KindInvitation,
			text: `{"id":"i1","organization_id":"o1","url":"https://SECRET","status":"pending"}`,
		},
		{kind: directory.KindDomain, text: `{"id":"d1","organization_id":"o1","name":"x.example"}`},
		{kind: directory.KindDomain, text: `{"id":"d1","organization_id":"o2","name":"x.example"}`},
	} {
		w.write(step.kind, step.text, hour)
		w.write(step.kind, step.text, hour+1)
	}
}

// What only events tell stays when the API's object is written: a column whose
// member the API lacks, and members that it never has.
func TestKeepsWhatOnlyEventsTell(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.handle("user.updated", 5, user("u1", 5, `,"username":"ada","external_id":"x","scim":{"a":1},"gone":1`))
	got := w.write(directory.KindUser, user("u1", 8, `,"external_id":null`), hour)
	if !strings.HasPrefix(got, "different") {
		t.Fatalf("Write = %s, want different", got)
	}
	w.checkRow(directory.UserKey("u1"), map[string]any{
		"username": "ada", "by_username": "ada", "external_id": nil, "by_external_id": nil,
		"object":    user("u1", 8, `,"external_id":null,"scim":{"a":1}`),
		"svix_id":   nil,
		"read_at":   "2026-02-25T07:13:20.000Z",
		"synced_at": "2026-02-25T08:13:20.000Z",
	})
	w.handle("organizationInvitation.accepted", 5, `{"id":"i1","organization_id":"o1","user_id":"u1"}`)
	w.write(directory.KindInvitation, `{"id":"i1","organization_id":"o1","status":"accepted"}`, hour)
	w.checkRow(directory.InvitationKey("o1", "i1"), map[string]any{
		"user_id": "u1", "status": "accepted",
		"object": `{"id":"i1","organization_id":"o1","status":"accepted","user_id":"u1"}`,
	})
	// A membership of another incarnation is another object.
	w.handle("organizationMembership.created", 5, membership("o1", "u1", 5, 5, `,"role":"org:admin"`))
	w.write(directory.KindMembership, membership("o1", "u1", 9, 9, ""), hour)
	w.checkRow(directory.MembershipKey("o1", "u1"), map[string]any{"role": nil})
}

// What differs in the `object` of a row of exactly 400 KB is seen, also where an
// event made the row, and the API's, whose revision is longer, has no room for it.
func TestRowAtTheLimitIsCompared(t *testing.T) {
	t.Parallel()
	padded := func(first byte, n int) string {
		return user("u1", 5, `,"a":"`+string(first)+strings.Repeat("x", n)+`"`)
	}
	for name, create := range map[string]func(w *world, text string){
		"by the API":  func(w *world, text string) { w.write(directory.KindUser, text, hour) },
		"by an event": func(w *world, text string) { w.handle("user.created", 5, text) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			size := func(w *world) int { return w.row(directory.UserKey("u1")).Size() }
			w := newWorld(t, settings{})
			create(w, padded('a', 0))
			room := directory.MaxRowBytes - size(w)
			w = newWorld(t, settings{})
			create(w, padded('a', room))
			if n := size(w); n != directory.MaxRowBytes {
				t.Fatalf("row of %d bytes, want exactly %d", n, directory.MaxRowBytes)
			}
			for _, want := range []string{"different a", "equal"} {
				if got := w.write(directory.KindUser, padded('b', room), 2*hour); got != want {
					t.Errorf("Write = %s, want %s", got, want)
				}
			}
		})
	}
}

// An object that is in a batch twice, as a list that shifts may have it.
func TestObjectTwiceInABatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	o := w.object(directory.KindUser, user("u1", 5, ""), hour)
	newer := w.object(directory.KindUser, user("u1", 6, `,"a":1`), hour+1)
	if _, err := w.Write(t.Context(), []backfill.Object{o, newer, o, newer}); err != nil {
		t.Fatal(err)
	}
	w.checkRow(directory.UserKey("u1"), map[string]any{"object": user("u1", 6, `,"a":1`)})
}

func TestDryRunWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.DryRun = true
	w.handle("user.deleted", 10, `{"id":"u1"}`)
	writes := w.countWrites()
	got := []string{
		w.write(directory.KindUser, user("u2", 5, ""), hour),
		w.write(directory.KindMembership, membership("o1", "u1", 5, 5, ""), hour),
	}
	if !slices.Equal(got, []string{"missing", "missing"}) || *writes != 0 {
		t.Errorf("Write = %q with %d writes, want what is missing and none", got, *writes)
	}
}
