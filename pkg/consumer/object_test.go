package consumer_test

import (
	"strings"
	"testing"

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
