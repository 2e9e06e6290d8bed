package readertest

import "github.com/clerksync/clerksync/pkg/reader"

func checkIndexes(f *fixture) {
	ctx, r := f.Context(), f.reader()
	f.apply(
		User("created", instance, "user_1", 1, Email("ada@example.com"), `"username":"ada","external_id":"7"`),
		User("created", instance, "user_2", 1, Email("b@example.com"), `"username":"Ada","external_id":"8"`),
		Event("organization.created", instance, 1, `"id":"org_1","slug":"lumen"`))
	for name, find := range map[string]func() (reader.User, error){
		"email":       func() (reader.User, error) { return r.UserByEmail(ctx, "ada@example.com") },
		"username":    func() (reader.User, error) { return r.UserByUsername(ctx, "ada") },
		"external id": func() (reader.User, error) { return r.UserByExternalID(ctx, "7") },
	} {
		if got, err := find(); err != nil || got.ID != "user_1" || got.Object == nil {
			f.Errorf("%s: user = %q, %v, want user_1 whole", name, got.ID, err)
		}
	}
	if got, err := r.OrganizationBySlug(ctx, "lumen"); err != nil || got.ID != "org_1" {
		f.Errorf("slug: organization = %q, %v, want org_1", got.ID, err)
	}
	_, err := r.UserByUsername(ctx, "ADA")
	f.wantNotFound("username in another case", err)
	_, err = r.UserByExternalID(ctx, "9")
	f.wantNotFound("external id", err)
	_, err = r.OrganizationBySlug(ctx, "oak")
	f.wantNotFound("slug", err)
}

// Unicode's folding would make one address of two: the Kelvin sign is no k.
func checkFolding(f *fixture) {
	f.apply(User("created", instance, "user_1", 1, Email("Kim@Example.com")))
	if got, err := f.reader().UserByEmail(f.Context(), "kIM@eXAMPLE.COM"); err != nil || got.ID != "user_1" {
		f.Errorf("UserByEmail = %q, %v, want user_1", got.ID, err)
	}
	_, err := f.reader().UserByEmail(f.Context(), "\u212aim@example.com")
	f.wantNotFound("address with a Kelvin sign", err)
}

// An address that has moved to another user is found with that one, though the
// event of its former user is late.
func checkSeveralHits(f *fixture) {
	f.apply(
		User("created", instance, "user_2", 9, Email("ada@example.com")),
		User("created", instance, "user_1", 1, Email("ada@example.com")),
		User("created", instance, "user_3", 5, Email("ada@example.com")))
	if got, err := f.reader().UserByEmail(f.Context(), "ada@example.com"); err != nil || got.ID != "user_2" {
		f.Errorf("UserByEmail = %q, %v, want user_2, who was updated last", got.ID, err)
	}
}

func checkInstances(f *fixture) {
	ctx := f.Context()
	f.apply(
		User("created", "ins_1", "user_1", 1, Email("ada@example.com")),
		User("created", "ins_2", "user_2", 2, Email("ada@example.com")),
		User("created", "", "user_3", 3, Email("ada@example.com")),
		Member("created", "ins_1", "org_1", "user_1", "org:admin", 1),
		Member("created", "ins_2", "org_1", "user_2", "org:admin", 1),
		Event("user.deleted", "ins_2", 8, `"id":"user_4","deleted":true`))
	for id, want := range map[string]string{"ins_1": "user_1", "ins_2": "user_2"} {
		r := f.reader(reader.WithInstance(id))
		if got, err := r.UserByEmail(ctx, "ada@example.com"); err != nil || got.ID != want {
			f.Errorf("%s: UserByEmail = %q, %v, want %s", id, got.ID, err, want)
		}
		members := 0
		for m, err := range r.Members(ctx, "org_1") {
			if members++; err != nil || m.UserID != want || m.User == nil {
				f.Errorf("%s: Members yields %q, %v, want %s", id, m.UserID, err, want)
			}
		}
		if members != 1 {
			f.Errorf("%s: Members yields %d, want 1", id, members)
		}
	}
	r := f.reader(reader.WithInstance("ins_1"))
	for _, id := range []string{"user_2", "user_3", "user_4"} {
		_, err := r.User(ctx, id)
		f.wantNotFound(id+", of another instance", err)
	}
}
