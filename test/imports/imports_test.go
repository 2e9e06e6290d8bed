// Package imports holds who may import whom, and what each binary may compile: the layout of docs/design.md as a
// test. A new entry in these lists is a decision and belongs into docs/design.md too.
package imports_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	module = "github.com/clerksync/clerksync"
	sdk    = "github.com/aws/aws-sdk-go-v2"
)

// list runs go list at the module's root and returns its lines.
func list(t *testing.T, args ...string) []string {
	t.Helper()
	statGoFiles(t)
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Dir = "../.."
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v\n%s", args, err, stderr.String())
	}
	return strings.Fields(string(out))
}

// statGoFiles looks at every Go file: go test cannot know what go list reads, and would repeat an old result after one
// has changed.
func statGoFiles(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".go") {
			_, err = os.Stat(path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was deleted meanwhile
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Imports go from the commands through edge and work to the field, and never back. Those of tests are free.
func TestImportsGoOneWay(t *testing.T) {
	t.Parallel()
	// Each line is a package and one of its imports.
	lines := list(t, "-f", `{{$p := .ImportPath}}{{range .Imports}}{{$p}}={{.}}{{"\n"}}{{end}}{{$p}}={{"\n"}}`, "./...")
	for _, line := range lines {
		importer, imported, _ := strings.Cut(line, "=")
		path := strings.TrimPrefix(importer, module+"/")
		from := layerOf(path)
		switch {
		case imported == "" && from == "":
			t.Errorf("%s is in no layer: put it into one here and in docs/design.md", path)
			continue
		case imported == "" || from == "" || from == "tests":
			continue
		case imported == "testing" || strings.HasPrefix(imported, "testing/"):
			t.Errorf("%s imports %s, which is for tests", path, imported)
			continue
		}
		may := layers()[from]
		if rest, ours := strings.CutPrefix(imported, module+"/"); ours {
			if to := layerOf(rest); !slices.Contains(strings.Fields(may.layers), to) {
				t.Errorf("%s imports %s: %s may not import %s", path, rest, from, to)
			}
			continue
		}
		first, _, _ := strings.Cut(imported, "/")
		if standard := !strings.Contains(first, "."); !standard && !holds(may.modules, imported) {
			t.Errorf("%s imports %s: %s may not", path, imported, from)
		}
	}
}

// holds says whether one of the modules holds the package. A service of the SDK is a module of its own.
func holds(modules, imported string) bool {
	ownModule := regexp.MustCompile(`^(service|config|credentials|feature)\b`)
	for m := range strings.FieldsSeq(modules) {
		if rest, ofSDK := strings.CutPrefix(m, "sdk"); ofSDK {
			m = sdk + rest
		}
		rest, below := strings.CutPrefix(imported, m+"/")
		if imported == m || below && (m != sdk || !ownModule.MatchString(rest)) {
			return true
		}
	}
	return false
}

// What a function compiles is what it pays for at each cold start: all of it is listed.
func TestWhatTheFunctionsCompile(t *testing.T) {
	t.Parallel()
	const (
		both = module + " github.com/aws/aws-lambda-go github.com/aws/smithy-go " + sdk + " " +
			sdk + "/internal/configsources " + sdk + "/internal/endpoints/v2 " + sdk + "/service/sqs "
		never = "testing net/rpc net/http/httptest net/http/pprof expvar html/template go/build"
	)
	for name, c := range map[string]struct{ modules, packages string }{
		// It compiles neither the SDK's dynamodb nor its ssm: pkg/ssmparam reads one parameter.
		"ingest": {
			packages: "awsclient clerk delivery ingest lambdafn lambdafn/ingestfn settings sqsqueue ssmparam svix",
		},
		"sync": {
			modules: "golang.org/x/sync " + sdk + "/service/dynamodb " +
				sdk + "/service/internal/accept-encoding " + sdk + "/service/internal/endpoint-discovery",
			packages: "awsclient clerk consumer delivery directory dynamo lambdafn lambdafn/syncfn projector " +
				"settings sqsqueue svix",
		},
		// It compiles no consumer: it writes nothing.
		"probe": {
			modules: "golang.org/x/time " + sdk + "/service/dynamodb " +
				sdk + "/service/internal/accept-encoding " + sdk + "/service/internal/endpoint-discovery",
			packages: "awsclient clerk clerkapi directory dynamo lambdafn lambdafn/probefn settings ssmparam svix",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			packages, modules := strings.Fields(c.packages), strings.Fields(both+c.modules)
			lines := list(t, "-deps", "-tags", buildTags(t),
				"-f", `{{.ImportPath}}={{with .Module}}{{.Path}}{{end}}`, "./functions/"+name)
			for _, line := range lines {
				imported, from, _ := strings.Cut(line, "=")
				path, ours := strings.CutPrefix(imported, module+"/pkg/")
				switch {
				case ours && !slices.Contains(packages, path):
					t.Errorf("functions/%s compiles pkg/%s", name, path)
				case from != "" && !slices.Contains(modules, from):
					t.Errorf("functions/%s compiles %s of %s", name, imported, from)
				case slices.Contains(strings.Fields(never), imported):
					t.Errorf("functions/%s compiles %s", name, imported)
				}
			}
		})
	}
}

// An application that imports pkg/reader compiles the SDK's dynamodb and nothing else that is not ours.
func TestWhatTheReaderCompiles(t *testing.T) {
	t.Parallel()
	packages := strings.Fields("reader dynamo directory")
	modules := strings.Fields(module + " github.com/aws/smithy-go " + sdk + " " +
		sdk + "/internal/configsources " + sdk + "/internal/endpoints/v2 " + sdk + "/service/dynamodb " +
		sdk + "/service/internal/accept-encoding " + sdk + "/service/internal/endpoint-discovery")
	for _, line := range list(t, "-deps", "-f", `{{.ImportPath}}={{with .Module}}{{.Path}}{{end}}`, "./pkg/reader") {
		imported, from, _ := strings.Cut(line, "=")
		path, ours := strings.CutPrefix(imported, module+"/")
		switch {
		case ours && !slices.Contains(packages, strings.TrimPrefix(path, "pkg/")):
			t.Errorf("pkg/reader compiles %s", path)
		case from != "" && !slices.Contains(modules, from), imported == "testing":
			t.Errorf("pkg/reader compiles %s of %s", imported, from)
		}
	}
}

// buildTags returns the tags with which the Makefile builds the functions.
func buildTags(t *testing.T) string {
	t.Helper()
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`BUILD_FUNCTION := .* -tags (\S+) `).FindSubmatch(makefile)
	if m == nil {
		t.Fatal("the Makefile builds the functions without tags")
	}
	return string(m[1])
}

