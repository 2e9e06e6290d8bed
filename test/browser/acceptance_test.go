package browser_test

import (
	"testing"
)

// TestAcceptance is what the console promises to who looks at it. Each item has a `clerksync dev` of its own.
func TestAcceptance(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	for _, item := range []struct {
		name string
		test func(*testing.T)
	}{
		{name: "01 every page loads clean", test: s.testClean},
		{name: "02 the empty page names a command that works", test: s.testFirstMinute},
		{name: "03 a message appears without a reload", test: s.testLive},
		{name: "04 the path of an applied message", test: s.testPath},
		{name: "05 what an update changed", test: s.testChanges},
		{name: "06 why a message is stale", test: s.testStale},
		{name: "07 a duplicate is one message with two requests", test: s.testDuplicate},
		{name: "08 rejected requests", test: s.testRejected},
		{name: "09 a one-time code is nowhere", test: s.testIgnored},
		{name: "10 hostile names are text", test: s.testHostile},
		{name: "13 filter, open, back", test: s.testFilter},
		{name: "14 many messages and a flood of forged ones", test: s.testFlood},
		{name: "15 nine tabs", test: s.testTabs},
		{name: "16 dev is restarted", test: s.testRestart},
		{name: "17 dead letters", test: s.testDeadLetters},
		{name: "18 the directory's search", test: s.testSearch},
		{name: "19 the history of a row", test: s.testHistory},
		{name: "20 send", test: s.testSend},
		{name: "21 order", test: s.testOrder},
		{name: "24 by keyboard alone", test: s.testKeyboard},
		{name: "24 without JavaScript", test: s.testWithoutJavaScript},
		{name: "people are hidden from a shared screen", test: s.testHidePeople},
	} {
		t.Run(item.name, func(t *testing.T) {
			t.Parallel()
			item.test(t)
		})
	}
}

// TestAcceptanceOverHTTP is the part of the list that needs no browser.
func TestAcceptanceOverHTTP(t *testing.T) {
	t.Parallel()
	s := &suite{bin: commandFolder(t)}
	for _, item := range []struct {
		name string
		test func(*testing.T)
	}{
		{name: "11 an invitation's URL is nowhere", test: s.testInvitation},
		{name: "12 a secret is nowhere", test: s.testSecret},
		{name: "22 guard: hosts", test: s.testGuardHosts},
		{name: "22 guard: origins", test: s.testGuardOrigins},
		{name: "22 guard: GET changes nothing", test: s.testGuardGet},
		{name: "22 guard: addresses", test: s.testGuardAddresses},
		{name: "23 the webhook's port serves no page", test: s.testWebhookPort},
		{name: "25 wait", test: s.testWait},
		{name: "25 events as lines", test: s.testLines},
		{name: "25 the console of a deployment", test: s.testDeployed},
	} {
		t.Run(item.name, func(t *testing.T) {
			t.Parallel()
			item.test(t)
		})
	}
}

// pages are the console's, by their paths.
func pages() []string {
	return []string{"/", "/directory", "/dead-letters", "/send", "/order", "/traffic"}
}

const (
	jonah      = "user_2exampleJonahAdeyemi0000000"
	jonahsMail = "jonah@lumenoak.example"
	// overtaken is 2026-03-02T10:33:20Z: jonah's row of user.updated is newer by its updated_at.
	overtaken = 1772447600000
	updatedAt = 1772543300655 // 2026-03-03T13:08:20Z
)

// founded is a company with a member, as the samples tell it.
func (d *dev) founded(tb testing.TB) {
	tb.Helper()
	for _, sample := range []string{
		"user.created.founder", "organization.created", "organizationMembership.created.founder",
		"user.created", "organizationMembership.created",
	} {
		d.apply(tb, message{sample: sample})
	}
}
