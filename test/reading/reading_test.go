package reading_test

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/pkg/reader"
	"github.com/clerksync/clerksync/test/program"
)

// questions are what the examples are asked, about the sample company.
type questions struct {
	Table      string `json:"table"`
	User       string `json:"user"`
	Gone       string `json:"gone"` // a user who is deleted
	Email      string `json:"email"`
	Slug       string `json:"slug"`
	Org        string `json:"org"`
	Permission string `json:"permission"`
}

func asked() questions {
	return questions{
		Table: "clerksync-directory",
		User:  "user_2exampleJonahAdeyemi0000000", Gone: "user_2exampleInesCalder000000000",
		Email: "jonah@lumenoak.example", Slug: "lumen-oak", Org: "org_2exampleLumenOak00000000000",
		Permission: "org:orders:approve",
	}
}

// TestExamples asks every example the same. One that models rows alone, and has no functions of its own, answers
// some of the questions.
func TestExamples(t *testing.T) {
	if os.Getenv("READING_NODE_MODULES") == "" && os.Getenv("READING_PYTHON") == "" {
		t.Skip("neither READING_NODE_MODULES nor READING_PYTHON is set: see the package's documentation")
	}
	url := startDev(t)
	want := answersOfReader(t, url)
	examples := copyExamples(t)
	env := []string{
		"AWS_ENDPOINT_URL=" + url, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local",
	}
	question, err := json.Marshal(asked())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("Python", func(t *testing.T) {
		python := program.FromEnv(t, "READING_PYTHON")
		ask := []string{python, filepath.Join(examples, "ask.py"), string(question)}
		out := program.Command{Args: ask, Env: env}.Run(t)
		compare(t, out, want, "boto3")
	})
	t.Run("TypeScript", func(t *testing.T) {
		node, err := exec.LookPath("node")
		if err != nil {
			t.Skip("node is not installed")
		}
		modules := program.FromEnv(t, "READING_NODE_MODULES")
		if err := os.Symlink(modules, filepath.Join(examples, "node_modules")); err != nil {
			t.Fatal(err)
		}
		// It type-checks the examples, which says that the models fit each other and the libraries.
		program.Command{Args: []string{
			node, filepath.Join(examples, "node_modules/typescript/bin/tsc"), "--strict", "--noEmitOnError",
			"--skipLibCheck", "--target", "es2022", "--module", "commonjs", "--moduleResolution", "node",
			filepath.Join(examples, "ask.ts"),
		}}.Run(t)
		ask := []string{node, filepath.Join(examples, "ask.js"), string(question)}
		out := program.Command{Args: ask, Env: env}.Run(t)
		compare(t, out, want, "sdk", "electro", "toolbox")
	})
}

// startDev starts `clerksync dev`, sends the events and returns the address of its tables.
func startDev(t *testing.T) (url string) {
	t.Helper()
	clerksync, port := program.Build(t, "./cmd/clerksync"), program.FreePort(t)
	url = "http://127.0.0.1:" + port
	env := []string{"XDG_CACHE_HOME=" + t.TempDir()} // dev keeps its secret there
	program.Command{
		Args: []string{clerksync, "dev", "--addr", "127.0.0.1:0", "--aws-addr", "127.0.0.1:" + port, "--json"},
		Env:  env,
	}.Start(t)
	program.WaitForHTTP(t, url)
	send := func(args ...string) {
		program.Command{Args: append([]string{clerksync, "send", "--endpoint-url", url}, args...), Env: env}.Run(t)
	}
	for _, name := range []string{
		"organization.created", "user.created.founder", "user.created", "user.created.invited",
		"organizationMembership.created.founder", "organizationMembership.created", "organizationMembership.updated",
		"role.created",
	} {
		send(name)
	}
	send("user.deleted", "--set", "data.id="+asked().Gone)
	return url
}

