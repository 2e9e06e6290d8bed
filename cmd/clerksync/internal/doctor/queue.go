package doctor

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

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

const (
	// minVisibility is six times sync's timeout, as template.yaml says.
	minVisibility = 360 * time.Second
	// minReceives keeps an outage of some minutes from making dead letters.
	minReceives = 10
	// patience is how long a message may wait, or events may come in while none
	// is applied.
	patience = 15 * time.Minute

	mayReadQueue = "may you read it (sqs:GetQueueAttributes)?"
)

// checkQueue checks where messages go that cannot be applied, and that none
// waits for long.
func checkQueue(ctx context.Context, d *deployment.Deployment, o Options) Verdict {
	q, err := d.ReadQueue(ctx, d.QueueURL)
	if err != nil {
		return fail("is it the right stack, and may you read its queues (sqs:GetQueueAttributes)? Else "+deployAgain,
			"%s", firstLine(err))
	}
	dead, err := d.ReadQueue(ctx, d.DeadLetterQueueURL)
	if err != nil {
		return fail(mayReadQueue+" Else "+deployAgain, "%s", firstLine(err))
	}
	var redrive struct {
		Target   string      `json:"deadLetterTargetArn"`
		Receives json.Number `json:"maxReceiveCount"` // a number, or one in quotes
	}
	if text := q.Attributes["RedrivePolicy"]; text == "" || json.Unmarshal([]byte(text), &redrive) != nil {
		return fail(deployAgain, "the queue has no dead-letter queue: "+
			"a message that fails again and again is deleted after a week without a word")
	}
	if want := dead.Attributes["QueueArn"]; redrive.Target != want {
		return fail(deployAgain, "the queue's dead letters go to %s, want %s", redrive.Target, want)
	}
	if n, err := redrive.Receives.Int64(); err == nil && n < minReceives {
		return fail(deployAgain,
			"a message is given up after %d receives: a short outage of the tables makes dead letters", n)
	}
	n, err := strconv.Atoi(q.Attributes["VisibilityTimeout"])
	if visibility := time.Duration(n) * time.Second; err == nil && visibility < minVisibility {
		return fail(deployAgain, "the visibility timeout is %d s, want at least %d: "+
			"messages of a batch that still runs are handed out again", n, int(minVisibility.Seconds()))
	}
	return judgeBacklog(ctx, d, q, o.Now())
}

// judgeBacklog says whether messages wait for long. Only a stack's queue has a
// metric that knows.
func judgeBacklog(ctx context.Context, d *deployment.Deployment, q deployment.QueueState, now time.Time) Verdict {
	state := fmt.Sprintf("%d waiting, %d in flight", q.Visible, q.InFlight+q.Delayed)
	if d.Stack == nil {
		return pass("%s", state)
	}
	points, err := d.ReadMetrics(ctx, now.Add(-2*patience), now, d.OldestMessageSeries())
	if err != nil {
		return pass("%s; the age of the oldest is not known: %s", state, firstLine(err))
	}
	if newest := points[0][:min(1, len(points[0]))]; len(newest) > 0 {
		if age := time.Duration(newest[0].Value) * time.Second; age > patience {
			return fail("look at sync's log for what fails; "+
				"a message is tried again by itself for half a day, and kept for 7 days",
				"%s, the oldest for %s", state, terminal.FormatDuration(age))
		}
	}
	return pass("%s", state)
}

// checkDeadLetters checks that there are none.
func checkDeadLetters(ctx context.Context, d *deployment.Deployment, _ Options) Verdict {
	q, err := d.ReadQueue(ctx, d.DeadLetterQueueURL)
	if err != nil {
		return fail(mayReadQueue, "%s", firstLine(err))
	}
	if n := q.Messages(); n > 0 {
		return fail(fmt.Sprintf("clerksync dlq ls%[1]s says why each failed; mend that, then: "+
			"clerksync dlq redrive --all%[1]s", d.Names.QueueFlags()), "%d dead letters", n)
	}
	return pass("none")
}

