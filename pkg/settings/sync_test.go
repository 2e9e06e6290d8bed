package settings_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/projector"
	"github.com/clerksync/clerksync/pkg/settings"
)

func syncEnv() env {
	return account().with(env{
		"DIRECTORY_TABLE": "d", "DELIVERIES_TABLE": "e", "QUEUE_URL": queueURL,
		"DEAD_LETTER_QUEUE_URL": "http://127.0.0.1:4566/1/l",
	})
}

// The words are those of the packages that obey them.
func TestReadSync(t *testing.T) {
	t.Parallel()
	storage := func(p consumer.DeletionPolicy, o projector.ObjectStorage, days int) settings.Storage {
		retention := time.Duration(days) * 24 * time.Hour
		return settings.Storage{DeletionPolicy: string(p), ObjectStorage: string(o), Retention: retention}
	}
	for name, c := range map[string]struct {
		vars env
		want settings.Storage
	}{
		"defaults": {want: storage(consumer.Soft, projector.StoreFull, 90)},
		"soft, public": {
			vars: env{"DELETION_POLICY": "soft", "OBJECT_STORAGE": "public", "DELIVERY_RETENTION_DAYS": "7"},
			want: storage(consumer.Soft, projector.StorePublic, 7),
		},
		"hard, none": {
			vars: env{"DELETION_POLICY": "hard", "OBJECT_STORAGE": "none", "DELIVERY_RETENTION_DAYS": "36500"},
			want: storage(consumer.Hard, projector.StoreNone, 36500),
		},
		"full, for a day": {
			vars: env{"OBJECT_STORAGE": "full", "DELIVERY_RETENTION_DAYS": "1"},
			want: storage(consumer.Soft, projector.StoreFull, 1),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vars := syncEnv().with(c.vars)
			got, err := settings.ReadSync(vars.get)
			if err != nil {
				t.Fatalf("ReadSync = %v", err)
			}
			want := settings.Sync{
				FunctionName: "function", DirectoryTable: "d", DeliveriesTable: "e", QueueURL: queueURL,
				DeadLetterQueueURL: "http://127.0.0.1:4566/1/l", Storage: c.want, AWS: got.AWS,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("ReadSync (-want +got):\n%s", diff)
			}
			if storage, err := settings.ReadStorage(vars.get); storage != c.want || err != nil {
				t.Errorf("ReadStorage = %+v, %v, want %+v", storage, err, c.want)
			}
		})
	}
}

func TestReadSyncRefuses(t *testing.T) {
	t.Parallel()
	const bad = "canary"
	all := env{
		"DIRECTORY_TABLE": "", "DELIVERIES_TABLE": "", "DEAD_LETTER_QUEUE_URL": bad, "DELETION_POLICY": bad,
		"OBJECT_STORAGE": bad, "DELIVERY_RETENTION_DAYS": bad, "LOG_LEVEL": bad,
	}
	_, err := settings.ReadSync(syncEnv().with(all).get)
	checkNames(t, syncEnv().with(all), err, slices.Collect(maps.Keys(all))...)
	for name, c := range map[string]struct{ variable, value string }{
		"a policy in capitals": {variable: "DELETION_POLICY", value: "HARD"},
		"no days":              {variable: "DELIVERY_RETENTION_DAYS", value: "0"},
		"fewer days than none": {variable: "DELIVERY_RETENTION_DAYS", value: "-1"},
		"more than a century":  {variable: "DELIVERY_RETENTION_DAYS", value: "36501"},
		"more than an int":     {variable: "DELIVERY_RETENTION_DAYS", value: "99999999999999999999"},
		"half a day":           {variable: "DELIVERY_RETENTION_DAYS", value: "0.5"},
		"no scheme":            {variable: "QUEUE_URL", value: "sqs.example.com/1/q"},
		"no host":              {variable: "QUEUE_URL", value: "https:///1/q"},
		"another scheme":       {variable: "QUEUE_URL", value: "ftp://sqs.example.com/1/q"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vars := syncEnv().with(env{c.variable: c.value})
			_, err := settings.ReadSync(vars.get)
			checkNames(t, vars, err, c.variable)
		})
	}
}
