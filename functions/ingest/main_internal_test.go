package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// cloud is SQS and SSM on one address.
type cloud struct {
	url, queue string
	sqs        *sqs.Client
	ssm        *ssm.Client
}

const parameterName = "/clerksync/signing-secret"

func newCloud(t *testing.T) *cloud {
	t.Helper()
	cfg := emulatortest.Start(t, emulator.New(emulator.Options{}))
	c := &cloud{url: *cfg.BaseEndpoint, sqs: sqs.NewFromConfig(cfg), ssm: ssm.NewFromConfig(cfg)}
	out, err := c.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("queue")})
	if err != nil {
		t.Fatal(err)
	}
	c.queue = *out.QueueUrl
	return c
}

// keep puts the signing secret into the Parameter Store.
func (c *cloud) keep(ctx context.Context, secret string) error {
	_, err := c.ssm.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String(parameterName), Value: &secret, Type: types.ParameterTypeSecureString, Overwrite: aws.Bool(true),
	})
	return err
}

func (c *cloud) env(more ...string) map[string]string {
	env := map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example-canary",
		"AWS_ENDPOINT_URL": c.url, "QUEUE_URL": c.queue, "CLERK_WEBHOOK_SIGNING_SECRET": svixtest.Secret,
	}
	for i := 0; i+1 < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return env
}

// bodies are those of the messages on the queue.
func (c *cloud) bodies(t *testing.T) (list []string) {
	t.Helper()
	out, err := c.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &c.queue, MaxNumberOfMessages: 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range out.Messages {
		list = append(list, *m.Body)
	}
	return list
}

