package console_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// htmx is the file of the package htmx.org, unchanged.
func TestHtmxIsPinned(t *testing.T) {
	t.Parallel()
	const version, hash = "4.0.1", "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"
	file := readFile(t, "static/htmx.min.js")
	sum := sha256.Sum256(file)
	if got := hex.EncodeToString(sum[:]); got != hash {
		t.Errorf("SHA-256 of htmx.min.js = %s, want %s: that of htmx.org %s", got, hash, version)
	}
	if !bytes.Contains(file, []byte(version)) {
		t.Errorf("htmx.min.js does not name its version %s", version)
	}
}

// What needs the browser to evaluate text, or an inline style, would fail under the
// content security policy, and only in a browser.
func TestTemplatesObeyTheContentSecurityPolicy(t *testing.T) {
	t.Parallel()
	forbidden := regexp.MustCompile(
		`(?i)hx-on|hx-vals|hx-trigger|js:|javascript:|\sstyle=|<style|\son[a-z]+=|<script>|<script[^>]*>[^<]`)
	allowed := map[string]bool{"hx-get": true, "hx-post": true, "hx-target": true, "hx-swap": true, "hx-push-url": true}
	names, err := filepath.Glob("templates/*.html")
	if err != nil || len(names) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	for _, name := range names {
		text := readFile(t, name)
		if found := forbidden.Find(text); found != nil {
			t.Errorf("%s has %q", name, found)
		}
		for _, attribute := range regexp.MustCompile(`hx-[a-z-]+`).FindAllString(string(text), -1) {
			if !allowed[attribute] {
				t.Errorf("%s uses %s of htmx: want only those attributes that its version 2 has, too", name, attribute)
			}
		}
	}
}

// The console's own script and sheet stay small enough to be read in one sitting.
func TestStaticFilesAreSmall(t *testing.T) {
	t.Parallel()
	for pattern, limit := range map[string]int{"static/*.js": 300, "static/*.css": 350} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		lines := 0
		for _, name := range names {
			if name != "static/htmx.min.js" {
				lines += strings.Count(string(readFile(t, name)), "\n")
			}
		}
		if lines == 0 || lines > limit {
			t.Errorf("%s has %d lines, want at most %d", pattern, lines, limit)
		}
	}
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
