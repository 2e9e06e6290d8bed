package settings_test

import (
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/settings"
)

func probeEnv() env {
	return account().with(env{"DIRECTORY_TABLE": "d", "CLERK_SECRET_KEY_PARAMETER": "/clerksync/clerk-key"})
}

func TestReadProbe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		vars env
		want settings.Probe
	}{
		"defaults": {want: settings.Probe{Age: 10 * time.Minute, SecondLook: time.Minute}},
		"all of them": {
			vars: env{
				"CLERK_API_URL": "http://127.0.0.1:1/v1", "CLERK_INSTANCE_ID": "ins_a, ins_b",
				"PROBE_AGE_MINUTES": "1440", "PROBE_SECOND_LOOK_SECONDS": "120", "LOG_LEVEL": "warn",
			},
			want: settings.Probe{
				ClerkURL: "http://127.0.0.1:1/v1", Instances: []string{"ins_a", "ins_b"},
				Age: 24 * time.Hour, SecondLook: 2 * time.Minute, LogLevel: slog.LevelWarn,
			},
		},
		"two looks at once": {
			vars: env{"PROBE_AGE_MINUTES": "1", "PROBE_SECOND_LOOK_SECONDS": "0"},
			want: settings.Probe{Age: time.Minute},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := settings.ReadProbe(probeEnv().with(c.vars).get)
			if err != nil {
				t.Fatalf("ReadProbe = %v", err)
			}
			c.want.FunctionName, c.want.DirectoryTable, c.want.AWS = "function", "d", got.AWS
			c.want.KeyParameter = "/clerksync/clerk-key"
			if len(c.want.Instances) == 0 {
				c.want.Instances = got.Instances[:0]
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("ReadProbe (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadProbeRefuses(t *testing.T) {
	t.Parallel()
	const bad = "canary"
	all := env{
		"DIRECTORY_TABLE": "", "CLERK_SECRET_KEY_PARAMETER": "", "CLERK_API_URL": bad, "CLERK_INSTANCE_ID": ",",
		"PROBE_AGE_MINUTES": bad, "PROBE_SECOND_LOOK_SECONDS": bad, "LOG_LEVEL": bad,
	}
	_, err := settings.ReadProbe(probeEnv().with(all).get)
	checkNames(t, probeEnv().with(all), err, slices.Collect(maps.Keys(all))...)
	for name, c := range map[string]struct{ variable, value string }{
		"no age":                   {variable: "PROBE_AGE_MINUTES", value: "0"},
		"older than a day":         {variable: "PROBE_AGE_MINUTES", value: "1441"},
		"a second look before one": {variable: "PROBE_SECOND_LOOK_SECONDS", value: "-1"},
		"a second look too late":   {variable: "PROBE_SECOND_LOOK_SECONDS", value: "121"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vars := probeEnv().with(env{c.variable: c.value})
			_, err := settings.ReadProbe(vars.get)
			checkNames(t, vars, err, c.variable)
		})
	}
}