// checkEventSource checks the mapping that hands the queue's messages to sync.
func checkEventSource(ctx context.Context, d *deployment.Deployment, _ Options) Verdict {
	if d.Local {
		return skipStackOnly("clerksync dev polls the queue itself")
	}
	q, err := d.ReadQueue(ctx, d.QueueURL)
	if err != nil {
		return fail(mayReadQueue, "%s", firstLine(err))
	}
	arn := q.Attributes["QueueArn"]
	out, err := lambda.NewFromConfig(d.AWS).ListEventSourceMappings(ctx,
		&lambda.ListEventSourceMappingsInput{EventSourceArn: &arn})
	if err != nil {
		return couldNotRead(d, err, "lambda:ListEventSourceMappings")
	}
	switch n := len(out.EventSourceMappings); {
	case n == 0:
		return fail(deployAgain, "nothing takes messages from the queue: it has no event source mapping")
	case n > 1:
		return fail("delete those that are not this stack's: aws lambda delete-event-source-mapping --uuid ...",
			"%d functions take messages from the queue, each a part of them", n)
	}
	return judgeMapping(out.EventSourceMappings[0], d.SyncFunction)
}

// judgeMapping wants the mapping to lead to the function, any where it is "", and
// to report item by item: without ReportBatchItemFailures one success would delete
// the failed messages of its batch.
func judgeMapping(m types.EventSourceMappingConfiguration, want string) Verdict {
	update := "aws lambda update-event-source-mapping --uuid " + aws.ToString(m.UUID)
	state, result := aws.ToString(m.State), aws.ToString(m.LastProcessingResult)
	parts := strings.Split(aws.ToString(m.FunctionArn), ":") // the name is the seventh, an alias may follow
	function := parts[min(6, len(parts)-1)]
	switch {
	case want != "" && function != want:
		return fail(deployAgain, "the queue's messages go to function %s, want %s", function, want)
	case state == "Disabled" || state == "Disabling":
		return fail(update+" --enabled",
			"the mapping is %s: messages wait, and are lost after 7 days", strings.ToLower(state))
	case !slices.Contains(m.FunctionResponseTypes, types.FunctionResponseTypeReportBatchItemFailures):
		return fail(update+" --function-response-types ReportBatchItemFailures", "ReportBatchItemFailures is off: "+
			"the messages that sync names as failed are deleted as if they were done")
	case strings.HasPrefix(result, "PROBLEM"):
		return fail("look at sync's log and its role's permissions", "the last batch: %s", result)
	case state != "Enabled":
		return warn("wait a minute and ask again", "the mapping is %s", state)
	}
	return pass("enabled, with ReportBatchItemFailures")
}

// unreserved is what AWS leaves to an account's other functions, always:
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
const unreserved = 100

// checkConcurrency advises on what a flood of requests may take. Without a
// reservation ingest takes any execution of the account, and sync may get none.
func checkConcurrency(ctx context.Context, d *deployment.Deployment, _ Options) Verdict {
	if d.IngestFunction == "" {
		return skipStackOnly("it needs a stack")
	}
	client := lambda.NewFromConfig(d.AWS)
	out, err := client.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: &d.IngestFunction})
	if err != nil {
		return couldNotRead(d, err, "lambda:GetFunctionConcurrency")
	}
	if n := out.ReservedConcurrentExecutions; n != nil {
		if *n == 0 {
			return fail("aws lambda delete-function-concurrency --function-name "+d.IngestFunction,
				"ingest may not run at all: its reserved concurrency is 0")
		}
		return pass("ingest has %d executions for itself, and takes no more", *n)
	}
	const reserve = "set the stack's parameter IngestReservedConcurrency, such as 20"
	account, err := client.GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	if err != nil || account.AccountLimit == nil {
		return warn(reserve, "a flood of requests can take all executions of the account from its other functions")
	}
	all := account.AccountLimit.ConcurrentExecutions
	if all <= unreserved {
		return pass("the account has %d executions in all, of which AWS reserves none to a function; "+
			"ask for more before real traffic (Service Quotas, Lambda)", all)
	}
	return warn(reserve, "a flood of requests can take all %d executions of the account from its other functions", all)
}
