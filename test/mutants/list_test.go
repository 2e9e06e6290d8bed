package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

const source = `package p

func f(a, b int) bool {
	return a < b || b < a
}
`

// reportOf is gremlins' report on the four mutants of the source, whose third has a status of its own.
func reportOf(status string) string {
	const m = `{"type":%q,"status":%q,"line":4,"column":%d}`
	return `{"files":[{"file_name":"f.go","mutations":[` + strings.Join([]string{
		fmt.Sprintf(m, "CONDITIONALS_BOUNDARY", status, 20),
		fmt.Sprintf(m, "CONDITIONALS_BOUNDARY", killed, 11),
		fmt.Sprintf(m, "INVERT_LOGICAL", timedOut, 15),
		fmt.Sprintf(m, "CONDITIONALS_NEGATION", "NOT COVERED", 11),
	}, ",") + `]}]}`
}

const entry = `# a comment

pkg/p/f.go CONDITIONALS_BOUNDARY 2
	return a < b || b < a
	Equal numbers are compared before,
	so that it has no effect.
`

// A survivor that the list does not have, and an entry of the list without a mutant, are problems.
func TestSurvivorsAreListed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		list, status, says string
		problems           int
	}{
		"all are killed":                  {status: killed, says: "3 of 3 mutants killed (1 by the time limit)"},
		"a survivor":                      {status: lived, says: "survives, line 4", problems: 2},
		"a survivor that is listed":       {status: lived, list: entry, says: "2 of 3 mutants killed", problems: 1},
		"a listed mutant that was killed": {status: killed, list: entry, says: "was killed, though"},
		"a listed mutant of another line": {
			status: killed, list: strings.ReplaceAll(entry, "a < b", "a <= b"),
			says: "lists a mutant that is not there", problems: 1,
		},
		"a listed mutant of a package that was left out": {
			status: killed, list: strings.ReplaceAll(entry, "pkg/p/", "pkg/p2/"), says: "3 of 3",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mutants, err := parseReport("pkg/p", []byte(reportOf(c.status)),
				func(string) ([]byte, error) { return []byte(source), nil })
			if err != nil {
				t.Fatal(err)
			}
			known, err := parseList(c.list)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			if got := report(&out, mutants, known, []string{"pkg/p"}); got != c.problems {
				t.Errorf("problems = %d, want %d\n%s", got, c.problems, out.String())
			}
			if !strings.Contains(out.String(), c.says) {
				t.Errorf("the report does not say %q:\n%s", c.says, out.String())
			}
		})
	}
}

// A report without mutants shows nothing: gremlins has not found the package.
func TestNoMutants(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if report(&out, nil, nil, nil) == 0 {
		t.Error("no mutants are no problem")
	}
}

// Every entry of the list names a line that is there, and gives a reason.
func TestListIsUpToDate(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("survivors.txt")
	if err != nil {
		t.Fatal(err)
	}
	known, err := parseList(string(b))
	if err != nil {
		t.Fatal(err)
	}
	for i, reason := range known {
		code, err := os.ReadFile("../../" + i.file)
		if err != nil {
			t.Errorf("%s: %v", i, err)
			continue
		}
		there := 0
		for line := range strings.SplitSeq(string(code), "\n") {
			if strings.TrimSpace(line) == i.text {
				there++
			}
		}
		if there == 0 {
			t.Errorf("the line is not there: %s", i)
		}
		if len(strings.Fields(reason)) < 4 {
			t.Errorf("%s: the reason is %q", i, reason)
		}
	}
	for name, text := range map[string]string{
		"no reason": "pkg/p/f.go CONDITIONALS_BOUNDARY 2\n\ta < b\n",
		"no number": "pkg/p/f.go CONDITIONALS_BOUNDARY\n\ta < b\n\tIt has no effect.\n",
		"twice":     entry + "\n" + entry,
	} {
		if _, err := parseList(text); err == nil {
			t.Errorf("a list with %s is taken", name)
		}
	}
}
