package crash_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
)

// state is all that both tables and the dead letters hold.
type state struct {
	Directory   map[string]directory.Row // by pk and sk
	Deliveries  map[string]directory.Row // by svix id
	DeadLetters map[string]int           // how many of each svix id
}

// state reads the state and checks that no write was made twice on the way to it.
func (e *environment) state(t *testing.T) state {
	t.Helper()
	e.proxy.checkWrites(t)
	return state{e.rows(t, e.names.Directory), e.rows(t, e.names.Deliveries), e.deadLetters(t)}
}

// rows are the rows of a table. Of the attributes that hold our own clock it
// checks that they do, and leaves them out.
func (e *environment) rows(t *testing.T, table string) map[string]directory.Row {
	t.Helper()
	out, err := e.tables.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]directory.Row{}
	for _, it := range out.Items {
		r := directory.Row{}
		for name, v := range dynamo.PlainValues(it) {
			r[name] = v
		}
		if table == e.names.Directory {
			removeClock(t, r, directory.AttrSyncedAt)
			rows[rowKey(r.Key())] = r
			continue
		}
		id := r.Text("svix_id")
		expires := removeClock(t, r, "processed_at").AddDate(0, 0, 90).Unix()
		if want := json.Number(strconv.FormatInt(expires, 10)); r["expires_at"] != want {
			t.Errorf("%s expires at %v, want %v, 90 days after it was processed", id, r["expires_at"], want)
		}
		delete(r, "expires_at")
		rows[id] = r
	}
	return rows
}

func rowKey(k directory.Key) string { return k.PK + " " + k.SK }

// removeClock removes an attribute that holds our own clock.
func removeClock(t *testing.T, r directory.Row, name string) time.Time {
	t.Helper()
	at, err := time.Parse(directory.TimeFormat, r.Text(name))
	if err != nil || time.Since(at).Abs() > time.Hour {
		t.Errorf("%s of %v is %q, want the time of the write (%v)", name, r.Key(), r.Text(name), err)
	}
	delete(r, name)
	return at
}

// checkDeletedByEither checks and removes what depends on the order of arrival:
// a membership whose user and organization are both deleted is deleted with the
// one whose deletion comes to it first, and takes its rev, deleted_at and
// svix_id from that.
//
// Nothing else in the history depends on it. A child that loses one parent is
// deleted with it, whether the deletion lists the child or the child's writer
// reads the deletion. What a soft tombstone keeps and what is stale may depend
// on arrival too, yet not here: up to their second receive, the messages of one
// entity run in the order of their revisions, and one death makes two receives.
func (s state) checkDeletedByEither(t *testing.T, membership directory.Key, parents ...directory.Key) {
	t.Helper()
	r := s.Directory[rowKey(membership)]
	for _, k := range parents {
		p := s.Directory[rowKey(k)]
		if !p.Gone() || r.Revision() != r.Revision().DeletedWith(p.Revision()) {
			continue
		}
		for _, name := range []string{directory.AttrDeletedAt, directory.AttrSvixID} {
			if diff := cmp.Diff(p[name], r[name]); diff != "" {
				t.Errorf("%s of %s is not its parent's (-parent +membership):\n%s", name, rowKey(membership), diff)
			}
			delete(r, name)
		}
		r[directory.AttrRev] = string(r.Revision().Incarnation())
		return
	}
	t.Errorf("%s = %v, want it deleted with one of %v", rowKey(membership), r, parents)
}

// deadLetters counts the dead letters by their svix id.
func (e *environment) deadLetters(t *testing.T) map[string]int {
	t.Helper()
	ids := map[string]int{}
	for {
		messages := e.receive(t, e.deadLetterURL)
		if len(messages) == 0 {
			return ids
		}
		for _, m := range messages {
			ids[svixID(m)]++
		}
	}
}
