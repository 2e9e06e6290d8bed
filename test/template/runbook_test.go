package template_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// anchors are those that GitHub gives a page's headings.
func anchors(page string) (all []string) {
	dropped := regexp.MustCompile(`[^a-z0-9 _-]`)
	fenced := false
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		title, isTitle := strings.CutPrefix(strings.TrimLeft(line, "#"), " ")
		if !isTitle || fenced || !strings.HasPrefix(line, "#") {
			continue
		}
		slug := dropped.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
		all = append(all, strings.ReplaceAll(slug, " ", "-"))
	}
	return all
}

// Alarms link to headings by the names that GitHub makes of them.
func TestAnchors(t *testing.T) {
	got := anchors("# Operations\n\n## Server errors (5xx)\n\ntext # no heading\n\n" +
		"```\n# a comment\n```\n### What's `dead`?\n")
	if want := []string{"operations", "server-errors-5xx", "whats-dead"}; !slices.Equal(got, want) {
		t.Errorf("anchors = %v, want %v", got, want)
	}
}

// A link that leads nowhere is found by the person who is woken up at night.
func TestRunbookLinksLeadSomewhere(t *testing.T) {
	page := readFile(t, "docs/operations.md")
	sections := anchors(page)
	for _, m := range regexp.MustCompile(`\]\(([^)#\s]*)(?:#([^)\s]+))?\)`).FindAllStringSubmatch(page, -1) {
		file, anchor := m[1], m[2]
		switch {
		case strings.HasPrefix(file, "https://"):
		case file == "":
			if !slices.Contains(sections, anchor) {
				t.Errorf("link to #%s, want one of %v", anchor, sections)
			}
		default:
			if _, err := os.Stat(filepath.Join(root, "docs", file)); err != nil {
				t.Errorf("link to %s: %v", file, err)
			}
		}
	}
	for i, a := range sections {
		if slices.Contains(sections[:i], a) {
			t.Errorf("heading #%s stands twice: links find only the first", a)
		}
	}
}

// Each alarm and each task of an operator has its section; other pages link to these.
func TestRunbookCovers(t *testing.T) {
	sections := anchors(readFile(t, "docs/operations.md"))
	for _, want := range []string{
		"no-events", "secret-unreadable", "dead-letters", "queue-age", "failed-receives", "lag", "mass-deletion",
		"server-errors", "client-errors", "function-errors", "throttles", "duration", "dynamodb-errors",
		"dynamodb-throttles", "probe-missing", "probe-failed", "everything-is-blank",
		"rotate-the-signing-secret", "which-cure-for-which-outage", "restore-from-a-backup",
		"put-a-row-back-by-hand", "adopt-the-tables-of-an-earlier-stack", "smoke-check-after-a-deploy",
		"raise-the-throughput",
		"two-instances-mixed-in-one-table", "remove-a-stack", "cost", "upgrade",
	} {
		if !slices.Contains(sections, want) {
			t.Errorf("docs/operations.md has no section #%s, it has %v", want, sections)
		}
	}
}

// Parameters and outputs that the runbook names exist.
func TestRunbookNamesWhatExists(t *testing.T) {
	page, tmpl := readFile(t, "docs/operations.md"), load(t)
	for what, names := range map[string][]string{
		"parameter": tmpl.Names("Parameters"),
		"output":    tmpl.Names("Outputs"),
	} {
		for _, m := range regexp.MustCompile(what+" `(\\w+)`").FindAllStringSubmatch(page, -1) {
			if !slices.Contains(names, m[1]) {
				t.Errorf("runbook names the %s %s, want one of %v", what, m[1], names)
			}
		}
	}
}
