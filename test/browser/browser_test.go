package browser_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/clerksync/clerksync/test/program"
)

// suite is what the tests of one function share: one browser process, one binary of the command.
type suite struct {
	browser context.Context //nolint:containedctx // chromedp keeps a browser in a context
	bin     string          // the folder of the command
}

// newSuite starts the browser. Without one the test is skipped, or fails where BROWSER_REQUIRED says so.
func newSuite(tb testing.TB) *suite {
	tb.Helper()
	path := browserPath(tb)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path),
		chromedp.UserDataDir(tb.TempDir()),
		// Nothing but this machine has an address, so that a page which loads from elsewhere is broken here, too.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium has none for root
	}
	allocator, stop := chromedp.NewExecAllocator(context.WithoutCancel(tb.Context()), options...)
	tb.Cleanup(stop)
	browser, cancel := chromedp.NewContext(allocator)
	tb.Cleanup(cancel)
	if err := chromedp.Do(browser); err != nil {
		tb.Fatalf("start %s: %v", path, err)
	}
	return &suite{browser: browser, bin: commandFolder(tb)}
}

func browserPath(tb testing.TB) string {
	tb.Helper()
	if path := os.Getenv("BROWSER"); path != "" {
		return path
	}
	for _, name := range []string{"chromium-headless-shell", "chromium", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	skip(tb, "no Chromium is installed, and BROWSER names none")
	return ""
}

// skip skips the test, or fails it where the run must not leave it out.
func skip(tb testing.TB, reason string) {
	tb.Helper()
	if os.Getenv("BROWSER_REQUIRED") == "1" {
		tb.Fatalf("%s, but BROWSER_REQUIRED is 1", reason)
	}
	tb.Skip(reason)
}

// binary is built once: linking the command is most of what its start would cost.
var binary struct {
	once sync.Once
	dir  string
}

// commandFolder returns the folder of the command, which TestMain deletes.
func commandFolder(tb testing.TB) string {
	tb.Helper()
	binary.once.Do(func() {
		built := program.Build(tb, "./cmd/clerksync")
		dir, err := os.MkdirTemp("", "clerksync-browser-") //nolint:usetesting // it outlives the test that builds it
		if err != nil {
			tb.Fatal(err)
		}
		if err := os.Rename(built, filepath.Join(dir, "clerksync")); err != nil {
			tb.Fatal(err)
		}
		binary.dir = dir
	})
	if binary.dir == "" {
		tb.Fatal("the command was not built")
	}
	return binary.dir
}

func TestMain(m *testing.M) {
	if os.Getenv("BROWSER") == "off" { // what needs no browser, too: CI runs all of it in a step of its own
		fmt.Println("BROWSER is off: skipped")
		return
	}
	code := m.Run()
	if binary.dir != "" {
		_ = os.RemoveAll(binary.dir)
	}
	os.Exit(code)
}
