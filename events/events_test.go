package events_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/events"
)

// documented lists every event type in Clerk's webhook specification (https://github.com/clerk/openapi-specs,
// webhooks/2025-04-15.yml) and the one that only @clerk/backend has, subscriptionItem.created.
func documented() []string {
	return []string{
		"email.created",
		"organization.created", "organization.deleted", "organization.updated",
		"organizationDomain.created", "organizationDomain.deleted", "organizationDomain.updated",
		"organizationInvitation.accepted", "organizationInvitation.created", "organizationInvitation.revoked",
		"organizationMembership.created", "organizationMembership.deleted", "organizationMembership.updated",
		"paymentAttempt.created", "paymentAttempt.updated",
		"permission.created", "permission.deleted", "permission.updated",
		"role.created", "role.deleted", "role.updated",
		"session.created", "session.ended", "session.pending", "session.removed", "session.revoked",
		"sms.created",
		"subscription.active", "subscription.created", "subscription.pastDue", "subscription.updated",
		"subscriptionItem.abandoned", "subscriptionItem.active", "subscriptionItem.canceled",
		"subscriptionItem.created", "subscriptionItem.ended", "subscriptionItem.freeTrialEnding",
		"subscriptionItem.incomplete", "subscriptionItem.pastDue", "subscriptionItem.upcoming",
		"subscriptionItem.updated",
		"user.created", "user.deleted", "user.updated",
		"waitlistEntry.created", "waitlistEntry.updated",
	}
}

// placeholder is the one sample whose content has no meaning, on purpose.
const placeholder = "generated.example"

func body(t *testing.T, name string) []byte {
	t.Helper()
	b, err := events.Body(name)
	if err != nil {
		t.Fatalf("Body(%q): %v", name, err)
	}
	return b
}

// event decodes a sample, numbers as they are written.
func event(t *testing.T, name string) map[string]any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body(t, name)))
	d.UseNumber()
	var e map[string]any
	if err := d.Decode(&e); err != nil {
		t.Fatalf("decode %s: %v", name, err)
	}
	return e
}

// Whatever Clerk may send has a sample, so that tests over all samples are tests over all types.
func TestTypes(t *testing.T) {
	if diff := cmp.Diff(documented(), events.Types()); diff != "" {
		t.Errorf("Types() differs from the documented types (-want +got):\n%s", diff)
	}
}

// Names are what `clerksync send` takes and completes.
func TestNames(t *testing.T) {
	names := events.Names()
	if !slices.IsSorted(names) {
		t.Errorf("Names() = %v, want them sorted", names)
	}
	for _, name := range names {
		if strings.Contains(name, "/") || strings.HasSuffix(name, ".json") {
			t.Errorf("Names() contains %q, want it without folder and .json", name)
		}
	}
}

// Each sample is as Clerk sends it: a signature is made over these bytes.
func TestBodyShape(t *testing.T) {
	for _, name := range events.Names() {
		t.Run(name, func(t *testing.T) {
			b := body(t, name)
			if !json.Valid(b) {
				t.Fatal("not valid JSON")
			}
			if bytes.ContainsAny(b, "\n\r") {
				t.Error("has a line break, want one line and no newline at its end")
			}
			var compact bytes.Buffer
			if err := json.Compact(&compact, b); err != nil || !bytes.Equal(compact.Bytes(), b) {
				t.Errorf("has white space between tokens, want compact JSON (%v)", err)
			}
			e := event(t, name)
			members := []string{"data", "event_attributes", "instance_id", "object", "timestamp", "type"}
			for key := range e {
				if !slices.Contains(members, key) {
					t.Errorf("has the member %q, which an envelope does not have", key)
				}
			}
			if _, ok := e["data"].(map[string]any); !ok {
				t.Error("lacks an object \"data\"")
			}
			if _, ok := e["timestamp"].(json.Number); !ok {
				t.Error("lacks a number \"timestamp\"")
			}
			if name == placeholder {
				return
			}
			parts := strings.Split(name, ".")
			if len(parts) < 2 || len(parts) > 3 {
				t.Fatalf("name has %d parts, want type or type.variant", len(parts))
			}
			if got, want := e["type"], strings.Join(parts[:2], "."); got != want {
				t.Errorf("type = %v, want %s", got, want)
			}
			if e["object"] != "event" {
				t.Errorf("object = %v, want event", e["object"])
			}
		})
	}
}

// The error helps a person who mistyped a name, and a name cannot reach other files.
func TestBodyUnknown(t *testing.T) {
	for _, name := range []string{"user.creatd", "user.created.json", "", "../events"} {
		b, err := events.Body(name)
		if b != nil || !errors.Is(err, events.ErrUnknown) || !strings.Contains(err.Error(), "events/clerk") {
			t.Errorf("Body(%q) = %q, %v, want ErrUnknown that says where the names are", name, b, err)
		}
	}
}

// A caller may change its copy.
func TestBodyIsTheCallersOwn(t *testing.T) {
	first := body(t, "user.created")
	clear(first)
	if second := body(t, "user.created"); bytes.Equal(first, second) {
		t.Error("Body(user.created) gave the same bytes twice, want a copy for each caller")
	}
}

// Other tests look for these texts to see whether a secret was stored.
func TestSecretsAreMarkedAsFake(t *testing.T) {
	for name, marker := range map[string]string{
		"organizationInvitation.created":  "ticket=FAKE-TICKET-",
		"organizationInvitation.accepted": "ticket=FAKE-TICKET-",
		"organizationInvitation.revoked":  "ticket=FAKE-TICKET-",
		"waitlistEntry.updated":           "ticket=FAKE-TICKET-",
		"email.created":                   "424242",
		"sms.created":                     "424242",
	} {
		if !bytes.Contains(body(t, name), []byte(marker)) {
			t.Errorf("%s does not contain %q", name, marker)
		}
	}
}
