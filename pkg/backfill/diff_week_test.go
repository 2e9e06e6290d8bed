package backfill_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

// A week of webhooks of 2,000 users, 1 % of them lost, and some still on their way
// at the end: Diff names exactly the rows that differ, and a repair leaves none and
// does nothing that a webhook on its way was to do.
func TestWeekOfWebhooksWithSomeLost(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			inBubble(t, clerk.Options{}, func(d *differ) {
				w := &weekOfEvents{differ: d, random: rand.New(rand.NewPCG(seed, 16))}
				w.run()
				want := w.differences()
				classes := map[string]int{}
				for _, class := range want {
					classes[class]++
				}
				if classes["missing"] < 3 || classes["different"] < 3 || classes["extra"] < 3 || w.lost < 50 {
					d.t.Fatalf("%d events were lost, and made %v: the week is too quiet", w.lost, classes)
				}
				w.late(want)
				r := d.found()
				got := map[string]string{}
				for _, f := range r.Findings {
					got[f.Kind+" "+f.ID] = string(f.Class)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					d.t.Fatalf("findings differ (-want +got):\n%s", diff)
				}
				before := d.memory.Rows()
				if err := d.Diff.Repair(d.t.Context(), r, defaults); err != nil || r.Total().Left > 0 {
					d.t.Errorf("Repair = %v, %d left, want none", err, r.Total().Left)
				}
				w.checkWrites(want, before)
				time.Sleep(time.Hour)
				if got := w.differences(); len(got) > 0 {
					d.t.Errorf("after the repair %v, want no difference", got)
				}
				d.checkFindings()
				d.checkPointers()
			})
		})
	}
}

// weekOfEvents makes events at random, and says by itself in what Clerk and the
// table then differ.
type weekOfEvents struct {
	*differ
	random  *rand.Rand
	created map[string]int64 // by entity, when it was created
	lost    int
	// delivering is held while one is handed over: the harness counts them.
	delivering sync.Mutex
	onWay      []string // users whose webhook had not come when Diff began
}

func (w *weekOfEvents) now() int64 { return time.Since(at(0)).Milliseconds() }

// run makes a week of events. One in a hundred is lost; the others come a little
// later, some of them twice and out of order.
func (w *weekOfEvents) run() {
	const users, events = 2000, 12000
	w.created = map[string]int64{}
	for range events {
		time.Sleep(7 * 24 * time.Hour / events)
		org := fmt.Sprint("o", w.random.IntN(60))
		user := fmt.Sprint("u", w.random.IntN(users))
		switch n := w.random.IntN(100); {
		case n < 38:
			w.change(directory.KindUser, user, "user")
		case n < 40:
			w.delete(directory.KindUser, user, "user.deleted")
		case n < 43:
			w.change(directory.KindOrganization, org, "organization")
		case n < 44:
			w.delete(directory.KindOrganization, org, "organization.deleted")
		case n < 92:
			if w.exists(directory.KindUser, user) && w.exists(directory.KindOrganization, org) {
				w.change(directory.KindMembership, org+"/"+user, "organizationMembership")
			}
		default:
			if key := w.any(directory.KindMembership); key != "" {
				w.delete(directory.KindMembership, key, "organizationMembership.deleted")
			}
		}
	}
	time.Sleep(time.Hour)
}

func (w *weekOfEvents) exists(kind, key string) bool {
	_, ok := w.Object(kind, key)
	return ok
}

// any is a live object of a kind, "" for none.
func (w *weekOfEvents) any(kind string) string {
	var keys []string
	for key := range w.Objects(kind) {
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return ""
	}
	return keys[w.random.IntN(len(keys))]
}

// Object is the instance's: the writer has a method of that name, too.
func (w *weekOfEvents) Object(kind, key string) ([]byte, bool) { return w.Instance.Object(kind, key) }

// change creates an object or changes it. Clerk never uses an id again.
func (w *weekOfEvents) change(kind, key, family string) {
	name, now := fmt.Sprintf(`,"name":"n%d","first_name":"n%d"`, w.now(), w.now()), w.now()
	what := "updated"
	if !w.exists(kind, key) {
		if _, was := w.created[kind+key]; was && kind != directory.KindMembership {
			return
		}
		what, w.created[kind+key] = "created", now
	}
	created := w.created[kind+key]
	data := fmt.Sprintf(`{"id":%q,"created_at":%d,"updated_at":%d%s}`, key, base+created, base+now, name)
	if kind == directory.KindMembership {
		org, user := splitKey(key)
		data = membership(org, user, created, now, name)
	}
	w.event(family+"."+what, data)
}

