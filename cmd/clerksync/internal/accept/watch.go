package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
)

// checkMetrics shows that CloudWatch makes metrics of the functions' log lines, those with a reason too. doctor's
// events are counted: one without signature, which is rejected, and one that is applied.
func (t *trial) checkMetrics(ctx context.Context) verdict {
	names := []string{lambdafn.MetricVerified, lambdafn.MetricApplied, lambdafn.MetricRejected + " by reason"}
	missing := names
	err := t.until(ctx, func() (bool, error) {
		d := t.deployment
		points, err := d.ReadMetrics(ctx, t.began.Truncate(time.Minute), time.Now().Add(time.Minute),
			d.IngestSeries(lambdafn.MetricVerified, "Sum", time.Minute),
			d.SyncSeries(lambdafn.MetricApplied, "Sum", time.Minute),
			d.RejectedSeries(ingest.ReasonMissingHeaders))
		if err != nil {
			return false, err
		}
		missing = nil
		for i, p := range points {
			if p.Sum() == 0 {
				missing = append(missing, names[i])
			}
		}
		return len(missing) == 0, nil
	})
	if err != nil {
		return t.cannot(fmt.Errorf("wait for %s: %w", strings.Join(missing, ", "), err))
	}
	return pass("CloudWatch shows %s of the functions' log lines", strings.Join(names, ", "))
}

// checkAccessLog shows that API Gateway may write its log, and writes it. A request of before is as good as doctor's.
func (t *trial) checkAccessLog(ctx context.Context) verdict {
	group, err := t.deployment.PhysicalID(ctx, "ApiLogGroup")
	if err != nil {
		return t.cannot(err)
	}
	var lines []string
	err = t.until(ctx, func() (done bool, err error) {
		lines, err = t.readLog(ctx, group, t.began.Add(-time.Hour), `"`+ingest.Path+`"`)
		return len(lines) > 0, err
	})
	if err != nil {
		return t.cannot(fmt.Errorf("find a request in %s: %w", group, err))
	}
	// The template writes the format as folded text, and each piece of it must have come through.
	if !json.Valid([]byte(lines[0])) {
		return fail("a line of %s is no JSON: %s", group, lines[0])
	}
	return pass("%s has %d requests", group, len(lines))
}

// readLog returns the lines since a time that match a filter.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
func (t *trial) readLog(ctx context.Context, group string, since time.Time, filter string) (lines []string, err error) {
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(cloudwatchlogs.NewFromConfig(t.deployment.AWS),
		&cloudwatchlogs.FilterLogEventsInput{
			LogGroupName: &group, StartTime: aws.Int64(since.UnixMilli()), FilterPattern: &filter,
		})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the log %s: %w", group, err)
		}
		for _, e := range page.Events {
			lines = append(lines, strings.TrimSpace(aws.ToString(e.Message)))
		}
	}
	return lines, nil
}

// alarm is the one that is set off: it is about the tables, and no stack is without it.
func (t *trial) alarm() string { return t.deployment.Stack.Name + "-table-throttles" }

// checkAlarmEnds sets off an alarm and waits for its end, which CloudWatch finds by the metric. An alarm that never
// ended would never again send a message.
func (t *trial) checkAlarmEnds(ctx context.Context) verdict {
	client, name := cloudwatch.NewFromConfig(t.deployment.AWS), t.alarm()
	set := func(ctx context.Context, state types.StateValue) error {
		ctx, cancel := unbroken(ctx)
		defer cancel()
		_, err := client.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{
			AlarmName: &name, StateValue: state, StateReason: aws.String("clerksync's make accept: a trial"),
		})
		if err != nil {
			return fmt.Errorf("set the alarm %s to %s: %w", name, state, err)
		}
		return nil
	}
	state := types.StateValue("")
	read := func(ctx context.Context) error {
		out, err := client.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}})
		if err != nil {
			return fmt.Errorf("read the alarm %s: %w", name, err)
		}
		if len(out.MetricAlarms) == 0 {
			return fmt.Errorf("the alarm %s is not there", name)
		}
		state = out.MetricAlarms[0].StateValue
		return nil
	}
	if err := read(ctx); err != nil {
		return t.cannot(err)
	}
	// A true alarm must not end because of a trial.
	if state == types.StateValueAlarm {
		return notTried("%s is in alarm", name)
	}
	t.later("the alarm "+name+" is in alarm", func(ctx context.Context) error {
		if err := read(ctx); err != nil || state != types.StateValueAlarm {
			return err
		}
		return set(ctx, types.StateValueOk)
	})
	if err := set(ctx, types.StateValueAlarm); err != nil {
		return t.cannot(err)
	}
	began := time.Now()
	err := t.until(ctx, func() (bool, error) {
		err := read(ctx)
		return state == types.StateValueOk, err
	})
	if err != nil {
		return t.cannot(fmt.Errorf("wait until %s is OK again: %w", name, err))
	}
	return pass("%s was set off and ended by itself after %s", name, time.Since(began).Round(time.Second))
}

// checkAlarmMail shows that CloudWatch may publish to the topic. That the mail arrives, only its reader can see.
func (t *trial) checkAlarmMail(ctx context.Context) verdict {
	parameters := t.deployment.Stack.Parameters
	if cmp.Or(parameters["AlarmEmail"], parameters["AlarmTopicArn"]) == "" {
		return notTried("the stack has neither AlarmEmail nor AlarmTopicArn: no one is told of an alarm")
	}
	name, states := t.alarm(), []string(nil)
	err := t.until(ctx, func() (bool, error) {
		out, err := cloudwatch.NewFromConfig(t.deployment.AWS).DescribeAlarmHistory(ctx,
			&cloudwatch.DescribeAlarmHistoryInput{
				AlarmName: &name, HistoryItemType: types.HistoryItemTypeAction, StartDate: &t.began,
			})
		if err != nil {
			return false, fmt.Errorf("read the history of %s: %w", name, err)
		}
		// The beginning and the end of the alarm each send a message, the end only where AlarmRecovery is true.
		states = nil
		for _, item := range out.AlarmHistoryItems {
			var action struct {
				State string `json:"actionState"`
			}
			if err := json.Unmarshal([]byte(aws.ToString(item.HistoryData)), &action); err != nil {
				return false, fmt.Errorf("read an action of %s: %w", name, err)
			}
			states = append(states, action.State)
		}
		return len(states) > 0, nil
	})
	if err != nil {
		return t.cannot(fmt.Errorf("find what %s sent: %w", name, err))
	}
	for _, state := range states {
		if state != "Succeeded" {
			return fail("a message of %s to the topic ended %s: may CloudWatch publish there?", name, state)
		}
	}
	return pass("the topic took %d messages of %s. Look whether the mail came: only its reader can see that",
		len(states), name)
}
