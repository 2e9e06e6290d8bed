package template_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// shellLines are the lines of the shell blocks of a section of the runbook, with continued lines joined and the loops
// over names written out.
func shellLines(t *testing.T, title string) (lines []string) {
	t.Helper()
	_, section, found := strings.Cut(readFile(t, "docs/operations.md"), "\n## "+title+"\n")
	if !found {
		t.Fatalf("docs/operations.md has no section %q", title)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	loop := regexp.MustCompile(`^for (\w+) in (.*); do$`)
	var (
		inBlock  bool
		variable string
		values   []string
		body     []string
	)
	for line := range strings.SplitSeq(strings.ReplaceAll(section, "\\\n", " "), "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			inBlock = line == "```sh"
			continue
		}
		if m := loop.FindStringSubmatch(line); inBlock && m != nil {
			variable, values, body = m[1], strings.Fields(m[2]), nil
			continue
		}
		switch {
		case !inBlock:
		case variable != "" && line == "done":
			for _, value := range values {
				for _, inner := range body {
					lines = append(lines, strings.ReplaceAll(inner, `"$`+variable+`"`, value))
				}
			}
			variable = ""
		case variable != "":
			body = append(body, line)
		default:
			lines = append(lines, line)
		}
	}
	return lines
}

// restoration follows the lines of the runbook: what is still being made, changed or deleted by AWS.
type restoration struct {
	pending map[string]string // tables and backups, and the line that began it
	counted map[string]bool   // tables whose rows were counted
	gone    map[string]bool   // tables that were waited for to be gone
	deleted int
}

var (
	awsCommand = regexp.MustCompile(`aws (\w+ (?:wait )?[\w-]+)`)
	awsTarget  = regexp.MustCompile(`--(?:target-table-name|table-name|backup-arn) "\$(\w+(?:-restored)?)"`)
	assigned   = regexp.MustCompile(`^(\w+)=\$\(aws `)
)

const mapping = "the event source mapping"

// follow takes one line, and says what is wrong with it at this point.
func (r *restoration) follow(line string) error {
	switch { // sync's event source mapping
	case strings.Contains(line, "--no-enabled"):
		r.pending[mapping] = line
	case strings.Contains(line, "get-event-source-mapping"):
		delete(r.pending, mapping)
	}
	command, target := awsCommand.FindStringSubmatch(line), awsTarget.FindStringSubmatch(line)
	if command == nil || target == nil {
		return nil
	}
	name := target[1]
	busy := func(names ...string) error {
		for _, n := range names {
			if began := r.pending[n]; began != "" {
				return fmt.Errorf("%s is not waited for, since: %s", n, began)
			}
		}
		return nil
	}
	switch command[1] {
	case "dynamodb wait table-exists", "dynamodb describe-backup":
		delete(r.pending, name)
	case "dynamodb wait table-not-exists":
		delete(r.pending, name)
		r.gone[name] = true
	case "dynamodb restore-table-to-point-in-time":
		r.pending[name] = line
		return busy(mapping)
	case "dynamodb create-backup":
		backup := assigned.FindStringSubmatch(line)
		if backup == nil {
			return errors.New("the ARN of the backup is not kept")
		}
		r.pending[backup[1]] = line
		return busy(name)
	case "dynamodb delete-table":
		r.deleted++
		if err := busy(name, "DIRECTORY_BACKUP", "DELIVERIES_BACKUP"); err != nil {
			return err
		}
		if !r.counted[name+"-restored"] {
			return fmt.Errorf("the rows of %s-restored were not counted", name)
		}
		r.pending[name] = line
	case "dynamodb restore-table-from-backup":
		if err := busy(name, strings.TrimPrefix(backupOf(line), "$")); err != nil {
			return err
		}
		if !r.gone[name] {
			return fmt.Errorf("%s may still be there", name)
		}
		r.pending[name] = line
	case "dynamodb update-table":
		if err := busy(name); err != nil {
			return err
		}
		r.pending[name] = line
	default: // reads and changes of rows and settings
		if strings.Contains(line, "--select COUNT") {
			r.counted[name] = true
		}
		return busy(name)
	}
	return nil
}

// backupOf is the variable that a line restores from.
func backupOf(line string) string {
	_, rest, _ := strings.Cut(line, `--backup-arn "`)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}

// A line that is pasted while AWS still works on what it names fails, and the next one runs all the same: so the
// damaged tables would be deleted before their replacements are known to be good.
func TestRestoreWaitsBeforeEachLineThatNeedsIt(t *testing.T) {
	r := restoration{pending: map[string]string{}, counted: map[string]bool{}, gone: map[string]bool{}}
	lines := shellLines(t, "Restore from a backup")
	for _, line := range lines {
		if err := r.follow(line); err != nil {
			t.Errorf("%s\n\t%v", line, err)
		}
	}
	if r.deleted != 2 || len(r.pending) != 0 {
		t.Errorf("%d tables deleted, still pending %v, want 2 and none in:\n%s",
			r.deleted, r.pending, strings.Join(lines, "\n"))
	}
}

// A torn transaction is applied again only if the Deliveries row of its message is older than the Directory, and the
// rows of the last minutes are gone.
func TestRestoreOfTheDirectoryIsLaterThanOfTheDeliveries(t *testing.T) {
	at := map[string]string{}
	restore := regexp.MustCompile(`--source-table-name "\$(\w+)" .*--restore-date-time "\$(\w+)"`)
	var order []string
	for _, line := range shellLines(t, "Restore from a backup") {
		if m := restore.FindStringSubmatch(line); m != nil {
			at[m[1]] = m[2]
		}
		for _, step := range []string{"--no-enabled", "delete-item", "create-backup", "delete-table", " --enabled"} {
			if strings.Contains(line, step) && (len(order) == 0 || order[len(order)-1] != step) {
				order = append(order, step)
			}
		}
	}
	if at["DIRECTORY"] != "SECOND" || at["DELIVERIES"] != "HOUR_BEFORE" {
		t.Errorf("restored to %v, want the Directory to SECOND and the Deliveries to HOUR_BEFORE", at)
	}
	const want = "--no-enabled, delete-item, create-backup, delete-table,  --enabled"
	if got := strings.Join(order, ", "); got != want {
		t.Errorf("order of the steps = %s, want %s", got, want)
	}
}
