package main

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// statuses are the verdicts by check.
func statuses(verdicts map[string]verdict) map[string]string {
	out := map[string]string{}
	for name, v := range verdicts {
		out[name] = v.Status
	}
	return out
}

// all is what doctor says where everything is well, but for the checks that
// are named otherwise.
func all(otherwise map[string]string) map[string]string {
	out := map[string]string{}
	for _, c := range (&doctor{}).checks() {
		out[c.name] = statusPass
	}
	for name, status := range otherwise {
		out[name] = status
	}
	return out
}

// leftovers are the rows in both tables.
func (h *hospital) leftovers() (rows []record) {
	h.t.Helper()
	for _, table := range []string{h.DirectoryTable, h.DeliveriesTable} {
		got, err := scan(h.t.Context(), h.DynamoDB, table)
		if err != nil {
			h.t.Fatal(err)
		}
		rows = append(rows, got...)
	}
	return rows
}

func TestDoctorOfWellStack(t *testing.T) {
	h := newHospital(t)
	h.inAWS()
	h.busy(10 * time.Minute)
	got, words, status := h.examine()
	if diff := cmp.Diff(all(nil), statuses(got)); diff != "" || status != terminal.ExitDone {
		t.Errorf("doctor of a stack that is well exits %d, -want +got:\n%s\n%+v", status, diff, got)
	}
	if words != "17 passed, 0 warnings, 0 failed, 0 skipped.\n" {
		t.Errorf("doctor says %q", words)
	}
	if rows := h.leftovers(); len(rows) > 0 {
		t.Errorf("doctor leaves rows behind: %v", rows)
	}
}

// TestDoctorAllowsSilence goes by the flag, else by the stack's own alarm.
func TestDoctorAllowsSilence(t *testing.T) {
	for name, c := range map[string]struct {
		parameter string
		flags     []string
		want      string
	}{
		"no parameter, a day":       {"", nil, statusFail},
		"parameter, four days":      {"96", nil, statusPass},
		"parameter, no alarm":       {"0", nil, statusPass},
		"the flag before it":        {"96", []string{"--max-silence", "1h"}, statusFail},
		"the flag, however long":    {"", []string{"--max-silence", "0"}, statusPass},
		"the flag, just that much":  {"12", []string{"--max-silence", "50h"}, statusPass},
		"parameter that is no hour": {"x", nil, statusFail},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHospital(t)
			h.inAWS()
			h.busy(49 * time.Hour)
			if c.parameter != "" {
				h.account.parameters["NoEventsHours"] = c.parameter
			}
			got, _, _ := h.examine(append(c.flags, "--no-send")...)
			if v := got["silence"]; v.Status != c.want {
				t.Errorf("doctor: silence = %+v, want %s", v, c.want)
			}
		})
	}
}

func TestDoctorOfDev(t *testing.T) {
	t.Parallel()
	dev := map[string]string{"stack": "skip", "backups": "skip", "event-source": "skip", "rejections": "skip", "concurrency": "skip"}
	with := func(more map[string]string) map[string]string {
		out := map[string]string{}
		for _, in := range []map[string]string{dev, more} {
			for k, v := range in {
				out[k] = v
			}
		}
		return all(out)
	}
	unsent := map[string]string{"endpoint": "skip", "clock": "skip", "signature": "skip", "way-through": "skip"}
	for name, c := range map[string]struct {
		instances []string
		flags     []string
		vars      map[string]string
		want      map[string]string
		exit      int
	}{
		"well":                      {nil, nil, nil, with(nil), 0},
		"nothing is sent":           {nil, []string{"--no-send"}, nil, with(unsent), 0},
		"another secret":            {nil, []string{"--secret", svixtest.OtherSecret}, nil, with(map[string]string{"signature": "fail", "way-through": "skip"}), 1},
		"malformed secret":          {nil, []string{"--secret", "whsec_x"}, nil, with(map[string]string{"secret": "fail", "signature": "skip", "way-through": "skip"}), 1},
		"another instance":          {[]string{"ins_a"}, nil, nil, with(map[string]string{"way-through": "skip"}), 0},
		"its instance":              {[]string{"ins_a"}, []string{"--instance", "ins_a"}, nil, with(nil), 0},
		"its instance by variable":  {[]string{"ins_a"}, nil, map[string]string{"CLERK_INSTANCE_ID": "ins_a,ins_b"}, with(nil), 0},
		"secret by SSM's parameter": {nil, []string{"--secret", "", "--parameter", "/clerksync/signing-secret"}, nil, with(nil), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHospital(t, c.instances...)
			h.vars = c.vars
			h.flags = []string{"--endpoint-url", h.Endpoint, "--url", h.webhook, "--secret", svixtest.Secret}
			if slices.Contains(c.flags, "--secret") {
				h.flags = h.flags[:4]
			}
			got, _, status := h.examine(c.flags...)
			if diff := cmp.Diff(c.want, statuses(got)); diff != "" || status != c.exit {
				t.Errorf("doctor of dev exits %d, want %d, -want +got:\n%s\n%+v", status, c.exit, diff, got)
			}
			if rows := h.leftovers(); len(rows) > 0 {
				t.Errorf("doctor leaves rows behind: %v", rows)
			}
		})
	}
}

