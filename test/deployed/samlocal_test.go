package deployed_test

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/test/program"
)

// samLocal is `sam local` against a `clerksync dev`.
type samLocal struct {
	sam, clerksync string // the programs' paths
	env            []string
	built          string // the folder that sam built into
	folder         string // of the signed samples and the functions' variables

	machine  string // its address on Docker's bridge
	endpoint string // of dev
	secret   string // that dev made, and put into its SSM
}

// README promises that `sam local` works against `clerksync dev`: the functions in containers reach its emulators.
func TestSAMLocal(t *testing.T) { //nolint:tparallel // its parts follow one another
	t.Parallel()
	l := &samLocal{sam: program.FromEnv(t, "DEPLOYED_SAM"), folder: t.TempDir()}
	dockerd, busybox := program.FromEnv(t, "DEPLOYED_DOCKERD"), program.FromEnv(t, "DEPLOYED_BUSYBOX")
	host, machine := startDocker(t, dockerd, busybox)
	l.machine, l.env = machine, append(emulatorEnv(""), host, "SAM_SKIP_PULL_IMAGE=1")
	l.clerksync, l.built = program.Build(t, "./cmd/clerksync"), filepath.Join(l.folder, "sam", "build")
	program.Command{Env: l.env, Args: []string{
		l.sam, "build", "--config-env", "local", "--build-dir", l.built,
		"--parameter-overrides", "Architecture=" + architecture(),
	}}.Run(t)
	l.startDev(t)
	t.Run("invoke IngestFunction", l.testInvokeIngest)
	t.Run("invoke SyncFunction", l.testInvokeSync)
	t.Run("start-api", l.testStartAPI)
	t.Run("make targets", l.testMakeTargets)
}

