package independent_test

import (
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
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/pkg/awsenv"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
	"github.com/clerksync/clerksync/pkg/dynamoserver/enginetest"
	"github.com/clerksync/clerksync/pkg/sqsserver/queuetest"
)

// gaps are the checks that an engine is known to fail, each with its reason.
type gaps struct{ engine, table, queue map[string]string }

func TestMinistack(t *testing.T) {
	program := os.Getenv("MINISTACK")
	if program == "" {
		t.Skip("MINISTACK names no program")
	}
	port := freePort(t)
	suites(t, start(t, port, "/_ministack/health", []string{program},
		"BIND_HOST=127.0.0.1", "GATEWAY_PORT="+port, "IOT_MTLS_ENABLED=0", "TMPDIR="+t.TempDir(), "S3_DATA_DIR="+t.TempDir()), ministack())
}

func TestMoto(t *testing.T) {
	program := os.Getenv("MOTO_SERVER")
	if program == "" {
		t.Skip("MOTO_SERVER names no program")
	}
	port := freePort(t)
	suites(t, start(t, port, "/moto-api/", []string{program, "-H", "127.0.0.1", "-p", port}), moto())
}

func TestEndpoint(t *testing.T) {
	endpoint := os.Getenv("ENDPOINT_URL")
	switch endpoint {
	case "":
		t.Skip("ENDPOINT_URL names no endpoint")
	case "aws":
		cfg, err := config.LoadDefaultConfig(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		suites(t, cfg, gaps{})
	default:
		suites(t, local(endpoint), gaps{})
	}
}

func local(endpoint string) aws.Config {
	return aws.Config{HTTPClient: awsenv.WholeAnswers(nil), Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
}

// suites runs all three.
func suites(t *testing.T, cfg aws.Config, g gaps) {
	t.Helper()
	t.Run("engine", func(t *testing.T) {
		enginetest.Run(t, dynamodb.NewFromConfig(cfg), enginetest.Options{Skip: g.engine})
	})
	t.Run("queue", func(t *testing.T) {
		queuetest.Run(t, sqs.NewFromConfig(cfg), queuetest.Options{Skip: g.queue})
	})
	t.Run("table", func(t *testing.T) {
		client := dynamodb.NewFromConfig(cfg)
		directorytest.RunBut(t, g.table, func(t *testing.T) directory.Table {
			t.Helper()
			names := dynamotest.OpenAt(t, client)
			return dynamo.New(client, names.Directory, names.Deliveries)
		})
	})
	t.Run("simulation", func(t *testing.T) {
		simulate(t, cfg, histories(t, "SIMULATION_ENDPOINT", 20))
	})
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
			return local(url)
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s does not answer", args[0])
	return aws.Config{}
}
