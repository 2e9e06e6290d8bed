package settings

import (
	"log/slog"
	"time"
)

// Sync is the environment of functions/sync.
type Sync struct {
	FunctionName       string
	LogLevel           slog.Level
	DirectoryTable     string
	DeliveriesTable    string
	QueueURL           string
	DeadLetterQueueURL string
	Storage            Storage
	AWS                AWS
}

// Storage is what the tables keep.
type Storage struct {
	DeletionPolicy string        // of a deleted row: soft or hard, the words of consumer.DeletionPolicy
	ObjectStorage  string        // of Clerk's object: full, public or none, the words of projector.ObjectStorage
	Retention      time.Duration // of a row in the Deliveries table; whole days
}

// ReadSync reads the environment of functions/sync through get.
func ReadSync(get func(name string) string) (Sync, error) {
	r := &reader{get: get}
	s := Sync{
		FunctionName:       r.functionName(),
		LogLevel:           r.logLevel(),
		DirectoryTable:     r.required("DIRECTORY_TABLE"),
		DeliveriesTable:    r.required("DELIVERIES_TABLE"),
		QueueURL:           r.requiredURL("QUEUE_URL"),
		DeadLetterQueueURL: r.requiredURL("DEAD_LETTER_QUEUE_URL"),
		Storage:            r.storage(),
		AWS:                r.aws(),
	}
	return s, r.err()
}

// ReadStorage reads the choices of what the tables keep: DELETION_POLICY,
// OBJECT_STORAGE and DELIVERY_RETENTION_DAYS.
func ReadStorage(get func(name string) string) (Storage, error) {
	r := &reader{get: get}
	s := r.storage()
	return s, r.err()
}

func (r *reader) storage() Storage {
	return Storage{
		DeletionPolicy: r.oneOf("DELETION_POLICY", "soft", "hard"),
		ObjectStorage:  r.oneOf("OBJECT_STORAGE", "full", "public", "none"),
		Retention:      r.retention(),
	}
}

const (
	// An older replay of a message still has no effect: it counts as stale
	// instead of duplicate.
	defaultRetentionDays = 90
	// A century keeps the time of expiry a date that DynamoDB accepts.
	maxRetentionDays = 36500
)

func (r *reader) retention() time.Duration {
	return 24 * time.Hour *
		time.Duration(r.integer("DELIVERY_RETENTION_DAYS", "days", defaultRetentionDays, 1, maxRetentionDays))
}
