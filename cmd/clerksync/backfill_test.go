package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rogpeppe/go-internal/testscript"

	main "github.com/clerksync/clerksync/cmd/clerksync"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

const clerkKey = "sk_test_made_up_for_scripts"

// serveClerk serves a Clerk instance in which sample events have happened, and
// objects of kind=FILE are there besides, until the script ends. It sets
// CLERK_API_URL and CLERK_SECRET_KEY.
func serveClerk(ts *testscript.TestScript, _ bool, args []string) {
	i := clerk.New(clerk.Options{Key: clerkKey, Limit: -1})
	for _, arg := range args {
		if kind, file, ok := strings.Cut(arg, "="); ok {
			ts.Check(i.Put(kind, []byte(ts.ReadFile(file))))
			continue
		}
		body, err := events.Body(arg)
		ts.Check(err)
		ts.Check(i.Apply(body))
	}
	s := httptest.NewServer(i)
	ts.Defer(s.Close)
	ts.Setenv("CLERK_API_URL", s.URL+"/v1")
	ts.Setenv("CLERK_SECRET_KEY", clerkKey)
}

// Ctrl-C ends a backfill with how to go on, and the same command then reads the
// rest alone.
func TestBackfillInterrupted(t *testing.T) {
	t.Parallel()
	s := deploymenttest.New(t)
	ctx, interrupt := context.WithCancel(t.Context())
	i := clerk.New(clerk.Options{ID: "ins_1", Key: clerkKey, Limit: -1})
	for n := range 3 {
		text := fmt.Sprintf(`{"id":"role_%d","key":"org:r%d","created_at":%d}`, n, n, n+1)
		if err := i.Put(directory.KindRole, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	requests := map[string]int{}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, list, _ := strings.Cut(r.URL.Path, "/v1/")
		if requests[list]++; list == "organizations" && requests[list] == 1 {
			interrupt()
			return
		}
		i.ServeHTTP(w, r)
	}))
	t.Cleanup(api.Close)
	env := map[string]string{"CLERK_API_URL": api.URL + "/v1", "CLERK_SECRET_KEY": clerkKey}
	state := filepath.Join(t.TempDir(), "state")
	line := []string{"clerksync", "backfill", "--endpoint-url", s.Pipeline.Endpoint, "--state", state, "--rate", "1000"}
	var words bytes.Buffer
	if got := main.RunWith(ctx, env, io.Discard, &words, line); got != terminal.ExitInterrupted ||
		!strings.HasSuffix(words.String(), "To go on: the same command, with --state "+state+".\n") {
		t.Fatalf("%s exits %d and says %q, want 130 and how to go on", line, got, words.String())
	}
	var out bytes.Buffer
	words.Reset()
	if got := main.RunWith(t.Context(), env, &out, &words, append(line, "--json")); got != terminal.ExitDone {
		t.Fatalf("%s exits %d and says %q", line, got, words.String())
	}
	var done struct {
		Event string
		Kinds map[string]map[string]int
	}
	err := json.Unmarshal(out.Bytes(), &done)
	if err != nil || done.Kinds["role"]["written"] != 3 || len(done.Kinds) != 7 {
		t.Errorf("it prints %s, %v, want the roles of both runs", out.String(), err)
	}
	if requests["organization_roles"] != 1 || requests["organizations"] != 2 {
		t.Errorf("requests = %v, want the roles once", requests)
	}
	if strings.Contains(words.String()+out.String(), clerkKey) {
		t.Error("the key is printed")
	}
}

// Trap 11: with --stack the settings are those of the functions, whatever the environment
// says, and a command that may not read them writes nothing.
func TestBackfillOfAStack(t *testing.T) {
	s := deploymenttest.New(t)
	s.UseAsAWS()
	i := clerk.New(clerk.Options{ID: "ins_1", Key: clerkKey, Limit: -1})
	text := `{"id":"user_1","created_at":1,"private_metadata":{"a":1},"public_metadata":{"b":2}}`
	if err := i.Put(directory.KindUser, []byte(text)); err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(i)
	t.Cleanup(api.Close)
	env := map[string]string{
		"CLERK_API_URL": api.URL + "/v1", "CLERK_SECRET_KEY": clerkKey,
		"OBJECT_STORAGE": "full", "CLERK_INSTANCE_ID": "ins_1",
	}
	line := []string{"clerksync", "backfill", "--stack", deploymenttest.StackName, "--kind", "user"}
	run := func(status int, want string) {
		t.Helper()
		var words bytes.Buffer
		got := main.RunWith(t.Context(), env, io.Discard, &words, line)
		if got != status || !strings.Contains(words.String(), want) {
			t.Errorf("%s exits %d and says %q, want %d and %q", line, got, words.String(), status, want)
		}
	}
	s.Account.Environment = map[string]string{"OBJECT_STORAGE": "public"}
	s.Account.IngestEnvironment = map[string]string{"CLERK_INSTANCE_ID": "ins_2"}
	run(terminal.ExitFailed, "ins_1, the deployment to ins_2")
	s.Account.Denied["GetFunctionConfiguration"] = true
	run(terminal.ExitFailed, "read the settings of function")
	if rows := s.Rows(); len(rows) > 0 {
		t.Errorf("rows = %v, want none", rows)
	}
	s.Account.Denied["GetFunctionConfiguration"] = false
	s.Account.IngestEnvironment["CLERK_INSTANCE_ID"] = "ins_0,ins_1"
	run(terminal.ExitDone, "OBJECT_STORAGE=public")
	rows := s.Rows()
	const want = `{"id":"user_1","created_at":1,"public_metadata":{"b":2}}`
	if len(rows) != 1 || rows[0].Text("object") != want {
		t.Errorf("rows = %v, want one with object %s", rows, want)
	}
}

// Where Clerk does not answer, a command says so while it waits, and at last what to do.
func TestClerkThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const nobody = "http://127.0.0.1:1"
		var words bytes.Buffer
		env := map[string]string{"CLERK_API_URL": nobody + "/v1", "CLERK_SECRET_KEY": "sk_test_x"}
		args := []string{"clerksync", "backfill", "--endpoint-url", nobody}
		if got := main.RunWith(t.Context(), env, io.Discard, &words, args); got != terminal.ExitFailed {
			t.Errorf("backfill exits %d, want 1", got)
		}
		for _, want := range []string{
			"Clerk does not answer yet", "connection refused (tried for 24s)", "is CLERK_API_URL right",
		} {
			if !strings.Contains(words.String(), want) {
				t.Errorf("backfill says %q, want %q in it", words.String(), want)
			}
		}
	})
}
