// Package pipeline is the whole of clerksync in one process: the real ingest
// and sync, joined by a queue and a poller as in Lambda, over the emulators
// or the AWS endpoint that it is pointed at. Only `clerksync dev` and tests
// use it.
package pipeline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/eventsource"
	"github.com/clerksync/clerksync/internal/emulator/guard"
	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn/syncfn"
	"github.com/clerksync/clerksync/pkg/projector"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/sqsqueue"
	"github.com/clerksync/clerksync/pkg/svix"
)

// Options say what to run.
type Options struct {
	Addr    string // of the webhook, e.g. 127.0.0.1:3000
	AWSAddr string // of the emulators' endpoint; "" where AWS is set
	// AWS is the configuration of another endpoint instead of the emulators.
	AWS *aws.Config
	// ClerkAddr is where Clerk's API is emulated, with a sample company that the
	// webhook's events change; "" for nowhere. A port that is taken gives way to any
	// free one.
	ClerkAddr string
	// Secrets verify requests.
	Secrets *svix.Secrets
	// KeptSecret is what the emulated SSM holds as SecretParameter, "" for nothing.
	// Every process of this machine may read it there, so it must be one that was
	// made for this machine: a secret that the user gave may be a real endpoint's.
	KeptSecret string
	// Describe makes what GET / on the emulators' endpoint answers, as JSON. It is
	// called at each such request, once all addresses and names are there.
	Describe func(*Pipeline) any
	// Instances are the Clerk instances whose events are taken; none for all.
	Instances []string
	Storage   settings.Storage
	// WrapClient stands before the HTTP client by which the functions and the poller
	// reach AWS, and no one else; nil for none.
	WrapClient func(aws.HTTPClient) aws.HTTPClient

	OnRequest func(context.Context, ingest.Report)
	OnMessage func(context.Context, consumer.Report)
	Warn      func(ctx context.Context, operation string, err error)
	// WrapWebhook and WrapTable put something round the webhook and round the table
	// that sync works on, to see what passes; nil for nothing.
	WrapWebhook func(http.Handler) http.Handler
	WrapTable   func(directory.Table) directory.Table
}

// Pipeline is a running pipeline.
type Pipeline struct {
	WebhookURL string
	Endpoint   string     // URL of the AWS endpoint
	ClerkURL   string     // of the emulated Clerk's API, which ClerkKey opens; "" for none
	AWS        aws.Config // of the AWS endpoint
	DynamoDB   *dynamodb.Client
	SQS        *sqs.Client

	DirectoryTable, DeliveriesTable string // names
	QueueURL, DeadLetterQueueURL    string

	functions struct { // the clients of the functions and the poller
		dynamodb *dynamodb.Client
		sqs      *sqs.Client
	}
	stop    context.CancelFunc // of the poller
	ready   atomic.Bool        // all of the above is set
	order   *order
	webhook *http.Server
	aws     *emulator.Endpoint // nil for an outside endpoint
	queues  emulator.Queues    // of aws
	clerk   *emulator.Endpoint // nil for none
	poller  sync.WaitGroup
}

// SecretParameter is the template's default name of the signing secret.
const SecretParameter = "/clerksync/signing-secret"

const (
	// functionTimeout is the sync function's in template.yaml.
	functionTimeout = 60 * time.Second
	// pollers is how many batches are in flight at most.
	pollers = 4
)

// Start runs a pipeline until Stop. The error says which address is taken or
// which endpoint does not answer.
func Start(ctx context.Context, o Options) (_ *Pipeline, err error) {
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	p := &Pipeline{stop: stop}
	defer func() {
		if err != nil {
			p.Stop(ctx)
		}
	}()
	// The AWS endpoint comes first: it is where the webhook keeps what it accepts.
	cfg := o.AWS
	if cfg == nil {
		services := emulator.Options{SecureStrings: map[string]string{}, Describe: p.describe(o), Queues: &p.queues}
		if o.KeptSecret != "" {
			// Here the deployed function reads it, so that `sam local` finds it too.
			services.SecureStrings[SecretParameter] = o.KeptSecret
		}
		if p.aws, err = emulator.Start(ctx, o.AWSAddr, emulator.New(services)); err != nil {
			return nil, fmt.Errorf("the AWS endpoint: %w", err)
		}
		cfg = &p.aws.Config
	}
	p.AWS, p.Endpoint = *cfg, aws.ToString(cfg.BaseEndpoint)
	p.DynamoDB, p.SQS = dynamodb.NewFromConfig(*cfg), sqs.NewFromConfig(*cfg)
	if err = p.createStores(ctx); err != nil {
		return nil, fmt.Errorf("the AWS endpoint %s: %w", p.Endpoint, err)
	}
	p.connectFunctions(o.WrapClient)
	l, err := listen(ctx, o.Addr)
	if err != nil {
		return nil, fmt.Errorf("the webhook: %w", err)
	}
	p.WebhookURL = "http://" + l.Addr().String() + ingest.Path
	queue := ingest.Queue(sqsqueue.NewSender(p.functions.sqs, p.QueueURL))
	if o.ClerkAddr != "" {
		if queue, err = p.startClerk(ctx, o.ClerkAddr, queue); err != nil {
			_ = l.Close()
			return nil, fmt.Errorf("the API of Clerk: %w", err)
		}
	}
	o = p.inOrder(o, queue)
	webhook := http.Handler(p.ingest(o))
	if o.WrapWebhook != nil {
		webhook = o.WrapWebhook(webhook)
	}
	p.webhook = serve(l, webhook)
	source := eventsource.Source{
		Client: p.functions.sqs, QueueURL: p.QueueURL, Concurrency: pollers, Timeout: functionTimeout, Warn: o.Warn,
		Invoke: (&syncfn.Handler{Consumer: p.consumer(o)}).Invoke,
	}
	p.poller.Go(func() { source.Run(run) })
	p.ready.Store(true)
	return p, nil
}