// TestDoctorWithoutStack looks at tables and queues that are named.
func TestDoctorWithoutStack(t *testing.T) {
	h := newHospital(t)
	h.inAWS()
	h.flags = []string{
		"--directory-table", h.DirectoryTable, "--deliveries-table", h.DeliveriesTable,
		"--queue-url", h.QueueURL, "--dead-letter-queue-url", h.DeadLetterQueueURL,
	}
	h.row(h.DeliveriesTable, map[string]string{
		"svix_id": "msg_a", "outcome": "applied", "received_at": stamp(time.Now()), "processed_at": stamp(time.Now()),
	})
	got, _, status := h.examine()
	want := all(map[string]string{
		"stack": "skip", "rejections": "skip", "concurrency": "skip", "secret": "skip",
		"endpoint": "skip", "clock": "skip", "signature": "skip", "way-through": "skip",
	})
	if diff := cmp.Diff(want, statuses(got)); diff != "" || status != terminal.ExitDone {
		t.Errorf("doctor of named tables exits %d, -want +got:\n%s\n%+v", status, diff, got)
	}
}

func TestDoctorWithoutAnything(t *testing.T) {
	for name, c := range map[string]struct {
		flags []string
		want  map[string]string
	}{
		"no region":   {[]string{"--stack", "mirror"}, map[string]string{"credentials": "no AWS region", "stack": "no AWS region"}},
		"no dev runs": {[]string{"--endpoint-url", "http://127.0.0.1:1", "--url", "http://127.0.0.1:1/webhooks/clerk"}, map[string]string{"stack": "find queue", "endpoint": "connection refused"}},
		"bad URLs":    {[]string{"--endpoint-url", "nonsense", "--url", "nonsense"}, map[string]string{"credentials": "no http or https URL", "stack": "no http or https URL", "endpoint": "no URL"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, v := range []string{"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"} {
				t.Setenv(v, "")
			}
			t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
			t.Setenv("AWS_MAX_ATTEMPTS", "1")
			t.Setenv("XDG_CACHE_HOME", t.TempDir())
			h := &hospital{t: t, flags: c.flags}
			got, _, status := h.examine()
			for check, says := range c.want {
				if v := got[check]; v.Status != statusFail || !strings.Contains(v.Detail, says) || v.Mend == "" {
					t.Errorf("doctor: %s = %+v, want a failure that says %q", check, v, says)
				}
			}
			if v := got["tables"]; v.Status != statusSkip || status != terminal.ExitFailed {
				t.Errorf("doctor exits %d with tables %+v, want 1 and skip", status, v)
			}
		})
	}
}

// TestDoctorWords is what people see.
func TestDoctorWords(t *testing.T) {
	t.Parallel()
	h := newHospital(t)
	h.dead()
	var out, words bytes.Buffer
	e := bare(&out, &words)
	status := e.exit([]string{"clerksync", "doctor", "--endpoint-url", h.Endpoint, "--url", h.webhook, "--secret", svixtest.Secret})
	for _, want := range []string{"pass  tables ", "skip  stack ", "fail  dead-letters  2 dead letters\n                    clerksync dlq ls says why", "pass  way-through "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("doctor = %s, want %q in it", out.String(), want)
		}
	}
	if status != terminal.ExitFailed || !strings.Contains(words.String(), "1 failed") {
		t.Errorf("doctor exits %d and says %q, want 1 and what failed", status, words.String())
	}
	if got := e.exit([]string{"clerksync", "doctor", "nosuch"}); got != terminal.ExitUsage {
		t.Errorf("doctor nosuch exits %d, want 2", got)
	}
}

// TestDoctorIsStopped is Ctrl-C.
func TestDoctorIsStopped(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out, words bytes.Buffer
	err := bare(&out, &words).run(ctx, []string{"clerksync", "doctor", "--endpoint-url", "http://127.0.0.1:1"})
	if !errors.Is(err, terminal.ErrInterrupted) {
		t.Errorf("doctor, stopped, = %v, want %v", err, terminal.ErrInterrupted)
	}
}
