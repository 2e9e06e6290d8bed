package main_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/rogpeppe/go-internal/testscript"

	main "github.com/clerksync/clerksync/cmd/clerksync"
)

const patience = time.Minute

// TestMain hides the machine's own settings from tests that run a command in this
// process. In a script the command is a process with the script's environment.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "clerksync" {
		clearEnvironment()
	}
	testscript.Main(m, map[string]func(){"clerksync": main.Main})
}

// clearEnvironment unsets all variables but those that Go and the system need.
func clearEnvironment() {
	kept := []string{"PATH", "HOME", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "USERPROFILE", "LOCALAPPDATA"}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if !slices.Contains(kept, strings.ToUpper(name)) && !strings.HasPrefix(name, "GO") {
			_ = os.Unsetenv(name) // it was set, so its name is one
		}
	}
}

// TestScripts runs the scripts in testdata/script, which read like a manual.
// Beside testscript's own commands they have:
//
//	dev [as=NAME] [words] [flags]  starts clerksync dev on free ports, its output
//	                               in NAME.out and NAME.err, and sets URL, ADDR,
//	                               AWS, AWS_ADDR, CONSOLE, CONSOLE_ADDR, CLERK_URL and
//	                               SECRET (NAME_URL ...
//	                               with as=)
//	step [as=NAME] TEXT...         waits for a line of NAME.out with all the texts
//	interrupt [NAME]               presses Ctrl-C and wants exit status 130
//	exits STATUS COMMAND...        runs a command and wants that exit status
//	until PATTERN COMMAND...       runs a command until its stdout matches
//	ingest FILE [at=TIME]          hands the request in FILE to the function
//	                               of the webhook and prints its answer
//	printed PATTERN                runs the command that the last one printed: the
//	                               first text on stdout or stderr that matches
//	background COMMAND [flags]     starts another command, its output in COMMAND.out
//	                               and COMMAND.err
//	printed-url FILE               opens the URL in FILE as a browser does, with a
//	                               cookie, and wants 401 for it without its query
//	fetch URL                      prints what a GET of the URL answers
//	redirect                       sets REDIRECT to a URL that answers 308
//	utf16 FILE                     rewrites FILE as PowerShell's > does
//	clerk EVENT... KIND=FILE...    serves Clerk's API and sets CLERK_API_URL
//
// Nothing waits for a fixed time.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir+"/home")
			e.Setenv("XDG_CACHE_HOME", e.WorkDir+"/cache")
			e.Setenv("GORACE", "atexit_sleep_ms=10") // else each of many short commands sleeps a second
			e.Values[processesKey{}] = map[string]*process{}
			return os.MkdirAll(e.WorkDir+"/home", 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"dev": startDev, "step": step, "interrupt": interrupt, "exits": exits, "until": untilOutput,
			"ingest": invokeIngest, "printed": runPrinted, "fetch": fetch, "printed-url": fetchPrinted,
			"background": startBackground, "redirect": serveRedirect, "utf16": writeUTF16,
			"clerk": serveClerk,
		},
	})
}

// process is a clerksync dev in the background.
type process struct {
	*exec.Cmd
	name string
	done chan error
}

// inherited are the variables that a dev in the background takes from its
// script.
func inherited() []string {
	return []string{
		"PATH", "HOME", "XDG_CACHE_HOME", "TMPDIR", "CLERK_WEBHOOK_SIGNING_SECRET", "CLERK_WEBHOOK_SECRET",
		"CLERK_INSTANCE_ID", "DELETION_POLICY", "OBJECT_STORAGE", "NO_COLOR", "CLICOLOR_FORCE", "AWS_ENDPOINT_URL",
		"AWS_REGION", "GORACE",
	}
}

// named takes as=NAME off the arguments.
func named(args []string) (name, prefix string, rest []string) {
	if len(args) > 0 && strings.HasPrefix(args[0], "as=") {
		name = strings.TrimPrefix(args[0], "as=")
		return name, name + "_", args[1:]
	}
	return "dev", "", args
}

func startDev(ts *testscript.TestScript, _ bool, args []string) {
	name, prefix, args := named(args)
	const anyPort = "127.0.0.1:0"
	flags := []string{"dev", "--addr", anyPort, "--aws-addr", anyPort, "--console-addr", anyPort, "--json"}
	if len(args) > 0 && args[0] == "words" {
		flags, args = flags[:len(flags)-1], args[1:]
	}
	program, err := exec.LookPath("clerksync")
	ts.Check(err)
	p := startProcess(ts, name, program, append(flags, args...))
	for k, v := range p.ready(ts) {
		ts.Setenv(prefix+k, v)
	}
}

// startBackground runs another command in the background, under its own name.
func startBackground(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: background COMMAND [flags]")
	}
	program, err := exec.LookPath("clerksync")
	ts.Check(err)
	startProcess(ts, args[0], program, args)
}

