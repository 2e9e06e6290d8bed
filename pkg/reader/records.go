package reader

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
)

// Source says where a record comes from. All records have it.
type Source struct {
	InstanceID string    // of Clerk; empty where the event named none
	Revision   string    // `rev`: it changes whenever the row does, so it serves as an ETag
	SvixID     string    // the message that made the row; empty where Clerk's API did
	SyncedAt   time.Time // when the row was written
	ReadAt     time.Time // when Clerk's API was read for it; zero where an event made it
	// Omitted are the columns that the row had no room for: DynamoDB's limit is 400
	// KB. They are empty in the record.
	Omitted []string
}

// User is a user of Clerk. A field is empty where Clerk has none.
type User struct {
	ID             string
	Email          string   // the primary address, else the first, A-Z in lower case
	EmailVerified  bool     // whether Clerk has verified Email
	EmailAddresses []string // all, as the user has written them
	Phone          string   // the primary number, else the first
	FirstName      string
	LastName       string
	Username       string
	ImageURL       string
	ExternalID     string // given by your own backend
	Banned         bool
	Locked         bool
	CreatedAt      time.Time
	UpdatedAt      time.Time
	LastSignInAt   time.Time       // as of the user's last event: not every sign-in sends one
	Object         json.RawMessage // Clerk's object, metadata included; nil where the stack keeps none
	Source         Source
}

// Organization is an organization of Clerk. A field is empty where Clerk has
// none.
type Organization struct {
	ID                    string
	Name                  string
	Slug                  string
	ImageURL              string
	CreatedBy             string // a user's id
	MaxAllowedMemberships int64  // 0 for no limit
	CreatedAt             time.Time
	UpdatedAt             time.Time
	Object                json.RawMessage // Clerk's object, metadata included; nil where the stack keeps none
	Source                Source
}

// Membership is a user's membership of an organization. A field is empty where
// Clerk has none.
type Membership struct {
	ID             string
	OrganizationID string
	UserID         string
	Role           string // the role's key, such as org:admin
	RoleName       string
	// Permissions are what the role allowed when the membership was changed last.
	// Reader.Authorize knows what it allows now.
	Permissions []string
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Object      json.RawMessage // Clerk's object; nil where the stack keeps none, and from Memberships
	Source      Source
}

func newUser(r directory.Row) User {
	return User{
		ID:             r.Text("id"),
		Email:          r.Text("email"),
		EmailVerified:  r["email_verified"] == true,
		EmailAddresses: listOf(r, "email_addresses"),
		Phone:          r.Text("phone"),
		FirstName:      r.Text("first_name"),
		LastName:       r.Text("last_name"),
		Username:       r.Text("username"),
		ImageURL:       r.Text("image_url"),
		ExternalID:     r.Text("external_id"),
		Banned:         r["banned"] == true,
		Locked:         r["locked"] == true,
		CreatedAt:      timeOf(r, "created_at"),
		UpdatedAt:      timeOf(r, "updated_at"),
		LastSignInAt:   timeOf(r, "last_sign_in_at"),
		Object:         objectOf(r),
		Source:         newSource(r),
	}
}

func newOrganization(r directory.Row) Organization {
	most, _ := integerOf(r, "max_allowed_memberships")
	return Organization{
		ID:                    r.Text("id"),
		Name:                  r.Text("name"),
		Slug:                  r.Text("slug"),
		ImageURL:              r.Text("image_url"),
		CreatedBy:             r.Text("created_by"),
		MaxAllowedMemberships: most,
		CreatedAt:             timeOf(r, "created_at"),
		UpdatedAt:             timeOf(r, "updated_at"),
		Object:                objectOf(r),
		Source:                newSource(r),
	}
}

// newMembership takes the membership's own row or its pointer.
func newMembership(r directory.Row) Membership {
	return Membership{
		ID:             r.Text("id"),
		OrganizationID: r.Text("org_id"),
		UserID:         r.Text("user_id"),
		Role:           r.Text("role"),
		RoleName:       r.Text("role_name"),
		Permissions:    listOf(r, "permissions"),
		CreatedAt:      timeOf(r, "created_at"),
		UpdatedAt:      timeOf(r, "updated_at"),
		Object:         objectOf(r),
		Source:         newSource(r),
	}
}

func newSource(r directory.Row) Source {
	return Source{
		InstanceID: r.Text(directory.AttrInstanceID),
		Revision:   r.Text(directory.AttrRev),
		SvixID:     r.Text(directory.AttrSvixID),
		SyncedAt:   timeOf(r, directory.AttrSyncedAt),
		ReadAt:     timeOf(r, "read_at"),
		Omitted:    listOf(r, directory.AttrOmitted),
	}
}

func listOf(r directory.Row, name string) []string {
	list, _ := r[name].([]string)
	return list
}

func objectOf(r directory.Row) json.RawMessage {
	if text := r.Text(directory.AttrObject); text != "" {
		return json.RawMessage(text)
	}
	return nil
}

// integerOf is false for what is no number, or has more digits than an int64.
func integerOf(r directory.Row, name string) (int64, bool) {
	text, _ := r[name].(directory.Number)
	n, err := strconv.ParseInt(string(text), 10, 64)
	return n, err == nil
}

// timeOf reads a time of Clerk's, which rows hold in milliseconds, or one of
// ours, which they hold as text. It is zero for what is absent or unreadable.
func timeOf(r directory.Row, name string) time.Time {
	if ms, ok := integerOf(r, name); ok {
		return time.UnixMilli(ms).UTC()
	}
	t, err := time.Parse(directory.TimeFormat, r.Text(name))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
