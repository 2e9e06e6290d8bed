package settings_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/settings"
)

// env is an environment.
type env map[string]string

func (e env) get(name string) string { return e[name] }

// with returns a copy in which some variables have other values.
func (e env) with(changes env) env {
	changed := maps.Clone(e)
	maps.Copy(changed, changes)
	return changed
}

// account is what Lambda sets.
func account() env {
	return env{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example-canary",
		"AWS_LAMBDA_FUNCTION_NAME": "function",
	}
}

// checkNames holds that an error names these variables and no others, each
// once, and holds no value of the environment.
func checkNames(t *testing.T, e env, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("error = nil, want one that names %s", want)
	}
	got := regexp.MustCompile(`[A-Z]+(_[A-Z]+)+`).FindAllString(err.Error(), -1)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names in the error %q (-want +got):\n%s", err, diff)
	}
	for _, value := range e {
		if len(value) > 3 && strings.Contains(err.Error(), value) {
			t.Errorf("error %q holds a value", err)
		}
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("error %q holds a part of a value", err)
	}
}

// Whatever is wrong, everything is named at once, and what could be read is
// there for the log and the metrics.
func TestNothingIsSet(t *testing.T) {
	t.Parallel()
	aws := []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
	nothing := env{"LOG_LEVEL": "debug", "AWS_LAMBDA_FUNCTION_NAME": "function"}
	ingest, err := settings.ReadIngest(nothing.get)
	checkNames(t, nothing, err, append(
		aws, "QUEUE_URL", "CLERK_WEBHOOK_SIGNING_SECRET", "CLERK_WEBHOOK_SECRET", "CLERK_WEBHOOK_SECRET_PARAMETER",
	)...)
	sync, err := settings.ReadSync(nothing.get)
	checkNames(t, nothing, err, append(
		aws, "QUEUE_URL", "DEAD_LETTER_QUEUE_URL", "DIRECTORY_TABLE", "DELIVERIES_TABLE",
	)...)
	if ingest.FunctionName != "function" || sync.FunctionName != "function" || ingest.LogLevel != sync.LogLevel {
		t.Errorf("ReadIngest = %+v, ReadSync = %+v, want the function's name and the log level", ingest, sync)
	}
}
