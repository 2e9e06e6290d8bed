package template_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhereAlarmsGo(t *testing.T) {
	const other = "arn:aws:sns:us-east-1:111122223333:on-call"
	own := map[string]any{"Ref": "AlarmTopic"}
	tests := []struct {
		name          string
		params        map[string]any
		topics, mails []string
		action        any
	}{
		{"a topic of the stack, no mail", nil, []string{"AlarmTopic"}, nil, own},
		{
			"mail",
			map[string]any{"AlarmEmail": "on-call@example.com"},
			[]string{"AlarmTopic"},
			[]string{"AlarmSubscription"},
			own,
		},
		{"a topic that is there already", map[string]any{"AlarmTopicArn": other}, nil, nil, other},
		{
			"both",
			map[string]any{"AlarmTopicArn": other, "AlarmEmail": "on-call@example.com"},
			nil,
			[]string{"AlarmSubscription"},
			other,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tmpl := load(t).With(tt.params)
			if got := tmpl.OfType("AWS::SNS::Topic"); !slices.Equal(got, tt.topics) {
				t.Errorf("topics = %v, want %v", got, tt.topics)
			}
			if got := tmpl.OfType("AWS::SNS::Subscription"); !slices.Equal(got, tt.mails) {
				t.Errorf("subscriptions = %v, want %v", got, tt.mails)
			}
			if diff := cmp.Diff(tt.action, at(tmpl, "AlarmSubscription", "TopicArn")); diff != "" {
				t.Errorf("topic of the mail (-want +got):\n%s", diff)
			}
			for _, id := range tmpl.OfType(alarmType) {
				for _, actions := range []string{"AlarmActions", "OKActions"} {
					if diff := cmp.Diff([]any{tt.action}, at(tmpl, id, actions)); diff != "" {
						t.Errorf("%s of %s (-want +got):\n%s", actions, id, diff)
					}
				}
			}
		})
	}
}

func TestTopicTakesThisStacksAlarmsOnly(t *testing.T) {
	tmpl := load(t)
	topic := map[string]any{"Ref": "AlarmTopic"}
	want := []any{
		map[string]any{
			"Sid": "AllowThisAccountsAlarms", "Effect": "Allow", "Principal": map[string]any{"Service": "cloudwatch.amazonaws.com"},
			"Action": "sns:Publish", "Resource": topic,
			"Condition": map[string]any{
				"StringEquals": map[string]any{"aws:SourceAccount": map[string]any{"Ref": "AWS::AccountId"}},
				"ArnLike": map[string]any{"aws:SourceArn": map[string]any{
					"Fn::Sub": "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:${AWS::StackName}-*",
				}},
			},
		},
		map[string]any{
			"Sid": "DenyPlainHttp", "Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": topic,
			"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
		},
	}
	if diff := cmp.Diff(want, at(tmpl, "AlarmTopicPolicy", "PolicyDocument", "Statement")); diff != "" {
		t.Errorf("statements (-want +got):\n%s", diff)
	}
	const key = "arn:aws:kms:us-east-1:111122223333:key/example"
	for params, want := range map[string]any{"": nil, key: key} {
		if got := at(tmpl.With(map[string]any{"AlarmKeyArn": params}), "AlarmTopic", "KmsMasterKeyId"); got != want {
			t.Errorf("key of the topic = %v, want %v", got, want)
		}
	}
}

// Local servers refuse a template with saved queries or with alarms over
// metric math; nothing else may depend on where the stack is.
func TestLocalServersGetWhatTheyKnow(t *testing.T) {
	tmpl := load(t).With(map[string]any{"AwsEndpointUrl": "http://127.0.0.1:4566"})
	if got := tmpl.OfType("AWS::Logs::QueryDefinition"); got != nil {
		t.Errorf("saved queries = %v, want none", got)
	}
	var left []string
	for _, id := range load(t).OfType(alarmType) {
		here := slices.Contains(tmpl.OfType(alarmType), id)
		if math := at(tmpl, id, "Metrics") != nil; math == here {
			t.Errorf("%s: over metric math %v, there %v", id, math, here)
		}
		if here {
			left = append(left, id)
		}
	}
	if len(left) < 15 {
		t.Errorf("alarms on local servers = %v, want all that are not over metric math", left)
	}
}
