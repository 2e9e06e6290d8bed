package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

const parameterName = "/clerksync/signing-secret"

// deployment is a function with an SQS and an SSM of its own.
type deployment struct {
	url, queue string
	sqs        *sqs.Client
	log        bytes.Buffer // what the function writes, metrics included
}

// newDeployment makes a deployment with that secret in SSM, none for "".
func newDeployment(t *testing.T, secret string) *deployment {
	t.Helper()
	var o emulator.Options
	if secret != "" {
		o.SecureStrings = map[string]string{parameterName: secret}
	}
	cfg := emulatortest.Start(t, emulator.New(o))
	d := &deployment{url: *cfg.BaseEndpoint, sqs: sqs.NewFromConfig(cfg)}
	d.queue = emulatortest.CreateQueue(t, d.sqs, "queue", nil)
	return d
}

// start makes the function with a complete environment, of which some variables
// are changed.
func (d *deployment) start(changes map[string]string) lambda.Handler {
	env := map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example-canary",
		"AWS_ENDPOINT_URL": d.url, "QUEUE_URL": d.queue, settings.EnvSigningSecret: svixtest.Secret,
	}
	maps.Copy(env, changes)
	return handler(func(name string) string { return env[name] }, &d.log)
}

// checkQueue checks the bodies of the messages on the queue.
func (d *deployment) checkQueue(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for _, m := range emulatortest.Receive(t, d.sqs, d.queue) {
		got = append(got, *m.Body)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("queue (-want +got):\n%s", diff)
	}
}

// checkLog checks how many lines of a level there are, and that none holds one
// of the values. It returns those lines.
func (d *deployment) checkLog(t *testing.T, level string, count int, values ...string) (lines []string) {
	t.Helper()
	for line := range strings.Lines(d.log.String()) {
		if strings.Contains(line, `"level":"`+level+`"`) && !strings.Contains(line, `"message":"request"`) {
			lines = append(lines, line)
		}
	}
	if len(lines) != count {
		t.Fatalf("%d lines of level %s, want %d: %q", len(lines), level, count, lines)
	}
	for _, value := range append(values, "canary", "whsec_A", strings.TrimPrefix(svixtest.Secret, "whsec_")) {
		if strings.Contains(d.log.String(), value) {
			t.Errorf("log %s holds %q", d.log.String(), value)
		}
	}
	return lines
}

func invoke(t *testing.T, h lambda.Handler, r svixtest.Request) (status int, body string) {
	t.Helper()
	out, err := h.Invoke(t.Context(), r.Lambda(true))
	if err != nil {
		t.Fatalf("Invoke = %v", err)
	}
	var reply struct {
		StatusCode int
		Body       string
	}
	if err := json.Unmarshal(out, &reply); err != nil {
		t.Fatal(err)
	}
	return reply.StatusCode, reply.Body
}

const event = `{"type":"user.updated","data":{"id":"user_a1","first_name":"Zoé 🚒"}}`

func signed() svixtest.Request { return svixtest.Signed(time.Now(), event) }

// checkNotConfigured sends requests of each kind, one signed with the empty key
// among them: nothing is verified without a secret.
func checkNotConfigured(t *testing.T, h lambda.Handler) {
	t.Helper()
	r := signed()
	emptyKey := svixtest.SignRaw(nil, svixtest.ID, r.Header["svix-timestamp"], r.Body)
	for _, r := range []svixtest.Request{r, r.With("svix-signature", emptyKey), {Method: "POST", Path: r.Path}, r} {
		if status, body := invoke(t, h, r); status != 500 || body != `{"error":"not_configured"}` {
			t.Errorf("answer = %d %s, want 500 not_configured", status, body)
		}
	}
}

// Which variables are bad is tested in pkg/settings. Here it is what the
// function makes of them: it answers 500, and one line names them all.
func TestBadEnvironment(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		changes map[string]string
		names   []string
	}{
		"several": {
			changes: map[string]string{"LOG_LEVEL": "canary", "QUEUE_URL": "", "AWS_ENDPOINT_URL_SQS": "canary"},
			names:   []string{"LOG_LEVEL", "QUEUE_URL", "AWS_ENDPOINT_URL_SQS"},
		},
		// https://github.com/harshdwivediiiii/pathfinder-ai/issues/2610
		"no secret": {
			changes: map[string]string{settings.EnvSigningSecret: ""},
			names:   []string{settings.EnvSigningSecret, settings.EnvSecret, settings.EnvSecretParameter},
		},
		// https://github.com/openai/openai-node/pull/1887
		"one bad secret after a good one": {
			changes: map[string]string{settings.EnvSigningSecret: svixtest.Secret + " whsec_eA=="},
			names:   []string{settings.EnvSigningSecret + ": entry 2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDeployment(t, "")
			checkNotConfigured(t, d.start(c.changes))
			line := d.checkLog(t, "ERROR", 1, "eA==", d.queue)[0]
			for _, n := range c.names {
				if !strings.Contains(line, n) {
					t.Errorf("log line %s does not name %s", line, n)
				}
			}
			d.checkQueue(t)
		})
	}
}

func TestEndToEnd(t *testing.T) {
	t.Parallel()
	inSSM := map[string]string{settings.EnvSigningSecret: "", settings.EnvSecretParameter: parameterName}
	withoutWarmUp := maps.Clone(inSSM)
	withoutWarmUp["WARM_UP"] = "off"
	for name, c := range map[string]struct {
		changes   map[string]string
		parameter string // its value, "" for none
	}{
		"secret in the environment": {},
		"its other name": {
			changes: map[string]string{settings.EnvSigningSecret: "", settings.EnvSecret: svixtest.Secret},
		},
		"secret in SSM":                  {changes: inSSM, parameter: svixtest.Secret + "\n"},
		"secret in SSM, without warm-up": {changes: withoutWarmUp, parameter: svixtest.Secret},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDeployment(t, c.parameter)
			h := d.start(c.changes)
			timestamp := signed().Header["svix-timestamp"]
			otherSecret := svixtest.SignedBy(svixtest.ThirdSecret, svixtest.ID, timestamp, event)
			for _, step := range []struct {
				r      svixtest.Request
				status int
			}{
				{r: signed(), status: 200},
				{r: signed().With("svix-signature", "v1,x"), status: 400},
				{r: otherSecret, status: 400},
			} {
				if status, body := invoke(t, h, step.r); status != step.status {
					t.Errorf("answer = %d %s, want %d", status, body, step.status)
				}
			}
			d.checkQueue(t, event)
			d.checkLog(t, "WARN", 0, "Zoé")
		})
	}
}

// Where the parameter cannot be read, the function answers, and warns once in
// the time between two reads.
func TestSecretInSSMCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{"not there": "", "bad": "whsec_canary!"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDeployment(t, value)
			checkNotConfigured(t, d.start(map[string]string{
				settings.EnvSigningSecret: "", settings.EnvSecretParameter: parameterName,
			}))
			d.checkLog(t, "WARN", 1)
			d.checkQueue(t)
		})
	}
}
