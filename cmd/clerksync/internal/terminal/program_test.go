package terminal_test

import (
	"runtime/debug"
	"testing"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// A command that is printed works where this program is from.
func TestProgram(t *testing.T) {
	t.Parallel()
	const installed, inClone = "clerksync ", "go run ./cmd/clerksync "
	for name, tt := range map[string]struct {
		version  string
		revision bool
		want     string
	}{
		"a release":                     {version: "v1.2.3", revision: true, want: installed},
		"installed as a module":         {version: "v1.2.3", want: installed},
		"a commit, as a module":         {version: "v0.0.0-20261130194735-746233e7f4f7", want: installed},
		"built in a clone":              {version: "v0.0.0-20261130194735-746233e7f4f7", revision: true, want: inClone},
		"built in an edited release":    {version: "v1.2.3+dirty", revision: true, want: inClone},
		"go run":                        {version: "(devel)", want: inClone},
		"built without version control": {want: inClone},
	} {
		info := &debug.BuildInfo{Main: debug.Module{Version: tt.version}}
		if tt.revision {
			info.Settings = []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}}
		}
		if got := terminal.ProgramOf(info); got != tt.want {
			t.Errorf("%s: programOf(%q) = %q, want %q", name, tt.version, got, tt.want)
		}
	}
	if got := terminal.ProgramOf(nil); got != inClone {
		t.Errorf("programOf(nil) = %q, want %q", got, inClone)
	}
}
