package template_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every alarm goes to one topic, the stack's own or the customer's, when it goes off and when it is over.
func TestWhereAlarmsGo(t *testing.T) {
	const other, email = "arn:aws:sns:us-east-1:111122223333:on-call", "on-call@example.com"
	for name, c := range map[string]struct {
		params        params
		topics, mails []string
		want          string // the alarms' topic, as Fn::Sub would name it
	}{
		"by default the stack's own topic": {topics: []string{"AlarmTopic"}, want: "${AlarmTopic}"},
		"mail": {
			params: params{"AlarmEmail": email},
			topics: []string{"AlarmTopic"},
			mails:  []string{"AlarmSubscription"},
			want:   "${AlarmTopic}",
		},
		"a topic that exists": {params: params{"AlarmTopicArn": other}, want: other},
		"both": {
			params: params{"AlarmTopicArn": other, "AlarmEmail": email},
			mails:  []string{"AlarmSubscription"},
			want:   other,
		},
	} {
		t.Run(name, func(t *testing.T) {
			tmpl := load(t, c.params)
			if got := tmpl.OfType("AWS::SNS::Topic"); !slices.Equal(got, c.topics) {
				t.Errorf("topics = %v, want %v", got, c.topics)
			}
			if got := tmpl.OfType("AWS::SNS::Subscription"); !slices.Equal(got, c.mails) {
				t.Errorf("subscriptions = %v, want %v", got, c.mails)
			}
			if got := asSub(property(tmpl, "AlarmSubscription.TopicArn")); got != c.want {
				t.Errorf("topic of the mail = %s, want %s", got, c.want)
			}
			for _, id := range tmpl.OfType(alarmType) {
				for _, actions := range []string{".AlarmActions", ".OKActions"} {
					list, _ := property(tmpl, id+actions).([]any)
					if len(list) != 1 || asSub(list[0]) != c.want {
						t.Errorf("%s%s = %v, want %s", id, actions, list, c.want)
					}
				}
			}
		})
	}
}

// A new alarm goes from no data to OK, and CloudWatch then sends its OK message.
func TestRecoveryIsSentUnlessTheParameterSaysNo(t *testing.T) {
	tmpl := load(t, params{"AlarmRecovery": "false"})
	for _, id := range tmpl.OfType(alarmType) {
		t.Run(id, func(t *testing.T) {
			if got := property(tmpl, id+".OKActions"); got != nil {
				t.Errorf("OKActions with AlarmRecovery=false = %v, want none", got)
			}
			if got := property(tmpl, id+".AlarmActions"); got == nil {
				t.Error("AlarmActions with AlarmRecovery=false = nil, want the topic")
			}
		})
	}
}

// An open topic would let other accounts send false alarms.
func TestTopicTakesThisStacksAlarmsOnly(t *testing.T) {
	wantProperty(t, load(t), "AlarmTopicPolicy.PolicyDocument.Statement", `
		- Sid: AllowThisAccountsAlarms
		  Effect: Allow
		  Principal: {Service: cloudwatch.amazonaws.com}
		  Action: sns:Publish
		  Resource: !Ref AlarmTopic
		  Condition:
		    StringEquals: {aws:SourceAccount: !Ref AWS::AccountId}
		    ArnLike:
		      aws:SourceArn:
		        !Sub "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:${AWS::StackName}-*"
		- Sid: DenyPlainHttp
		  Effect: Deny
		  Principal: "*"
		  Action: sns:Publish
		  Resource: !Ref AlarmTopic
		  Condition: {Bool: {aws:SecureTransport: "false"}}`)
	const key = "arn:aws:kms:us-east-1:111122223333:key/example"
	for given, want := range map[string]any{"": nil, key: key} {
		if got := property(load(t, params{"AlarmKeyArn": given}), "AlarmTopic.KmsMasterKeyId"); got != want {
			t.Errorf("key of the topic = %v, want %v", got, want)
		}
	}
}

// Emulators refuse a template with saved queries or with alarms over metric math. Nothing else may depend on where the
// stack is.
func TestEmulatorsGetWhatTheyKnow(t *testing.T) {
	aws, emulated := load(t, probing()), load(t, probing(), params{"AwsEndpointUrl": "http://127.0.0.1:4566"})
	if got := emulated.OfType("AWS::Logs::QueryDefinition"); got != nil {
		t.Errorf("saved queries = %v, want none", got)
	}
	var want []string
	for _, id := range aws.OfType(alarmType) {
		if property(aws, id+".Metrics") == nil { // it does not use metric math
			want = append(want, id)
		}
	}
	if diff := cmp.Diff(want, emulated.OfType(alarmType)); diff != "" || len(want) < 15 {
		t.Errorf("alarms on an emulator (-want +got):\n%s", diff)
	}
}