func (w *weekOfEvents) delete(kind, key, eventType string) {
	text, ok := w.Object(kind, key)
	if !ok {
		return
	}
	if kind == directory.KindMembership {
		w.event(eventType, string(text))
		return
	}
	w.event(eventType, fmt.Sprintf(`{"id":%q,"deleted":true}`, key))
}

// event happens, and its webhook comes within five minutes, or never.
func (w *weekOfEvents) event(eventType, data string) {
	sent := w.now()
	w.happen(eventType, data, lost)
	if w.random.IntN(100) == 0 {
		w.lost++
		return
	}
	for range 1 + w.random.IntN(5)/4 { // one in five comes twice
		time.AfterFunc(time.Duration(w.random.IntN(300))*time.Second, func() { w.deliver(eventType, sent, data) })
	}
}

// deliver hands a webhook to the consumer.
func (w *weekOfEvents) deliver(eventType string, sent int64, data string) {
	w.delivering.Lock()
	defer w.delivering.Unlock()
	w.handle(eventType, sent, data)
}

func splitKey(key string) (org, user string) {
	var n, m int
	_, _ = fmt.Sscanf(key, "o%d/u%d", &n, &m)
	return fmt.Sprint("o", n), fmt.Sprint("u", m)
}

// nameOf is a row's kind and id.
func nameOf(r directory.Row) string {
	kind, id := r.Text(directory.AttrKind), r.Text("id")
	if kind == directory.KindMembership {
		id = r.Text("org_id") + "/" + r.Text("user_id")
	}
	return kind + " " + id
}

// differences are the classes of all rows that differ, by kind and id: the rows'
// objects are compared with Clerk's as texts.
func (w *weekOfEvents) differences() map[string]string {
	classes := map[string]string{}
	rows := map[string]directory.Row{}
	for _, r := range w.memory.Rows() {
		if r.Live() && r.Text(directory.AttrKind) != directory.KindMembershipOf {
			rows[nameOf(r)] = r
		}
	}
	for _, kind := range []string{directory.KindUser, directory.KindOrganization, directory.KindMembership} {
		for key, text := range w.Objects(kind) {
			name := kind + " " + key
			switch row, ok := rows[name]; {
			case !ok:
				classes[name] = "missing"
			case row.Text(directory.AttrObject) != string(text):
				classes[name] = "different"
			}
			delete(rows, name)
		}
	}
	for name := range rows {
		classes[name] = "extra"
	}
	return classes
}

// late makes events whose webhooks come five minutes later, and adds what Diff
// must say of them.
func (w *weekOfEvents) late(want map[string]string) {
	for _, kind := range []string{"changed", "changed", "changed", "deleted", "deleted"} {
		user := w.any(directory.KindUser)
		for want["user "+user] != "" {
			user = w.any(directory.KindUser)
		}
		sent, eventType := w.now(), "user.updated"
		data := fmt.Sprintf(`{"id":%q,"created_at":%d,"updated_at":%d,"first_name":"late"}`, user, base+sent, base+sent)
		want["user "+user] = "pending"
		if kind == "deleted" {
			eventType, data, want["user "+user] = "user.deleted", fmt.Sprintf(`{"id":%q}`, user), "extra"
			for key := range w.Objects(directory.KindMembership) {
				if _, member := splitKey(key); member == user {
					// One whose creation was lost has no row, and is not missing any more.
					if name := "membership " + key; want[name] == "missing" {
						delete(want, name)
					} else {
						want[name] = "extra"
					}
				}
			}
		}
		w.happen(eventType, data, lost)
		w.onWay = append(w.onWay, user)
		time.AfterFunc(5*time.Minute, func() { w.deliver(eventType, sent, data) })
	}
}

// checkWrites holds that the repair wrote what differed and nothing else, and that
// the rows of webhooks that were on their way are those of the webhooks.
func (w *weekOfEvents) checkWrites(want map[string]string, before map[directory.Key]directory.Row) {
	w.t.Helper()
	for k, r := range w.memory.Rows() {
		isOurs := r.Text(directory.AttrKind) != directory.KindMembershipOf && r.Text(directory.AttrSvixID) == ""
		_, differed := want[nameOf(r)]
		if isOurs && !differed && !cmp.Equal(r, before[k]) {
			w.t.Errorf("the repair wrote %s, which did not differ", nameOf(r))
		}
	}
	for _, id := range w.onWay {
		if row := w.row(directory.UserKey(id)); row.Text(directory.AttrSvixID) == "" {
			w.t.Errorf("user %s was repaired before its webhook came", id)
		}
	}
}
