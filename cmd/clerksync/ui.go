package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
)

// The styles of words for people. They vanish in a pipe, for everything is
// written through lipgloss's own functions.
func good(s string) string {
	return lipgloss.NewStyle().Foreground(lipgloss.Color("2")).Render(s)
}

func warm(s string) string {
	return lipgloss.NewStyle().Foreground(lipgloss.Color("3")).Render(s)
}

func bad(s string) string {
	return lipgloss.NewStyle().Foreground(lipgloss.Color("1")).Render(s)
}
func dim(s string) string    { return lipgloss.NewStyle().Faint(true).Render(s) }
func strong(s string) string { return lipgloss.NewStyle().Bold(true).Render(s) }

func say(w io.Writer, format string, a ...any) {
	_, _ = lipgloss.Fprintln(w, fmt.Sprintf(format, a...)) // nobody to tell
}

// printable replaces what a terminal would obey, for anybody may choose a name
// for himself.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// stageStyle colours a stage by how it should make one feel.
func stageStyle(stage string) func(string) string {
	switch stage {
	case "applied", "queued":
		return good
	case "stale", "duplicate", "ignored":
		return warm
	case "rejected", "failed", "dead":
		return bad
	}
	return func(s string) string { return s }
}

// grid prints rows below headings, without borders, for eyes and for pipes.
func grid(w io.Writer, headings []string, rows [][]string) {
	t := table.New().Border(lipgloss.HiddenBorder()).
		BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).BorderColumn(false).BorderHeader(false).
		Wrap(false).
		StyleFunc(func(row, _ int) lipgloss.Style {
			s := lipgloss.NewStyle().PaddingRight(2)
			if row == table.HeaderRow {
				return s.Bold(true)
			}
			return s
		}).Headers(headings...).Rows(rows...)
	for line := range strings.Lines(t.String()) {
		_, _ = lipgloss.Fprintln(w, strings.TrimRight(line, " \n")) // no padding that a narrow window would wrap
	}
}
