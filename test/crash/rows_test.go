package crash_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
)

// state is all that both tables and the dead letters hold, rows by their keys.
type state struct {
	Directory, Deliveries map[string]directory.Row
	Dead                  map[string]int // by svix id
}

// ended are the state and the writes that led to it.
func (w *world) ended(t *testing.T) state {
	t.Helper()
	w.mu.Lock()
	for r, n := range w.writes {
		if n > 1 {
			t.Errorf("%+v was written %d times, want once", r, n)
		}
	}
	w.mu.Unlock()
	return state{w.rows(t, w.names.Directory), w.rows(t, w.names.Deliveries), w.dead(t)}
}

// rows are a table's, whole but for what our clock said when they were
// written: that it said something is checked and then left out.
func (w *world) rows(t *testing.T, table string) map[string]directory.Row {
	t.Helper()
	out, err := w.tables.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]directory.Row{}
	for _, it := range out.Items {
		r := directory.Row{}
		for name, v := range dynamo.PlainValues(it) {
			r[name] = v
		}
		key := r.Text("pk") + " " + r.Text("sk")
		if table == w.names.Directory {
			written(t, r, directory.AttrSyncedAt)
		} else {
			key = r.Text("svix_id")
			expires := written(t, r, "processed_at").AddDate(0, 0, 90).Unix()
			if want := json.Number(strconv.FormatInt(expires, 10)); r["expires_at"] != want {
				t.Errorf("%s expires at %v, want %v, 90 days after it was processed", key, r["expires_at"], want)
			}
			delete(r, "expires_at")
		}
		rows[key] = r
	}
	return rows
}

// written takes the attribute that holds our clock out of the row.
func written(t *testing.T, r directory.Row, name string) time.Time {
	t.Helper()
	at, err := time.Parse(directory.TimeFormat, r.Text(name))
	if err != nil || time.Since(at) > time.Hour || time.Since(at) < -time.Hour {
		t.Errorf("%s of %v is %q, want the time of the write (%v)", name, r.Key(), r.Text(name), err)
	}
	delete(r, name)
	return at
}

// settle checks and takes out what arrival decides: a membership whose user
// and organization are both deleted is ended by whichever deletion comes to it
// first, and `rev`, `deleted_at` and `svix_id` are then that one's.
//
// All else in a story is decided by its messages. A child that loses one
// parent is ended by it, whether the deletion lists the child or the child's
// writer reads the deletion. What a soft tombstone keeps and what is stale may
// depend on arrival too, yet not here: messages of one entity run in the order
// of their revisions within a batch until their third receive, and one death
// makes two receives of each.
func (s state) settle(t *testing.T, membership directory.Key, parents ...directory.Key) {
	t.Helper()
	text := func(k directory.Key) string { return k.PK + " " + k.SK }
	r := s.Directory[text(membership)]
	for _, k := range parents {
		p := s.Directory[text(k)]
		if !p.Gone() || r.Revision() != r.Revision().DeletedWith(p.Revision()) {
			continue
		}
		own := directory.Row{"deleted_at": r["deleted_at"], "svix_id": r["svix_id"]}
		if d := cmp.Diff(directory.Row{"deleted_at": p["deleted_at"], "svix_id": p["svix_id"]}, own); d != "" {
			t.Errorf("%s is not as its parent ends it (-parent +membership):\n%s", text(membership), d)
		}
		r[directory.AttrRev] = string(r.Revision().Incarnation())
		delete(r, directory.AttrDeletedAt)
		delete(r, directory.AttrSvixID)
		return
	}
	t.Errorf("%s = %v, want it ended by one of %v", text(membership), r, parents)
}

// dead are the svix ids of the dead letters.
func (w *world) dead(t *testing.T) map[string]int {
	t.Helper()
	ids := map[string]int{}
	for {
		out, err := w.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &w.letters, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
			MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{sqstypes.MessageSystemAttributeNameAll},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return ids
		}
		for _, m := range out.Messages {
			ids[aws.ToString(m.MessageAttributes["svix-id"].StringValue)]++
		}
	}
}
