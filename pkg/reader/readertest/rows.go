package readertest

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/reader"
)

const instance = "ins_1"

// at is a time of an event.
func at(ms int64) time.Time { return time.UnixMilli(Base + ms).UTC() }

// wantSource is the Source of the row that the message wrote.
func wantSource(svixID string) reader.Source {
	return reader.Source{InstanceID: instance, SvixID: svixID, SyncedAt: SyncedAt()}
}

// checkRecord compares a record, but for its revision, which pkg/directory pins.
func checkRecord[T any](f *fixture, got T, err error, revision *string, want T) {
	f.Helper()
	if err != nil || *revision == "" {
		f.Fatalf("record = %+v, %v, want one with a revision", got, err)
	}
	if diff := cmp.Diff(want, got, cmp.FilterPath(func(p cmp.Path) bool {
		return strings.HasSuffix(p.String(), "Source.Revision")
	}, cmp.Ignore())); diff != "" {
		f.Errorf("record differs (-want +got):\n%s", diff)
	}
}

// objectIn is the data of a webhook's body.
func objectIn(body string) json.RawMessage {
	_, data, _ := strings.Cut(body, `"data":`)
	return json.RawMessage(data[:len(data)-1])
}

func checkUser(f *fixture) {
	body := User("created", instance, "user_1", 5, Email("Ada@Example.com"),
		`"phone_numbers":[{"phone_number":"+15550100"}]`, `"first_name":"Ada","last_name":"L","username":"ada"`,
		`"image_url":"https://img.example/a","external_id":"7","banned":true,"locked":false`,
		`"created_at":1772000000001,"last_sign_in_at":1772000000003,"public_metadata":{"a":1.50}`)
	f.apply(body)
	got, err := f.reader().User(f.Context(), "user_1")
	checkRecord(f, got, err, &got.Source.Revision, reader.User{
		ID: "user_1", Email: "ada@example.com", EmailVerified: true, EmailAddresses: []string{"Ada@Example.com"},
		Phone: "+15550100", FirstName: "Ada", LastName: "L", Username: "ada", ImageURL: "https://img.example/a",
		ExternalID: "7", Banned: true, CreatedAt: at(1), UpdatedAt: at(5), LastSignInAt: at(3),
		Object: objectIn(body), Source: wantSource("msg_0001"),
	})
}

func checkOrganization(f *fixture) {
	body := Event("organization.created", instance, 5, `"id":"org_1","name":"Lumen","slug":"lumen"`,
		`"image_url":"https://img.example/o","created_by":"user_1","max_allowed_memberships":5`,
		`"created_at":1772000000001,"updated_at":1772000000002`)
	f.apply(body)
	got, err := f.reader().Organization(f.Context(), "org_1")
	checkRecord(f, got, err, &got.Source.Revision, reader.Organization{
		ID: "org_1", Name: "Lumen", Slug: "lumen", ImageURL: "https://img.example/o", CreatedBy: "user_1",
		MaxAllowedMemberships: 5, CreatedAt: at(1), UpdatedAt: at(2),
		Object: objectIn(body), Source: wantSource("msg_0001"),
	})
}

func checkMembership(f *fixture) {
	body := Member("created", instance, "org_1", "user_1", "org:admin", 5)
	f.apply(body)
	want := reader.Membership{
		ID: "orgmem_org_1_user_1", OrganizationID: "org_1", UserID: "user_1", Role: "org:admin", RoleName: "Role",
		Permissions: []string{"org:copied:in"}, CreatedAt: at(0), UpdatedAt: at(5),
		Object: objectIn(body), Source: wantSource("msg_0001"),
	}
	got, err := f.reader().Membership(f.Context(), "user_1", "org_1")
	checkRecord(f, got, err, &got.Source.Revision, want)
	want.Object = nil // the pointer has none
	for got, err := range f.reader().Memberships(f.Context(), "user_1") {
		checkRecord(f, got, err, &got.Source.Revision, want)
	}
}

// wantNotFound checks that the row was never there.
func (f *fixture) wantNotFound(what string, err error) {
	f.Helper()
	if !errors.Is(err, reader.ErrNotFound) || errors.Is(err, reader.ErrDeleted) {
		f.Errorf("%s: error = %v, want ErrNotFound alone", what, err)
	}
}

// wantDeleted checks that the row was deleted at that time.
func (f *fixture) wantDeleted(what string, err error, when time.Time) {
	f.Helper()
	var deleted *reader.DeletedError
	if !errors.Is(err, reader.ErrDeleted) || errors.Is(err, reader.ErrNotFound) ||
		!errors.As(err, &deleted) || !deleted.At.Equal(when) {
		f.Errorf("%s: error = %v, want ErrDeleted alone, at %s", what, err, when)
	}
}

func checkMissing(f *fixture) {
	ctx, r := f.Context(), f.reader()
	f.apply(
		User("created", instance, "user_1", 1, Email("ada@example.com"), `"username":"ada","external_id":"7"`),
		Event("organization.created", instance, 1, `"id":"org_1","slug":"lumen"`),
		Member("created", instance, "org_1", "user_1", "org:admin", 1),
		Member("created", instance, "org_2", "user_2", "org:admin", 1),
		Member("deleted", instance, "org_2", "user_2", "org:admin", 2),
		Event("user.deleted", instance, 8, `"id":"user_1","deleted":true`),
		Event("organization.deleted", instance, 9, `"id":"org_1","deleted":true`))
	_, err := r.User(ctx, "user_1")
	f.wantDeleted("user", err, at(8))
	_, err = r.Organization(ctx, "org_1")
	f.wantDeleted("organization", err, at(9))
	_, err = r.Membership(ctx, "user_1", "org_1")
	f.wantDeleted("membership, with its user", err, at(8))
	_, err = r.Membership(ctx, "user_2", "org_2")
	f.wantDeleted("membership", err, at(2))

	tooLong := strings.Repeat("x", 3000) // DynamoDB refuses such a key
	for _, id := range []string{"user_3", "", tooLong} {
		_, err = r.User(ctx, id)
		f.wantNotFound("user", err)
		_, err = r.Organization(ctx, id)
		f.wantNotFound("organization", err)
		_, err = r.Membership(ctx, id, "org_1")
		f.wantNotFound("membership", err)
		_, err = r.UserByEmail(ctx, id)
		f.wantNotFound("e-mail address", err)
		for m, err := range r.Members(ctx, id) {
			f.Errorf("Members yields %v, %v, want nothing", m, err)
		}
		for m, err := range r.Memberships(ctx, "user_3", reader.After(id)) {
			f.Errorf("Memberships yields %v, %v, want nothing", m, err)
		}
		if ok, err := r.Authorize(ctx, id, "org_1", "org:a"); ok || err != nil {
			f.Errorf("Authorize = %t, %v, want false", ok, err)
		}
	}
	// What is deleted is in no index, so nothing says that it was there.
	_, err = r.UserByEmail(ctx, "ada@example.com")
	f.wantNotFound("e-mail address of a deleted user", err)
}

func checkHardDeletion(f *fixture) {
	hard := NewSync(f.client, f.names, consumer.Hard)
	err := hard.Apply(f.Context(), User("created", instance, "user_1", 1),
		Event("user.deleted", instance, 8, `"id":"user_1","deleted":true`))
	if err != nil {
		f.Fatal(err)
	}
	_, err = f.reader(reader.WithInstance(instance)).User(f.Context(), "user_1")
	f.wantDeleted("user", err, at(8))
}
