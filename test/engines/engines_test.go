package engines_test

import (
	"cmp"
	"os"
	"testing"

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
	"github.com/clerksync/clerksync/pkg/reader/readertest"
	"github.com/clerksync/clerksync/test/program"
)

// gaps are the checks that an engine is known to fail, each with its reason.
type gaps struct{ dynamodb, directory, sqs map[string]string }

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
	url := program.StartMinistack(t, program.FromEnv(t, "MINISTACK"), program.FreePort(t))
	suites(t, both(emulator.Config(url)), ministack())
}

func TestMoto(t *testing.T) {
	path, port := program.FromEnv(t, "MOTO_SERVER"), program.FreePort(t)
	program.Command{Args: []string{path, "-H", "127.0.0.1", "-p", port}}.Start(t)
	url := "http://127.0.0.1:" + port
	program.WaitForHTTP(t, url+"/moto-api/")
	cfg := emulator.Config(url)
	cfg.HTTPClient = motoWithCapacity{}
	suites(t, both(cfg), moto())
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
		cfg.HTTPClient = awsclient.NewHTTPClient(cfg.HTTPClient)
		return cfg, true
	default:
		return emulator.Config(endpoint), true
	}
}

// suites runs all that there is an engine for, and says how many checks it
// has left out.
func suites(t *testing.T, e engines, g gaps) {
	t.Helper()
	t.Run("dynamodb", func(t *testing.T) {
		dynamodbtest.Run(t, e.forTables(t), dynamodbtest.Options{Skip: g.dynamodb})
	})
	t.Run("sqs", func(t *testing.T) {
		sqstest.Run(t, e.forQueues(t), sqstest.Options{Skip: g.sqs})
	})
	t.Run("directory", func(t *testing.T) {
		client := e.forTables(t)
		directorytest.RunBut(t, g.directory, func(t *testing.T) directory.Table {
			t.Helper()
			names := dynamotest.OpenAt(t, client)
			return dynamo.New(client, names.Directory, names.Deliveries)
		})
	})
	t.Run("reader", func(t *testing.T) { readertest.Run(t, e.forTables(t)) })
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
