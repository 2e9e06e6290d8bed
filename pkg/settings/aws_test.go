package settings_test

import (
	"crypto/x509"
	"os"
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
	got, err := readAWS(env{
		"AWS_SESSION_TOKEN": "token", "WARM_UP": "off",
		"AWS_USE_FIPS_ENDPOINT": "True", "AWS_USE_DUALSTACK_ENDPOINT": "true",
	})
	want := settings.AWS{
		Region: "us-east-1", AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example-canary", SessionToken: "token",
		UseFIPS: true, UseDualStack: true,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("AWS (-want +got):\n%s\n%v", diff, err)
	}
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		_, err := readAWS(env{name: ""})
		checkNames(t, syncEnv(), err, name)
	}
}

// Neither an unset switch nor one set to false asks for other endpoints than the
// usual ones. What asks for them in vain is named: a word that is no switch, and
// a switch beside an endpoint URL, which the SDK refuses at each call.
func TestEndpointVariants(t *testing.T) {
	t.Parallel()
	const fips, dualStack = "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"
	for _, value := range []string{"", "false", "FALSE"} {
		if s, err := readAWS(env{fips: value, dualStack: value}); s.UseFIPS || s.UseDualStack || err != nil {
			t.Errorf("AWS of %q = %+v, %v, want neither FIPS nor dual stack", value, s, err)
		}
	}
	bad := env{fips: "canary", dualStack: "1"}
	_, err := readAWS(bad)
	checkNames(t, syncEnv().with(bad), err, fips, dualStack)
	for _, endpoint := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_SSM"} {
		both := env{fips: "true", dualStack: "true", endpoint: "http://127.0.0.1:4566"}
		_, err := readAWS(both)
		checkNames(t, syncEnv().with(env{endpoint: both[endpoint]}), err, fips, dualStack)
	}
}

// AWS_CA_BUNDLE comes before SSL_CERT_FILE, as the SDK's own configuration has
// it. A file without a certificate is found at the start.
func TestRoots(t *testing.T) {
	t.Parallel()
	const bundle, file, amazon = "AWS_CA_BUNDLE", "SSL_CERT_FILE", "../awsclient/roots.pem"
	text, err := os.ReadFile(amazon)
	if err != nil {
		t.Fatal(err)
	}
	want := x509.NewCertPool()
	want.AppendCertsFromPEM(text)
	for name, c := range map[string]struct {
		vars env
		want *x509.CertPool
		bad  string // the variable that is named
	}{
		"unset":                  {},
		"empty":                  {vars: env{bundle: "", file: ""}},
		"AWS's name":             {vars: env{bundle: amazon}, want: want},
		"Go's name":              {vars: env{file: amazon}, want: want},
		"AWS's name comes first": {vars: env{bundle: amazon, file: "/canary"}, want: want},
		"not there":              {vars: env{bundle: "/canary", file: amazon}, bad: bundle},
		"no certificate in it":   {vars: env{file: "aws_test.go"}, bad: file},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := readAWS(c.vars)
			if c.bad != "" {
				checkNames(t, syncEnv().with(c.vars), err, c.bad)
			} else if err != nil || !s.Roots.Equal(c.want) {
				t.Errorf("Roots of %v = %v, %v, want the file's certificates", c.vars, s.Roots, err)
			}
		})
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
