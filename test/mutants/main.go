// Command mutants changes the code of the packages that decide what a row holds, one operator at a time, and runs their
// tests on each change (go-gremlins does both). If they still pass, they have a hole, or the change has no effect. The
// changes without effect stand in survivors.txt, each with the reason; any other survivor makes the command fail.
//
//	go run ./test/mutants                        # all packages
//	go run ./test/mutants pkg/svix pkg/delivery  # some of them
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

const (
	// gremlins is run by its version and stays out of go.mod: nothing compiles it.
	gremlins = "github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0"

	listFile = "test/mutants/survivors.txt"

	// wantKilled is the least share of the covered mutants, in percent, that the tests must find.
	wantKilled = 92
)

// packages are the field and the work.
func packages() []string {
	return strings.Fields("pkg/svix pkg/clerk pkg/directory pkg/delivery pkg/ingest pkg/projector pkg/consumer")
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, dirs []string) error {
	if len(dirs) == 0 {
		dirs = packages()
	}
	list, err := os.ReadFile(listFile)
	if err != nil {
		return fmt.Errorf("read the list (run this at the module's root): %w", err)
	}
	known, err := parseList(string(list))
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return fmt.Errorf("make a folder for the reports: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()

	var mutants []mutant
	for _, dir := range dirs {
		fmt.Fprintf(out, "%s ...\n", dir)
		found, err := mutate(ctx, filepath.Clean(dir), filepath.Join(work, "report.json"))
		if err != nil {
			return fmt.Errorf("mutate %s: %w", dir, err)
		}
		mutants = append(mutants, found...)
	}
	if problems := report(out, mutants, known, dirs); problems > 0 {
		return fmt.Errorf("%d problems", problems)
	}
	return nil
}

// mutate runs gremlins over a package and returns the mutants that its tests cover.
func mutate(ctx context.Context, dir, reportFile string) ([]mutant, error) {
	cmd := exec.CommandContext(ctx, "go", "run", gremlins, "unleash", "./"+dir,
		"--invert-assignments", "--invert-bitwise", "--invert-bwassign", "--invert-logical", "--invert-loopctrl",
		"--remove-self-assignments",
		// The helpers of tests are no part of what is deployed.
		"--exclude-files", "test/",
		// A mutant that loops for ever is found by the time limit, this many times that of the whole tests. It is long,
		// because a limit that passes on a busy machine would hide a survivor.
		"--timeout-coefficient", "20",
		"--workers", "2", "--test-cpu", "1", "--output", reportFile)
	// gremlins takes no flags for go test. Without -count, the time of the tests, from which the limit is computed,
	// might be that of a cached result. Tests of scale are left out: they take seconds, and look at speed alone.
	cmd.Env = append(os.Environ(), "GOFLAGS="+os.Getenv("GOFLAGS")+
		" -short -count=1 -vet=off -skip=^Test(AMillionMembers|TenThousandMembers|BusyOrganization)$")
	// gremlins takes a mutant whose test process is killed for a survivor, so that nothing is reported after Ctrl-C.
	if text, err := cmd.CombinedOutput(); err != nil || ctx.Err() != nil {
		return nil, fmt.Errorf("%w\n%s", errors.Join(ctx.Err(), err), text)
	}
	b, err := os.ReadFile(reportFile)
	if err != nil {
		return nil, errors.New("gremlins wrote no report")
	}
	return parseReport(dir, b, func(file string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, file)) })
}
