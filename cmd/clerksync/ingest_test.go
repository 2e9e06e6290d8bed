package main_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn/ingestfn"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// invokeIngest hands a request to the ingest function, configured with the
// script's CLERK_WEBHOOK_SIGNING_SECRET, and prints its answer.
func invokeIngest(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: ingest FILE [at=TIME]")
	}
	now := time.Now
	if len(args) > 1 {
		at, err := time.Parse(time.RFC3339, strings.TrimPrefix(args[1], "at="))
		ts.Check(err)
		now = func() time.Time { return at }
	}
	secrets, err := svix.ParseSecrets(ts.Getenv("CLERK_WEBHOOK_SIGNING_SECRET"))
	ts.Check(err)
	f := &ingestfn.Handler{
		Ingest: ingest.New(ingest.Config{
			Secrets: ingest.FixedSecrets(secrets), Queue: &svixtest.Queue{}, KnowledgeOf: clerk.KnowledgeOf,
			Now: now, Observe: func(context.Context, ingest.Report) {},
		}),
		Log: slog.New(slog.DiscardHandler),
	}
	answer, err := f.Invoke(context.Background(), []byte(ts.ReadFile(args[0])))
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s\n", answer)
}

// serveRedirect serves redirects to where all is well, until the script ends.
func serveRedirect(ts *testscript.TestScript, _ bool, _ []string) {
	mux := http.NewServeMux()
	mux.Handle("/", http.RedirectHandler("/well", http.StatusPermanentRedirect))
	mux.HandleFunc("/well", func(http.ResponseWriter, *http.Request) {})
	s := httptest.NewServer(mux)
	ts.Defer(s.Close)
	ts.Setenv("REDIRECT", s.URL)
}

type processesKey struct{}

// processes are those that a script started, by name.
func processes(ts *testscript.TestScript) map[string]*process {
	return ts.Value(processesKey{}).(map[string]*process)
}
