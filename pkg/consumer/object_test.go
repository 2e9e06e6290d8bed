package consumer_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// A soft tombstone holds of `object` what OBJECT_STORAGE allows when it is
// written, whatever the row was written under: for the row of the deletion, and
// for a child that is deleted with it.
func TestObjectOfTombstone(t *testing.T) {
	t.Parallel()
	const metadata = `,"private_metadata":{"ssn":"123"}`
	created := user("created", "u1", 1, metadata+`,"a":1.0`)
	member := event("organizationMembership.created", base+2, `{"id":"m","created_at":1772000000001,`+
		`"organization":{"id":"o1"`+metadata+`},"public_user_data":{"user_id":"u1"}`+metadata+`,"a":1.0}`)
	full := func(body string) string { return body[strings.Index(body, `{"id":`) : len(body)-1] }
	public := func(body string) string { return strings.ReplaceAll(full(body), metadata, "") }
	none := func(string) string { return "" }
	for name, c := range map[string]struct {
		before, after projector.ObjectStorage
		want          func(body string) string
	}{
		"full stays":     {before: projector.StoreFull, after: projector.StoreFull, want: full},
		"full to public": {before: projector.StoreFull, after: projector.StorePublic, want: public},
		"full to none":   {before: projector.StoreFull, after: projector.StoreNone, want: none},
		"public stays":   {before: projector.StorePublic, after: projector.StorePublic, want: public},
		"public to none": {before: projector.StorePublic, after: projector.StoreNone, want: none},
		"public to full": {before: projector.StorePublic, after: projector.StoreFull, want: public},
		"none to full":   {before: projector.StoreNone, after: projector.StoreFull, want: none},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(func(_ *harness, k *consumer.Config) { k.Projector = projector.New(c.before) })
			h.check(t, "applied applied", message("msg_1", created), message("msg_2", member))
			next := h.Config
			next.Projector = projector.New(c.after)
			h.Consumer = consumer.New(next)
			h.check(t, "applied", message("msg_3", deleted("user", "u1", 8)))
			for k, body := range map[directory.Key]string{
				directory.UserKey("u1"):             created,
				directory.MembershipKey("o1", "u1"): member,
			} {
				if r := h.row(k); !r.Gone() || r.Text("object") != c.want(body) {
					t.Errorf("tombstone %v = %v, want object %q", k, r, c.want(body))
				}
			}
		})
	}
}

// An `object` that somebody has changed by hand into no JSON is not kept where
// something is to be left out of it.
func TestObjectChangedByHand(t *testing.T) {
	t.Parallel()
	for storage, want := range map[projector.ObjectStorage]string{
		projector.StoreFull: "no JSON", projector.StorePublic: "", projector.StoreNone: "",
	} {
		h := newHarness(func(_ *harness, k *consumer.Config) { k.Projector = projector.New(storage) })
		r := directory.NewRow(directory.UserKey("u1"), directory.KindUser)
		r["object"] = "no JSON"
		putByHand(t, h, r)
		h.check(t, "applied", message("msg_1", deleted("user", "u1", 8)))
		if got := h.row(directory.UserKey("u1")).Text("object"); got != want {
			t.Errorf("%s: object = %q, want %q", storage, got, want)
		}
	}
}

// What a scrub leaves of a row is what sync writes under the stricter settings:
// of a live row, a pointer, a tombstone, and a child that was deleted with its
// parent.
func TestRetained(t *testing.T) {
	t.Parallel()
	const metadata = `,"private_metadata":{"ssn":"123"}`
	rows := func(c consumer.Config) map[directory.Key]directory.Row {
		h := newHarness(func(_ *harness, k *consumer.Config) { k.Projector, k.Policy = c.Projector, c.Policy })
		h.check(t, "applied applied applied applied applied applied applied",
			message("msg_1", user("created", "u1", 1, metadata+`,"first_name":"Ada"`)),
			message("msg_2", user("created", "u2", 1, metadata)),
			message("msg_3", event("organizationMembership.created", base+2, `{"id":"m","created_at":1772000000001,`+
				`"organization":{"id":"o1"`+metadata+`},"public_user_data":{"user_id":"u1"}`+metadata+`}`)),
			message("msg_4", deleted("user", "u1", 8)),
			message("msg_5", event("role.created", base, `{"id":"r1","key":"org:a"`+metadata+`}`)),
			message("msg_6", event("role.created", base, `{"id":"r2","key":"org:a"`+metadata+`}`)),
			message("msg_7", deleted("role", "r2", 9)))
		return h.memory.Rows()
	}
	old := rows(consumer.Config{Projector: projector.New(projector.StoreFull), Policy: consumer.Soft})
	for _, storage := range []projector.ObjectStorage{projector.StoreFull, projector.StorePublic, projector.StoreNone} {
		for _, policy := range []consumer.DeletionPolicy{consumer.Soft, consumer.Hard} {
			t.Run(string(storage)+" "+string(policy), func(t *testing.T) {
				t.Parallel()
				stricter := consumer.Config{Projector: projector.New(storage), Policy: policy}
				got := map[directory.Key]directory.Row{}
				for k, r := range old {
					got[k] = consumer.New(stricter).Retained(r)
				}
				if diff := cmp.Diff(rows(stricter), got); diff != "" {
					t.Errorf("Retained differs from what is written (-written +retained):\n%s", diff)
				}
			})
		}
	}
}
