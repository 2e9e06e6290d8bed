// Package settings reads the environment of the functions. It is the one place
// that knows the variables' names; docs/configuration.md is their table, and a
// test holds the two and template.yaml together.
//
//   - ingest.go: what functions/ingest reads
//   - sync.go: what functions/sync reads
//   - probe.go: what functions/probe reads
//   - aws.go: region, credentials and endpoints, which all read
//
// Each function has one struct, which is read once at its start. Reading takes
// a function such as os.Getenv, for which an empty variable is a missing one.
// The error names every variable that is missing or bad, and holds no value: it
// may be logged. Beside an error, all that could be read is returned, so that
// the error itself is logged at the right level and counted for the right
// function.
//
// The choices are plain words here, which the callers turn into the types of
// pkg/consumer and pkg/projector: ingest reads its settings without compiling
// those.
package settings

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// reader reads variables and collects the names of those that are bad.
type reader struct {
	get  func(name string) string
	errs []error
}

func (r *reader) fail(format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf(format, args...))
}

func (r *reader) err() error { return errors.Join(r.errs...) }

// required reads a variable that must not be empty.
func (r *reader) required(name string) string {
	text := r.get(name)
	if text == "" {
		r.fail("%s is missing", name)
	}
	return text
}

// requiredURL reads a variable that must hold an http or https URL.
func (r *reader) requiredURL(name string) string {
	text := r.required(name)
	if text != "" && !isURL(text) {
		r.fail("%s is not an http or https URL", name)
	}
	return text
}

func isURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

// oneOf reads a variable that holds one of the words. The first is the default.
func (r *reader) oneOf(name string, words ...string) string {
	text := r.get(name)
	if text == "" {
		return words[0]
	}
	if !slices.Contains(words, text) {
		r.fail("%s must be one of %s", name, strings.Join(words, ", "))
	}
	return text
}

// integer reads a whole number of things from least to most.
func (r *reader) integer(name, things string, byDefault, least, most int) int {
	text := r.get(name)
	if text == "" {
		return byDefault
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		r.fail("%s is not a number of %s from %d to %d", name, things, least, most)
	}
	return n
}

// logLevel reads LOG_LEVEL in any case. The default is info.
func (r *reader) logLevel() (level slog.Level) {
	if text := r.get("LOG_LEVEL"); text != "" && level.UnmarshalText([]byte(text)) != nil {
		r.fail("LOG_LEVEL must be one of debug, info, warn, error")
	}
	return level
}

// functionName reads the name that Lambda gives a function:
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func (r *reader) functionName() string { return r.get("AWS_LAMBDA_FUNCTION_NAME") }