// startProcess writes what the process prints to NAME.out and NAME.err.
func startProcess(ts *testscript.TestScript, name, program string, args []string) *process {
	p := &process{Cmd: exec.Command(program, args...), name: name, done: make(chan error, 1)}
	p.Dir = ts.MkAbs(".")
	for _, v := range inherited() {
		if value := ts.Getenv(v); value != "" {
			p.Env = append(p.Env, v+"="+value)
		}
	}
	out, err := os.Create(ts.MkAbs(name + ".out"))
	ts.Check(err)
	stderr, err := os.Create(ts.MkAbs(name + ".err"))
	ts.Check(err)
	p.Stdout, p.Stderr = out, stderr
	ts.Check(p.Start())
	go func() {
		p.done <- p.Wait()
		_, _ = out.Close(), stderr.Close()
	}()
	ts.Defer(func() { _ = p.Process.Kill() })
	processes(ts)[name] = p
	return p
}

// ready waits until the process says where it listens, in words or as JSON.
func (p *process) ready(ts *testscript.TestScript) map[string]string {
	isReady := regexp.MustCompile(`"event":"ready".*\n|Ctrl-C stops`)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		text := ts.ReadFile(p.name+".out") + ts.ReadFile(p.name+".err")
		select {
		case err := <-p.done:
			ts.Fatalf("%s ended at once: %v\n%s", p.name, err, text)
		default:
		}
		if !isReady.MatchString(text) {
			continue
		}
		webhook := regexp.MustCompile(`http://([^"\s]+)/webhooks/clerk`).FindStringSubmatch(text)
		aws := regexp.MustCompile(`(?:AWS       |"endpoint_url":")http://([^"\s/]+)`).FindStringSubmatch(text)
		console := regexp.MustCompile(`(Console   |"console_url":")[^"\s]+`).FindString(text)
		return map[string]string{
			"URL": webhook[0], "ADDR": webhook[1], "AWS": "http://" + aws[1], "AWS_ADDR": aws[1],
			"CLERK_URL":    regexp.MustCompile(`http://[^"\s]+/v1`).FindString(text),
			"CONSOLE_ADDR": strings.TrimPrefix(regexp.MustCompile(`http://\S+`).FindString(console), "http://"),
			"CONSOLE":      regexp.MustCompile(`http://\S+`).FindString(console),
			"SECRET":       regexp.MustCompile(`whsec_[^"\s]+`).FindString(text),
		}
	}
	ts.Fatalf("%s is not ready within %s", p.name, patience)
	return nil
}

func step(ts *testscript.TestScript, neg bool, args []string) {
	name, _, texts := named(args)
	if neg || len(texts) == 0 {
		ts.Fatalf("usage: step [as=NAME] TEXT...")
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		for line := range strings.Lines(ts.ReadFile(name + ".out")) {
			if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(line, text) }) {
				return
			}
		}
	}
	ts.Fatalf("no line with %q within %s in\n%s", texts, patience, ts.ReadFile(name+".out"))
}

func interrupt(ts *testscript.TestScript, _ bool, args []string) {
	name := "dev"
	if len(args) > 0 {
		name = args[0]
	}
	p := processes(ts)[name]
	if p == nil {
		ts.Fatalf("no %s is running", name)
	}
	ts.Check(p.Process.Signal(os.Interrupt))
	select {
	case <-p.done:
	case <-time.After(patience):
		ts.Fatalf("%s still runs %s after Ctrl-C", name, patience)
	}
	if got := p.ProcessState.ExitCode(); got != 130 {
		ts.Fatalf("%s exits %d after Ctrl-C, want 130\n%s", name, got, ts.ReadFile(name+".err"))
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

func untilOutput(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN COMMAND...")
	}
	want := regexp.MustCompile(`(?m)` + args[0])
	// The pause leaves the processor to what is waited for.
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		cmd := exec.Command(args[1], args[2:]...)
		cmd.Dir = ts.MkAbs(".")
		for _, v := range inherited() {
			cmd.Env = append(cmd.Env, v+"="+ts.Getenv(v))
		}
		var out bytes.Buffer
		cmd.Stdout = &out
		if cmd.Run() == nil && want.Match(out.Bytes()) {
			fmt.Fprint(ts.Stdout(), out.String())
			return
		}
	}
	ts.Fatalf("%q does not come out within %s", args[0], patience)
}

// writeUTF16 writes the file in UTF-16, low byte first, with a byte order mark and
// line ends of Windows.
func writeUTF16(ts *testscript.TestScript, _ bool, args []string) {
	text := "\ufeff" + strings.ReplaceAll(ts.ReadFile(args[0]), "\n", "\r\n")
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
}
