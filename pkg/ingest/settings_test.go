package ingest_test

import (
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

func getter(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func TestReadSettings(t *testing.T) {
	good := map[string]string{
		"QUEUE_URL": "http://127.0.0.1:4566/000000000000/q", "CLERK_WEBHOOK_SIGNING_SECRET": svixtest.Secret,
		"CLERK_INSTANCE_ID": "ins_a, ins_b", "LOG_LEVEL": "debug",
	}
	s, err := ingest.ReadSettings(getter(good))
	if err != nil || s.QueueURL != good["QUEUE_URL"] || s.Secrets.Len() != 1 || s.SecretParameter != "" || s.LogLevel != slog.LevelDebug {
		t.Errorf("ReadSettings = %+v, %v, want what is set", s, err)
	}
	if diff := cmp.Diff([]string{"ins_a", "ins_b"}, s.Instances); diff != "" {
		t.Errorf("Instances: %s", diff)
	}
	s, err = ingest.ReadSettings(getter(map[string]string{"QUEUE_URL": "https://sqs.example.com/1/q", "CLERK_WEBHOOK_SECRET_PARAMETER": " /a/b\n"}))
	if err != nil || s.Secrets != nil || s.SecretParameter != "/a/b" || s.LogLevel != slog.LevelInfo || len(s.Instances) != 0 {
		t.Errorf("ReadSettings = %+v, %v, want the parameter's name and defaults", s, err)
	}
}

// The first that is not empty counts.
func TestWhichSecretCounts(t *testing.T) {
	const first, second, third = "CLERK_WEBHOOK_SIGNING_SECRET", "CLERK_WEBHOOK_SECRET", "CLERK_WEBHOOK_SECRET_PARAMETER"
	for name, c := range map[string]struct {
		vars      map[string]string
		wantLen   int
		parameter string
		wantErr   string
	}{
		"the first":                     {vars: map[string]string{first: one + "," + two, second: one, third: "/p"}, wantLen: 2},
		"the second":                    {vars: map[string]string{second: one, third: "/p"}, wantLen: 1},
		"the first is empty":            {vars: map[string]string{first: "", second: one, third: "/p"}, wantLen: 1},
		"the first is white space":      {vars: map[string]string{first: "\n", second: one}, wantLen: 1},
		"the parameter":                 {vars: map[string]string{first: "", second: "", third: "/p"}, parameter: "/p"},
		"a bad first hides the second":  {vars: map[string]string{first: "whsec_eA==", second: one, third: "/p"}, wantErr: first},
		"a bad first hides parameter":   {vars: map[string]string{first: ",", third: "/p"}, wantErr: first},
		"a bad second hides parameter":  {vars: map[string]string{second: "whsec_!!!!", third: "/p"}, wantErr: second},
		"a bad second behind the first": {vars: map[string]string{first: one, second: "bad"}, wantLen: 1},
	} {
		t.Run(name, func(t *testing.T) {
			c.vars["QUEUE_URL"] = "https://sqs.example.com/1/q"
			s, err := ingest.ReadSettings(getter(c.vars))
			if c.wantErr != "" {
				if err == nil || !strings.HasPrefix(err.Error(), c.wantErr+": ") || strings.Contains(err.Error(), "\n") {
					t.Fatalf("ReadSettings = %v, want an error that names %s alone", err, c.wantErr)
				}
				return
			}
			n := 0
			if s.Secrets != nil {
				n = s.Secrets.Len()
			}
			if err != nil || n != c.wantLen || s.SecretParameter != c.parameter {
				t.Errorf("ReadSettings = %d secrets, parameter %q, %v, want %d, %q", n, s.SecretParameter, err, c.wantLen, c.parameter)
			}
		})
	}
}

// Every missing or bad variable is named at once, and no value printed.
func TestBadSettings(t *testing.T) {
	good := map[string]string{"QUEUE_URL": "https://sqs.example.com/1/q", "CLERK_WEBHOOK_SECRET": one}
	bad := map[string]struct{ name, value string }{
		"no queue":       {"QUEUE_URL", ""},
		"a queue's name": {"QUEUE_URL", "deliveries"},
		"no instance":    {"CLERK_INSTANCE_ID", ","},
		// https://github.com/harshdwivediiiii/pathfinder-ai/issues/2610
		"no secret": {"CLERK_WEBHOOK_SECRET", ""},
		// https://github.com/standard-webhooks/standard-webhooks/issues/235
		"v1, in front":         {"CLERK_WEBHOOK_SECRET", "v1," + one},
		"no base64":            {"CLERK_WEBHOOK_SECRET", "whsec_!!canary!!"},
		"no key":               {"CLERK_WEBHOOK_SECRET", "whsec_"},
		"short beside a good":  {"CLERK_WEBHOOK_SECRET", one + ",whsec_Y2FuYXJ5"},
		"without prefix":       {"CLERK_WEBHOOK_SECRET", strings.TrimPrefix(one, "whsec_")},
		"separators alone":     {"CLERK_WEBHOOK_SECRET", " , "},
		"level nobody knows":   {"LOG_LEVEL", "canary"},
		"level with a blank":   {"LOG_LEVEL", "info "},
		"level that is a word": {"LOG_LEVEL", "warning"},
	}
	for name, b := range bad {
		t.Run(name, func(t *testing.T) {
			vars := maps.Clone(good)
			vars[b.name] = b.value
			check(t, vars, b.name)
		})
	}
	t.Run("all at once", func(t *testing.T) {
		check(t, map[string]string{"LOG_LEVEL": "canary"}, "QUEUE_URL", "CLERK_WEBHOOK_SIGNING_SECRET", "CLERK_WEBHOOK_SECRET", "CLERK_WEBHOOK_SECRET_PARAMETER", "LOG_LEVEL")
	})
	t.Run("empty strings are missing", func(t *testing.T) {
		check(t, map[string]string{"QUEUE_URL": "https://sqs.example.com/1/q", "CLERK_WEBHOOK_SECRET": "", "CLERK_WEBHOOK_SECRET_PARAMETER": ""}, "CLERK_WEBHOOK_SECRET", "CLERK_WEBHOOK_SECRET_PARAMETER")
	})
}

func check(t *testing.T, vars map[string]string, names ...string) {
	t.Helper()
	_, err := ingest.ReadSettings(getter(vars))
	if err == nil {
		t.Fatal("ReadSettings = nil, want an error")
	}
	for _, n := range names {
		if !strings.Contains(err.Error(), n) {
			t.Errorf("ReadSettings error %q does not name %s", err, n)
		}
	}
	for _, leak := range append(slices.Collect(maps.Values(vars)), "canary", "Y2FuYXJ5", "AAECAwQF", "warning") {
		if len(leak) > 3 && strings.Contains(err.Error(), leak) {
			t.Errorf("ReadSettings error %q holds a value", err)
		}
	}
}

func TestReadInstances(t *testing.T) {
	for text, want := range map[string][]string{
		"": nil, " \n": nil, "ins_a": {"ins_a"}, "ins_a,ins_b": {"ins_a", "ins_b"}, " ins_a ,\n ins_b\n": {"ins_a", "ins_b"},
	} {
		got, err := ingest.ReadInstances(getter(map[string]string{"CLERK_INSTANCE_ID": text}))
		if err != nil || len(got) != len(want) || strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("ReadInstances(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{",", " , \n,"} { // meant to keep others out, and would let everybody in
		if got, err := ingest.ReadInstances(getter(map[string]string{"CLERK_INSTANCE_ID": text})); err == nil {
			t.Errorf("ReadInstances(%q) = %q, want an error", text, got)
		}
	}
}

func TestReadLogLevel(t *testing.T) {
	for text, want := range map[string]slog.Level{"": slog.LevelInfo, "info": slog.LevelInfo, "DEBUG": slog.LevelDebug, "warn": slog.LevelWarn, "Error": slog.LevelError} {
		if got, err := ingest.ReadLogLevel(getter(map[string]string{"LOG_LEVEL": text})); got != want || err != nil {
			t.Errorf("ReadLogLevel(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
}
