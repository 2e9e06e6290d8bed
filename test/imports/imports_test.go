// Package imports holds who may import whom, and what each binary may compile.
// A new entry in these lists is a decision: it belongs into docs/design.md too.
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

const module = "github.com/clerksync/clerksync"

// layer says what its packages may import beside the standard library.
type layer struct {
	packages []string // a/... stands for all below a
	ours     []string // layers
	modules  []string // of others
}

func layers() map[string]layer {
	const (
		sdk    = "github.com/aws/aws-sdk-go-v2"
		sqs    = sdk + "/service/sqs"
		ssm    = sdk + "/service/ssm"
		dynamo = sdk + "/service/dynamodb"
		smithy = "github.com/aws/smithy-go"
		lambda = "github.com/aws/aws-lambda-go"
	)
	return map[string]layer{
		// The field knows nothing.
		"field": {packages: []string{"pkg/svix", "pkg/clerk", "pkg/directory", "pkg/delivery"}, ours: []string{"field"}},
		// The settings are read with the field's words, and know neither work nor edge.
		"settings": {packages: []string{"pkg/settings"}, ours: []string{"field"}},
		// The work knows the field.
		"work": {
			packages: []string{"pkg/ingest", "pkg/projector", "pkg/consumer"},
			ours:     []string{"field", "work"}, modules: []string{"golang.org/x/sync"},
		},
		// The edge knows the field and one technology, and no other edge.
		"aws":      {packages: []string{"pkg/awsclient"}, ours: []string{"settings"}, modules: []string{sdk}},
		"dynamodb": {packages: []string{"pkg/dynamo"}, ours: []string{"field"}, modules: []string{sdk, dynamo, smithy}},
		"sqs":      {packages: []string{"pkg/sqsqueue"}, ours: []string{"field"}, modules: []string{sdk, sqs, smithy}},
		"ssm":      {packages: []string{"pkg/ssmparam"}, modules: []string{sdk}},
		// What the functions share does not know what any of them does.
		"lambda": {packages: []string{"pkg/lambdafn"}, modules: []string{lambda}},
		// A handler turns Lambda's event into what the work is asked with.
		"handlers": {
			packages: []string{"pkg/lambdafn/ingestfn", "pkg/lambdafn/syncfn"},
			ours:     []string{"field", "work", "lambda"}, modules: []string{sdk},
		},
		// The emulators stand in for AWS: they know nothing of ours.
		"emulators": {packages: []string{"internal/emulator/awsjson", "internal/emulator/sqs", "internal/emulator/ssm", "internal/emulator/dynamodb"}, ours: []string{"emulators"}, modules: []string{"github.com/truora/minidyn"}},
		"emulator": {
			packages: []string{"internal/emulator"}, ours: []string{"emulators", "aws"}, modules: []string{sdk, sdk + "/credentials"},
		},
		"poller":  {packages: []string{"internal/emulator/eventsource"}, modules: []string{lambda, sdk, sqs}},
		"samples": {packages: []string{"events"}},
		// Only functions and commands know both work and edge.
		"functions": {
			packages: []string{"functions/ingest", "functions/sync"},
			ours:     []string{"field", "settings", "work", "lambda", "handlers", "aws", "dynamodb", "sqs", "ssm"},
			modules:  []string{lambda, dynamo, sqs},
		},
		"commands": {
			packages: []string{"cmd/..."},
			ours:     []string{"field", "settings", "work", "lambda", "handlers", "aws", "dynamodb", "sqs", "ssm", "emulator", "poller", "samples", "commands"},
			modules: []string{
				lambda, sdk, sdk + "/config", sdk + "/credentials", dynamo, sqs, ssm, sdk + "/service/cloudformation", sdk + "/service/cloudwatch", sdk + "/service/lambda", sdk + "/service/sts", smithy,
				"charm.land/lipgloss/v2", "github.com/urfave/cli/v3", "golang.org/x/term", "golang.org/x/sync", "golang.org/x/time", "github.com/lmittmann/tint",
			},
		},
		// What only tests import may import anything.
		"tests": {packages: []string{
			"cmd/clerksync/internal/deployment/deploymenttest",
			"test/...", "pkg/svix/svixtest", "pkg/directory/directorytest", "pkg/delivery/deliverytest",
			"pkg/dynamo/dynamotest",
			"internal/emulator/emulatortest", "internal/emulator/dynamodb/dynamodbtest", "internal/emulator/sqs/sqstest",
		}},
	}
}

// layerOf names the layer of a package of ours, "" for one in none. Its own name
// counts before a/... does.
func layerOf(path string) (layer string) {
	for name, l := range layers() {
		for _, p := range l.packages {
			below, all := strings.CutSuffix(p, "/...")
			if p == path {
				return name
			}
			if all && (path == below || strings.HasPrefix(path, below+"/")) {
				layer = name
			}
		}
	}
	return layer
}

