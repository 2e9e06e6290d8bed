package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/pkg/delivery"
)

// poison is our message, which sync fails at each receive and never makes a row of: it has a version that no program
// knows.
type poison struct {
	id     string // its svix id
	isSent bool   // it may be in one of the queues
	isDead bool   // it was seen in the dead-letter queue
}

const poisonVersion = "accept"

const (
	redrivePolicy = string(types.QueueAttributeNameRedrivePolicy)
	queueARN      = string(types.QueueAttributeNameQueueArn)
)

// checkGiveUp shows that SQS's own move of a message that was received too often arrives in the dead-letter queue,
// though the queue's policy denies sending to everyone but sync.
func (t *trial) checkGiveUp(ctx context.Context) verdict {
	// A move takes all dead letters there are, and the changed policy holds for all messages. So nothing of others may
	// be in the queues: each must have been looked at by a person first.
	for _, url := range []string{t.deployment.QueueURL, t.deployment.DeadLetterQueueURL} {
		q, err := t.deployment.ReadQueue(ctx, url)
		if err != nil {
			return t.cannot(err)
		}
		if n := q.Messages(); n > 0 {
			return notTried("%s holds %d messages, which would be given up and moved too: "+
				"clerksync dlq ls --stack %s", url, n, t.deployment.Stack.Name)
		}
	}
	if err := t.giveUpAtOnce(ctx); err != nil {
		return t.cannot(err)
	}
	t.poison.id = webhook.RandomID("msg_clerksyncaccept")
	t.later("the message "+t.poison.id+" is in one of the queues, and harmless", t.deletePoison)
	t.poison.isSent = true // from now on, for an answer may be lost
	if err := t.sendPoison(ctx); err != nil {
		if errorCode(err) == "AccessDenied" {
			t.poison.isSent = false
			return notTried("you may not assume RedriveRole, see RedrivePrincipalArns and RedriveRequiresMfa: %v", err)
		}
		return t.cannot(err)
	}
	// sync fails it, hides it for 30 s, and at its second receive SQS moves it.
	if err := t.awaitDeath(ctx); err != nil {
		return fail("SQS did not move a message that was received too often: does the statement DenyOtherSenders "+
			"refuse SQS itself? Such messages would expire on the queue: %v", err)
	}
	return pass("SQS itself moved a message that sync failed to the dead-letter queue")
}

// giveUpAtOnce makes the queue give up a message after one receive instead of 60.
func (t *trial) giveUpAtOnce(ctx context.Context) error {
	q, err := t.deployment.ReadQueue(ctx, t.deployment.QueueURL)
	if err != nil {
		return err
	}
	before := q.Attributes[redrivePolicy]
	var policy map[string]any
	if err := json.Unmarshal([]byte(before), &policy); err != nil {
		return fmt.Errorf("read the queue's redrive policy: %w", err)
	}
	set := func(ctx context.Context, text string) error {
		ctx, cancel := unbroken(ctx)
		defer cancel()
		_, err := sqs.NewFromConfig(t.deployment.AWS).SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
			QueueUrl: &t.deployment.QueueURL, Attributes: map[string]string{redrivePolicy: text},
		})
		if err != nil {
			return fmt.Errorf("set the queue's redrive policy: %w", err)
		}
		return nil
	}
	// The rest of the policy, the dead-letter queue's ARN, stays.
	policy["maxReceiveCount"] = 1
	once, err := json.Marshal(policy)
	if err != nil {
		return fmt.Errorf("encode the queue's redrive policy: %w", err)
	}
	t.resetQueue = func(ctx context.Context) error { return set(ctx, before) }
	t.later("the queue's redrive policy must be "+before, t.resetQueue)
	return set(ctx, string(once))
}

// sendPoison puts our message on the queue, as RedriveRole, which alone may.
func (t *trial) sendPoison(ctx context.Context) error {
	attributes := map[string]types.MessageAttributeValue{}
	for name, text := range map[string]string{
		delivery.AttrVersion: poisonVersion, delivery.AttrSvixID: t.poison.id, delivery.AttrEventType: "clerksync.test",
	} {
		attributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &text}
	}
	ctx, cancel := unbroken(ctx)
	defer cancel()
	_, err := sqs.NewFromConfig(t.redriver.AWS).SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &t.deployment.QueueURL, MessageBody: aws.String("{}"), MessageAttributes: attributes,
	})
	if err != nil {
		return fmt.Errorf("put a message on the queue as RedriveRole: %w", err)
	}
	return nil
}

// awaitDeath waits until our message is in the dead-letter queue.
func (t *trial) awaitDeath(ctx context.Context) error {
	err := t.until(ctx, func() (bool, error) { return t.findDead(ctx, false) })
	t.poison.isDead = err == nil
	return err
}

