package dynamodbtest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/truora/minidyn/server"

	"github.com/clerksync/clerksync/internal/emulator/dynamodb/dynamodbtest"
)

func TestBrokenEnginesAreFound(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		engine broken
		check  string
	}{
		"REMOVE does nothing":             {removesNothing(), "remove-takes-attribute-away"},
		"put ignores its condition":       {ignore("PutItem", "ConditionExpression", "ExpressionAttributeValues"), "put-if-absent"},
		"put ignores its rev":             {ignore("PutItem", "ConditionExpression", "ExpressionAttributeValues"), "put-if-rev-smaller"},
		"every racing writer wins":        {ignore("PutItem", "ConditionExpression", "ExpressionAttributeValues"), "race-one-conditional-writer-wins"},
		"reasons at the wrong position":   {reasonsAre(rotated), "transaction-reasons-by-position"},
		"duplicate at the wrong position": {reasonsAre(rotated), "transaction-duplicate-first"},
		"only the first reason":           {reasonsAre(onlyTheFirst), "transaction-reasons-by-position"},
		"reasons without items":           {reasonsAre(withoutItems), "transaction-duplicate-first"},
		"failures without items":          {reasonsAre(withoutItems), "condition-failure-shows-item"},
		"torn transaction":                {torn(), "transaction-all-or-nothing"},
		"both transactions win":           {accepts("TransactWriteItems", "ConditionalCheckFailed"), "race-transactions-never-both-win"},
		"two operations on one item":      {accepts("TransactWriteItems", "multiple operations"), "transaction-one-operation-per-item"},
		"101 actions":                     {accepts("TransactWriteItems", "'transactItems'"), "transaction-100-actions"},
		"request token ignored":           {ignore("TransactWriteItems", "ClientRequestToken"), "transaction-request-token"},
		"items over 400 KB":               {accepts("PutItem", "Item size"), "limit-item-400-kb"},
		"transactions over 400 KB":        {accepts("TransactWriteItems", "ValidationError"), "limit-item-400-kb"},
		"updates over 400 KB":             {accepts("UpdateItem", "Item size"), "limit-item-400-kb"},
		"empty keys":                      {accepts("PutItem", "empty string"), "limit-empty-keys"},
		"long keys":                       {accepts("PutItem", "exceeded"), "limit-long-keys"},
		"index key of any type":           {accepts("PutItem", "Type mismatch for Index"), "limit-index-key-type"},
		"index key updated to any type":   {accepts("UpdateItem", "Type mismatch for Index"), "limit-index-key-type"},
		"any number":                      {accepts("PutItem", "Number"), "limit-numbers"},
		"texts without their U+FFFE":      {changes(func(s string) string { return strings.ReplaceAll(s, "\uFFFE", "\uFFFD") }), "values-kept-exactly"},
		"texts cut at NUL":                {changes(func(s string) string { s, _, _ = strings.Cut(s, "\x00"); return s }), "values-kept-exactly"},
		"texts in the order of letters":   {changes(strings.ToLower), "text-sorts-by-bytes"},
		"index that never forgets":        {neverForgets(), "index-sparse-and-forgetting"},
		"index that shows all attributes": {showsAll(), "index-sparse-and-forgetting"},
		"consistent index":                {ignore("Query", "ConsistentRead"), "index-refuses-consistent-read"},
		"Limit ignored":                   {ignore("Query", "Limit"), "query-limit-before-filter"},
		"first page only":                 {broken{answer: firstPageOnly}, "query-pages-over-1-mb"},
		"first page before deletion only": {broken{answer: firstPageOnly}, "query-page-after-deleted-item"},
		"projection ignored":              {broken{ask: wholeItems}, "batch-get-100"},
		"batch that loses an item":        {broken{answer: loseOne}, "batch-get-100"},
		"segments ignored":                {ignore("Scan", "Segment", "TotalSegments"), "scan-segments-partition"},
		"TTL forgotten":                   {broken{answer: noTTL}, "time-to-live-settings"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := runCheck(t, test.engine.engine(), test.check); err == nil {
				t.Errorf("%s = nil on this engine, want an error", test.check)
			} else {
				t.Log(err)
			}
		})
	}
}

// TestForwardingBreaksNothing holds that what the tests above find is the fault
// that they planted, not the way they plant it.
func TestForwardingBreaksNothing(t *testing.T) {
	t.Parallel()
	dynamodbtest.Run(t, clientFor(t, broken{}.engine()), dynamodbtest.Options{})
}

// TestMinidynsServerIsNotEnough keeps the reasons for an engine of our own
// honest: when a later minidyn passes one of these, they need a new look.
func TestMinidynsServerIsNotEnough(t *testing.T) {
	t.Parallel()
	for _, check := range []string{
		"keys-never-collide", "query-page-after-deleted-item", "query-limit-before-filter", "index-sparse-and-forgetting",
		"remove-takes-attribute-away", "types-do-not-compare", "values-kept-exactly",
	} {
		t.Run(check, func(t *testing.T) {
			t.Parallel()
			// Its CreateTable has no status that the SDK's waiter would take.
			if err := runCheck(t, withStatus(server.NewServer()), check); err == nil {
				t.Errorf("%s = nil on minidyn's server, want an error", check)
			} else {
				t.Log(err)
			}
		})
	}
}

func withStatus(engine http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), "DescribeTable") {
			engine.ServeHTTP(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(object{"Table": object{"TableStatus": "ACTIVE"}})
	})
}

func runCheck(t *testing.T, engine http.Handler, name string) error {
	t.Helper()
	client := clientFor(t, engine)
	tables, err := dynamodbtest.CreateTables(t.Context(), client, "broken")
	if err != nil {
		t.Fatal(err)
	}
	// Nothing lags in this process.
	tables.IndexWait = 500 * time.Millisecond
	for _, check := range dynamodbtest.Checks(tables) {
		if check.Name == name {
			return check.Run(t.Context(), client)
		}
	}
	t.Fatalf("no check is named %q", name)
	return nil
}