// list runs go list at the module's root and returns its lines.
func list(t *testing.T, args ...string) []string {
	t.Helper()
	look(t)
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

// look looks at every Go file, so that go test, which cannot know what go list
// reads, does not repeat an old result after one has changed.
func look(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".go") {
			_, err = os.Stat(path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // gone meanwhile
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Imports of tests are free.
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
			t.Errorf("%s imports %s: that is for tests", path, imported)
			continue
		}
		may := layers()[from]
		if rest, ours := strings.CutPrefix(imported, module+"/"); ours {
			if to := layerOf(rest); !slices.Contains(may.ours, to) {
				t.Errorf("%s imports %s: %s may not know %s", path, rest, from, to)
			}
			continue
		}
		if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") && !covered(imported, may.modules) {
			t.Errorf("%s imports %s: %s may not", path, imported, from)
		}
	}
}

// covered says whether one of the modules holds the package. A service of the
// SDK is a module of its own: the SDK's own path does not cover it.
func covered(imported string, modules []string) bool {
	return slices.ContainsFunc(modules, func(m string) bool {
		rest, ok := strings.CutPrefix(imported, m)
		if !ok || rest != "" && rest[0] != '/' {
			return false
		}
		for _, own := range []string{"/service/", "/config", "/credentials", "/feature/"} {
			if strings.HasPrefix(rest, own) && strings.HasSuffix(m, "/aws-sdk-go-v2") {
				return false
			}
		}
		return true
	})
}

// What a function compiles is what it pays for at each cold start: all of it
// is written out.
func TestWhatTheFunctionsCompile(t *testing.T) {
	t.Parallel()
	const sdk = "github.com/aws/aws-sdk-go-v2"
	both := []string{
		module, "github.com/aws/aws-lambda-go", sdk, sdk + "/internal/configsources", sdk + "/internal/endpoints/v2",
		sdk + "/service/sqs", "github.com/aws/smithy-go",
	}
	for name, c := range map[string]struct{ more, ours []string }{
		// No dynamodb, and no ssm of the SDK either: pkg/ssmparam reads one parameter.
		"ingest": {nil, []string{
			"awsclient", "clerk", "delivery", "ingest", "lambdafn", "lambdafn/ingestfn", "settings", "sqsqueue", "ssmparam",
			"svix",
		}},
		"sync": {
			[]string{
				sdk + "/service/dynamodb", sdk + "/service/internal/accept-encoding",
				sdk + "/service/internal/endpoint-discovery", "golang.org/x/sync",
			},
			[]string{
				"awsclient", "clerk", "consumer", "delivery", "directory", "dynamo", "lambdafn", "lambdafn/syncfn", "projector",
				"settings", "sqsqueue", "svix",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := list(t, "-deps", "-tags", buildTags(t), "-f", `{{.ImportPath}}={{with .Module}}{{.Path}}{{end}}`, "./functions/"+name)
			for _, line := range lines {
				imported, from, _ := strings.Cut(line, "=")
				switch path, ours := strings.CutPrefix(imported, module+"/pkg/"); {
				case ours && !slices.Contains(c.ours, path):
					t.Errorf("functions/%s compiles pkg/%s", name, path)
				case from != "" && !slices.Contains(both, from) && !slices.Contains(c.more, from):
					t.Errorf("functions/%s compiles %s of %s", name, imported, from)
				case slices.Contains([]string{"testing", "net/rpc", "net/http/httptest", "net/http/pprof", "expvar", "html/template", "go/build"}, imported):
					t.Errorf("functions/%s compiles %s", name, imported)
				}
			}
		})
	}
}

// buildTags are those that the Makefile builds the functions with.
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

// What is measured, killed and linted is what is deployed.
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
			t.Errorf("%s does not name the tags %s", file, text)
		}
	}
}

// The laptop's program has no test tools in it.
func TestWhatTheProgramCompiles(t *testing.T) {
	t.Parallel()
	for _, line := range list(t, "-deps", "./cmd/clerksync") {
		path, ours := strings.CutPrefix(line, module+"/")
		if ours && layerOf(path) == "tests" || line == "testing" {
			t.Errorf("cmd/clerksync compiles %s", line)
		}
		for _, tool := range []string{"svix/svix-webhooks", "standard-webhooks", "google/go-cmp", "pgregory.net/rapid", "go.yaml.in/yaml"} {
			if strings.Contains(line, tool) {
				t.Errorf("cmd/clerksync compiles %s", line)
			}
		}
	}
}
