package settings_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/settings"
)

// readAWS reads what both functions read, with changes of the environment.
func readAWS(changes env) (settings.AWS, error) {
	s, err := settings.ReadSync(syncEnv().with(changes).get)
	return s.AWS, err
}

func TestAWS(t *testing.T) {
	t.Parallel()
	got, err := readAWS(env{"AWS_SESSION_TOKEN": "token", "SSL_CERT_FILE": "/roots.pem", "WARM_UP": "off"})
	want := settings.AWS{
		Region: "us-east-1", AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example-canary", SessionToken: "token",
		CertFile: "/roots.pem", Preconnect: false,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("AWS (-want +got):\n%s\n%v", diff, err)
	}
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		_, err := readAWS(env{name: ""})
		checkNames(t, syncEnv(), err, name)
	}
}

// https://github.com/hashicorp/aws-sdk-go-base/issues/602
func TestEndpoints(t *testing.T) {
	t.Parallel()
	const all, own = "http://127.0.0.1:4566", "https://sqs.test"
	for name, c := range map[string]struct {
		vars             env
		sqs, dynamo, ssm string
	}{
		"unset":            {},
		"empty":            {vars: env{"AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_SQS": ""}},
		"set for all":      {vars: env{"AWS_ENDPOINT_URL": all}, sqs: all, dynamo: all, ssm: all},
		"set for SQS":      {vars: env{"AWS_ENDPOINT_URL_SQS": own}, sqs: own},
		"set for DynamoDB": {vars: env{"AWS_ENDPOINT_URL_DYNAMODB": all}, dynamo: all},
		"set for SSM":      {vars: env{"AWS_ENDPOINT_URL_SSM": all}, ssm: all},
		"a service's own comes first": {
			vars: env{"AWS_ENDPOINT_URL": all, "AWS_ENDPOINT_URL_SQS": own}, sqs: own, dynamo: all, ssm: all,
		},
		"an empty one does not": {
			vars: env{"AWS_ENDPOINT_URL": all, "AWS_ENDPOINT_URL_SQS": ""}, sqs: all, dynamo: all, ssm: all,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := readAWS(c.vars)
			if err != nil || s.SQSEndpoint != c.sqs || s.DynamoDBEndpoint != c.dynamo || s.SSMEndpoint != c.ssm ||
				!s.Preconnect {
				t.Errorf("AWS = %+v, %v, want the endpoints %q, %q, %q", s, err, c.sqs, c.dynamo, c.ssm)
			}
		})
	}
}

// One variable may stand for three services: it is named once.
func TestBadEndpoints(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"canary", "127.0.0.1:4566", "canary.test:80", "ftp://canary.test", "http://", "/canary",
		"http://canary.test:port", " http://canary.test",
	} {
		changes := env{"AWS_ENDPOINT_URL": bad, "AWS_ENDPOINT_URL_SQS": bad}
		_, err := readAWS(changes)
		checkNames(t, syncEnv().with(changes), err, "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS")
	}
}
