// Package deployment is where a command looks: a stack in AWS, tables and queues
// that are named one by one, or a `clerksync dev` on this machine.
//
// Find finds out from the flags (deployment.go), with a stack from its outputs
// (stack.go), by AWS's configuration of this machine or without any
// (config.go). What is there can then be read: rows (rows.go), page by page
// (listing.go) and by what people know of them (search.go), queues (queue.go),
// dead letters (deadletters.go), metrics (metrics.go, requests.go), alarms
// (alarms.go), the functions' logs (logs.go), the probe's results (probe.go) and
// parameters (parameter.go). What rows say in words is in why.go. One command
// changes rows (scrub.go).
package deployment

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/ingest"
)

// Where `dev` listens unless told otherwise, and where the other commands look.
const (
	DefaultAddr        = "127.0.0.1:3000"
	DefaultAWSAddr     = "127.0.0.1:4566"
	DefaultConsoleAddr = "127.0.0.1:4567"
	DefaultClerkAddr   = "127.0.0.1:4568"
	DefaultWebhookURL  = "http://" + DefaultAddr + ingest.Path
	DefaultEndpointURL = "http://" + DefaultAWSAddr
)

// Names are what the user says about where to look. Each may be empty.
type Names struct {
	Stack                           string
	EndpointURL                     string
	DirectoryTable, DeliveriesTable string
	QueueURL, DeadLetterQueueURL    string
	WebhookURL                      string
}

// Local says whether the names stand for a `clerksync dev`: neither a stack nor
// a table nor a queue is named.
func (n Names) Local() bool {
	return n.Stack == "" && cmp.Or(n.DirectoryTable, n.DeliveriesTable, n.QueueURL, n.DeadLetterQueueURL) == ""
}

// Webhook is the URL of the webhook as far as the names tell, else "".
func (n Names) Webhook() string {
	if n.WebhookURL == "" && n.Local() {
		return DefaultWebhookURL
	}
	return n.WebhookURL
}

// LoadConfig returns the AWS configuration to look with.
func (n Names) LoadConfig(ctx context.Context, getenv func(string) string) (aws.Config, error) {
	return LoadConfig(ctx, getenv, n.endpoint(getenv))
}

// endpoint is the AWS endpoint, "" for AWS itself.
func (n Names) endpoint(getenv func(string) string) string {
	endpoint := cmp.Or(n.EndpointURL, getenv("AWS_ENDPOINT_URL"))
	if endpoint == "" && n.Local() {
		return DefaultEndpointURL
	}
	return endpoint
}

// FindWebhook returns the URL of the webhook to which events go: of the
// `clerksync dev` behind the endpoint. Where none answers it is the default URL,
// unless the user named the endpoint: another webhook than that one's would take
// what is not for it.
func (n Names) FindWebhook(ctx context.Context, getenv func(string) string) (string, error) {
	if r, ok := n.FindDev(ctx, getenv); ok {
		return r.WebhookURL, nil
	}
	if n.EndpointURL != "" {
		return "", fmt.Errorf("no clerksync dev answers at %s\n"+
			"Is it running? `clerksync dev` starts it; --to names a webhook", n.EndpointURL)
	}
	return DefaultWebhookURL, nil
}

// FindDev asks the endpoint that was named, or that of a `clerksync dev` by default,
// which dev stands behind it.
func (n Names) FindDev(ctx context.Context, getenv func(string) string) (Ready, bool) {
	return ask(ctx, n.endpoint(getenv))
}

// Flags are the flags that every command has, as they were given, each with a space
// before it: a command that is printed to be typed looks where this one looked.
func (n Names) Flags() string {
	return formatFlags("--stack", n.Stack, "--endpoint-url", n.EndpointURL)
}

// TableFlags are Flags and those that name tables, QueueFlags Flags and those that
// name queues: not every command has them.
func (n Names) TableFlags() string {
	return n.Flags() + formatFlags("--directory-table", n.DirectoryTable, "--deliveries-table", n.DeliveriesTable)
}

