package deployed_test

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// local is sam local against a `clerksync dev`.
type local struct {
	sam, clerksync string
	env            []string
	built          string // folder of what sam built
	folder         string // of the signed samples and the functions' variables

	machine  string // its address on Docker's bridge
	endpoint string // of dev
}

func TestSAMLocal(t *testing.T) { //nolint:tparallel // its parts follow one another
	t.Parallel()
	l := &local{sam: program(t, "DEPLOYED_SAM"), folder: t.TempDir()}
	dockerd, busybox := program(t, "DEPLOYED_DOCKERD"), program(t, "DEPLOYED_BUSYBOX")
	host, machine := startDocker(t, dockerd, busybox)
	l.machine, l.env = machine, append(fakeAWS(""), host, "SAM_SKIP_PULL_IMAGE=1")
	l.clerksync, l.built = clerksync(t), filepath.Join(l.folder, "sam", "build")
	command{env: l.env, args: []string{
		l.sam, "build", "--config-env", "local", "--build-dir", l.built, "--parameter-overrides", "Architecture=" + architecture(),
	}}.run(t)
	l.startDev(t)
	t.Run("invoke IngestFunction", l.invokeIngest)
	t.Run("invoke SyncFunction", l.invokeSync)
	t.Run("start-api", l.startAPI)
	t.Run("make targets", l.makeTargets)
}

