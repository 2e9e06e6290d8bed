package settings_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/settings"
)

func TestReadAWS(t *testing.T) {
	t.Parallel()
	vars := account().with(env{"AWS_SESSION_TOKEN": "token", "SSL_CERT_FILE": "/roots.pem", "WARM_UP": "off"})
	got, err := settings.ReadAWS(vars.get)
	want := settings.AWS{
		Region: "us-east-1", AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example-canary", SessionToken: "token",
		CertFile: "/roots.pem", Preconnect: false,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("ReadAWS = %v (-want +got):\n%s", err, diff)
	}
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		vars := account().with(env{name: ""})
		_, err := settings.ReadAWS(vars.get)
		checkNames(t, vars, err, name)
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
			s, err := settings.ReadAWS(account().with(c.vars).get)
			if err != nil || s.SQSEndpoint != c.sqs || s.DynamoDBEndpoint != c.dynamo || s.SSMEndpoint != c.ssm ||
				!s.Preconnect {
				t.Errorf("ReadAWS = %+v, %v, want the endpoints %q, %q, %q", s, err, c.sqs, c.dynamo, c.ssm)
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
		vars := account().with(env{"AWS_ENDPOINT_URL": bad, "AWS_ENDPOINT_URL_SQS": bad})
		_, err := settings.ReadAWS(vars.get)
		checkNames(t, vars, err, "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS")
	}
}
