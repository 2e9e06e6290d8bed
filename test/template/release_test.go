package template_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/test/program"
	"github.com/clerksync/clerksync/test/template"
)

// A release's template is template.yaml, but that each function is a bundle of the release and only one architecture
// can be chosen.
func TestReleasedTemplateNamesItsBundles(t *testing.T) {
	for architecture, suffix := range map[string]string{"arm64": "arm64", "x86_64": "amd64"} {
		t.Run(architecture, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "template.yaml")
			program.Command{Args: []string{"go", "run", "./cmd/bundle", "template", architecture, out}}.Run(t)
			text, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			released, err := template.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			tmpl := load(t)
			if got := released.Get("Globals", "Function", "CodeUri"); got != nil {
				t.Errorf("CodeUri of all functions = %v, want none", got)
			}
			for _, id := range tmpl.Names("Resources") {
				want, got := asMap(tmpl.Get("Resources", id)), asMap(released.Get("Resources", id))
				if want["Type"] == "AWS::Serverless::Function" {
					name := strings.ToLower(strings.TrimSuffix(id, "Function"))
					properties := maps.Clone(asMap(want["Properties"]))
					properties["CodeUri"] = name + "-" + suffix + ".zip"
					want["Properties"] = properties
					delete(asMap(want["Metadata"]), "BuildMethod")
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-template +released):\n%s", id, diff)
				}
			}
			for _, name := range tmpl.Names("Parameters") {
				want := asMap(tmpl.Get("Parameters", name))
				if name == "Architecture" {
					want["Default"], want["AllowedValues"] = architecture, []any{architecture}
				}
				if diff := cmp.Diff(want, asMap(released.Get("Parameters", name))); diff != "" {
					t.Errorf("parameter %s (-template +released):\n%s", name, diff)
				}
			}
		})
	}
}

// workflows are our own and the example for customers.
func workflows(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	names, err := filepath.Glob(filepath.Join(root, ".github/workflows/*.yml"))
	if err != nil || len(names) < 2 {
		t.Fatalf("workflows = %v, %v, want at least two", names, err)
	}
	for _, name := range append(names, filepath.Join(root, "docs/examples/deploy.yml")) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(name)] = string(text)
	}
	return texts
}

// A tag can be moved to other code; a commit can't.
func TestActionsArePinnedByCommit(t *testing.T) {
	uses := regexp.MustCompile(`(?m)^\s*-? *uses: *(.*)$`)
	pinned := regexp.MustCompile(`^[\w./-]+@[0-9a-f]{40} # v[\d.]+$`)
	for name, text := range workflows(t) {
		found := uses.FindAllStringSubmatch(text, -1)
		if len(found) == 0 {
			t.Errorf("%s uses no action: does the test still find them?", name)
		}
		for _, m := range found {
			if !pinned.MatchString(m[1]) {
				t.Errorf("%s uses %s, want a commit, and its version as a comment", name, m[1])
			}
		}
	}
}

// A release says who built it. Only its own job may write, and it takes nothing from another run.
func TestReleasesHaveProvenance(t *testing.T) {
	text := workflows(t)["release.yml"]
	for _, want := range []string{
		"actions/attest@", "subject-checksums: dist/SHA256SUMS", "id-token: write", "attestations: write",
		"cache: false",
		"permissions: { contents: read }\n", "make package",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("release.yml does not say %q", want)
		}
	}
	makefile := readFile(t, "Makefile")
	for _, system := range []string{
		"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64",
	} {
		if !strings.Contains(makefile, system) {
			t.Errorf("make package builds no command for %s", system)
		}
	}
}

// --parameter-overrides replaces the list of samconfig.toml: a first deployment without one of its values would take
// the default, such as another secret.
func TestExampleOfADeploymentNamesWhatSamconfigSets(t *testing.T) {
	assignment := regexp.MustCompile(`"?(\w+)=`)
	_, flag, found := strings.Cut(workflows(t)["deploy.yml"], "--parameter-overrides\n")
	if !found {
		t.Fatal("deploy.yml has no --parameter-overrides on a line's end")
	}
	flag, _, _ = strings.Cut(flag, "env:")
	var named []string
	for _, m := range assignment.FindAllStringSubmatch(flag, -1) {
		named = append(named, m[1])
	}
	want := []string{"AlarmEmail", "ClerkInstanceId"}
	for parameter := range overrides(t) {
		if name, ofProd := strings.CutPrefix(parameter, "prod "); ofProd {
			want = append(want, name)
		}
	}
	slices.Sort(named)
	slices.Sort(want)
	if diff := cmp.Diff(want, named); diff != "" {
		t.Errorf("parameters of deploy.yml (-samconfig +example):\n%s", diff)
	}
	for _, name := range named {
		if !slices.Contains(load(t).Names("Parameters"), name) {
			t.Errorf("deploy.yml names the parameter %s, which is not in the template", name)
		}
	}
}

// The answer at sam's guided prompt comes after the build, and an exported GOARCH goes past sam: where the two
// disagree, the build stops, because the functions would not start.
func TestMakeBuildsOnlyForTheArchitectureOfSam(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is not installed")
	}
	for name, c := range map[string]struct{ sam, goarch, want string }{
		"sam's own":           {sam: "x86_64", want: "GOARCH=amd64 "},
		"the same twice":      {sam: "arm64", goarch: "arm64", want: "GOARCH=arm64 "},
		"without sam":         {goarch: "amd64", want: "GOARCH=amd64 "},
		"without sam or more": {want: "GOARCH=arm64 "},
		"another":             {sam: "arm64", goarch: "amd64"},
		"another, to arm64":   {sam: "x86_64", goarch: "arm64"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			artifacts := filepath.Join(folder, "build/IngestFunction")
			if err := os.MkdirAll(artifacts, 0o750); err != nil {
				t.Fatal(err)
			}
			if c.sam != "" {
				toml := "architecture = \"" + c.sam + "\"\n"
				if err := os.WriteFile(filepath.Join(folder, "build.toml"), []byte(toml), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			args := []string{"env", "-u", "GOARCH"}
			if c.goarch != "" {
				args = append(args, "GOARCH="+c.goarch)
			}
			args = append(args, "make", "--dry-run", "build-IngestFunction", "ARTIFACTS_DIR="+artifacts)
			command := program.Command{Args: args}
			out, errs, err := command.Output(t)
			if c.want == "" {
				if err == nil || !strings.Contains(errs, "sam builds for") {
					t.Errorf("make = %v, %q, want it to stop", err, errs)
				}
			} else if err != nil || !strings.Contains(out, c.want) {
				t.Errorf("make = %v, %q, %q, want it to build with %s", err, out, errs, c.want)
			}
		})
	}
}