// answersOfReader waits until the events are applied, and returns what pkg/reader answers.
func answersOfReader(t *testing.T, url string) map[string]any {
	t.Helper()
	ctx, q := t.Context(), asked()
	r := reader.New(dynamodb.NewFromConfig(emulator.Config(url)), q.Table)
	program.WaitUntil(t, time.Minute, "the events are applied", func() bool {
		_, err := r.User(ctx, q.Gone)
		allowed, _ := r.Authorize(ctx, q.User, q.Org, q.Permission) // an error says that the role is not there yet
		return errors.Is(err, reader.ErrDeleted) && allowed
	})
	user, err := r.User(ctx, q.User)
	byEmail, err2 := r.UserByEmail(ctx, q.Email)
	bySlug, err3 := r.OrganizationBySlug(ctx, q.Slug)
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	members, memberships := []any{}, []any{}
	for m, err := range r.Members(ctx, q.Org) {
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, m.User.FirstName+" "+m.Role)
	}
	for m, err := range r.Memberships(ctx, q.User) {
		if err != nil {
			t.Fatal(err)
		}
		memberships = append(memberships, m.OrganizationID+" "+m.Role)
	}
	return map[string]any{
		"user": user.FirstName, "gone": nil, "byEmail": byEmail.ID, "bySlug": bySlug.ID, "members": members,
		"memberships": memberships, "allowed": true, "forbidden": false, "stranger": false,
	}
}

// compare compares the lines of output, one for each of the ways, with what is wanted.
func compare(t *testing.T, out string, want map[string]any, ways ...string) {
	t.Helper()
	var got []string
	for line := range strings.Lines(out) {
		var a struct {
			With    string         `json:"with"`
			Answers map[string]any `json:"answers"`
		}
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("output = %s, %v, want lines of JSON", out, err)
		}
		got = append(got, a.With)
		some := maps.Clone(want)
		maps.DeleteFunc(some, func(question string, _ any) bool {
			_, answered := a.Answers[question]
			return !answered
		})
		if diff := cmp.Diff(some, a.Answers); diff != "" || len(a.Answers) < 6 {
			t.Errorf("%s: %d answers differ from those of pkg/reader (-want +got):\n%s", a.With, len(a.Answers), diff)
		}
	}
	if !slices.Equal(got, ways) {
		t.Errorf("answers of %q, want %q", got, ways)
	}
}

// files returns the examples and what asks them, texts by name.
func files(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{
		"../../docs/examples/reading/*", "testdata/ask.*", "../../pkg/reader/example_test.go",
	} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("files of %s = %q, %v, want some", pattern, paths, err)
		}
		for _, p := range paths {
			text, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			texts[filepath.Base(p)] = string(text)
		}
	}
	return texts
}

// copyExamples copies the examples into one folder, in which the modules are found.
func copyExamples(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for name, text := range files(t) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// What docs/reading.md shows is a part of what runs, but for white space.
func TestPageShowsWhatRuns(t *testing.T) {
	page, err := os.ReadFile("../../docs/reading.md")
	if err != nil {
		t.Fatal(err)
	}
	trimmed := func(text string) string {
		var lines []string
		for line := range strings.Lines(text) {
			lines = append(lines, strings.Join(strings.Fields(line), " "))
		}
		return strings.Trim(strings.Join(lines, "\n"), "\n")
	}
	texts := files(t)
	blocks := regexp.MustCompile("(?s) *```(?:go|ts|python)\n(.*?)```").FindAllSubmatch(page, -1)
	for _, b := range blocks {
		shown := trimmed(string(b[1]))
		runs := func(text string) bool { return strings.Contains(trimmed(text), shown) }
		if !slices.ContainsFunc(slices.Collect(maps.Values(texts)), runs) {
			t.Errorf("docs/reading.md shows what no example has:\n%s", shown)
		}
	}
	if len(blocks) < 5 {
		t.Errorf("docs/reading.md has %d blocks of code, want one for each way at least", len(blocks))
	}
}
