package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// The statuses of gremlins that count. A mutant that no test reaches, or that does not compile, is left out.
const (
	killed   = "KILLED"
	timedOut = "TIMED OUT" // it never ends, and the time limit has found it
	lived    = "LIVED"
)

// id names a mutant by the text of its line and not by the line's number, which moves with every change above it.
type id struct {
	file  string // pkg/svix/secrets.go
	kind  string // ARITHMETIC_BASE, as gremlins calls it
	text  string // the line, without the white space around it
	which int    // of those that are equal in file, kind and text, from 1
}

func (i id) String() string {
	return fmt.Sprintf("%s %s %d\n\t%s", i.file, i.kind, i.which, i.text)
}

type mutant struct {
	id
	line   int
	status string
}

// gremlinsReport is what gremlins writes with --output.
type gremlinsReport struct {
	Files []struct {
		Name    string           `json:"file_name"` // relative to the package
		Mutants []gremlinsMutant `json:"mutations"`
	} `json:"files"`
}

type gremlinsMutant struct {
	Kind   string `json:"type"`
	Status string `json:"status"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// parseReport returns the mutants of gremlins' report on the package in dir that count. read gives a file of the
// package.
func parseReport(dir string, report []byte, read func(file string) ([]byte, error)) ([]mutant, error) {
	var r gremlinsReport
	if err := json.Unmarshal(report, &r); err != nil {
		return nil, fmt.Errorf("decode gremlins' report: %w", err)
	}
	var mutants []mutant
	seen := map[id]int{}
	for _, f := range r.Files {
		source, err := read(f.Name)
		if err != nil {
			return nil, fmt.Errorf("read a mutated file: %w", err)
		}
		lines := strings.Split(string(source), "\n")
		// gremlins reports them in the order in which their tests ended.
		slices.SortFunc(f.Mutants, func(a, b gremlinsMutant) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		for _, m := range f.Mutants {
			if m.Line < 1 || m.Line > len(lines) {
				return nil, fmt.Errorf("%s/%s has no line %d", dir, f.Name, m.Line)
			}
			i := id{file: dir + "/" + f.Name, kind: m.Kind, text: strings.TrimSpace(lines[m.Line-1])}
			// All are counted, so that the number does not depend on what the tests find.
			seen[i]++
			i.which = seen[i]
			if slices.Contains([]string{killed, timedOut, lived}, m.Status) {
				mutants = append(mutants, mutant{id: i, line: m.Line, status: m.Status})
			}
		}
	}
	return mutants, nil
}
