package deployment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/smithy-go"
)

// LogLine is a line that a function logs about a request or about a message. No line
// holds a body. A request that was rejected has a line at the log level DEBUG alone.
type LogLine struct {
	ID   string    `json:"-"` // of the event at CloudWatch Logs
	At   time.Time `json:"timestamp"`
	Kind string    `json:"message"` // request by ingest, message by sync

	SvixID    string `json:"svix_id"`
	EventType string `json:"event_type"`
	Stage     string `json:"stage"`  // of a request
	Reason    string `json:"reason"` // why it was rejected or ignored
	Entity    string `json:"entity"`
	Outcome   string `json:"outcome"` // of a message
	Error     string `json:"error"`
	Attempt   int    `json:"attempt"`
	LagMS     *int   `json:"lag_ms"`     // from Clerk's change
	MessageID string `json:"message_id"` // SQS's
}

// LogGroups asks for the log groups of the functions that a message passes.
func (d *Deployment) LogGroups(ctx context.Context) (groups []string, err error) {
	for _, logicalID := range []string{"IngestLogGroup", "SyncLogGroup"} {
		name, err := d.PhysicalID(ctx, logicalID)
		if err != nil {
			return nil, err
		}
		groups = append(groups, name)
	}
	return groups, nil
}

// logFilter leaves metrics, Lambda's own lines and warnings out:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
const logFilter = `{ ($.message = "request") || ($.message = "message") }`

// ReadLog reads the lines of a log group since a time, the oldest first, but for
// what CloudWatch Logs has not taken yet. It reads no more than that many pages;
// complete says whether that was all.
func (d *Deployment) ReadLog(
	ctx context.Context, group string, since time.Time, pages int,
) (lines []LogLine, complete bool, err error) {
	in := &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: &group, StartTime: aws.Int64(since.UnixMilli()), FilterPattern: aws.String(logFilter),
	}
	client := cloudwatchlogs.NewFromConfig(d.AWS)
	for range pages {
		out, err := client.FilterLogEvents(ctx, in)
		if err != nil {
			return nil, false, fmt.Errorf("read the log %s: %w", group, err)
		}
		for _, e := range out.Events {
			var l LogLine
			if json.Unmarshal([]byte(aws.ToString(e.Message)), &l) != nil {
				continue // a line that Lambda cut is none of JSON
			}
			if l.ID = aws.ToString(e.EventId); l.At.IsZero() {
				l.At = time.UnixMilli(aws.ToInt64(e.Timestamp))
			}
			lines = append(lines, l)
		}
		if in.NextToken = out.NextToken; aws.ToString(in.NextToken) == "" {
			return lines, true, nil
		}
	}
	return lines, false, nil
}

// MissingPermission is the IAM action that an error says is not allowed, "" where it
// says something else.
func MissingPermission(err error) string {
	var api smithy.APIError
	var call *smithy.OperationError
	if !errors.As(err, &api) {
		return ""
	}
	// An operation may fail because another one before it does: that which assumes the
	// role for it. The innermost one is what AWS has refused.
	for inner := err; errors.As(inner, &call); {
		inner = call.Err
	}
	if call == nil {
		return ""
	}
	switch api.ErrorCode() {
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError":
	default:
		return ""
	}
	prefix := map[string]string{
		"DynamoDB": "dynamodb", "SQS": "sqs", "CloudWatch": "cloudwatch", "CloudWatch Logs": "logs",
		"CloudFormation": "cloudformation", "STS": "sts", "Lambda": "lambda", "SSM": "ssm",
	}[call.ServiceID]
	// SQS has no actions of its own for operations on several messages:
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
	return prefix + ":" + strings.TrimSuffix(call.OperationName, "Batch")
}
