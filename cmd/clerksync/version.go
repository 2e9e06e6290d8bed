package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// versionCommand prints more than --version does: what a bug report needs.
func (p program) versionCommand() *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "say which version this is",
		Description: `Version and commit are those that the Go command wrote into the program: a build
outside a clone of the repository, and go run, know no commit.`,
		Flags:    []cli.Flag{toggle("json", "print one JSON object")},
		Action:   p.version,
		Metadata: terminal.Examples("clerksync version", "clerksync version --json | jq -r .commit"),
	}
}

// buildVersion is what a program knows of its own making, as the flag --json
// prints it.
type buildVersion struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Time     string `json:"commit_time,omitempty"`
	Modified bool   `json:"modified,omitempty"` // built from files that were not committed
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// newBuildVersion reads what the Go command wrote into the program; info is nil
// where that was built without modules.
func newBuildVersion(info *debug.BuildInfo) buildVersion {
	v := buildVersion{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info == nil {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	v.Go = info.GoVersion
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.time":
			v.Time = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

// version prints one line for people, with the commit only where it is known.
func (p program) version(_ context.Context, c *cli.Command) error {
	info, _ := debug.ReadBuildInfo()
	v := newBuildVersion(info)
	if c.Bool("json") {
		p.term.PrintJSON(v)
		return nil
	}
	parts := []string{"clerksync", v.Version}
	if v.Commit != "" {
		parts = append(parts, "commit", v.Commit)
	}
	if v.Modified {
		parts = append(parts, "(modified)")
	}
	p.term.Print("%s", strings.Join(append(parts, v.Go, v.Platform), " "))
	return nil
}