// findDead looks for our message in the dead-letter queue, and may delete it there.
func (t *trial) findDead(ctx context.Context, remove bool) (found bool, err error) {
	letters, err := t.deployment.DeadLetters(ctx)
	if err != nil {
		return false, err
	}
	err = letters.Walk(ctx, func(l deployment.DeadLetter) (bool, error) {
		if l.SvixID != t.poison.id {
			return false, nil
		}
		found = true
		if remove {
			return true, nil
		}
		return false, deployment.ErrStop
	})
	return found, err
}

// deletePoison deletes our message once it is a dead letter, which is where it is if everything went well. On the
// queue it is hidden, and cannot be deleted without the handle that sync has.
func (t *trial) deletePoison(ctx context.Context) error {
	if !t.poison.isSent {
		return nil
	}
	err := t.until(ctx, func() (bool, error) { return t.findDead(ctx, true) })
	t.poison.isSent = err != nil
	return err
}

// checkForeignRedrive shows that no one but RedriveRole can move dead letters back, though he may start a move.
func (t *trial) checkForeignRedrive(ctx context.Context) verdict {
	if !t.poison.isDead {
		return notTried("there is no dead letter of ours to move")
	}
	if t.deployment.Emulated() {
		return notTried("an emulator takes its caller for the owner of all, whom no policy of a queue binds")
	}
	task, err := t.moveBack(ctx, t.deployment)
	switch {
	case errorCode(err) == "AccessDenied" || errorCode(err) == "AccessDeniedException":
		return pass("you may not start a move of dead letters: %v", err)
	case err != nil:
		return t.cannot(err)
	case task.moved > 0:
		// sync fails it again, and it must be a dead letter before the next check moves it.
		if err := t.awaitDeath(ctx); err != nil {
			return fail("you could move a dead letter to the queue, and it has not come back: %v", err)
		}
		return fail("you could move a dead letter to the queue with your own rights: " +
			"so could whoever may start a move, and write any row")
	case task.status != "FAILED":
		return fail("a move with your own rights ended %s", task.status)
	}
	return pass("a move of dead letters with your own rights ended FAILED: %s", task.reason)
}

// checkRedrive shows that RedriveRole can move dead letters back.
func (t *trial) checkRedrive(ctx context.Context) verdict {
	if !t.poison.isDead {
		return notTried("there is no dead letter of ours to move")
	}
	task, err := t.moveBack(ctx, t.redriver)
	switch {
	case err != nil:
		return t.cannot(err)
	case task.status != "COMPLETED" || task.moved == 0:
		return fail("a move of dead letters as RedriveRole ended %s, with %d moved: %s",
			task.status, task.moved, task.reason)
	}
	if err := t.awaitDeath(ctx); err != nil {
		return fail("the message was moved back, and sync has not failed it again: %v", err)
	}
	// Nothing needs them any more, and the changed policy would give up an event of Clerk's at once, too.
	if err := errors.Join(t.resetQueue(ctx), t.deletePoison(ctx)); err != nil {
		return fail("the message was moved back, and then: %v", err)
	}
	return pass("RedriveRole moved the dead letter back, sync received it, and SQS moved it to the dead letters again")
}

// moveTask is what SQS says of a move that has ended.
type moveTask struct {
	status, reason string
	moved          int64
}

// moveBack has SQS move all dead letters back to the queue, with the rights of a deployment, and waits for the end.
// SQS moves only what is visible, and our message is so again: findDead has shown it.
func (t *trial) moveBack(ctx context.Context, as *deployment.Deployment) (task moveTask, err error) {
	// SQS cannot find the source of a message that sync itself sent to the dead letters, so the queue is named.
	arns := [2]string{}
	for i, url := range []string{t.deployment.DeadLetterQueueURL, t.deployment.QueueURL} {
		q, err := as.ReadQueue(ctx, url)
		if err != nil {
			return task, err
		}
		arns[i] = q.Attributes[queueARN]
	}
	client := sqs.NewFromConfig(as.AWS)
	started, cancel := unbroken(ctx)
	defer cancel()
	began, err := client.StartMessageMoveTask(started, &sqs.StartMessageMoveTaskInput{
		SourceArn: &arns[0], DestinationArn: &arns[1],
	})
	if err != nil {
		return task, fmt.Errorf("start a move of dead letters: %w", err)
	}
	err = t.until(ctx, func() (bool, error) {
		out, err := client.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: &arns[0]})
		if err != nil {
			return false, fmt.Errorf("follow the move %s: %w", aws.ToString(began.TaskHandle), err)
		}
		if len(out.Results) == 0 { // the newest is the first
			return false, nil
		}
		r := out.Results[0]
		task = moveTask{aws.ToString(r.Status), aws.ToString(r.FailureReason), r.ApproximateNumberOfMessagesMoved}
		return task.status != "RUNNING" && task.status != "CANCELLING", nil
	})
	return task, err
}

// errorCode is the code of what AWS answered, the last part where there are several, "" for another error.
func errorCode(err error) string {
	var refused smithy.APIError
	if !errors.As(err, &refused) {
		return ""
	}
	code := refused.ErrorCode()
	return code[strings.LastIndex(code, ".")+1:]
}
