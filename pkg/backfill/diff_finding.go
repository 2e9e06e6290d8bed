package backfill

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
)

// Verdicts of a Diff alone.
const (
	Extra   Verdict = "extra"   // a live row that Clerk denies by its own id
	Pending Verdict = "pending" // missing, extra or different, and a webhook may be about to mend it
)

// pendingAge is how long a webhook may be on its way before its absence counts.
// Svix delivers within seconds, and after a failure again within minutes.
const pendingAge = 10 * time.Minute

// Finding is an object or a row in which Clerk and the tables differ.
type Finding struct {
	Class   Verdict           `json:"class"` // missing, extra, different, activity, deleted, pending
	Kind    string            `json:"kind"`
	ID      string            `json:"id"`                // a membership's is org/user
	Members []string          `json:"members,omitempty"` // as in Decision
	Values  map[string]Values `json:"values,omitempty"`  // by member, with ShowValues
	// What a Repair did: "written", "deleted" or "". Left says that the finding
	// is still one, and Reason why, or why nothing was done.
	Repair string `json:"repair,omitempty"`
	Left   bool   `json:"left,omitempty"`
	Reason string `json:"reason,omitempty"`

	*subject // nil where nothing more is done with the finding
}

// subject is what a finding is about, for whoever asks Clerk again.
type subject struct {
	ref clerkapi.Ref
	key directory.Key
	// Of a row that is extra: as it was before Clerk was first asked, and when that was.
	revision  directory.Revision
	syncedAt  time.Time
	firstLook time.Time
	denied    bool // with a parent, and not by its own id
}

// Values are a member's JSON on both sides; nil where there is none.
type Values struct {
	Clerk json.RawMessage `json:"clerk,omitempty"`
	Row   json.RawMessage `json:"row,omitempty"`
}

// newFinding is a finding without a class about the row of a key.
func newFinding(k directory.Key, kind, domainName string) *Finding {
	// The key has the ids even where the row, put there by hand, lacks them as attributes.
	_, id, _ := strings.Cut(k.PK, "#")
	ref := clerkapi.Ref{Kind: kind, ID: id, Name: domainName}
	_, second, _ := strings.Cut(k.SK, "#")
	switch kind {
	case directory.KindMembership:
		ref = clerkapi.Ref{Kind: kind, OrganizationID: id, UserID: second}
	case directory.KindInvitation:
		ref = clerkapi.Ref{Kind: kind, OrganizationID: id, ID: second}
	}
	return &Finding{Kind: kind, ID: ref.String(), subject: &subject{ref: ref, key: k}}
}

// findingOfRow is newFinding about a live row of the table.
func findingOfRow(r directory.Row) *Finding {
	f := newFinding(r.Key(), r.Text(directory.AttrKind), r.Text("name"))
	f.revision, f.syncedAt = r.Revision(), syncedAt(r)
	if org := r.Text("org_id"); f.Kind == directory.KindDomain {
		f.ref.OrganizationID = org // to find its parent; Clerk is not asked by it
	}
	return f
}

// parents are the keys of the rows that the finding's row does not outlive.
func (f *subject) parents() (keys []directory.Key) {
	if id := f.ref.OrganizationID; id != "" {
		keys = append(keys, directory.OrganizationKey(id))
	}
	if id := f.ref.UserID; id != "" {
		keys = append(keys, directory.UserKey(id))
	}
	return keys
}

// compare makes a finding of an object and of what it means for its row.
func (d *Diff) compare(o Object, decision Decision) *Finding {
	f := newFinding(o.Key(), o.Kind, o.change.Row.Text("name"))
	row := decision.existing
	// A change of the snapshot alone is nothing that a user did.
	f.Class, f.Members = classify(d.Writer.Consumer.Now(), o.Data, decision), decision.Members
	if f.Class == Activity && slices.Equal(f.Members, []string{listMember}) {
		f.Class = Equal
	}
	if d.ShowValues && len(f.Members) > 0 {
		f.Values = map[string]Values{}
		old, _ := clerk.ParseObject([]byte(row.Text(directory.AttrObject)))
		for _, m := range f.Members {
			if m != memberPointer && m != memberObject {
				f.Values[m] = Values{Clerk: o.Data.Raw(m), Row: valueOf(m, row, old)}
			}
		}
	}
	return f
}

// listMember is what Clerk's list of invitations has of their organization, and no
// event nor any other answer has. Each invitation that an event wrote differs in it.
const listMember = "public_organization_data"

// classify says what class an object's finding has; Equal is none. It is pure. A
// row that is newer than the object and differs is different all the same: no
// later event need come.
func classify(now time.Time, data clerk.Object, d Decision) Verdict {
	switch d.Verdict {
	case Missing, Different, Older:
		if isYoungObject(now, data) || isYoung(now, syncedAt(d.existing)) {
			return Pending
		}
		if d.Verdict == Missing {
			return Missing
		}
		return Different
	case Equal, Activity, Deleted, Extra, Pending:
	}
	return d.Verdict // it does not count as a difference, so no webhook need mend it
}

// isYoungObject says whether Clerk created or changed the object so lately that
// its webhook may be on its way.
func isYoungObject(now time.Time, data clerk.Object) bool {
	for _, name := range []string{"created_at", "updated_at"} {
		if t, err := data.Time(name); err == nil && t > 0 && isYoung(now, time.UnixMilli(int64(t))) {
			return true
		}
	}
	return false
}

func isYoung(now, t time.Time) bool { return now.Sub(t) < pendingAge }

// syncedAt is when the row was written, the zero time where nothing says it.
func syncedAt(r directory.Row) time.Time {
	t, _ := time.Parse(directory.TimeFormat, r.Text(directory.AttrSyncedAt))
	return t
}

// valueOf is what a row says of a member: in its object, else in a column.
func valueOf(member string, r directory.Row, object clerk.Object) json.RawMessage {
	if raw := object.Raw(member); raw != nil {
		return raw
	}
	value, ok := r[member]
	if n, isNumber := value.(directory.Number); isNumber {
		return json.RawMessage(n)
	}
	text, err := json.Marshal(value)
	if err != nil || !ok {
		return nil
	}
	return text
}
