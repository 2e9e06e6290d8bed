package settings_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/projector"
	"github.com/clerksync/clerksync/pkg/settings"
)

const day = 24 * time.Hour

func syncEnv() env {
	return account().with(env{
		"DIRECTORY_TABLE": "d", "DELIVERIES_TABLE": "e", "QUEUE_URL": queueURL,
		"DEAD_LETTER_QUEUE_URL": "http://127.0.0.1:4566/1/l",
	})
}

// The words are those of the packages that obey them.
func TestReadSync(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		vars env
		want settings.Storage
	}{
		"defaults": {
			want: settings.Storage{
				DeletionPolicy: string(consumer.Soft), ObjectStorage: string(projector.StoreFull), Retention: 90 * day,
			},
		},
		"soft, public": {
			vars: env{"DELETION_POLICY": "soft", "OBJECT_STORAGE": "public", "DELIVERY_RETENTION_DAYS": "7"},
			want: settings.Storage{
				DeletionPolicy: string(consumer.Soft), ObjectStorage: string(projector.StorePublic), Retention: 7 * day,
			},
		},
		"hard, none": {
			vars: env{"DELETION_POLICY": "hard", "OBJECT_STORAGE": "none", "DELIVERY_RETENTION_DAYS": "36500"},
			want: settings.Storage{
				DeletionPolicy: string(consumer.Hard), ObjectStorage: string(projector.StoreNone), Retention: 36500 * day,
			},
		},
		"full, for a day": {
			vars: env{"DELETION_POLICY": "", "OBJECT_STORAGE": "full", "DELIVERY_RETENTION_DAYS": "1"},
			want: settings.Storage{
				DeletionPolicy: string(consumer.Soft), ObjectStorage: string(projector.StoreFull), Retention: day,
			},
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
	for name, c := range map[string]struct {
		vars  env
		names []string
	}{
		"everything bad": {
			vars: env{
				"DIRECTORY_TABLE": "", "DELIVERIES_TABLE": "", "DEAD_LETTER_QUEUE_URL": bad, "DELETION_POLICY": bad,
				"OBJECT_STORAGE": bad, "DELIVERY_RETENTION_DAYS": bad, "LOG_LEVEL": bad,
			},
			names: []string{
				"DIRECTORY_TABLE", "DELIVERIES_TABLE", "DEAD_LETTER_QUEUE_URL", "DELETION_POLICY",
				"OBJECT_STORAGE", "DELIVERY_RETENTION_DAYS", "LOG_LEVEL",
			},
		},
		"a policy in capitals":  {vars: env{"DELETION_POLICY": "HARD"}, names: []string{"DELETION_POLICY"}},
		"no days":               {vars: env{"DELIVERY_RETENTION_DAYS": "0"}, names: []string{"DELIVERY_RETENTION_DAYS"}},
		"fewer days than none":  {vars: env{"DELIVERY_RETENTION_DAYS": "-1"}, names: []string{"DELIVERY_RETENTION_DAYS"}},
		"more than a century":   {vars: env{"DELIVERY_RETENTION_DAYS": "36501"}, names: []string{"DELIVERY_RETENTION_DAYS"}},
		"more than an int":      {vars: env{"DELIVERY_RETENTION_DAYS": "99999999999999999999"}, names: []string{"DELIVERY_RETENTION_DAYS"}},
		"half a day":            {vars: env{"DELIVERY_RETENTION_DAYS": "0.5"}, names: []string{"DELIVERY_RETENTION_DAYS"}},
		"no scheme in the URL":  {vars: env{"QUEUE_URL": "sqs.example.com/1/q"}, names: []string{"QUEUE_URL"}},
		"no host in the URL":    {vars: env{"QUEUE_URL": "https:///1/q"}, names: []string{"QUEUE_URL"}},
		"another scheme of URL": {vars: env{"QUEUE_URL": "ftp://sqs.example.com/1/q"}, names: []string{"QUEUE_URL"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vars := syncEnv().with(c.vars)
			_, err := settings.ReadSync(vars.get)
			checkNames(t, vars, err, c.names...)
		})
	}
}