// startDev runs clerksync dev on free ports and writes the functions' variables
// for it, as events/env.dev.json has them for the usual ports.
func (l *local) startDev(t *testing.T) {
	t.Helper()
	output := command{args: []string{
		l.clerksync, "dev", "--addr", "127.0.0.1:0", "--aws-addr", l.machine + ":0", "--json", "--secret", svixtest.Secret,
	}}.start(t)
	var r struct {
		EndpointURL string `json:"endpoint_url"`
	}
	within(t, time.Minute, "clerksync dev is ready", func() bool {
		file, err := os.Open(output)
		if err != nil {
			return false
		}
		defer file.Close()
		line, err := bufio.NewReader(file).ReadString('\n')
		return err == nil && json.Unmarshal([]byte(line), &r) == nil && r.EndpointURL != ""
	})
	l.endpoint = r.EndpointURL
	variables, err := os.ReadFile(filepath.Join(repository(t), "events", "env.dev.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]map[string]string
	if err := json.Unmarshal(variables, &all); err != nil {
		t.Fatal(err)
	}
	port := r.EndpointURL[strings.LastIndex(r.EndpointURL, ":")+1:]
	for _, function := range all {
		for name, value := range function {
			function[name] = strings.Replace(value, "host.docker.internal:4566", "host.docker.internal:"+port, 1)
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.variables(), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (l *local) variables() string { return filepath.Join(l.folder, "env.json") }

// flags are those of sam local's commands.
func (l *local) flags(t *testing.T) []string {
	t.Helper()
	return []string{
		"--config-file", filepath.Join(repository(t), "samconfig.toml"), "--config-env", "local", "--skip-pull-image",
		"--template", filepath.Join(l.built, "template.yaml"), "--parameter-overrides", "Architecture=" + architecture(), "--env-vars", l.variables(),
	}
}

// invoke returns a function's answer to the event in a file.
func (l *local) invoke(t *testing.T, function, file string) string {
	t.Helper()
	args := append([]string{l.sam, "local", "invoke", function, "--event", file}, l.flags(t)...)
	out, words, err := command{env: l.env, args: args}.try(t)
	if err != nil {
		t.Fatalf("sam local invoke %s -e %s: %v\n%s%s", function, file, err, out, words)
	}
	return out
}

// get is what clerksync get prints.
func (l *local) get(t *testing.T, what ...string) (rows string, found bool) {
	t.Helper()
	args := append([]string{l.clerksync, "get"}, what...)
	out, _, err := command{env: l.env, args: append(args, "--json", "--endpoint-url", l.endpoint)}.try(t)
	return out, err == nil
}

func (l *local) invokeIngest(t *testing.T) {
	for _, c := range []struct{ file, status, body string }{
		{"valid", "200", `{\"received\":true,\"id\":\"msg_exampleUserCreated00000001\"}`},
		{"base64", "200", `{\"received\":true,\"id\":\"msg_exampleUserEmoji000000001\"}`},
		{"bad-signature", "400", `{\"error\":\"invalid_signature\"}`},
		{"missing-headers", "400", `{\"error\":\"missing_headers\"}`},
		{"stale", "400", `{\"error\":\"invalid_timestamp\"}`},
	} {
		command{args: []string{l.clerksync, "sign", "--dir", l.folder, "--secret", svixtest.Secret}}.run(t)
		got := l.invoke(t, "IngestFunction", filepath.Join(l.folder, "apigw", c.file+".json"))
		if !strings.Contains(got, `"statusCode":`+c.status+",") && !strings.Contains(got, `"statusCode": `+c.status+",") || !strings.Contains(got, c.body) {
			t.Fatalf("invoke IngestFunction -e apigw/%s.json = %q, want %s %s", c.file, got, c.status, c.body)
		}
		t.Logf("sam local invoke IngestFunction -e apigw/%s.json: %s", c.file, c.status)
	}
	for _, id := range []string{"msg_exampleUserCreated00000001", "msg_exampleUserEmoji000000001"} {
		within(t, time.Minute, id+" is applied by dev", func() bool {
			row, found := l.get(t, "delivery", id)
			return found && strings.Contains(row, `"outcome":"applied"`)
		})
	}
}

func (l *local) invokeSync(t *testing.T) {
	for _, c := range []struct {
		file  string
		found []string // what clerksync get finds, and a part of it
		part  string
	}{
		{"mixed", []string{"members", "org_2exampleLumenOak00000000000"}, `"user_id":"user_2exampleJonahAdeyemi0000000"`},
		{"duplicates", []string{"delivery", "msg_exampleTwice000000000001"}, `"svix_id":"msg_exampleTwice000000000001"`},
		{"out-of-order", []string{"user", "user_2exampleJonahAdeyemi0000000"}, `"deleted_at"`},
		{"poisoned", []string{"delivery", "msg_exampleSound000000000002"}, `"outcome"`},
	} {
		got := l.invoke(t, "SyncFunction", filepath.Join(repository(t), "events", "sqs", c.file+".json"))
		if !strings.Contains(got, `"batchItemFailures"`) || strings.Contains(got, "itemIdentifier") {
			t.Fatalf("invoke SyncFunction -e sqs/%s.json = %q, want no failures", c.file, got)
		}
		if row, found := l.get(t, c.found...); !found || !strings.Contains(row, c.part) {
			t.Errorf("after sqs/%s.json: clerksync get %s = %q, want %s", c.file, strings.Join(c.found, " "), row, c.part)
		}
		t.Logf("sam local invoke SyncFunction -e sqs/%s.json: clerksync get %s finds it", c.file, c.found[0])
	}
}

func (l *local) startAPI(t *testing.T) {
	port := freePort(t)
	args := append([]string{l.sam, "local", "start-api", "--port", port}, l.flags(t)...)
	command{env: l.env, args: args}.start(t)
	l.send(t, "msg_startapi", "http://127.0.0.1:"+port+"/webhooks/clerk")
	within(t, time.Minute, "msg_startapi has its effect", func() bool {
		_, found := l.get(t, "delivery", "msg_startapi")
		return found
	})
	t.Log("sam local start-api: clerksync send reaches the table through it")
}

// send tries until the API answers.
func (l *local) send(t *testing.T, id, to string) {
	t.Helper()
	within(t, 2*time.Minute, "clerksync send --to "+to, func() bool {
		_, _, err := command{args: []string{l.clerksync, "send", "--to", to, "--secret", svixtest.Secret, "--id", id, "user.updated.emoji"}}.try(t)
		return err == nil
	})
}

// makeTargets runs what README.md names, at dev's usual addresses.
func (l *local) makeTargets(t *testing.T) {
	aws := l.machine + ":4566"
	for _, addr := range []string{"127.0.0.1:3000", "127.0.0.1:3001", aws} {
		busy, err := net.Dial("tcp", addr)
		if err == nil {
			_ = busy.Close()
			t.Skipf("something listens on %s, which clerksync dev and make start-api want", addr)
		}
	}
	goCache := strings.TrimSpace(command{args: []string{"go", "env", "GOCACHE"}}.run(t))
	home := append(slices.Clone(l.env), "XDG_CACHE_HOME="+t.TempDir(), "GOCACHE="+goCache) // the kept secret is there
	command{env: home, args: []string{l.clerksync, "dev", "--aws-addr", aws}}.start(t)
	run := func(args ...string) string {
		t.Helper()
		return command{env: home, args: append([]string{"make", "SAM=" + l.sam}, args...)}.run(t)
	}
	within(t, time.Minute, "clerksync dev listens", func() bool {
		c, err := net.Dial("tcp", aws)
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
	if got := run("invoke-ingest"); !strings.Contains(got, `{\"received\":true`) {
		t.Errorf("make invoke-ingest = %s, want 200", got)
	}
	if got := run("invoke-sync"); !strings.Contains(got, "batchItemFailures") || strings.Contains(got, "itemIdentifier") {
		t.Errorf("make invoke-sync = %s, want no failures", got)
	}
	command{env: home, args: []string{"make", "SAM=" + l.sam, "start-api"}}.start(t)
	within(t, 3*time.Minute, "clerksync send through make start-api", func() bool {
		_, _, err := command{env: home, args: []string{l.clerksync, "send", "--to", "http://127.0.0.1:3001/webhooks/clerk", "user.created"}}.try(t)
		return err == nil
	})
	out, words, err := command{env: home, args: []string{l.clerksync, "get", "members", "org_2exampleLumenOak00000000000", "--json", "--endpoint-url", "http://" + aws}}.try(t)
	if err != nil || !strings.Contains(out, "user_2exampleJonahAdeyemi0000000") {
		t.Errorf("clerksync get after the make targets = %s, %v %s", out, err, words)
	}
	t.Log("make invoke-ingest, invoke-sync, start-api at the usual addresses: done")
}
