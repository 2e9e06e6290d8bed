package consumer_test

import (
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/projector"
)

func TestReadSettings(t *testing.T) {
	t.Parallel()
	const secret = "value-that-is-not-printed"
	full := func(more map[string]string) map[string]string {
		env := map[string]string{"DIRECTORY_TABLE": "d", "DELIVERIES_TABLE": "e", "QUEUE_URL": "https://sqs.example.com/1/q", "DEAD_LETTER_QUEUE_URL": "http://127.0.0.1:4566/1/l"}
		for k, v := range more {
			env[k] = v
		}
		return env
	}
	settings := func(o consumer.Options) consumer.Settings {
		return consumer.Settings{DirectoryTable: "d", DeliveriesTable: "e", QueueURL: "https://sqs.example.com/1/q", DeadLetterQueueURL: "http://127.0.0.1:4566/1/l", Options: o}
	}
	const day = 24 * time.Hour
	for _, c := range []struct {
		name string
		env  map[string]string
		want consumer.Settings
		bad  string // names in the error, in any order
	}{
		{"defaults", full(nil), settings(consumer.Options{Policy: consumer.Soft, Storage: projector.StoreFull, Retention: 90 * day}), ""},
		{"empty means default", full(map[string]string{"DELETION_POLICY": "", "OBJECT_STORAGE": "", "DELIVERY_RETENTION_DAYS": ""}), settings(consumer.Options{Policy: consumer.Soft, Storage: projector.StoreFull, Retention: 90 * day}), ""},
		{"all set", full(map[string]string{"DELETION_POLICY": "hard", "OBJECT_STORAGE": "public", "DELIVERY_RETENTION_DAYS": "7"}), settings(consumer.Options{Policy: consumer.Hard, Storage: projector.StorePublic, Retention: 7 * day}), ""},
		{"no object", full(map[string]string{"DELETION_POLICY": "soft", "OBJECT_STORAGE": "none", "DELIVERY_RETENTION_DAYS": "1"}), settings(consumer.Options{Policy: consumer.Soft, Storage: projector.StoreNone, Retention: day}), ""},
		{"nothing", nil, consumer.Settings{}, "DIRECTORY_TABLE DELIVERIES_TABLE QUEUE_URL DEAD_LETTER_QUEUE_URL"},
		{"everything bad", map[string]string{"QUEUE_URL": "https://sqs.example.com/1/q", "DEAD_LETTER_QUEUE_URL": secret, "DELETION_POLICY": secret, "OBJECT_STORAGE": secret, "DELIVERY_RETENTION_DAYS": secret}, consumer.Settings{}, "DIRECTORY_TABLE DELIVERIES_TABLE DEAD_LETTER_QUEUE_URL DELETION_POLICY OBJECT_STORAGE DELIVERY_RETENTION_DAYS"},
		{"policy in capitals", full(map[string]string{"DELETION_POLICY": "HARD"}), consumer.Settings{}, "DELETION_POLICY"},
		{"no days", full(map[string]string{"DELIVERY_RETENTION_DAYS": "0"}), consumer.Settings{}, "DELIVERY_RETENTION_DAYS"},
		{"days below zero", full(map[string]string{"DELIVERY_RETENTION_DAYS": "-1"}), consumer.Settings{}, "DELIVERY_RETENTION_DAYS"},
		{"days beyond any calendar", full(map[string]string{"DELIVERY_RETENTION_DAYS": "99999999999999999999"}), consumer.Settings{}, "DELIVERY_RETENTION_DAYS"},
		{"half a day", full(map[string]string{"DELIVERY_RETENTION_DAYS": "0.5"}), consumer.Settings{}, "DELIVERY_RETENTION_DAYS"},
	} {
		got, err := consumer.ReadSettings(func(name string) string { return c.env[name] })
		if c.bad == "" {
			if d := diff.Diff(c.want, got); d != "" || err != nil {
				t.Errorf("%s: ReadSettings = %v, differs (-want +got):\n%s", c.name, err, d)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: ReadSettings = no error, want one that names %s", c.name, c.bad)
			continue
		}
		for _, name := range []string{"DIRECTORY_TABLE", "DELIVERIES_TABLE", "DEAD_LETTER_QUEUE_URL", "DELETION_POLICY", "OBJECT_STORAGE", "DELIVERY_RETENTION_DAYS"} {
			if strings.Contains(err.Error(), name) != strings.Contains(c.bad, name) {
				t.Errorf("%s: ReadSettings = %q, want the names %s and no others", c.name, err, c.bad)
			}
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: ReadSettings = %q, want no value in it", c.name, err)
		}
	}
}
