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
	"github.com/clerksync/clerksync/test/program"
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

// secret stands in the environment; secretInSSM is read at the start, as the template has it, and keyInSSM by each
// probe.
const (
	secret      = "CLERK_WEBHOOK_SIGNING_SECRET=" + svixtest.Secret
	secretInSSM = "CLERK_WEBHOOK_SECRET_PARAMETER=/clerksync/signing-secret"
	keyInSSM    = "CLERK_SECRET_KEY_PARAMETER=/clerksync/clerk-key"
)

// process is a function's process to be run.
type process struct {
	path          string // of the binary
	env           []string
	group         string // the control group's task file, "" for none
	unlimitedInit bool   // the group is entered only after init, in which Lambda gives more than its share
	event         []byte
	responses     int // after which it is killed
}

// timing is how a process went.
type timing struct {
	first  time.Duration // from exec to the first response
	cpu    time.Duration // of the whole process
	peakMB float64
	last   string // the last response
}

// run starts a function, waits for its responses and kills it.
func (p process) run(tb testing.TB, api *runtimeAPI) timing {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	api.expect(p.event, p.responses)
	c := exec.CommandContext(ctx, p.path)
	if p.group != "" && !p.unlimitedInit { // a shell enters the group and becomes the function
		c = exec.CommandContext(ctx, "/bin/sh", "-c", `echo $$ >"$0" && exec "$1"`, p.group, p.path)
	}
	c.Env = p.env
	var out strings.Builder
	c.Stdout, c.Stderr = &out, &out
	api.mu.Lock() // so that the process is known before it asks for the event
	began := time.Now()
	err := c.Start()
	if p.unlimitedInit && err == nil {
		api.beforeFirst = func() { enterGroup(tb, p.group, c.Process.Pid) }
	}
	api.mu.Unlock()
	if err != nil {
		tb.Fatal(err)
	}
	name := filepath.Base(p.path)
	select {
	case <-api.done:
	case <-ctx.Done():
		tb.Fatalf("%s did not give %d responses:\n%s", name, p.responses, out.String())
	}
	peak, ok := program.Memory(c.Process.Pid, "VmHWM")
	if !ok {
		tb.Skip("peak memory is read from Linux's /proc")
	}
	_ = c.Process.Kill()
	_ = c.Wait() // it was killed
	api.mu.Lock()
	defer api.mu.Unlock()
	if api.failure != "" {
		tb.Fatalf("%s reported an error: %s\n%s", name, api.failure, out.String())
	}
	return timing{
		first:  api.first.Sub(began),
		cpu:    c.ProcessState.UserTime() + c.ProcessState.SystemTime(),
		peakMB: megabytes(peak),
		last:   string(api.last),
	}
}

// enterGroup puts a process with all its threads into a control group.
func enterGroup(tb testing.TB, tasks string, pid int) {
	tb.Helper()
	file := filepath.Join(filepath.Dir(tasks), "cgroup.procs")
	if err := os.WriteFile(file, []byte(strconv.Itoa(pid)), 0o600); err != nil {
		tb.Error("enter the control group: ", err)
	}
}

// limitCPU makes a control group with a share of one CPU and returns its task file. It skips where that is not allowed.
func limitCPU(tb testing.TB, share float64) (tasks string) {
	tb.Helper()
	const period = 20000 // microseconds, as Lambda's own
	quota := strconv.Itoa(int(share * period))
	dir, tasks := "/sys/fs/cgroup/cpu/clerksync-bench", "tasks"
	files := [][2]string{{"cpu.cfs_period_us", strconv.Itoa(period)}, {"cpu.cfs_quota_us", quota}}
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil { // version 2
		dir, tasks = "/sys/fs/cgroup/clerksync-bench", "cgroup.procs"
		files = [][2]string{{"cpu.max", fmt.Sprintf("%s %d", quota, period)}}
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !os.IsExist(err) {
		tb.Skip("a CPU quota needs root and control groups: ", err)
	}
	tb.Cleanup(func() { _ = os.Remove(dir) })
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f[0]), []byte(f[1]), 0o600); err != nil {
			tb.Skip("a CPU quota needs root and control groups: ", err)
		}
	}
	return filepath.Join(dir, tasks)
}
