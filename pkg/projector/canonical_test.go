package projector_test

import (
	"testing"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

func object(t tester, text string) clerk.Object {
	t.Helper()
	o, ok := clerk.ParseObject([]byte(text))
	if !ok {
		t.Fatalf("ParseObject(%s) = false", text)
	}
	return o
}

type tester interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ kind, text, want string }{
		"empty":       {text: ` { } `, want: `{}`},
		"white space": {text: "{ \"a\" :\t[ 1 ,\n2 ] , \"b\":{ } }", want: `{"a":[1,2],"b":{}}`},
		"order": {
			text: `{"b":1,"a":{"d":1,"c":2},"B":2,"aa":3}`, want: `{"B":2,"a":{"c":2,"d":1},"aa":3,"b":1}`,
		},
		"order of lists is content": {text: `{"a":[2,1]}`, want: `{"a":[2,1]}`},
		"doubled names":             {text: `{"a":1,"\u0061":2,"b":{"c":1,"c":3}}`, want: `{"a":2,"b":{"c":3}}`},
		"numbers by their text": {
			text: `{"a":[1.0,1e2,-0,12345678901234567890]}`, want: `{"a":[1.0,1e2,-0,12345678901234567890]}`,
		},
		"null, true, false": {text: `{"a":[null,true,false]}`, want: `{"a":[null,true,false]}`},
		"escapes": {
			text: `{"a":"\u00e9\/\u000A\u0008\u0009\u000c\u000d\u0001\u001F\"\\\u007f\u2028<&>\ud83d\ude00",` +
				`"\u00e9":0}`,
			want: `{"a":"é/\n\b\t\f\r\u0001\u001f\"\\` + "\u007f\u2028" + `<&>😀","é":0}`,
		},
		"half a surrogate pair": {text: `{"a":"\ud800"}`, want: "{\"a\":\"\ufffd\"}"},
		"volatile": {
			text: `{"last_active_at":1,"last_sign_in_at":1,"lockout_expires_in_seconds":1,` +
				`"verification_attempts_remaining":1,"scim":{},"members_count":1,"pending_invitations_count":1,` +
				`"missing_member_with_elevated_permissions":true,"total_pending_invitations":1,` +
				`"total_pending_suggestions":1,"verification":{},"ownership_verification":null,` +
				`"affiliation_verification":{},"stays":1}`,
			want: `{"stays":1}`,
		},
		"volatile below": {
			text: `{"email_addresses":[{"id":"i","verification":{"expire_at":1}}],"x":{"last_active_at":1}}`,
			want: `{"email_addresses":[{"id":"i"}],"x":{}}`,
		},
		"metadata are whole": {
			text: `{"public_metadata":{"scim":{"verification":1}},"private_metadata":{"last_active_at":2},` +
				`"unsafe_metadata":[{"members_count":3}],"x":{"public_metadata":{"y":{"scim":4}}}}`,
			want: `{"private_metadata":{"last_active_at":2},"public_metadata":{"scim":{"verification":1}},` +
				`"unsafe_metadata":[{"members_count":3}],"x":{"public_metadata":{"y":{"scim":4}}}}`,
		},
		"membership": {
			kind: directory.KindMembership,
			text: `{"id":"m","organization":{"name":"n","id":"o","scim":1},` +
				`"public_user_data":{"user_id":"u","identifier":"a"},"user_id":"kept","url":"kept"}`,
			want: `{"id":"m","organization":{"id":"o"},"public_user_data":{"user_id":"u"},` +
				`"url":"kept","user_id":"kept"}`,
		},
		"a membership's snapshots of other types": {
			kind: directory.KindMembership, text: `{"organization":"o","public_user_data":null}`,
			want: `{"organization":"o","public_user_data":null}`,
		},
		"invitation": {
			kind: directory.KindInvitation,
			text: `{"id":"i","user_id":"u","public_organization_data":{},"public_inviter_data":{},"url":"https://x",` +
				`"x":{"url":"kept"}}`,
			want: `{"id":"i","x":{"url":"kept"}}`,
		},
		"of another kind than an invitation": {
			kind: directory.KindDomain,
			text: `{"public_organization_data":{"id":"o"},"url":"u","user_id":"u"}`,
			want: `{"public_organization_data":{"id":"o"},"url":"u","user_id":"u"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := string(projector.Canonical(row.kind, object(t, row.text)))
			if got != row.want {
				t.Errorf("Canonical(%s)\n got %s\nwant %s", row.text, got, row.want)
			}
			if again := string(projector.Canonical(row.kind, object(t, got))); again != got {
				t.Errorf("Canonical of a canonical text = %s, want %s", again, got)
			}
		})
	}
}

// An object without anything volatile is compared whole, and a member that is
// absent is not the same as null.
func TestMembersForComparison(t *testing.T) {
	t.Parallel()
	o := object(t, `{"a":{"verification":1,"b":[ 2 ]},"n":null,"organization":{"id":"o","name":"x"}}`)
	for name, row := range map[string]struct{ member, stable, whole string }{
		"nested": {member: "a", stable: `{"b":[2]}`, whole: `{"b":[2],"verification":1}`},
		"null":   {member: "n", stable: `null`, whole: `null`},
		"absent": {member: "x"},
		"snapshot": {
			member: "organization", stable: `{"id":"o"}`, whole: `{"id":"o","name":"x"}`,
		},
	} {
		stable := string(projector.CanonicalMember(directory.KindMembership, row.member, o))
		whole := string(projector.WholeMember(row.member, o))
		if stable != row.stable || whole != row.whole {
			t.Errorf("%s: CanonicalMember = %s, WholeMember = %s, want %s and %s",
				name, stable, whole, row.stable, row.whole)
		}
	}
}
