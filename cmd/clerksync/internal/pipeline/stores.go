package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/pkg/dynamo"
)

// Stores are the names of tables and the URLs of queues.
type Stores struct {
	DirectoryTable, DeliveriesTable string
	QueueURL, DeadLetterQueueURL    string
}

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

// Create makes the tables and queues that are missing.
func Create(ctx context.Context, d *dynamodb.Client, q *sqs.Client) (s Stores, err error) {
	s.DirectoryTable, s.DeliveriesTable = DirectoryTable, DeliveriesTable
	if err := createTable(ctx, d, dynamo.DirectorySchema(DirectoryTable)); err != nil {
		return s, err
	}
	if err := createTable(ctx, d, dynamo.DeliveriesSchema(DeliveriesTable)); err != nil {
		return s, err
	}
	if err := expire(ctx, d); err != nil {
		return s, err
	}
	if s.DeadLetterQueueURL, err = createQueue(ctx, q, DeadLetterQueueName, map[string]string{
		"MessageRetentionPeriod": seconds(deadLetterRetention), "MaximumMessageSize": strconv.Itoa(maxMessage),
	}); err != nil {
		return s, err
	}
	out, err := q.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &s.DeadLetterQueueURL, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return s, fmt.Errorf("read the dead letters' ARN: %w", err)
	}
	s.QueueURL, err = createQueue(ctx, q, QueueName, map[string]string{
		"VisibilityTimeout": seconds(visibility), "MessageRetentionPeriod": seconds(queueRetention),
		"MaximumMessageSize": strconv.Itoa(maxMessage),
		"RedrivePolicy":      fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, out.Attributes["QueueArn"], maxReceives),
	})
	return s, err
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
	var exists *ddb.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("create table %s: %w", *in.TableName, err)
	}
	if err := dynamodb.NewTableExistsWaiter(d).Wait(ctx, &dynamodb.DescribeTableInput{TableName: in.TableName}, tableTimeout); err != nil {
		return fmt.Errorf("wait for table %s: %w", *in.TableName, err)
	}
	return nil
}

func expire(ctx context.Context, d *dynamodb.Client) error {
	name := DeliveriesTable
	out, err := d.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &name})
	if err == nil && out.TimeToLiveDescription.TimeToLiveStatus == ddb.TimeToLiveStatusEnabled {
		return nil
	}
	if _, err := d.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName: &name, TimeToLiveSpecification: &ddb.TimeToLiveSpecification{AttributeName: aws.String("expires_at"), Enabled: aws.Bool(true)},
	}); err != nil {
		return fmt.Errorf("set the expiry of table %s: %w", name, err)
	}
	return nil
}