// QueueFlags are described with TableFlags.
func (n Names) QueueFlags() string {
	return n.Flags() + formatFlags("--queue-url", n.QueueURL, "--dead-letter-queue-url", n.DeadLetterQueueURL)
}

// formatFlags takes names and values in turn, and leaves out what is empty.
func formatFlags(namesAndValues ...string) string {
	var text strings.Builder
	for pair := range slices.Chunk(namesAndValues, 2) {
		if name, value := pair[0], pair[1]; value != "" {
			text.WriteString(" " + name + " " + terminal.Quote(value))
		}
	}
	return text.String()
}

// Deployment is where to look.
type Deployment struct {
	Names Names // by which it was found
	AWS   aws.Config
	Local bool   // a `clerksync dev`
	Stack *Stack // nil where none is named

	DirectoryTable, DeliveriesTable string
	QueueURL, DeadLetterQueueURL    string // "" until FindAll, where none was named
	WebhookURL                      string // "" where it is not known
	ConsoleURL                      string // of a `clerksync dev`; "" where it is off
	IngestFunction, SyncFunction    string // names; "" without a stack, and until FindFunctions
}

// Open loads the configuration for the names and finds out where to look.
func Open(ctx context.Context, getenv func(string) string, n Names) (*Deployment, error) {
	cfg, err := n.LoadConfig(ctx, getenv)
	if err != nil {
		return nil, err
	}
	return Find(ctx, cfg, n)
}

// Find finds out where to look. A name that the user gave goes before an output
// of the stack, and that before what `clerksync dev` uses.
func Find(ctx context.Context, cfg aws.Config, n Names) (_ *Deployment, err error) {
	d := &Deployment{Names: n, AWS: cfg, Local: n.Local()}
	var outputs map[string]string
	if n.Stack != "" {
		if d.Stack, err = ReadStack(ctx, cfg, n.Stack); err != nil {
			return nil, err
		}
		if outputs, err = d.Stack.checkedOutputs(); err != nil {
			return nil, err
		}
	}
	d.DirectoryTable = cmp.Or(n.DirectoryTable, outputs[outputDirectoryTable], pipeline.DirectoryTable)
	d.DeliveriesTable = cmp.Or(n.DeliveriesTable, outputs[outputDeliveriesTable], pipeline.DeliveriesTable)
	d.QueueURL = cmp.Or(n.QueueURL, outputs[outputQueue])
	d.DeadLetterQueueURL = cmp.Or(n.DeadLetterQueueURL, outputs[outputDeadLetterQueue])
	d.WebhookURL = cmp.Or(n.WebhookURL, outputs["WebhookUrl"])
	if d.Stack == nil && d.Emulated() {
		ready, _ := ask(ctx, *cfg.BaseEndpoint)
		d.WebhookURL, d.ConsoleURL = cmp.Or(d.WebhookURL, ready.WebhookURL, n.Webhook()), ready.ConsoleURL
	}
	return d, nil
}

// OfPipeline is the deployment of a `clerksync dev` in this process.
func OfPipeline(p *pipeline.Pipeline) *Deployment {
	return &Deployment{
		AWS: p.AWS, Local: true, DirectoryTable: p.DirectoryTable, DeliveriesTable: p.DeliveriesTable,
		QueueURL: p.QueueURL, DeadLetterQueueURL: p.DeadLetterQueueURL, WebhookURL: p.WebhookURL,
	}
}

// Emulated says whether the endpoint is not AWS: it may lack services.
func (d *Deployment) Emulated() bool { return d.AWS.BaseEndpoint != nil }

// String says to people where the tables are.
func (d *Deployment) String() string {
	where := "region " + d.AWS.Region
	if d.AWS.BaseEndpoint != nil {
		where = *d.AWS.BaseEndpoint
	}
	return fmt.Sprintf("tables %s and %s, %s", d.DirectoryTable, d.DeliveriesTable, where)
}

// FormatTime writes a time as the rows do, and "" for the zero time.
func FormatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(directory.TimeFormat)
}
