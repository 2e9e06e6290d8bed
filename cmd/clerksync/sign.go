package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	samples "github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/ingest"
)

func (e program) signCommand() *cli.Command {
	return &cli.Command{
		Name:      "sign",
		Usage:     "make freshly signed requests for sam local",
		ArgsUsage: "[file | - | event name]",
		Description: `With an event it prints the request that API Gateway would hand to the ingest
function. Without one it writes the sample requests and batches of events/apigw
and events/sqs afresh, for a signature is good for 5 minutes. It signs with the
secret that send would use.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "secret", Usage: "sign with `whsec_...`"},
			&cli.StringFlag{Name: "dir", Value: "events", Usage: "write the samples below `DIR`"},
			&cli.TimestampFlag{Name: "at", Usage: "sign as at `TIME` (RFC 3339) instead of now", Config: cli.TimestampConfig{Layouts: []string{time.RFC3339}}},
		},
		Action: e.sign,
		Metadata: terminal.Examples(
			"clerksync sign user.created | sam local invoke IngestFunction -e -",
			"clerksync sign && sam local invoke IngestFunction -e events/apigw/valid.json"),
	}
}

func (e program) sign(_ context.Context, c *cli.Command) error {
	if c.NArg() > 1 {
		return terminal.Usagef("sign takes one event, or none for all samples")
	}
	secret, err := e.secret(c.String("secret"))
	if err != nil {
		return err
	}
	p := poster{now: e.now}
	if p.secrets, err = secret.parse(); err != nil {
		return err
	}
	if at := c.Timestamp("at"); !at.IsZero() {
		p.now = func() time.Time { return at }
	}
	if c.NArg() == 0 {
		return e.signSamples(p, c.String("dir"))
	}
	body, err := e.body(terminal.Files(c)[0])
	if err != nil {
		return err
	}
	e.term.PrintJSON(p.gateway(request{id: newID(), body: body}))
	return nil
}

// gateway is a request as API Gateway hands it to a function.
func (p poster) gateway(r request) events.APIGatewayV2HTTPRequest {
	h := p.sign(r)
	body := string(r.body)
	if r.tamper {
		body += " "
	}
	at := p.now()
	return events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "POST " + ingest.Path, RawPath: ingest.Path, Body: body,
		Headers: map[string]string{
			"content-type": "application/json", "user-agent": "Svix-Webhooks/1.84.0",
			"svix-id": h.ID, "svix-timestamp": h.Timestamp, "svix-signature": h.Signature,
		},
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: "POST " + ingest.Path, Stage: "$default", RequestID: "example=", APIID: "example000",
			Time: at.UTC().Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: at.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: "POST", Path: ingest.Path, Protocol: "HTTP/1.1", SourceIP: "192.0.2.1"},
		},
	}
}

// signSamples writes events/apigw and events/sqs.
func (e program) signSamples(p poster, dir string) error {
	body := func(name string) []byte {
		b, err := samples.Body(name)
		if err != nil {
			panic(err) // a name of ours
		}
		return b
	}
	created := request{id: "msg_exampleUserCreated00000001", body: body("user.created")}
	tampered, stale := created, created
	tampered.tamper = true
	stale.skew = -10 * time.Minute

	missing := p.gateway(created)
	delete(missing.Headers, "svix-signature")
	encoded := p.gateway(request{id: "msg_exampleUserEmoji000000001", body: body("user.updated.emoji")})
	encoded.Body, encoded.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(encoded.Body)), true

	at := p.now()
	message := func(id, name string) events.SQSMessage { return sqsMessage(at, id, body(name)) }
	poisoned := message("msg_examplePoison00000000001", "user.deleted")
	poisoned.Body = `{"data":{"object":"user","deleted":true},"object":"event","timestamp":1772884800000,"type":"user.deleted"}`
	files := map[string]any{
		"apigw/valid.json": p.gateway(created), "apigw/bad-signature.json": p.gateway(tampered),
		"apigw/missing-headers.json": missing, "apigw/stale.json": p.gateway(stale), "apigw/base64.json": encoded,
		"sqs/mixed.json": batchOf(
			message("msg_exampleMixed000000000001", "user.created"), message("msg_exampleMixed000000000002", "organization.created"),
			message("msg_exampleMixed000000000003", "organizationMembership.created"), message("msg_exampleMixed000000000004", "organizationInvitation.created")),
		"sqs/duplicates.json": batchOf(
			message("msg_exampleTwice000000000001", "user.created"), message("msg_exampleTwice000000000001", "user.created")),
		"sqs/out-of-order.json": batchOf(
			message("msg_exampleOrder000000000003", "user.deleted"), message("msg_exampleOrder000000000002", "user.updated"), message("msg_exampleOrder000000000001", "user.created")),
		"sqs/poisoned.json": batchOf(
			message("msg_exampleSound000000000001", "user.created"), poisoned, message("msg_exampleSound000000000002", "organization.created")),
	}
	for name, v := range files {
		text, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return fmt.Errorf("encode %s: %w", name, err)
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // samples for everybody
			return fmt.Errorf("write the samples: %w", err)
		}
		if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil { //nolint:gosec // samples for everybody
			return fmt.Errorf("write the samples: %w", err)
		}
	}
	e.term.Note("%s %d samples below %s, good until %s", terminal.Good("Signed:"), len(files), dir, at.Add(5*time.Minute).Format(time.TimeOnly))
	return nil
}

func batchOf(messages ...events.SQSMessage) events.SQSEvent {
	for i := range messages {
		messages[i].MessageId = fmt.Sprintf("00000000-0000-4000-8000-%012d", i+1)
		messages[i].ReceiptHandle = fmt.Sprintf("example-receipt-%d", i+1)
	}
	return events.SQSEvent{Records: messages}
}

func sqsMessage(at time.Time, id string, body []byte) events.SQSMessage {
	m := delivery.Delivery{
		SvixID: id, SvixTimestamp: strconv.FormatInt(at.Unix(), 10), EventType: eventType(body), ReceivedAt: at, Body: body,
	}.Encode()
	out := events.SQSMessage{
		Body: m.Body, EventSource: "aws:sqs", AWSRegion: "us-east-1",
		EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:clerksync-deliveries",
		Attributes: map[string]string{
			"ApproximateReceiveCount": "1", "SentTimestamp": strconv.FormatInt(at.UnixMilli(), 10),
			"ApproximateFirstReceiveTimestamp": strconv.FormatInt(at.UnixMilli(), 10), "SenderId": "AIDAEXAMPLE",
		},
		MessageAttributes: map[string]events.SQSMessageAttribute{},
	}
	for name, text := range m.Attributes {
		out.MessageAttributes[name] = events.SQSMessageAttribute{DataType: "String", StringValue: &text}
	}
	return out
}
