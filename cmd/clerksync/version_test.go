package main_test

import (
	"runtime/debug"
	"testing"

	"github.com/google/go-cmp/cmp"

	main "github.com/clerksync/clerksync/cmd/clerksync"
)

func TestNewBuildVersion(t *testing.T) {
	t.Parallel()
	got := main.NewBuildVersion(&debug.BuildInfo{
		GoVersion: "go1.26.0", Main: debug.Module{Version: "v1.2.3"},
		Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "0123456789abcdef"},
			{Key: "vcs.time", Value: "2026-01-01T00:00:00Z"},
			{Key: "vcs.modified", Value: "true"},
			{Key: "x", Value: "y"},
		},
	})
	want := main.BuildVersion{
		Version: "v1.2.3", Commit: "0123456789abcdef", Time: "2026-01-01T00:00:00Z", Modified: true, Go: "go1.26.0",
		Platform: got.Platform,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("newBuildVersion -want +got:\n%s", diff)
	}
	if got := main.NewBuildVersion(nil); got.Version != "unknown" || got.Go == "" {
		t.Errorf("newBuildVersion(nil) = %+v, want unknown, with Go's version", got)
	}
}
