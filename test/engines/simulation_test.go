package engines_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
	"github.com/clerksync/clerksync/test/simulation"
)

// histories is how many the environment asks for.
func histories(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s = %q: %v", name, text, err)
	}
	return n
}

// TestSimulationOverHTTP runs the simulation's histories through the SDK and
// real HTTP on our emulator.
func TestSimulationOverHTTP(t *testing.T) {
	n := histories(t, "SIMULATION_HTTP", 20)
	simulate(t, dynamodb.NewFromConfig(emulatortest.Start(t, emulator.New(emulator.Options{}))), n)
}

// simulate runs n histories on a pair of tables of their own.
func simulate(t *testing.T, client *dynamodb.Client, n int) {
	t.Helper()
	names := dynamotest.OpenAt(t, client)
	tally := simulation.RunOn(t, simulation.Options{
		Table: dynamo.New(client, names.Directory, names.Deliveries), Histories: n, AtOnce: 16,
		Name: strconv.FormatInt(time.Now().Unix(), 36),
	})
	t.Log("\n" + tally.String())
}
