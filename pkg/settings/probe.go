package settings

import (
	"log/slog"
	"time"
)

// Probe is the environment of functions/probe.
type Probe struct {
	FunctionName   string
	LogLevel       slog.Level
	DirectoryTable string
	KeyParameter   string   // the name of an SSM SecureString parameter with a secret key of Clerk
	ClerkURL       string   // of Clerk's Backend API; "" for Clerk's own
	Instances      []string // ids such as ins_2abc; the key must belong to one of them, unless there are none
	// Age is how old an object of Clerk is before its row is looked for, and
	// SecondLook how long after that a missing row is looked for again.
	Age, SecondLook time.Duration
	AWS             AWS
}

const (
	// Svix's first three attempts are within 5 min 5 s, so after ten minutes a row
	// is not only late: https://docs.svix.com/retries
	defaultProbeMinutes = 10
	maxProbeMinutes     = 1440
	// A minute is as long as an invocation of sync may take. Four requests to Clerk
	// that each need all of their 30 s, and the most that may be set here, fit into
	// an invocation, which ends when the next one begins, after five minutes.
	defaultSecondLookSeconds = 60
	maxSecondLookSeconds     = 120
)

// ReadProbe reads the environment of functions/probe through get.
func ReadProbe(get func(name string) string) (Probe, error) {
	r := &reader{get: get}
	s := Probe{
		FunctionName:   r.functionName(),
		LogLevel:       r.logLevel(),
		DirectoryTable: r.required("DIRECTORY_TABLE"),
		KeyParameter:   r.required("CLERK_SECRET_KEY_PARAMETER"),
		ClerkURL:       get("CLERK_API_URL"),
		Instances:      r.instances(),
		Age: time.Minute *
			time.Duration(r.integer("PROBE_AGE_MINUTES", "minutes", defaultProbeMinutes, 1, maxProbeMinutes)),
		SecondLook: time.Second * time.Duration(
			r.integer("PROBE_SECOND_LOOK_SECONDS", "seconds", defaultSecondLookSeconds, 0, maxSecondLookSeconds)),
		AWS: r.aws(),
	}
	if s.ClerkURL != "" && !isURL(s.ClerkURL) {
		r.fail("CLERK_API_URL is not an http or https URL")
	}
	return s, r.err()
}