// connectFunctions makes the clients of the functions.
func (p *Pipeline) connectFunctions(wrap func(aws.HTTPClient) aws.HTTPClient) {
	cfg := p.AWS
	if wrap != nil {
		cfg.HTTPClient = wrap(cfg.HTTPClient)
	}
	p.functions.dynamodb, p.functions.sqs = dynamodb.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
}

// describe answers nothing until Start is done: the endpoint is up before the
// webhook has an address.
func (p *Pipeline) describe(o Options) func() any {
	return func() any {
		if o.Describe == nil || !p.ready.Load() {
			return nil
		}
		return o.Describe(p)
	}
}

// inOrder puts the callbacks in order: what becomes of a message is reported
// after that it is queued.
func (p *Pipeline) inOrder(o Options, queue ingest.Queue) Options {
	p.order = newOrder(queue)
	onRequest, onMessage := o.OnRequest, o.OnMessage
	o.OnRequest = func(ctx context.Context, r ingest.Report) {
		onRequest(ctx, r)
		p.order.reported(r)
	}
	o.OnMessage = func(ctx context.Context, r consumer.Report) {
		p.order.wait(r.SvixID)
		onMessage(ctx, r)
	}
	return o
}

func (p *Pipeline) ingest(o Options) *ingest.Ingest {
	return ingest.New(ingest.Config{
		Secrets: ingest.FixedSecrets(o.Secrets), Queue: p.order,
		Instances: o.Instances, KnowledgeOf: clerk.KnowledgeOf,
		Now: time.Now, Observe: o.OnRequest,
	})
}

func (p *Pipeline) consumer(o Options) *consumer.Consumer {
	table := directory.Table(dynamo.New(p.functions.dynamodb, p.DirectoryTable, p.DeliveriesTable))
	if o.WrapTable != nil {
		table = o.WrapTable(table)
	}
	return consumer.New(consumer.Config{
		Table:     table,
		Queue:     sqsqueue.NewQueue(p.functions.sqs, p.QueueURL, p.DeadLetterQueueURL),
		Projector: projector.New(projector.ObjectStorage(o.Storage.ObjectStorage)),
		Policy:    consumer.DeletionPolicy(o.Storage.DeletionPolicy), Retention: o.Storage.Retention,
		Now: time.Now, Random: rand.Float64, Observe: o.OnMessage, Warn: o.Warn,
	})
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", addr, err)
	}
	return l, nil
}

func serve(l net.Listener, h http.Handler) *http.Server {
	s := guard.NewServer(h)        // any Host may come: tunnels need it, and the signature guards it
	go func() { _ = s.Serve(l) }() // returns when Stop is called
	return s
}

// drainTimeout bounds how long Stop waits for the queue to run empty.
const drainTimeout = 10 * time.Second

// Stop ends the webhook, waits until the messages that it has accepted are
// applied, even if ctx has ended, and then stops the rest. The order matters: an
// emulated queue ends with the process, and a message that Svix knows to be
// accepted would be lost with it. The queue of another endpoint keeps its
// messages for the next start.
func (p *Pipeline) Stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if p.webhook != nil {
		_ = p.webhook.Shutdown(ctx)
		if p.aws != nil {
			p.drain(ctx)
		}
	}
	p.stop()
	p.poller.Wait()
	for _, e := range []*emulator.Endpoint{p.aws, p.clerk} {
		if e != nil {
			e.Close()
		}
	}
}

// drain waits until the queue shows no message.
func (p *Pipeline) drain(ctx context.Context) {
	visible := types.QueueAttributeNameApproximateNumberOfMessages
	hidden := types.QueueAttributeNameApproximateNumberOfMessagesNotVisible
	for ctx.Err() == nil {
		out, err := p.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: &p.QueueURL, AttributeNames: []types.QueueAttributeName{visible, hidden},
		})
		if err != nil || out.Attributes[string(visible)] == "0" && out.Attributes[string(hidden)] == "0" {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}
