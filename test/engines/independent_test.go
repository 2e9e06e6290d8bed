package engines_test

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/dynamodb/dynamodbtest"
	"github.com/clerksync/clerksync/internal/emulator/sqs/sqstest"
	"github.com/clerksync/clerksync/pkg/awsclient"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
)

// gaps are the checks that an engine is known to fail, each with its reason.
type gaps struct{ engine, table, queue map[string]string }

// engines are what the suites run on; nil stands for none.
type engines struct {
	tables *dynamodb.Client
	queues *sqs.Client
}

// both is an engine that speaks both protocols.
func both(cfg aws.Config) engines {
	return engines{dynamodb.NewFromConfig(cfg), sqs.NewFromConfig(cfg)}
}

func TestMinistack(t *testing.T) {
	program := os.Getenv("MINISTACK")
	if program == "" {
		t.Skip("MINISTACK names no program")
	}
	port := freePort(t)
	suites(t, both(start(t, port, "/_ministack/health", []string{program},
		"BIND_HOST=127.0.0.1", "GATEWAY_PORT="+port, "IOT_MTLS_ENABLED=0", "TMPDIR="+t.TempDir(), "S3_DATA_DIR="+t.TempDir())), ministack())
}

func TestMoto(t *testing.T) {
	program := os.Getenv("MOTO_SERVER")
	if program == "" {
		t.Skip("MOTO_SERVER names no program")
	}
	port := freePort(t)
	suites(t, both(start(t, port, "/moto-api/", []string{program, "-H", "127.0.0.1", "-p", port})), moto())
}

// The variables that name an endpoint, "aws" for the one of the account that
// the environment's credentials belong to. The first stands for both.
const (
	endpointOfBoth   = "ENDPOINT_URL"
	endpointOfTables = "ENDPOINT_URL_DYNAMODB"
	endpointOfQueues = "ENDPOINT_URL_SQS"
)

func TestEndpoint(t *testing.T) {
	var e engines
	if cfg, ok := named(t, endpointOfTables); ok {
		e.tables = dynamodb.NewFromConfig(cfg)
	}
	if cfg, ok := named(t, endpointOfQueues); ok {
		e.queues = sqs.NewFromConfig(cfg)
	}
	if e == (engines{}) {
		t.Skipf("%s, %s and %s name no endpoint", endpointOfBoth, endpointOfTables, endpointOfQueues)
	}
	suites(t, e, gaps{})
}

// named is how to reach the endpoint that a variable names, or the one of both.
func named(t *testing.T, variable string) (cfg aws.Config, ok bool) {
	t.Helper()
	switch endpoint := cmp.Or(os.Getenv(variable), os.Getenv(endpointOfBoth)); endpoint {
	case "":
		return aws.Config{}, false
	case "aws":
		cfg, err := config.LoadDefaultConfig(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		cfg.HTTPClient = awsclient.WholeAnswers(cfg.HTTPClient)
		return cfg, true
	default:
		return emulator.Config(endpoint), true
	}
}

// suites runs all that there is an engine for, and says how many checks it
// has left out.
func suites(t *testing.T, e engines, g gaps) {
	t.Helper()
	t.Run("engine", func(t *testing.T) {
		dynamodbtest.Run(t, e.forTables(t), dynamodbtest.Options{Skip: g.engine})
	})
	t.Run("queue", func(t *testing.T) {
		sqstest.Run(t, e.forQueues(t), sqstest.Options{Skip: g.queue})
	})
	t.Run("table", func(t *testing.T) {
		client := e.forTables(t)
		directorytest.RunBut(t, g.table, func(t *testing.T) directory.Table {
			t.Helper()
			names := dynamotest.OpenAt(t, client)
			return dynamo.New(client, names.Directory, names.Deliveries)
		})
	})
	t.Run("simulation", func(t *testing.T) {
		simulate(t, e.forTables(t), histories(t, "SIMULATION_ENDPOINT", 20))
	})
	t.Log(g.summary(e))
}

// forTables skips the test where there is no engine for it.
func (e engines) forTables(t *testing.T) *dynamodb.Client {
	t.Helper()
	if e.tables == nil {
		t.Skipf("neither %s nor %s names an endpoint", endpointOfTables, endpointOfBoth)
	}
	return e.tables
}

// forQueues skips the test where there is no engine for it.
func (e engines) forQueues(t *testing.T) *sqs.Client {
	t.Helper()
	if e.queues == nil {
		t.Skipf("neither %s nor %s names an endpoint", endpointOfQueues, endpointOfBoth)
	}
	return e.queues
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// start runs a server until the test ends, and waits until it answers.
func start(t *testing.T, port, health string, args []string, env ...string) aws.Config {
	t.Helper()
	var said strings.Builder
	c := exec.CommandContext(context.WithoutCancel(t.Context()), args[0], args[1:]...)
	c.Env, c.Stdout, c.Stderr = append(os.Environ(), env...), &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", args[0], said.String()[max(0, said.Len()-2000):])
		}
	})
	url := "http://127.0.0.1:" + port
	for range 300 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+health, nil)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := http.DefaultClient.Do(r); err == nil {
			_ = out.Body.Close()
			return emulator.Config(url)
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s does not answer", args[0])
	return aws.Config{}
}
