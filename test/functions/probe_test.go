package functions_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
	"github.com/clerksync/clerksync/test/program"
)

func TestProbeObeysEverySetting(t *testing.T) { //nolint:tparallel // its parts look at one function
	t.Parallel()
	const key, keyParameter = "sk_test_canary", "/another/key"
	emulators := emulator.New(emulator.Options{SecureStrings: map[string]string{keyParameter: key + "\n"}})
	admin := dynamodb.NewFromConfig(emulatortest.Start(t, emulators))
	names := dynamotest.OpenAt(t, admin)
	tables, parameters := newEndpoint(t, emulators), newEndpoint(t, emulators)
	paths := make(chan string, 100)
	instance := clerk.New(clerk.Options{ID: "ins_ours", Key: key, Answer: func(r *http.Request) clerk.Answer {
		paths <- r.URL.Path
		return clerk.Answer{}
	}})
	api := httptest.NewServer(instance)
	t.Cleanup(api.Close)
	bootstrap := program.Build(t, "./functions/probe") // before the ages count: it takes its time
	now := time.Now()
	for id, age := range map[string]time.Duration{
		"user_kept": time.Hour, "user_lost": time.Hour, "user_new": 3 * time.Minute,
	} {
		data := fmt.Appendf(nil, `{"id":%q,"created_at":%d}`, id, now.Add(-age).UnixMilli())
		if err := instance.Put(directory.KindUser, data); err != nil {
			t.Fatal(err)
		}
	}
	row := directory.NewRow(directory.UserKey("user_kept"), directory.KindUser)
	row[directory.AttrInstanceID], row[directory.AttrRev] = "ins_ours", "1"
	table := dynamo.New(admin, names.Directory, names.Deliveries)
	if _, err := table.Write(t.Context(), directory.Write{Row: row}); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"DIRECTORY_TABLE": names.Directory, "CLERK_SECRET_KEY_PARAMETER": keyParameter,
		"CLERK_API_URL": api.URL + "/v1", "CLERK_INSTANCE_ID": "ins_ours",
		"PROBE_AGE_MINUTES": "5", "PROBE_SECOND_LOOK_SECONDS": "1",
		"AWS_ENDPOINT_URL_DYNAMODB": tables.url, "AWS_ENDPOINT_URL_SSM": parameters.url, "LOG_LEVEL": "error",
	}
	start := func(changes map[string]string) *program.Function {
		all := maps.Clone(env)
		maps.Copy(all, changes)
		list := account("another-probe", tables.certFile)
		for name, value := range all {
			list = append(list, name+"="+value)
		}
		return program.StartFunction(t, bootstrap, list...)
	}
	f := start(nil)
	begin := time.Now()
	answer := f.Invoke(t, []byte(`{"source":"aws.events"}`))
	took := time.Since(begin)
	out := f.Output(t)

	t.Run("PROBE_AGE_MINUTES and DIRECTORY_TABLE", func(t *testing.T) {
		if string(answer) != `{"checked":2,"missing":1}` {
			t.Errorf("Invoke = %s, want user_lost missing and user_new too young", answer)
		}
		checkLine(t, out, `"level":"ERROR"`, `"entity":"user/user_lost"`)
	})
	t.Run("AWS_LAMBDA_FUNCTION_NAME and the metrics", func(t *testing.T) {
		checkLine(t, out, `"FunctionName":"another-probe"`, `"ProbeChecked":2`, `"ProbeMissing":1`, `"ProbeFailed":0`,
			`"ProbeAgeSeconds":36`)
	})
	t.Run("LOG_LEVEL", func(t *testing.T) {
		if strings.Contains(out, `"level":"INFO"`) {
			t.Errorf("output %s has lines of level INFO", out)
		}
	})
	t.Run("PROBE_SECOND_LOOK_SECONDS", func(t *testing.T) {
		if took < time.Second || took > 50*time.Second { // a minute is the default
			t.Errorf("the probe took %v, want one second between the two looks", took)
		}
	})
	t.Run("CLERK_API_URL", func(t *testing.T) {
		want := "/v1/instance /v1/users /v1/organizations /v1/organization_memberships"
		got := make([]string, 0, len(paths))
		for range len(paths) {
			got = append(got, <-paths)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("requests to Clerk = %v, want %s", got, want)
		}
	})
	t.Run("it writes nothing", func(t *testing.T) {
		_, requests := tables.seen()
		for _, r := range requests {
			if !strings.HasSuffix(r.target, ".BatchGetItem") && !strings.HasSuffix(r.target, ".GetItem") {
				t.Errorf("request %s, want reads by key alone", r.target)
			}
		}
	})
	t.Run("region, credentials and endpoints", func(t *testing.T) {
		tables.checkSigner(t, "dynamodb")
		parameters.checkSigner(t, "ssm")
	})
	for name, c := range map[string]struct{ variable, value, log string }{
		"CLERK_INSTANCE_ID": {
			variable: "CLERK_INSTANCE_ID", value: "ins_another", log: "belongs to ins_ours, CLERK_INSTANCE_ID names",
		},
		"CLERK_SECRET_KEY_PARAMETER": {
			variable: "CLERK_SECRET_KEY_PARAMETER", value: "/not/there", log: "ParameterNotFound",
		},
		"a missing variable": {variable: "DIRECTORY_TABLE", value: "", log: "DIRECTORY_TABLE is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(map[string]string{c.variable: c.value})
			if answer := f.Invoke(t, []byte(`{}`)); string(answer) != `{"failed":true}` {
				t.Errorf("Invoke = %s, want a failure", answer)
			}
			checkLine(t, f.Output(t), `"level":"ERROR"`, c.log)
			checkLine(t, f.Output(t), `"ProbeFailed":1`, `"ProbeMissing":0`)
		})
	}
	if strings.Contains(out, key) {
		t.Errorf("the log holds the key: %s", out)
	}
}
