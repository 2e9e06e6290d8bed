package imports_test

import (
	"strings"
)

// layer says what its packages may import in addition to the standard library. Its lists are words with spaces
// between them.
type layer struct {
	packages string // a/... stands for a and all below it, but for packages that are named elsewhere
	layers   string // whose packages may be imported
	modules  string // of others; sdk/... stands for a module of the AWS SDK
}

func layers() map[string]layer {
	return map[string]layer{
		// The field's words: they know the standard library and one another.
		"field": {packages: "pkg/svix pkg/clerk pkg/directory pkg/delivery", layers: "field"},
		// The settings are read with the field's words, and know neither work nor edge.
		"settings": {packages: "pkg/settings", layers: "field"},
		// The work knows the field. It declares the interfaces of whatever it needs from the edge.
		"work": {
			packages: "pkg/ingest pkg/projector pkg/consumer",
			layers:   "field work", modules: "golang.org/x/sync",
		},
		// Each package of the edge knows the field and one technology, and no other edge.
		"aws": {packages: "pkg/awsclient", layers: "settings", modules: "sdk"},
		"dynamodb": {
			packages: "pkg/dynamo",
			layers:   "field", modules: "sdk sdk/service/dynamodb github.com/aws/smithy-go",
		},
		// What an application imports: it compiles no more than the field and that edge.
		"reader": {packages: "pkg/reader", layers: "field dynamodb", modules: "sdk sdk/service/dynamodb"},
		"sqs":    {packages: "pkg/sqsqueue", layers: "field", modules: "sdk sdk/service/sqs github.com/aws/smithy-go"},
		"ssm":    {packages: "pkg/ssmparam", modules: "sdk"},
		"clerk":  {packages: "pkg/clerkapi", layers: "field", modules: "golang.org/x/time"},
		// A backfill compares Clerk's objects with rows and writes rows: it knows the work, and reads by Clerk's
		// client.
		"backfill": {packages: "pkg/backfill", layers: "field work clerk", modules: "golang.org/x/sync"},
		// What the functions share does not know what any of them does; a handler turns Lambda's event into a call of
		// the work.
		"lambda": {packages: "pkg/lambdafn", modules: "github.com/aws/aws-lambda-go"},
		"handlers": {
			packages: "pkg/lambdafn/ingestfn pkg/lambdafn/syncfn",
			layers:   "field work lambda", modules: "sdk",
		},
		// The probe has no work of its own to call: it holds what Clerk's client lists against rows.
		"probe": {packages: "pkg/lambdafn/probefn", layers: "field lambda clerk"},
		// The emulators stand in for AWS: of ours they know only the client that reaches them.
		"emulators": {
			packages: "internal/emulator/awsjson " +
				"internal/emulator/sqs internal/emulator/ssm internal/emulator/dynamodb",
			layers: "emulators", modules: "github.com/truora/minidyn github.com/tidwall/btree",
		},
		"clerkemulator": {packages: "internal/emulator/clerk", layers: "field"},
		"emulator":      {packages: "internal/emulator", layers: "emulators guard aws", modules: "sdk sdk/credentials"},
		// What listens on a laptop is guarded, the emulators and the webhook alike.
		"guard": {packages: "internal/emulator/guard"},
		"poller": {
			packages: "internal/emulator/eventsource",
			modules:  "github.com/aws/aws-lambda-go sdk sdk/service/sqs",
		},
		"samples": {packages: "events"},
		// Only functions and commands know both work and edge.
		"functions": {
			packages: "functions/ingest functions/sync functions/probe",
			layers:   "field settings work lambda handlers probe aws dynamodb sqs ssm clerk",
			modules:  "github.com/aws/aws-lambda-go sdk/service/dynamodb sdk/service/sqs",
		},
		"commands": {
			packages: "cmd/...",
			layers: "field settings work lambda handlers aws dynamodb sqs ssm clerk backfill " +
				"emulator clerkemulator guard poller samples commands",
			modules: "github.com/aws/aws-lambda-go github.com/aws/smithy-go sdk sdk/config sdk/credentials " +
				"sdk/service/dynamodb sdk/service/sqs sdk/service/ssm sdk/service/cloudformation " +
				"sdk/service/cloudwatch sdk/service/cloudwatchlogs sdk/service/lambda sdk/service/sts " +
				"charm.land/lipgloss/v2 github.com/urfave/cli/v3 golang.org/x/term golang.org/x/sync " +
				"golang.org/x/time github.com/lmittmann/tint github.com/segmentio/ksuid github.com/vbauerster/mpb/v8 " +
				"github.com/wI2L/jsondiff github.com/cli/browser",
		},
		// What tests alone import may import anything.
		"tests": {
			packages: "test/... docs/examples/integration " +
				"pkg/svix/svixtest pkg/directory/directorytest pkg/delivery/deliverytest " +
				"pkg/dynamo/dynamotest pkg/reader/readertest internal/emulator/emulatortest " +
				"internal/emulator/dynamodb/dynamodbtest internal/emulator/sqs/sqstest " +
				"cmd/clerksync/internal/deployment/deploymenttest",
		},
	}
}

// layerOf names the layer of a package of ours, "" for one in none. Its own name counts before a/... does.
func layerOf(path string) (layer string) {
	for name, l := range layers() {
		for p := range strings.FieldsSeq(l.packages) {
			if p == path {
				return name
			}
			below, all := strings.CutSuffix(p, "/...")
			if all && (path == below || strings.HasPrefix(path, below+"/")) {
				layer = name
			}
		}
	}
	return layer
}