// start makes the function and returns it with what it logged meanwhile and
// while the requests ran.
func start(t *testing.T, env map[string]string, requests func(h lambda.Handler)) (lines []string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan []byte)
	go func() {
		all, _ := io.ReadAll(r)
		read <- all
	}()
	stdout := os.Stdout
	os.Stdout = w
	defer func() { os.Stdout = stdout }()
	requests(handler(func(n string) string { return env[n] }))
	_ = w.Close()
	for _, line := range bytes.Split(<-read, []byte("\n")) {
		if len(line) > 0 && !bytes.Contains(line, []byte(`"_aws"`)) { // metrics
			lines = append(lines, string(line))
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

func TestBadEnvironment(t *testing.T) {
	c := newCloud(t)
	const noSecret = "CLERK_WEBHOOK_SIGNING_SECRET"
	key := strings.TrimPrefix(svixtest.Secret, "whsec_")
	for name, bad := range map[string]struct {
		env   map[string]string
		names []string
	}{
		"nothing at all": {env: map[string]string{}, names: []string{"QUEUE_URL", "CLERK_WEBHOOK_SECRET", "CLERK_WEBHOOK_SECRET_PARAMETER", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}},
		"no queue":       {env: c.env("QUEUE_URL", ""), names: []string{"QUEUE_URL"}},
		"no region":      {env: c.env("AWS_REGION", ""), names: []string{"AWS_REGION"}},
		// https://github.com/harshdwivediiiii/pathfinder-ai/issues/2610
		"no secret, empty strings": {env: c.env(noSecret, "", "CLERK_WEBHOOK_SECRET", "", "CLERK_WEBHOOK_SECRET_PARAMETER", ""), names: []string{"CLERK_WEBHOOK_SECRET", "CLERK_WEBHOOK_SECRET_PARAMETER"}},
		// https://github.com/standard-webhooks/standard-webhooks/issues/235
		"v1, in front": {env: c.env(noSecret, "", "CLERK_WEBHOOK_SECRET", "v1,"+svixtest.Secret), names: []string{"CLERK_WEBHOOK_SECRET: entry 1 is not a whsec_ secret"}},
		// https://github.com/corsairdev/corsair/pull/1024
		"no base64": {env: c.env(noSecret, "whsec_!!!!"), names: []string{noSecret + ": entry 1"}},
		"no key":    {env: c.env(noSecret, "whsec_"), names: []string{noSecret + ": entry 1"}},
		// https://github.com/openai/openai-node/pull/1887
		"short":                {env: c.env(noSecret, "whsec_eA=="), names: []string{noSecret + ": entry 1"}},
		"short, a good beside": {env: c.env(noSecret, svixtest.Secret+" whsec_eA=="), names: []string{noSecret + ": entry 2"}},
		// https://github.com/nextlyhq/nextly/pull/227
		"no prefix":    {env: c.env(noSecret, key), names: []string{noSecret + ": entry 1 is not a whsec_ secret"}},
		"bad endpoint": {env: c.env("AWS_ENDPOINT_URL", "canary"), names: []string{"AWS_ENDPOINT_URL"}},
		"bad level":    {env: c.env("LOG_LEVEL", "canary"), names: []string{"LOG_LEVEL"}},
		"several":      {env: c.env("LOG_LEVEL", "canary", "QUEUE_URL", "", "AWS_ENDPOINT_URL_SQS", "canary"), names: []string{"LOG_LEVEL", "QUEUE_URL", "AWS_ENDPOINT_URL_SQS"}},
	} {
		t.Run(name, func(t *testing.T) {
			emptyKey := signed().With("svix-signature", svixtest.SignRaw(nil, svixtest.ID, signed().Header["svix-timestamp"], []byte(event)))
			lines := start(t, bad.env, func(h lambda.Handler) {
				for _, r := range []svixtest.Request{signed(), emptyKey, {Method: "POST", Path: "/webhooks/clerk"}, signed()} {
					if status, body := invoke(t, h, r); status != 500 || body != `{"error":"not_configured"}` {
						t.Errorf("answer = %d %s, want 500 not_configured", status, body)
					}
				}
			})
			var naming []string
			for _, line := range lines {
				if strings.Contains(line, bad.names[0]) {
					naming = append(naming, line)
				}
				for _, value := range []string{"canary", key, "eA==", "!!!!", c.queue} {
					if strings.Contains(line, value) {
						t.Errorf("log line %s holds a value", line)
					}
				}
			}
			if len(naming) != 1 {
				t.Fatalf("%d log lines name %s, want 1: %q", len(naming), bad.names[0], lines)
			}
			for _, n := range bad.names {
				if !strings.Contains(naming[0], n) {
					t.Errorf("log line %s does not name %s", naming[0], n)
				}
			}
		})
	}
	if list := c.bodies(t); len(list) != 0 {
		t.Errorf("queue = %q, want nothing", list)
	}
}

func TestEndToEnd(t *testing.T) {
	for name, c := range map[string]struct {
		more []string
		kept string // in SSM
	}{
		"secret in the environment":      {},
		"its other name":                 {more: []string{"CLERK_WEBHOOK_SIGNING_SECRET", "", "CLERK_WEBHOOK_SECRET", svixtest.Secret}},
		"two secrets":                    {more: []string{"CLERK_WEBHOOK_SIGNING_SECRET", svixtest.OtherSecret + "," + svixtest.Secret}},
		"line feed behind the secret":    {more: []string{"CLERK_WEBHOOK_SIGNING_SECRET", svixtest.Secret + "\n"}}, // https://github.com/heripo-lab/heripo-engine/pull/47
		"secret in SSM":                  {more: []string{"CLERK_WEBHOOK_SIGNING_SECRET", "", "CLERK_WEBHOOK_SECRET_PARAMETER", parameterName}, kept: svixtest.Secret + "\n"},
		"secret in SSM, without warm-up": {more: []string{"CLERK_WEBHOOK_SIGNING_SECRET", "", "CLERK_WEBHOOK_SECRET_PARAMETER", parameterName, "WARM_UP", "off"}, kept: svixtest.Secret},
	} {
		t.Run(name, func(t *testing.T) {
			cloud := newCloud(t)
			if c.kept != "" {
				if err := cloud.keep(t.Context(), c.kept); err != nil {
					t.Fatal(err)
				}
			}
			lines := start(t, cloud.env(c.more...), func(h lambda.Handler) {
				for _, step := range []struct {
					r      svixtest.Request
					status int
				}{
					{r: signed(), status: 200},
					{r: signed().With("svix-signature", "v1,x"), status: 400},
					{r: svixtest.SignedBy(svixtest.ThirdSecret, svixtest.ID, signed().Header["svix-timestamp"], event), status: 400},
				} {
					if status, body := invoke(t, h, step.r); status != step.status {
						t.Errorf("answer = %d %s, want %d", status, body, step.status)
					}
				}
			})
			if list := cloud.bodies(t); len(list) != 1 || list[0] != event {
				t.Errorf("queue = %q, want %q", list, event)
			}
			for _, line := range lines {
				for _, value := range []string{"canary", "Zoé", "whsec_"} {
					if strings.Contains(line, value) {
						t.Errorf("log line %s holds %q", line, value)
					}
				}
			}
		})
	}
}

// Where the secret cannot be read, the function stands and says so.
func TestSecretInSSMCannotBeRead(t *testing.T) {
	for name, value := range map[string]string{"not there": "", "bad": "whsec_canary!"} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			if value != "" {
				if err := c.keep(t.Context(), value); err != nil {
					t.Fatal(err)
				}
			}
			env := c.env("CLERK_WEBHOOK_SIGNING_SECRET", "", "CLERK_WEBHOOK_SECRET_PARAMETER", parameterName)
			lines := start(t, env, func(h lambda.Handler) {
				for range 3 {
					if status, body := invoke(t, h, signed()); status != 500 || body != `{"error":"not_configured"}` {
						t.Errorf("answer = %d %s, want 500 not_configured", status, body)
					}
				}
			})
			warnings := 0
			for _, line := range lines {
				if strings.Contains(line, `"WARN"`) {
					warnings++
				}
				if strings.Contains(line, "canary") {
					t.Errorf("log line %s holds the value", line)
				}
			}
			if warnings != 1 || len(c.bodies(t)) != 0 {
				t.Errorf("%d warnings in %q, want 1 and nothing queued", warnings, lines)
			}
		})
	}
}
