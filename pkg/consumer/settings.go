package consumer

import (
	"errors"
	"strconv"
	"time"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/projector"
)

// Settings are sync's environment, less the log's level.
type Settings struct {
	DirectoryTable     string
	DeliveriesTable    string
	QueueURL           string
	DeadLetterQueueURL string
	Options
}

// Options are the choices that change what is stored.
type Options struct {
	Policy    DeletionPolicy
	Storage   projector.ObjectStorage
	Retention time.Duration
}

const defaultRetentionDays = 90

// ReadSettings reads the environment through get. The error names every
// variable that is missing or bad, and no value.
func ReadSettings(get func(string) string) (Settings, error) {
	s := Settings{DirectoryTable: get("DIRECTORY_TABLE"), DeliveriesTable: get("DELIVERIES_TABLE")}
	var errs []error
	for _, name := range []string{"DIRECTORY_TABLE", "DELIVERIES_TABLE"} {
		if get(name) == "" {
			errs = append(errs, errors.New(name+" is missing"))
		}
	}
	var err error
	if s.QueueURL, err = delivery.ReadQueueURL(get, "QUEUE_URL"); err != nil {
		errs = append(errs, err)
	}
	if s.DeadLetterQueueURL, err = delivery.ReadQueueURL(get, "DEAD_LETTER_QUEUE_URL"); err != nil {
		errs = append(errs, err)
	}
	if s.Options, err = ReadOptions(get); err != nil {
		errs = append(errs, err)
	}
	return s, errors.Join(errs...)
}

// ReadOptions reads DELETION_POLICY, OBJECT_STORAGE and
// DELIVERY_RETENTION_DAYS. The error names every one that is bad.
func ReadOptions(get func(string) string) (Options, error) {
	o := Options{Policy: Soft, Storage: projector.StoreFull, Retention: defaultRetentionDays * 24 * time.Hour}
	var errs []error
	switch v := DeletionPolicy(get("DELETION_POLICY")); v {
	case "":
	case Soft, Hard:
		o.Policy = v
	default:
		errs = append(errs, errors.New("DELETION_POLICY is neither soft nor hard"))
	}
	switch v := projector.ObjectStorage(get("OBJECT_STORAGE")); v {
	case "":
	case projector.StoreFull, projector.StorePublic, projector.StoreNone:
		o.Storage = v
	default:
		errs = append(errs, errors.New("OBJECT_STORAGE is none of full, public, none"))
	}
	if text := get("DELIVERY_RETENTION_DAYS"); text != "" {
		days, err := strconv.Atoi(text)
		if err != nil || days < 1 || days > 36500 {
			errs = append(errs, errors.New("DELIVERY_RETENTION_DAYS is no number of days from 1 to 36500"))
		}
		o.Retention = time.Duration(days) * 24 * time.Hour
	}
	return o, errors.Join(errs...)
}
