package main

import (
	"context"
	"io"
	"runtime/debug"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// Main is main, for the scripts to run it as a command.
func Main() { main() }

// Commands returns the root of the tree of commands.
func Commands() *cli.Command { return program{}.commands() }

// Run runs a command line, without input and variables, to its exit status.
func Run(ctx context.Context, out, words io.Writer, args []string) int {
	return RunWithInput(ctx, strings.NewReader(""), out, words, args)
}

// RunWithInput is Run with standard input.
func RunWithInput(ctx context.Context, in io.Reader, out, words io.Writer, args []string) int {
	return RunWithAll(ctx, in, nil, out, words, args)
}

// RunWith is Run with variables.
func RunWith(ctx context.Context, env map[string]string, out, words io.Writer, args []string) int {
	return RunWithAll(ctx, strings.NewReader(""), env, out, words, args)
}

// RunWithAll is Run with standard input and variables.
func RunWithAll(
	ctx context.Context, in io.Reader, env map[string]string, out, words io.Writer, args []string,
) int {
	term := terminal.New(ctx, in, out, words)
	p := program{term, func(name string) string { return env[name] }, time.Now}
	return term.Report(p.run(ctx, args))
}

// BuildVersion is what the command version prints.
type BuildVersion = buildVersion

// NewBuildVersion makes it.
func NewBuildVersion(info *debug.BuildInfo) BuildVersion { return newBuildVersion(info) }
