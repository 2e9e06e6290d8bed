package browser_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/test/program"
)

// TestDocs runs the curl lines of docs/console.md as they are written, one after the other: curl -f fails where the
// answer is an error.
func TestDocs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(program.Repository(t), "docs", "console.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```sh\n(.*?)```").FindStringSubmatch(string(text))
	if block == nil {
		t.Fatal("docs/console.md has no block of lines")
	}
	s := &suite{bin: commandFolder(t)}
	d := s.start(t)
	ran := 0
	for line := range strings.Lines(block[1]) {
		if !strings.HasPrefix(line, "curl ") {
			continue
		}
		out, errs, err := program.Command{
			Args: []string{"sh", "-c", line}, Env: []string{"C=" + d.ready.ConsoleURL + "/api/v1"},
		}.Output(t)
		if err != nil {
			t.Errorf("%s: %v\n%s%s", line, err, out, errs)
		}
		ran++
	}
	if ran < 20 {
		t.Errorf("%d lines ran, want all of the block", ran)
	}
}
