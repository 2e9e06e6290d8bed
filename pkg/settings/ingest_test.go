package settings_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

const queueURL = "https://sqs.example.com/1/q"

const (
	one = svixtest.Secret
	two = svixtest.OtherSecret
)

func ingestEnv() env {
	return account().with(env{"QUEUE_URL": queueURL, "CLERK_WEBHOOK_SIGNING_SECRET": one})
}

func TestReadIngest(t *testing.T) {
	t.Parallel()
	all := ingestEnv().with(env{
		"QUEUE_URL": "http://127.0.0.1:4566/000000000000/q", "CLERK_INSTANCE_ID": "ins_a, ins_b", "LOG_LEVEL": "debug",
	})
	s, err := settings.ReadIngest(all.get)
	if err != nil || s.QueueURL != all["QUEUE_URL"] || s.Secrets.Len() != 1 || s.SecretParameter != "" ||
		s.LogLevel != slog.LevelDebug || s.FunctionName != "function" || s.AWS.Region != "us-east-1" {
		t.Errorf("ReadIngest = %+v, %v, want what is set", s, err)
	}
	if diff := cmp.Diff([]string{"ins_a", "ins_b"}, s.Instances); diff != "" {
		t.Errorf("Instances (-want +got):\n%s", diff)
	}
	least := account().with(env{"QUEUE_URL": queueURL, "CLERK_WEBHOOK_SECRET_PARAMETER": " /a/b\n"})
	s, err = settings.ReadIngest(least.get)
	if err != nil || s.Secrets != nil || s.SecretParameter != "/a/b" || s.LogLevel != slog.LevelInfo ||
		len(s.Instances) != 0 {
		t.Errorf("ReadIngest = %+v, %v, want the parameter's name and the defaults", s, err)
	}
}

// The first that is not blank counts. A bad one hides those after it, so that
// a mistake is never covered by an older secret.
func TestWhichSecretCounts(t *testing.T) {
	t.Parallel()
	const first, second, third = settings.EnvSigningSecret, settings.EnvSecret, settings.EnvSecretParameter
	for name, c := range map[string]struct {
		vars      env
		secrets   int
		parameter string
		bad       string // the one variable that the error names
	}{
		"the first":                    {vars: env{first: one + "," + two, second: one, third: "/p"}, secrets: 2},
		"the second":                   {vars: env{second: one, third: "/p"}, secrets: 1},
		"the first is empty":           {vars: env{first: "", second: one, third: "/p"}, secrets: 1},
		"the first is white space":     {vars: env{first: "\n", second: one}, secrets: 1},
		"the parameter":                {vars: env{first: "", second: "", third: "/p"}, parameter: "/p"},
		"a bad first hides the second": {vars: env{first: "whsec_eA==", second: one, third: "/p"}, bad: first},
		"a bad first hides parameter":  {vars: env{first: ",", third: "/p"}, bad: first},
		"a bad second hides parameter": {vars: env{second: "whsec_!!!!", third: "/p"}, bad: second},
		"a bad second after the first": {vars: env{first: one, second: "bad"}, secrets: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vars := account().with(env{"QUEUE_URL": queueURL}).with(c.vars)
			s, err := settings.ReadIngest(vars.get)
			if c.bad != "" {
				checkNames(t, vars, err, c.bad)
				return
			}
			n := 0
			if s.Secrets != nil {
				n = s.Secrets.Len()
			}
			if err != nil || n != c.secrets || s.SecretParameter != c.parameter {
				t.Errorf("ReadIngest = %d secrets, parameter %q, %v, want %d, %q",
					n, s.SecretParameter, err, c.secrets, c.parameter)
			}
		})
	}
}

func TestReadIngestRefuses(t *testing.T) {
	t.Parallel()
	const secret = "CLERK_WEBHOOK_SECRET"
	for name, c := range map[string]struct{ variable, value string }{
		"no queue":       {variable: "QUEUE_URL", value: ""},
		"a queue's name": {variable: "QUEUE_URL", value: "deliveries"},
		"no instance":    {variable: "CLERK_INSTANCE_ID", value: ","},
		// https://github.com/standard-webhooks/standard-webhooks/issues/235
		"v1, before the secret":     {variable: secret, value: "v1," + one},
		"no base64":                 {variable: secret, value: "whsec_!!canary!!"},
		"no key":                    {variable: secret, value: "whsec_"},
		"a short one beside a good": {variable: secret, value: one + ",whsec_Y2FuYXJ5"},
		"a secret without prefix":   {variable: secret, value: strings.TrimPrefix(one, "whsec_")},
		"separators alone":          {variable: secret, value: " , "},
		"an unknown level":          {variable: "LOG_LEVEL", value: "canary"},
		"a level with a blank":      {variable: "LOG_LEVEL", value: "info "},
		"a level's other name":      {variable: "LOG_LEVEL", value: "warning"},
		"an endpoint without host":  {variable: "AWS_ENDPOINT_URL", value: "canary"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vars := ingestEnv().with(env{settings.EnvSigningSecret: "", secret: one}).with(env{c.variable: c.value})
			_, err := settings.ReadIngest(vars.get)
			checkNames(t, vars, err, c.variable)
			if strings.Contains(err.Error(), "Y2FuYXJ5") || strings.Contains(err.Error(), "AAECAwQF") {
				t.Errorf("error %q holds a part of a secret", err)
			}
		})
	}
}

func TestReadInstances(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"": nil, " \n": nil, "ins_a": {"ins_a"},
		"ins_a,ins_b": {"ins_a", "ins_b"}, " ins_a ,\n ins_b\n": {"ins_a", "ins_b"},
	} {
		got, err := settings.ReadInstances(env{"CLERK_INSTANCE_ID": text}.get)
		if err != nil || strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("ReadInstances(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{",", " , \n,"} {
		if got, err := settings.ReadInstances(env{"CLERK_INSTANCE_ID": text}.get); err == nil {
			t.Errorf("ReadInstances(%q) = %q, want an error: it lets every instance in", text, got)
		}
	}
}

func TestLogLevel(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]slog.Level{
		"": slog.LevelInfo, "info": slog.LevelInfo,
		"DEBUG": slog.LevelDebug, "warn": slog.LevelWarn, "Error": slog.LevelError,
	} {
		s, err := settings.ReadIngest(ingestEnv().with(env{"LOG_LEVEL": text}).get)
		if s.LogLevel != want || err != nil {
			t.Errorf("LogLevel of %q = %v, %v, want %v", text, s.LogLevel, err, want)
		}
	}
}