// The tests measure and kill, and the linter reads, what is deployed.
func TestBuildTags(t *testing.T) {
	t.Parallel()
	const want = "lambda.norpc,nethttpomithttp2"
	if got := buildTags(t); got != want {
		t.Errorf("tags in the Makefile = %s, want %s", got, want)
	}
	for file, text := range map[string]string{
		"test/program/program.go": `"` + want + `"`,
		".golangci.yml":           "[" + strings.ReplaceAll(want, ",", ", ") + "]",
	} {
		b, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(b), text) {
			t.Errorf("%s does not contain the tags %s", file, text)
		}
	}
}

// The command does not compile test tools.
func TestWhatTheCommandCompiles(t *testing.T) {
	t.Parallel()
	tools := []string{
		"svix/svix-webhooks", "standard-webhooks", "google/go-cmp", "pgregory.net/rapid", "go.yaml.in/yaml",
	}
	for _, line := range list(t, "-deps", "./cmd/clerksync") {
		path, ours := strings.CutPrefix(line, module+"/")
		isTool := slices.ContainsFunc(tools, func(tool string) bool { return strings.Contains(line, tool) })
		if ours && layerOf(path) == "tests" || line == "testing" || isTool {
			t.Errorf("cmd/clerksync compiles %s", line)
		}
	}
}
