package backfill_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/backfill"
	"github.com/clerksync/clerksync/pkg/directory"
)

// Rules of absence, each with what happens where it does not hold.
func TestRepairDeletesOnlyWhatIsAbsentForSure(t *testing.T) {
	t.Parallel()
	u1 := directory.UserKey("u1")
	gone := `{"id":"u1","deleted":true}`
	for name, row := range map[string]struct {
		young bool                            // the row, at the first look
		at    map[time.Duration]func(*differ) // what happens after the first look
		want  string
		live  bool
	}{
		"absent": {want: "extra user u1 deleted"},
		"a row that is younger than an hour": {
			young: true, want: "extra user u1 left", live: true,
		},
		"there at the second look": { // a replica lagged
			at: map[time.Duration]func(*differ){
				9 * time.Minute: func(d *differ) { d.put(directory.KindUser, user("u1", 0, "")) },
			},
			want: "extra user u1 left", live: true,
		},
		"there for the first nine minutes": { // nobody looked
			at: map[time.Duration]func(*differ){
				time.Minute:     func(d *differ) { d.put(directory.KindUser, user("u1", 0, "")) },
				9 * time.Minute: func(d *differ) { d.Instance.Delete(directory.KindUser, "u1") },
			},
			want: "extra user u1 deleted",
		},
		"changed by an event meanwhile": {
			at: map[time.Duration]func(*differ){
				time.Minute: func(d *differ) { d.handle("user.updated", 4*hour, user("u1", 4*hour, "")) },
			},
			want: "extra user u1 left", live: true,
		},
		"deleted by its event meanwhile": {
			at: map[time.Duration]func(*differ){
				time.Minute: func(d *differ) { d.handle("user.deleted", 4*hour, gone) },
			},
			want: "extra user u1",
		},
		"there again at the third look": {
			at: map[time.Duration]func(*differ){
				9 * time.Minute: func(d *differ) {
					d.table.setAfter(func(context.Context, directory.Write) error {
						d.put(directory.KindUser, user("u1", 0, ""))
						return nil
					})
				},
			},
			want: "extra user u1 deleted left",
		},
		"brought back by an event before the third look": {
			at: map[time.Duration]func(*differ){
				9 * time.Minute: func(d *differ) {
					d.table.setAfter(func(context.Context, directory.Write) error {
						d.table.setAfter(nil)
						d.handle("user.updated", 4*hour, user("u1", 4*hour, ""))
						return nil
					})
				},
			},
			want: "extra user u1 deleted left", live: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, clerk.Options{}, func(d *differ) {
				d.happen("user.created", user("u1", 0, ""), delivered)
				time.Sleep(time.Hour)
				if row.young {
					d.happen("user.updated", user("u1", hour, ""), delivered)
					time.Sleep(time.Hour - time.Second)
				}
				d.Instance.Delete(directory.KindUser, "u1")
				for after, do := range row.at {
					time.AfterFunc(after, func() { do(d) })
				}
				d.checkRepair(row.want)
				if live := d.row(u1).Live(); live != row.live {
					d.t.Errorf("the row is live: %t, want %t", live, row.live)
				}
			})
		})
	}
}

// No other answer of Clerk's than a proven absence ever deletes a row, neither at
// the first look nor at the second.
func TestRepairNeverDeletesByAnotherAnswer(t *testing.T) {
	t.Parallel()
	another := clerk.New(clerk.Options{ID: "ins_2", Limit: -1})
	refusal := func(status int, code, long string) func(*differ) {
		return func(d *differ) {
			d.transport = func(r *http.Request) (*http.Response, error) {
				if r.URL.Path != "/v1/users/u1" {
					return nil, nil //nolint:nilnil // the instance answers
				}
				body := fmt.Sprintf(`{"errors":[{"code":%q,"message":"m","long_message":%q}]}`, code, long)
				return answer(r, status, body), nil
			}
		}
	}
	fault := func(f clerk.Fault) func(*differ) {
		return func(d *differ) {
			d.answer = func(r *http.Request) clerk.Answer {
				if r.URL.Path == "/v1/users/u1" {
					return clerk.Answer{Fault: f}
				}
				return clerk.Answer{}
			}
		}
	}
	answers := map[string]func(*differ){
		"400":                       refusal(400, "malformed_request_parameters", "u1"),
		"401":                       refusal(401, "clerk_key_invalid", "u1"),
		"403":                       refusal(403, "authorization_invalid", "u1"),
		"403, organizations off":    refusal(403, "organization_not_enabled_in_instance", "u1"),
		"404 of another code":       refusal(404, "session_not_found", "u1"),
		"404 that names no id":      refusal(404, "resource_not_found", "not found"),
		"404 that names another id": refusal(404, "resource_not_found", "No user was found with id u11"),
		"409":                       refusal(409, "resource_locked", "u1"),
		"410":                       refusal(410, "operation_deprecated", "u1"),
		"422":                       refusal(422, "form_param_value_invalid", "u1"),
		"500":                       refusal(500, "internal_clerk_error", "u1"),
		"503":                       refusal(503, "resource_not_found", "No user was found with id u1"),
		"504":                       refusal(504, "gateway_timeout", "u1"),
		"another instance's key": func(d *differ) {
			d.answer = func(*http.Request) clerk.Answer { return clerk.Answer{From: another} }
		},
		"an instance that does not answer": func(d *differ) {
			d.answer = func(r *http.Request) clerk.Answer {
				if r.URL.Path == "/v1/instance" {
					return clerk.Answer{Fault: clerk.InternalError}
				}
				return clerk.Answer{}
			}
		},
	}
	for _, f := range clerk.Faults() {
		if f != clerk.Denied && f != clerk.Limited && f != clerk.Hangs && f != clerk.Broken && f != clerk.Undated {
			answers[string(f)] = fault(f)
		}
	}
	for name, spoil := range answers {
		for _, second := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", at the second look: ", second), func(t *testing.T) {
				t.Parallel()
				inBubble(t, clerk.Options{}, func(d *differ) {
					d.happen("user.created", user("u1", 0, ""), delivered)
					time.Sleep(2 * time.Hour)
					d.Instance.Delete(directory.KindUser, "u1")
					if !second {
						spoil(d)
					}
					r, err := d.Diff.Run(d.t.Context())
					if second && (err != nil || !slices.Equal(lines(r), []string{"extra user u1"})) {
						d.t.Fatalf("Run = %q, %v, want u1 extra", lines(r), err)
					}
					if !second && (len(r.Findings) > 0 || err == nil && len(d.failures) != 1) {
						d.t.Errorf("Run = %q, %v, failures %v, want an error or a failure", lines(r), err, d.failures)
					}
					spoil(d)
					err = d.Diff.Repair(d.t.Context(), r, backfill.RepairOptions{})
					if left := r.Total().Left; second && err == nil && left != 1 {
						d.t.Errorf("Repair = nil, %d left, want an error or u1 left", left)
					}
					if !d.row(directory.UserKey("u1")).Live() {
						d.t.Error("the row was deleted")
					}
				})
			})
		}
	}
}

// answer is one of Clerk's, in JSON.
func answer(r *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Request: r, Body: io.NopCloser(strings.NewReader(body)),
		Header: http.Header{
			"Content-Type": {"application/json"}, "Date": {time.Now().UTC().Format(http.TimeFormat)},
		},
	}
}
