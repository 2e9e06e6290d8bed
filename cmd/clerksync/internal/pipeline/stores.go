package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/pkg/dynamo"
)

// Names of what `clerksync dev` makes.
const (
	DirectoryTable      = "clerksync-directory"
	DeliveriesTable     = "clerksync-deliveries"
	QueueName           = "clerksync-deliveries"
	DeadLetterQueueName = "clerksync-dead-letters"
)

// The queues' numbers are template.yaml's, which gives the reasons.
const (
	maxReceives         = 60
	visibility          = 6 * functionTimeout
	queueRetention      = 7 * 24 * time.Hour
	deadLetterRetention = 14 * 24 * time.Hour
	maxMessage          = 1 << 20
)

// createStores makes the tables and queues that are missing, and notes the
// queues' URLs.
func (p *Pipeline) createStores(ctx context.Context) (err error) {
	p.DirectoryTable, p.DeliveriesTable = DirectoryTable, DeliveriesTable
	if err := createTable(ctx, p.DynamoDB, dynamo.DirectorySchema(DirectoryTable)); err != nil {
		return err
	}
	if err := createTable(ctx, p.DynamoDB, dynamo.DeliveriesSchema(DeliveriesTable)); err != nil {
		return err
	}
	if err := enableExpiry(ctx, p.DynamoDB); err != nil {
		return err
	}
	if p.DeadLetterQueueURL, err = createQueue(ctx, p.SQS, DeadLetterQueueName, map[string]string{
		"MessageRetentionPeriod": seconds(deadLetterRetention), "MaximumMessageSize": strconv.Itoa(maxMessage),
	}); err != nil {
		return err
	}
	out, err := p.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl:       &p.DeadLetterQueueURL,
		AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return fmt.Errorf("read the ARN of the dead-letter queue: %w", err)
	}
	redrive := fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, out.Attributes["QueueArn"], maxReceives)
	p.QueueURL, err = createQueue(ctx, p.SQS, QueueName, map[string]string{
		"VisibilityTimeout": seconds(visibility), "MessageRetentionPeriod": seconds(queueRetention),
		"MaximumMessageSize": strconv.Itoa(maxMessage), "RedrivePolicy": redrive,
	})
	return err
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) }

func createQueue(ctx context.Context, q *sqs.Client, name string, attributes map[string]string) (string, error) {
	if out, err := q.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name}); err == nil {
		return aws.ToString(out.QueueUrl), nil
	}
	out, err := q.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		return "", fmt.Errorf("create queue %s: %w", name, err)
	}
	return aws.ToString(out.QueueUrl), nil
}

// tableTimeout bounds the wait for a new table, seconds on AWS.
const tableTimeout = 2 * time.Minute

func createTable(ctx context.Context, d *dynamodb.Client, in *dynamodb.CreateTableInput) error {
	_, err := d.CreateTable(ctx, in)
	var exists *ddbtypes.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("create table %s: %w", *in.TableName, err)
	}
	waiter := dynamodb.NewTableExistsWaiter(d)
	if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: in.TableName}, tableTimeout); err != nil {
		return fmt.Errorf("wait for table %s: %w", *in.TableName, err)
	}
	return nil
}

// enableExpiry makes DynamoDB delete the rows of deliveries in time, unless it
// does already: a second request is refused.
func enableExpiry(ctx context.Context, d *dynamodb.Client) error {
	name := DeliveriesTable
	out, err := d.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &name})
	if err == nil && out.TimeToLiveDescription.TimeToLiveStatus == ddbtypes.TimeToLiveStatusEnabled {
		return nil
	}
	if _, err := d.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName: &name,
		TimeToLiveSpecification: &ddbtypes.TimeToLiveSpecification{
			AttributeName: aws.String("expires_at"), Enabled: aws.Bool(true),
		},
	}); err != nil {
		return fmt.Errorf("set the expiry of table %s: %w", name, err)
	}
	return nil
}
