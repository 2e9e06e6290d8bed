package bench_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// environment is what Lambda and the template set, for both functions.
func environment(runtime, endpoint string, more ...string) []string {
	return append([]string{
		"PATH=/usr/bin", "AWS_LAMBDA_RUNTIME_API=" + runtime, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=example", "AWS_SESSION_TOKEN=" + sessionToken(),
		"AWS_LAMBDA_FUNCTION_NAME=bench", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "AWS_LAMBDA_FUNCTION_VERSION=1",
		"LAMBDA_TASK_ROOT=/var/task", "AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023", "AWS_ENDPOINT_URL=" + endpoint,
		"QUEUE_URL=https://sqs.us-east-1.amazonaws.com/000000000000/deliveries",
		"DEAD_LETTER_QUEUE_URL=https://sqs.us-east-1.amazonaws.com/000000000000/dead-letters",
		"DIRECTORY_TABLE=directory", "DELIVERIES_TABLE=deliveries", "LOG_LEVEL=INFO", "GOGC=400",
	}, more...)
}

// secret stands in the environment; secretInSSM is read at the start, as the
// template has it.
const (
	secret      = "CLERK_WEBHOOK_SIGNING_SECRET=" + svixtest.Secret
	secretInSSM = "CLERK_WEBHOOK_SECRET_PARAMETER=/clerksync/signing-secret"
)

// sample is a signed request as API Gateway hands it to ingest.
func sample(tb testing.TB, size int) []byte {
	tb.Helper()
	return svixtest.Signed(time.Now(), payload(tb, "user.created", size, nil)).Lambda(false)
}

// timing is how a function's process went.
type timing struct {
	first  time.Duration // from exec to the first response
	cpu    time.Duration // of the whole process
	peakMB float64
	last   string // the last response
}

// Prefix of a group that a function enters when it asks for its first event:
// until then Lambda's init phase gives it more than its share.
const afterInit = "after init: "

// enter puts a process with all its threads into a control group.
func enter(tb testing.TB, tasks string, pid int) {
	tb.Helper()
	file := filepath.Join(filepath.Dir(tasks), "cgroup.procs")
	if err := os.WriteFile(file, []byte(strconv.Itoa(pid)), 0o600); err != nil {
		tb.Error("enter the control group: ", err)
	}
}

// run starts a function, waits for its responses and ends it. group is a
// control group's task file, "" for none.
func run(tb testing.TB, api *runtimeAPI, path string, env []string, group string, event []byte, responses int) timing {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	api.expect(event, responses)
	tasks, boosted := strings.CutPrefix(group, afterInit)
	if boosted {
		group = ""
	}
	c := exec.CommandContext(ctx, path)
	if group != "" { // a shell enters the group and becomes the function
		c = exec.CommandContext(ctx, "/bin/sh", "-c", `echo $$ >"$0" && exec "$1"`, group, path)
	}
	c.Env = env
	var out strings.Builder
	c.Stdout, c.Stderr = &out, &out
	api.mu.Lock() // so that the process is known before it asks for the event
	began := time.Now()
	err := c.Start()
	if boosted && err == nil {
		api.enter = func() { enter(tb, tasks, c.Process.Pid) }
	}
	api.mu.Unlock()
	if err != nil {
		tb.Fatal(err)
	}
	select {
	case <-api.done:
	case <-ctx.Done():
		tb.Fatalf("%s gave no %d responses:\n%s", filepath.Base(path), responses, out.String())
	}
	peak := peakMB(tb, c.Process.Pid)
	_ = c.Process.Kill()
	_ = c.Wait() // it was killed
	api.mu.Lock()
	defer api.mu.Unlock()
	if api.bad != "" {
		tb.Fatalf("%s reported an error: %s\n%s", filepath.Base(path), api.bad, out.String())
	}
	return timing{api.first.Sub(began), c.ProcessState.UserTime() + c.ProcessState.SystemTime(), peak, string(api.last)}
}

// peakMB is the most memory that the process had resident, in MB of 2^20.
func peakMB(tb testing.TB, pid int) float64 {
	tb.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		tb.Skip("peak memory is read from Linux's /proc: ", err)
	}
	for line := range strings.Lines(string(status)) {
		if v, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(v), " kB"))
			if err != nil {
				tb.Fatal(err)
			}
			return float64(kb) / 1024
		}
	}
	tb.Skip("the kernel tells no peak memory")
	return 0
}
