package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// parseList reads the list of the mutants that may survive. Paragraphs stand for mutants: file, kind and number; the
// line; the reason, on one line or several. Lines that begin with # are comments.
func parseList(text string) (map[id]string, error) {
	known := map[id]string{}
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(paragraph), "\n"), func(line string) bool {
			return strings.HasPrefix(line, "#") || line == ""
		})
		if len(lines) == 0 {
			continue
		}
		var i id
		if _, err := fmt.Sscan(lines[0], &i.file, &i.kind, &i.which); err != nil || len(lines) < 3 {
			return nil, fmt.Errorf("%s: a paragraph is a file, a kind and a number; the line; the reason:\n%s",
				listFile, paragraph)
		}
		i.text = strings.TrimSpace(lines[1])
		if _, twice := known[i]; twice {
			return nil, fmt.Errorf("%s lists a mutant twice:\n%s", listFile, i)
		}
		known[i] = strings.Join(lines[2:], " ")
	}
	return known, nil
}

// report prints what the tests of the packages in dirs found, and what is wrong with it, and returns the number of
// problems: survivors that the list does not have, entries of the list without a mutant, too few killed.
func report(out io.Writer, mutants []mutant, known map[id]string, dirs []string) (problems int) {
	count := map[string]int{}
	there := map[id]bool{}
	for _, m := range mutants {
		count[m.status]++
		there[m.id] = true
		switch _, listed := known[m.id]; {
		case m.status == lived && !listed:
			problems++
			fmt.Fprintf(out, "survives, line %d:\n%s\n", m.line, m.id)
		case m.status != lived && listed:
			// It is no failure: a time limit that passed on a busy machine looks the same.
			fmt.Fprintf(out, "was killed, though %s lists it:\n%s\n", listFile, m.id)
		}
	}
	for i := range known {
		ran := slices.ContainsFunc(dirs, func(dir string) bool { return strings.HasPrefix(i.file, dir+"/") })
		if ran && !there[i] {
			problems++
			fmt.Fprintf(out, "%s lists a mutant that is not there:\n%s\n", listFile, i)
		}
	}
	found := count[killed] + count[timedOut]
	fmt.Fprintf(out, "%d of %d mutants killed (%d by the time limit), %d live\n",
		found, len(mutants), count[timedOut], count[lived])
	// Without mutants nothing was tested, whatever the share.
	if len(mutants) == 0 || found*100 < wantKilled*len(mutants) {
		problems++
		fmt.Fprintf(out, "fewer than %d %% are killed\n", wantKilled)
	}
	return problems
}
