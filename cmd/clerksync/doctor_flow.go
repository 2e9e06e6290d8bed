package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const (
	leastVisibility = 360 // seconds: six times sync's timeout, as template.yaml says
	patience        = 15 * time.Minute
)

func (d *doctor) stackFlag() string {
	if d.stack == "" {
		return ""
	}
	return " --stack " + d.stack
}

// checkQueue checks where hopeless messages go, and that nothing waits long.
func (d *doctor) checkQueue(ctx context.Context) verdict {
	q, err := d.queue(ctx, d.QueueURL)
	if err != nil {
		return fail("is it the right stack, and may you read its queues (sqs:GetQueueAttributes)? Else "+deployAgain, "%s", firstLine(err))
	}
	dead, err := d.queue(ctx, d.DeadLetterQueueURL)
	if err != nil {
		return fail("may you read it (sqs:GetQueueAttributes)? Else "+deployAgain, "%s", firstLine(err))
	}
	var redrive struct {
		Target   string      `json:"deadLetterTargetArn"`
		Receives json.Number `json:"maxReceiveCount"`
	}
	if text := q.attributes["RedrivePolicy"]; text == "" || json.Unmarshal([]byte(text), &redrive) != nil {
		return fail(deployAgain, "the queue has no dead-letter queue: what fails again and again is deleted after a week, and nobody is told")
	}
	if redrive.Target != dead.attributes["QueueArn"] {
		return fail(deployAgain, "the queue's dead letters go to %s, want %s", redrive.Target, dead.attributes["QueueArn"])
	}
	if n, err := redrive.Receives.Int64(); err == nil && n < 10 {
		return fail(deployAgain, "a message is given up after %d receives: a short outage of the tables makes dead letters", n)
	}
	if n, err := strconv.Atoi(q.attributes["VisibilityTimeout"]); err == nil && n < leastVisibility {
		return fail(deployAgain, "the visibility timeout is %d s, want at least %d: a batch in work is handed out again", n, leastVisibility)
	}
	return d.backlog(ctx, q)
}

// backlog says whether messages wait for long.
func (d *doctor) backlog(ctx context.Context, q queueState) verdict {
	state := fmt.Sprintf("%d waiting, %d in flight", q.Visible, q.InFlight+q.Delayed)
	if d.stack == "" {
		return pass("%s", state)
	}
	now := d.now()
	got, err := d.read(ctx, now.Add(-2*patience), now, oldest(d.QueueURL))
	if err != nil {
		return pass("%s; the age of the oldest is not known: %s", state, firstLine(err))
	}
	if age, ok := greatest(got[0][:min(1, len(got[0]))]); ok && time.Duration(age)*time.Second > patience {
		return fail("look at sync's log for what fails; a message is tried again by itself for half a day, and kept for 7 days", "%s, the oldest for %s", state, span(time.Duration(age)*time.Second))
	}
	return pass("%s", state)
}

// deadLetters checks that there are none.
func (d *doctor) deadLetters(ctx context.Context) verdict {
	q, err := d.queue(ctx, d.DeadLetterQueueURL)
	if err != nil {
		return fail("may you read it (sqs:GetQueueAttributes)?", "%s", firstLine(err))
	}
	if n := q.Visible + q.InFlight + q.Delayed; n > 0 {
		return fail(fmt.Sprintf("clerksync dlq ls%[1]s says why each failed; mend that, then: clerksync dlq redrive --all%[1]s", d.stackFlag()), "%d dead letters", n)
	}
	return pass("none")
}

// eventSource checks the mapping that hands the queue's messages to sync.
func (d *doctor) eventSource(ctx context.Context) verdict {
	if d.local {
		return skip("clerksync dev polls the queue itself")
	}
	q, err := d.queue(ctx, d.QueueURL)
	if err != nil {
		return fail("may you read it (sqs:GetQueueAttributes)?", "%s", firstLine(err))
	}
	arn := q.attributes["QueueArn"]
	out, err := lambda.NewFromConfig(d.aws).ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{EventSourceArn: &arn})
	if err != nil {
		return d.unknown(err, "lambda:ListEventSourceMappings")
	}
	switch n := len(out.EventSourceMappings); {
	case n == 0:
		return fail(deployAgain, "nothing takes messages from the queue: it has no event source mapping")
	case n > 1:
		return fail("delete those that are not this stack's: aws lambda delete-event-source-mapping --uuid ...", "%d functions take messages from the queue, each a part of them", n)
	}
	return d.mapping(out.EventSourceMappings[0])
}

func (d *doctor) mapping(m types.EventSourceMappingConfiguration) verdict {
	uuid, state := aws.ToString(m.UUID), aws.ToString(m.State)
	update := "aws lambda update-event-source-mapping --uuid " + uuid
	parts := strings.Split(aws.ToString(m.FunctionArn), ":")
	switch function := parts[min(6, len(parts)-1)]; {
	case d.syncFn != "" && function != d.syncFn:
		return fail(deployAgain, "the queue's messages go to function %s, want %s", function, d.syncFn)
	case state == "Disabled" || state == "Disabling":
		return fail(update+" --enabled", "the mapping is %s: messages wait, and are lost after 7 days", strings.ToLower(state))
	case !slices.Contains(m.FunctionResponseTypes, types.FunctionResponseTypeReportBatchItemFailures):
		return fail(update+" --function-response-types ReportBatchItemFailures",
			"ReportBatchItemFailures is off: the messages that sync names as failed are deleted as if they were done")
	case strings.HasPrefix(aws.ToString(m.LastProcessingResult), "PROBLEM"):
		return fail("look at sync's log and its role's permissions", "the last batch: %s", aws.ToString(m.LastProcessingResult))
	case state != "Enabled":
		return warn("wait a minute and ask again", "the mapping is %s", state)
	default:
		return pass("enabled, with ReportBatchItemFailures")
	}
}

// unreserved is what AWS leaves to an account's other functions, always:
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
const unreserved = 100

// concurrency advises on what a flood of requests may take.
func (d *doctor) concurrency(ctx context.Context) verdict {
	if d.ingestFn == "" {
		return skip("it needs a stack")
	}
	client := lambda.NewFromConfig(d.aws)
	out, err := client.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: &d.ingestFn})
	if err != nil {
		return d.unknown(err, "lambda:GetFunctionConcurrency")
	}
	if n := out.ReservedConcurrentExecutions; n != nil {
		if *n == 0 {
			return fail("aws lambda delete-function-concurrency --function-name "+d.ingestFn, "ingest may not run at all: its reserved concurrency is 0")
		}
		return pass("ingest has %d executions for itself, and takes no more", *n)
	}
	account, err := client.GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	if err != nil || account.AccountLimit == nil {
		return warn("set the stack's parameter IngestReservedConcurrency, such as 20", "a flood of requests can take all executions of the account from its other functions")
	}
	all := account.AccountLimit.ConcurrentExecutions
	if all <= unreserved {
		return pass("the account has %d executions in all, of which AWS reserves none to a function; ask for more before real traffic (Service Quotas, Lambda)", all)
	}
	return warn("set the stack's parameter IngestReservedConcurrency, such as 20",
		"a flood of requests can take all %d executions of the account from its other functions", all)
}