// startDev runs clerksync dev on free ports and writes the functions' variables for it, as events/env.dev.json has them
// for the usual ports.
func (l *samLocal) startDev(t *testing.T) {
	t.Helper()
	output := program.Command{
		Env:  []string{"XDG_CACHE_HOME=" + t.TempDir()}, // where dev keeps its secret
		Args: []string{l.clerksync, "dev", "--json", "--addr", "127.0.0.1:0", "--aws-addr", l.machine + ":0"},
	}.Start(t)
	var r struct {
		EndpointURL string `json:"endpoint_url"`
		Secret      string `json:"secret"`
	}
	program.WaitUntil(t, time.Minute, "clerksync dev is ready", func() bool {
		text, err := os.ReadFile(output)
		// What dev says of an address that is not loopback may stand before the line of JSON.
		for line := range strings.Lines(string(text)) {
			if err == nil && json.Unmarshal([]byte(line), &r) == nil && r.EndpointURL != "" {
				return true
			}
		}
		return false
	})
	l.endpoint, l.secret = r.EndpointURL, r.Secret
	variables, err := os.ReadFile(filepath.Join(program.Repository(t), "events", "env.dev.json"))
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

func (l *samLocal) variables() string { return filepath.Join(l.folder, "env.json") }

// invoke returns a function's answer to the event in a file.
func (l *samLocal) invoke(t *testing.T, function, file string) string {
	t.Helper()
	return program.Command{
		Env: l.env, Args: append([]string{l.sam, "local", "invoke", function, "--event", file}, l.flags(t)...),
	}.Run(t)
}

// flags are those of sam local's commands.
func (l *samLocal) flags(t *testing.T) []string {
	t.Helper()
	return []string{
		"--config-file", samConfig(t), "--config-env", "local", "--skip-pull-image", "--env-vars", l.variables(),
		"--template", filepath.Join(l.built, "template.yaml"),
		"--parameter-overrides", "Architecture=" + architecture(),
	}
}

// get returns what clerksync get prints.
func (l *samLocal) get(t *testing.T, endpoint string, args ...string) (rows string, found bool) {
	t.Helper()
	args = slices.Concat([]string{l.clerksync, "get"}, args, []string{"--json", "--endpoint-url", endpoint})
	out, _, err := program.Command{Env: l.env, Args: args}.Output(t)
	return out, err == nil
}

// Each sample request is signed anew before it is used, because a signature is good for five minutes.
func (l *samLocal) testInvokeIngest(t *testing.T) {
	received := func(id string) string { return `{\"received\":true,\"id\":\"` + id + `\"}` }
	rejected := func(code string) string { return `{\"error\":\"` + code + `\"}` }
	for _, c := range []struct{ file, status, body string }{
		{file: "valid", status: "200", body: received("msg_exampleUserCreated00000001")},
		{file: "base64", status: "200", body: received("msg_exampleUserEmoji000000001")},
		{file: "bad-signature", status: "400", body: rejected("invalid_signature")},
		{file: "missing-headers", status: "400", body: rejected("missing_headers")},
		{file: "stale", status: "400", body: rejected("invalid_timestamp")},
	} {
		sign := []string{l.clerksync, "sign", "--dir", l.folder, "--secret", l.secret}
		program.Command{Args: sign}.Run(t)
		got := l.invoke(t, "IngestFunction", filepath.Join(l.folder, "apigw", c.file+".json"))
		status := strings.ReplaceAll(got, `"statusCode": `, `"statusCode":`)
		if !strings.Contains(status, `"statusCode":`+c.status+",") || !strings.Contains(got, c.body) {
			t.Fatalf("invoke IngestFunction -e apigw/%s.json = %q, want %s %s", c.file, got, c.status, c.body)
		}
		t.Logf("sam local invoke IngestFunction -e apigw/%s.json: %s", c.file, c.status)
	}
	for _, id := range []string{"msg_exampleUserCreated00000001", "msg_exampleUserEmoji000000001"} {
		program.WaitUntil(t, time.Minute, id+" is applied by dev", func() bool {
			row, found := l.get(t, l.endpoint, "delivery", id)
			return found && strings.Contains(row, `"outcome":"applied"`)
		})
	}
}

// Each sample batch has the effect that events/README.md describes, and reports no failed message.
func (l *samLocal) testInvokeSync(t *testing.T) {
	for _, c := range []struct {
		file string
		get  []string // arguments of clerksync get
		want string   // a part of what it prints
	}{
		{
			file: "mixed",
			get:  []string{"members", "org_2exampleLumenOak00000000000"},
			want: `"user_id":"user_2exampleJonahAdeyemi0000000"`,
		},
		{
			file: "duplicates",
			get:  []string{"delivery", "msg_exampleTwice000000000001"},
			want: `"svix_id":"msg_exampleTwice000000000001"`,
		},
		{file: "out-of-order", get: []string{"user", "user_2exampleJonahAdeyemi0000000"}, want: `"deleted_at"`},
		{file: "poisoned", get: []string{"delivery", "msg_exampleSound000000000002"}, want: `"outcome"`},
	} {
		got := l.invoke(t, "SyncFunction", filepath.Join(program.Repository(t), "events", "sqs", c.file+".json"))
		wantNoFailures(t, "invoke SyncFunction -e sqs/"+c.file+".json", got)
		if row, found := l.get(t, l.endpoint, c.get...); !found || !strings.Contains(row, c.want) {
			t.Errorf("after sqs/%s.json: clerksync get %s = %q, want %s", c.file, strings.Join(c.get, " "), row, c.want)
		}
		t.Logf("sam local invoke SyncFunction -e sqs/%s.json: clerksync get %s finds it", c.file, c.get[0])
	}
}

func wantNoFailures(t *testing.T, command, answer string) {
	t.Helper()
	if !strings.Contains(answer, "batchItemFailures") || strings.Contains(answer, "itemIdentifier") {
		t.Errorf("%s = %q, want no failures", command, answer)
	}
}

// The whole way: clerksync send to sam's API, ingest in a container, dev's queue and its own sync, the table.
func (l *samLocal) testStartAPI(t *testing.T) {
	port := program.FreePort(t)
	args := append([]string{l.sam, "local", "start-api", "--port", port}, l.flags(t)...)
	program.Command{Env: l.env, Args: args}.Start(t)
	l.send(t, nil, "http://127.0.0.1:"+port+"/webhooks/clerk", "--secret", l.secret, "--id", "msg_startapi")
	program.WaitUntil(t, time.Minute, "msg_startapi has its effect", func() bool {
		_, found := l.get(t, l.endpoint, "delivery", "msg_startapi")
		return found
	})
	t.Log("sam local start-api: clerksync send reaches the table through it")
}

// send sends an event by clerksync until the API answers.
func (l *samLocal) send(t *testing.T, env []string, to string, flags ...string) {
	t.Helper()
	args := slices.Concat([]string{l.clerksync, "send", "--to", to}, flags, []string{"user.created"})
	program.WaitUntil(t, 3*time.Minute, "clerksync send --to "+to, func() bool {
		_, _, err := program.Command{Env: env, Args: args}.Output(t)
		return err == nil
	})
}

// testMakeTargets runs the targets that README.md names, at dev's usual addresses.
func (l *samLocal) testMakeTargets(t *testing.T) {
	aws := l.machine + ":4566"
	listens := func(address string) bool {
		c, err := net.Dial("tcp", address)
		return err == nil && c.Close() == nil
	}
	for _, address := range []string{"127.0.0.1:3000", "127.0.0.1:3001", aws} {
		if listens(address) {
			t.Skipf("something listens on %s, which clerksync dev and make start-api want", address)
		}
	}
	goCache := strings.TrimSpace(program.Command{Args: []string{"go", "env", "GOCACHE"}}.Run(t))
	// dev keeps its secret in the cache folder, where make invoke-ingest finds it.
	env := append(slices.Clone(l.env), "XDG_CACHE_HOME="+t.TempDir(), "GOCACHE="+goCache)
	program.Command{Env: env, Args: []string{l.clerksync, "dev", "--aws-addr", aws}}.Start(t)
	program.WaitUntil(t, time.Minute, "clerksync dev listens", func() bool { return listens(aws) })
	runMake := func(target string) program.Command {
		return program.Command{Env: env, Args: []string{"make", "SAM=" + l.sam, target}}
	}
	if got := runMake("invoke-ingest").Run(t); !strings.Contains(got, `{\"received\":true`) {
		t.Errorf("make invoke-ingest = %s, want 200", got)
	}
	wantNoFailures(t, "make invoke-sync", runMake("invoke-sync").Run(t))
	runMake("start-api").Start(t)
	l.send(t, env, "http://127.0.0.1:3001/webhooks/clerk")
	rows, _ := l.get(t, "http://"+aws, "members", "org_2exampleLumenOak00000000000")
	if !strings.Contains(rows, "user_2exampleJonahAdeyemi0000000") {
		t.Errorf("clerksync get after the make targets = %s, want Jonah in it", rows)
	}
	t.Log("make invoke-ingest, invoke-sync, start-api at the usual addresses: done")
}
