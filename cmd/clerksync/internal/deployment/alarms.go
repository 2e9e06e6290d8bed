package deployment

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Alarm is one of the stack's.
type Alarm struct {
	Name, Description string
	State             string // OK, ALARM or INSUFFICIENT_DATA
	Since             time.Time
}

// Alarms lists the stack's alarms, which have names that begin with its own.
func (d *Deployment) Alarms(ctx context.Context) (alarms []Alarm, err error) {
	in := &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: aws.String(d.Stack.Name + "-"), AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm},
	}
	for pages := cloudwatch.NewDescribeAlarmsPaginator(cloudwatch.NewFromConfig(d.AWS), in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the alarms: %w", err)
		}
		for _, a := range page.MetricAlarms {
			alarms = append(alarms, Alarm{
				Name: aws.ToString(a.AlarmName), Description: aws.ToString(a.AlarmDescription),
				State: string(a.StateValue), Since: aws.ToTime(a.StateUpdatedTimestamp),
			})
		}
	}
	return alarms, nil
}

// Account is the number of the AWS account, for which no permission is needed.
func (d *Deployment) Account(ctx context.Context) (string, error) {
	out, err := sts.NewFromConfig(d.AWS).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", fmt.Errorf("read the account: %w", err)
	}
	return aws.ToString(out.Account), nil
}
