package terminal

import (
	"runtime/debug"
	"strings"
)

// Program is how this program is called in a command that is printed to be typed,
// with a space behind it. Who has it from a release, or installed it as a module, has
// it by its name and may have no clone. Any other build comes from a clone, where
// go run works whether it was installed or not.
func Program() string {
	info, _ := debug.ReadBuildInfo()
	return programOf(info)
}

func programOf(info *debug.BuildInfo) string {
	const installed, inClone = "clerksync ", "go run ./cmd/clerksync "
	if info == nil || !strings.HasPrefix(info.Main.Version, "v") {
		return inClone // (devel), as go run has it
	}
	for _, s := range info.Settings {
		// The Go command writes this only where it built in a clone. A version that is no
		// release has a hyphen, and one that was edited a plus sign.
		if s.Key == "vcs.revision" && strings.ContainsAny(info.Main.Version, "-+") {
			return inClone
		}
	}
	return installed
}
