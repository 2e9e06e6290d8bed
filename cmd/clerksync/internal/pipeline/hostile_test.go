package pipeline_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/events"
)

// user is an update of a user with more members.
func user(id, members string) string {
	return `{"type":"user.updated","timestamp":1772447460000,` +
		`"data":{"id":"` + id + `","updated_at":1772447460000` + members + `}}`
}

// membership is that of a user, created at a time, a JSON value, with more
// members.
func membership(userID, createdAt, members string) string {
	return `{"type":"organizationMembership.created","timestamp":1,` +
		`"data":{"id":"orgmem_h","created_at":` + createdAt + `,"organization":{"id":"org_h"},` +
		`"public_user_data":{"user_id":"` + userID + `"},"role":"org:admin"` + members + `}}`
}

// hostileBodies are signed bodies by name, and they by what becomes of them: an
// HTTP status that is an error, or the outcome.
func hostileBodies() map[string]map[string]string {
	long := strings.Repeat("x", 3000)
	nested := func(id string, n int) string {
		return user(id, `,"x":`+strings.Repeat("[", n)+strings.Repeat("]", n))
	}
	return map[string]map[string]string{
		"413": {"over a megabyte": user("user_big", `,"x":"`+strings.Repeat("x", 1_000_000)+`"`)},
		"400": {
			"10,001 deep":             nested("user_deeper", 9_999),
			"NUL, raw":                user("user_rawnul", ",\"first_name\":\"a\x00b\""),
			"not UTF-8":               user("user_utf8", ",\"first_name\":\"\xff\""),
			"type twice":              `{"type":"user.updated","type":"user.deleted","data":{"id":"u"}}`,
			"type twice, one escaped": `{"type":"user.updated","t\u0079pe":"user.deleted","data":{"id":"u"}}`,
			"data is a list":          `{"type":"user.updated","data":[]}`,
			"data is null":            `{"type":"user.updated","data":null}`,
			"not an object":           `[1]`,
			"two values":              `{"type":"user.updated","data":{"id":"u"}} {}`,
			"nothing":                 ``,
		},
		"ignored": {
			"the dashboard's filler": `{"type":"some string","object":"some string","timestamp":42,` +
				`"data":{"id":"some string","n":3.14}}`,
		},
		"dead": {
			"an id too long for a key": user(long, ``),
			"a negative time":          membership("user_before", "-5", ""),
			"a time in the year 5138":  membership("user_after", "99999999999999", ""),
			"times of another type":    `{"type":"user.created","timestamp":{},"data":{"id":"user_t"}}`,
		},
		"applied": {
			"object over 400 KB": user("user_400", `,"public_metadata":{"x":"`+strings.Repeat("x", 450_000)+`"}`),
			"a name of nearly a million characters": user("user_name",
				`,"first_name":"`+strings.Repeat("n", 990_000)+`"`),
			"10,000 deep": nested("user_deep", 9_998),
			"a number of 400 digits": user("user_digits",
				`,"public_metadata":{"n":`+strings.Repeat("9", 400)+`,"m":1e400,"z":-0.0}`),
			"NUL, escaped":         user("user_nul", `,"first_name":"a\u0000b","username":"\u0000"`),
			"halves of surrogates": user("user_half", `,"first_name":"\ud800","last_name":"\udc00\ud800"`),
			"U+FFFE and U+FFFF":    user("user_fffe", ",\"first_name\":\"\uFFFE\uFFFF\""),
			"names of another case": `{"type":"user.updated","Type":"user.deleted","DATA":1,` +
				`"data":{"id":"user_case","ID":"user_other","updated_at":1}}`,
			"empty texts in indexes": user("user_empty",
				`,"username":"","external_id":"","email_addresses":[{"id":"i","email_address":""}]`),
			"index values too long": user("user_index", `,"username":"`+long+`","external_id":"`+long+`"`),
			"an id with separators": user("user#/a|b", ``),
			"300 permissions": membership("user_may", "1772447460000",
				`,"permissions":["`+strings.Repeat(`org:p","`, 299)+`org:q"]`),
			"seconds with a fraction": membership("user_seconds", `"1772447461.5"`, ""),
			"no times":                `{"type":"user.created","data":{"id":"user_timeless"}}`,
			"unknown object":          user("user_object", `,"object":"spaceship","new_field":{"a":[1,2,{"b":null}]}`),
			"members of the wrong shape": user("user_shape", `,"email_addresses":{"a":1},"phone_numbers":"x",`+
				`"first_name":["x"],"banned":"yes","username":5,"image_url":{},"last_sign_in_at":"never"`),
			"lists with anything in them": user("user_list",
				`,"email_addresses":[null,1,"x",[],{},{"email_address":5},{"email_address":"a@b.example"}]`),
			"the filler under a type that is kept": `{"type":"user.created","object":"some string","timestamp":42,` +
				`"data":{"id":"some string","created_at":42,"updated_at":42,"email_addresses":"some string"}}`,
		},
	}
}

// Whatever a signed body holds, it is refused at the edge, or ignored, or has
// its row, or is a dead letter; and a sound message that comes after it is
// never held back.
func TestHostileInput(t *testing.T) {
	t.Parallel()
	h := start(t, pipeline.Options{})
	n := 0
	for want, bodies := range hostileBodies() {
		for name, body := range bodies {
			n++
			id := fmt.Sprintf("msg_%d", n)
			status, reply, _ := h.do(signed(id, body))
			got := strconv.Itoa(status)
			if status == http.StatusOK {
				got = h.outcome(id, 1)
			}
			if got != want {
				t.Errorf("%s = %d %.100s, %s, want %s", name, status, reply, got, want)
			}
			h.send(id+"_next", user("user_next", ``))
		}
	}
}

// An invitation's link and every one-time code stay out of rows and logs, and
// so do people's names and addresses out of logs and reasons.
func TestCanaries(t *testing.T) {
	t.Parallel()
	h := start(t, pipeline.Options{})
	for i, name := range events.Names() {
		h.do(signed(fmt.Sprintf("msg_canary%d", i), sample(t, name)))
	}
	h.send("msg_last", user("user_last", ``))
	h.drain()
	var rows strings.Builder
	for _, table := range []string{h.p.DirectoryTable, h.p.DeliveriesTable} {
		if err := json.NewEncoder(&rows).Encode(h.rows(table)); err != nil {
			t.Fatal(err)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for what, test := range map[string]struct {
		text     string
		holds    []string // so that the search is not blind
		canaries []string
	}{
		"rows": {
			text: rows.String(), holds: []string{"made-up-", "msg_last"},
			canaries: []string{"FAKE-TICKET", "424242"},
		},
		"log": {
			text: h.log.String(), holds: []string{"msg_last"},
			canaries: []string{"FAKE-TICKET", "424242", "@lumenoak", "+1555", "made-up", "whsec_"},
		},
	} {
		for _, text := range test.holds {
			if !strings.Contains(test.text, text) {
				t.Errorf("the %s do not hold %s: is the search blind?", what, text)
			}
		}
		for _, canary := range test.canaries {
			if strings.Contains(test.text, canary) {
				t.Errorf("the %s hold %s", what, canary)
			}
		}
	}
}
