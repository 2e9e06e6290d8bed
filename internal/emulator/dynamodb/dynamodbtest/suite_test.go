package dynamodbtest_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/dynamodb/dynamodbtest"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
)

// The suite, which also runs against other engines, holds for the emulator.
func TestEmulator(t *testing.T) {
	t.Parallel()
	cfg := emulatortest.Start(t, emulator.New(emulator.Options{}))
	dynamodbtest.Run(t, dynamodb.NewFromConfig(cfg), dynamodbtest.Options{})
}
