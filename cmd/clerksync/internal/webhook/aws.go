package webhook

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/ingest"
)

// GatewayEvent returns a signed request as API Gateway hands it to the ingest
// function.
func (s Signer) GatewayEvent(r Request) events.APIGatewayV2HTTPRequest {
	h, body := s.Sign(r)
	at := s.Now()
	return events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "POST " + ingest.Path, RawPath: ingest.Path, Body: string(body),
		Headers: map[string]string{
			"content-type": "application/json", "user-agent": "Svix-Webhooks/1.84.0",
			"svix-id": h.ID, "svix-timestamp": h.Timestamp, "svix-signature": h.Signature,
		},
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: "POST " + ingest.Path, Stage: "$default", RequestID: "example=", APIID: "example000",
			Time: at.UTC().Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: at.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: "POST", Path: ingest.Path, Protocol: "HTTP/1.1", SourceIP: "192.0.2.1",
			},
		},
	}
}

// queueMessage returns an event as SQS hands it to the sync function, received
// by ingest at that time.
func queueMessage(at time.Time, id string, body []byte) events.SQSMessage {
	m := delivery.Delivery{
		SvixID: id, SvixTimestamp: strconv.FormatInt(at.Unix(), 10), EventType: EventType(body),
		ReceivedAt: at, Body: body,
	}.Encode()
	sent := strconv.FormatInt(at.UnixMilli(), 10)
	out := events.SQSMessage{
		Body: m.Body, EventSource: "aws:sqs", AWSRegion: "us-east-1",
		EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:clerksync-deliveries",
		Attributes: map[string]string{
			"ApproximateReceiveCount": "1", "SenderId": "AIDAEXAMPLE",
			"SentTimestamp": sent, "ApproximateFirstReceiveTimestamp": sent,
		},
		MessageAttributes: map[string]events.SQSMessageAttribute{},
	}
	for name, text := range m.Attributes {
		out.MessageAttributes[name] = events.SQSMessageAttribute{DataType: "String", StringValue: &text}
	}
	return out
}

// batch gives the messages of one invocation their ids.
func batch(messages ...events.SQSMessage) events.SQSEvent {
	for i := range messages {
		messages[i].MessageId = fmt.Sprintf("00000000-0000-4000-8000-%012d", i+1)
		messages[i].ReceiptHandle = fmt.Sprintf("example-receipt-%d", i+1)
	}
	return events.SQSEvent{Records: messages}
}
