package sqs

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings are a queue's attributes, read.
type settings struct {
	visibility, retention, delay, wait time.Duration
	maxSize                            int
	redrive                            *redrivePolicy // nil if there is none
	allow                              redriveAllowPolicy
}

type redrivePolicy struct {
	target string
	max    int
}

type redriveAllowPolicy struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns"`
}

// allows says whether a queue may name the one with this policy as its
// dead-letter queue.
func (p redriveAllowPolicy) allows(sourceARN string) bool {
	switch p.Permission {
	case "denyAll":
		return false
	case "byQueue":
		return slices.Contains(p.Sources, sourceARN)
	}
	return true
}

// numeric is a queue attribute that holds a number.
type numeric struct{ least, most, preset int }

// numericAttributes are the limits and defaults of
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
func numericAttributes() map[string]numeric {
	return map[string]numeric{
		"VisibilityTimeout":             {0, 43_200, 30},
		"MessageRetentionPeriod":        {60, 1_209_600, 345_600},
		"MaximumMessageSize":            {1024, maxMessageSize, maxMessageSize},
		"DelaySeconds":                  {0, 900, 0},
		"ReceiveMessageWaitTimeSeconds": {0, 20, 0},
		"KmsDataKeyReusePeriodSeconds":  {60, 86_400, 300},
	}
}

// maxMessageSize is SQS's limit for a message and for a batch, in bytes.
const maxMessageSize = 1_048_576

// defaultAttributes are those of a new queue that was given none.
func defaultAttributes() map[string]string {
	attributes := map[string]string{"SqsManagedSseEnabled": "true"}
	for name, n := range numericAttributes() {
		if name != "KmsDataKeyReusePeriodSeconds" {
			attributes[name] = strconv.Itoa(n.preset)
		}
	}
	return attributes
}

// withAttributes returns a queue's attributes after the change, and what they
// mean; or why SQS refuses them. An empty policy takes the policy away.
func (s *service) withAttributes(arn string, old, change map[string]string) (map[string]string, settings, error) {
	attributes := maps.Clone(old)
	limits := numericAttributes()
	for _, name := range slices.Sorted(maps.Keys(change)) {
		value := change[name]
		if err := checkAttribute(name, value, limits); err != nil {
			return nil, settings{}, err
		}
		if value == "" {
			delete(attributes, name)
			continue
		}
		attributes[name] = value
	}
	read, err := s.readSettings(arn, attributes)
	return attributes, read, err
}

func checkAttribute(name, value string, limits map[string]numeric) error {
	invalid := refuse("InvalidAttributeValue", "Invalid value for the parameter %s.", name)
	if limit, ok := limits[name]; ok {
		n, err := strconv.Atoi(value)
		if err != nil || n < limit.least || n > limit.most {
			return invalid
		}
		return nil
	}
	switch name {
	case "Policy", "RedrivePolicy", "RedriveAllowPolicy":
		if value != "" && !json.Valid([]byte(value)) {
			return invalid
		}
	case "SqsManagedSseEnabled":
		if value != "true" && value != "false" {
			return invalid
		}
	case "KmsMasterKeyId":
	default:
		return refuse("InvalidAttributeName", "Unknown Attribute %s.", name)
	}
	return nil
}

func (s *service) readSettings(arn string, attributes map[string]string) (settings, error) {
	seconds := func(name string) time.Duration {
		n, _ := strconv.Atoi(attributes[name]) // checked when it was set
		return time.Duration(n) * time.Second
	}
	read := settings{
		visibility: seconds("VisibilityTimeout"),
		retention:  seconds("MessageRetentionPeriod"),
		delay:      seconds("DelaySeconds"),
		wait:       seconds("ReceiveMessageWaitTimeSeconds"),
	}
	read.maxSize, _ = strconv.Atoi(attributes["MaximumMessageSize"])
	if text := attributes["RedriveAllowPolicy"]; text != "" {
		if err := json.Unmarshal([]byte(text), &read.allow); err != nil || !read.allow.valid() {
			return settings{}, errInvalid("Value %s for parameter RedriveAllowPolicy is invalid.", text)
		}
	}
	if text := attributes["RedrivePolicy"]; text != "" {
		policy, err := s.readRedrive(arn, text)
		if err != nil {
			return settings{}, err
		}
		read.redrive = policy
	}
	return read, nil
}

func (p redriveAllowPolicy) valid() bool {
	switch p.Permission {
	case "", "allowAll", "denyAll":
		return len(p.Sources) == 0
	case "byQueue":
		return len(p.Sources) >= 1 && len(p.Sources) <= 10
	}
	return false
}

// readRedrive reads a redrive policy: maxReceiveCount as a number or as text,
// 1 to 1,000, and a target that is there and allows it.
func (s *service) readRedrive(arn, text string) (*redrivePolicy, error) {
	invalid := func(reason string) error {
		return errValue(text, "RedrivePolicy", reason)
	}
	var policy struct {
		Target string          `json:"deadLetterTargetArn"`
		Max    json.RawMessage `json:"maxReceiveCount"`
	}
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		return nil, invalid("Redrive policy is not a valid JSON map.")
	}
	if policy.Target == "" {
		return nil, invalid("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
	}
	if len(policy.Max) == 0 {
		return nil, invalid("Redrive policy does not contain mandatory attribute: maxReceiveCount.")
	}
	most, err := strconv.Atoi(strings.Trim(string(policy.Max), `"`))
	if err != nil || most < 1 || most > 1000 {
		return nil, invalid("Invalid value for maxReceiveCount: " + string(policy.Max) + ", " +
			"valid values are from 1 to 1000 both inclusive.")
	}
	target := s.byARN(policy.Target)
	if target == nil {
		return nil, invalid("Dead letter target does not exist.")
	}
	if !target.settings.allow.allows(arn) {
		return nil, invalid("Queue " + target.name + " does not allow this queue to use it as a dead letter queue.")
	}
	return &redrivePolicy{target: policy.Target, max: most}, nil
}

func (s *service) byARN(arn string) *queue {
	name := arn[strings.LastIndex(arn, ":")+1:]
	if q, ok := s.queues[name]; ok && q.arn == arn {
		return q
	}
	return nil
}
