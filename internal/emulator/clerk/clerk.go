// Package clerk is a Clerk instance in memory with Clerk's Backend API in front
// of it, for tests and for the laptop. Nothing that is deployed imports it.
//
// An Instance is fed with the bodies of webhooks (Apply), so that the webhooks
// and the API's answers come from one store and tell one story; what changes
// without an event goes in by Put and Delete. It answers the read routes that
// clerksync uses, and those that lead to the webhook settings. It is as strict as
// what Clerk publishes: a parameter that Clerk knows and this emulator does not is
// refused with 501, one that neither knows with 422. Limits, orders, cursors,
// totals and the form of errors are Clerk's.
//
// A real instance also lags, errs and changes while it is read: Options.Answer
// says so for each request. store.go holds the objects with their history,
// routes.go and query.go answer requests, faults.go spoils the answers, and
// errors.go has the errors.
//
// Source: https://github.com/clerk/openapi-specs, bapi/2026-05-12.yml and, for what
// the API leaves out, webhooks/2025-04-15.yml;
// https://clerk.com/docs/guides/how-clerk-works/system-limits
package clerk

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options say what the instance is. The zero value is a development instance
// that any key opens.
type Options struct {
	ID          string           // ins_..., the sample company's if ""
	Environment string           // development if ""
	Key         string           // the only one that is accepted, or any if ""
	Now         func() time.Time // time.Now if nil
	// Limit is the requests that are allowed in 10 s: Clerk's own for the
	// environment if 0, none if negative.
	Limit int
	// Answer says how a request is to be answered; as it should be if nil. It may
	// change the instance, which so changes while it is read.
	Answer func(*http.Request) Answer
	// NoOrganizations and NoDomains are switched off in the instance.
	NoOrganizations, NoDomains bool
	// Clerk does not publish what follows, so a client must get on with either.
	// GoneCursor is the status for a cursor whose user is not there, 404 if 0.
	// InclusiveBounds says that created_at_before and _after include their time.
	GoneCursor      int
	InclusiveBounds bool
}

// Answer is what happens to the answer of one request.
type Answer struct {
	Fault Fault
	Lag   time.Duration // the answer comes from a replica that is that far behind
	Skew  time.Duration // by which the header Date is ahead
	From  *Instance     // this one answers, as if the key belonged to it
}

// SampleID is the instance of the sample events.
const SampleID = "ins_2exampleLumenOak00000000000"

// Instance is one Clerk instance: a store and the handler in front of it.
type Instance struct {
	o     Options
	store *store

	mu       sync.Mutex
	requests []time.Time // of the last 10 s
	traces   int
	hasSvix  bool
}

// New makes an instance without objects.
func New(o Options) *Instance {
	if o.ID == "" {
		o.ID = SampleID
	}
	if o.Environment == "" {
		o.Environment = "development"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Limit == 0 {
		o.Limit = 100
		if o.Environment == "production" {
			o.Limit = 1000
		}
	}
	if o.GoneCursor == 0 {
		o.GoneCursor = http.StatusNotFound
	}
	return &Instance{o: o, store: newStore(o.Now)}
}

// limitInterval is what Options.Limit counts in.
const limitInterval = 10 * time.Second

// ServeHTTP answers one request. The fault comes last, so that it spoils an
// answer that was right: a cut off one, say, is the beginning of a true one.
func (i *Instance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := Answer{}
	if i.o.Answer != nil {
		answer = i.o.Answer(r)
	}
	from := i
	if answer.From != nil {
		from = answer.From
	}
	w.Header().Set("Date", i.o.Now().Add(answer.Skew).UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Type", "application/json")
	if wait := i.overLimit(); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		i.refuse(w, tooMany())
		return
	}
	if err := from.check(r); err != nil {
		from.refuse(w, err)
		return
	}
	answer.Fault.spoil(w, r, func(w http.ResponseWriter) {
		at := newest()
		if answer.Lag > 0 {
			at = from.o.Now().Add(-answer.Lag)
		}
		if answer.Fault == Denied {
			at = time.Time{}
		}
		from.answer(w, r, at)
	})
}

// overLimit counts the request and returns how long the caller must wait; 0
// means that it may go on. A request that is refused does not count.
func (i *Instance) overLimit() time.Duration {
	if i.o.Limit < 0 {
		return 0
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.o.Now()
	i.requests = slices.DeleteFunc(i.requests, func(t time.Time) bool { return now.Sub(t) >= limitInterval })
	if len(i.requests) >= i.o.Limit {
		return i.requests[0].Add(limitInterval).Sub(now)
	}
	i.requests = append(i.requests, now)
	return 0
}

// check refuses a request by its headers.
func (i *Instance) check(r *http.Request) *apiError {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch version, inQuery := r.Header.Get("Clerk-API-Version"), r.URL.Query().Get("__clerk_api_version"); {
	case scheme != "Bearer" || key == "":
		return &apiError{401, "authorization_header_format_invalid", "Invalid Authorization header format", ""}
	case i.o.Key != "" && key != i.o.Key:
		return &apiError{401, "clerk_key_invalid", "The provided Clerk Secret Key is invalid", ""}
	case version != "" && inQuery != "":
		return invalid("__clerk_api_version", "is in the header and in the query")
	case !slices.Contains([]string{"", "2025-04-10", "2025-11-10", "2026-05-12"}, version+inQuery):
		return &apiError{400, "api_version_invalid", "Invalid API version", ""}
	}
	return nil
}

// refuse answers with an error in Clerk's form.
func (i *Instance) refuse(w http.ResponseWriter, e *apiError) {
	i.mu.Lock()
	i.traces++
	trace := fmt.Sprintf("%032x", i.traces)
	i.mu.Unlock()
	writeJSON(w, e.status, e.body(trace))
}
