// Package awsclient makes the AWS configuration of a Lambda function from its
// settings: region, credentials and endpoints. config.LoadDefaultConfig
// would compile and start sso, ssooidc and sts for it, which a function never
// uses: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
package awsclient

import (
	"context"
	"crypto/fips140"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/clerksync/clerksync/pkg/settings"
)

// Config is what the environment says about AWS.
type Config struct {
	Region      string
	credentials aws.Credentials
	endpoints   map[Service]string
	http        *awshttp.BuildableClient
	cold        bool // no warm-up
}

// Service is the name of an AWS service in capitals.
type Service string

// The services that have an endpoint of their own.
const (
	SQS      Service = "SQS"
	DynamoDB Service = "DYNAMODB"
	SSM      Service = "SSM"
)

// attemptTimeout bounds one attempt at a call, so that a connection that hangs
// leaves time for another.
const attemptTimeout = 5 * time.Second

// connections kept to one host: a batch's entities are written at once.
const connections = 32

// writeBuffer holds most requests whole, so that each leaves in one write: its
// headers alone are 2 KB, with the session token that Lambda gives.
const writeBuffer = 16 << 10

// New makes the configuration of what the environment says.
func New(s settings.AWS) *Config {
	c := &Config{
		Region: s.Region,
		credentials: aws.Credentials{
			AccessKeyID:     s.AccessKeyID,
			SecretAccessKey: s.SecretAccessKey,
			SessionToken:    s.SessionToken,
			Source:          "environment",
		},
		endpoints: map[Service]string{SQS: s.SQSEndpoint, DynamoDB: s.DynamoDBEndpoint, SSM: s.SSMEndpoint},
		cold:      !s.WarmUp,
	}
	c.http = awshttp.NewBuildableClient().WithTimeout(attemptTimeout).WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = connections
		t.WriteBufferSize = writeBuffer
		if !fips140.Enabled() { // then crypto/tls has rules of its own for chains
			t.DialTLSContext = newTrust(bundles(s.CertFile)).dial
		}
	})
	return c
}

// For is the SDK's configuration for one service.
func (c *Config) For(s Service) aws.Config {
	cfg := aws.Config{
		Region:     c.Region,
		HTTPClient: WholeAnswers(c.http),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return c.credentials, nil
		}),
	}
	if e := c.endpoints[s]; e != "" {
		cfg.BaseEndpoint = &e
	}
	return cfg
}

// warmTimeout bounds a warm-up, which is no more than a courtesy.
const warmTimeout = 2 * time.Second

// Warm opens a connection to a service before the first request needs it:
// reading the certificates and shaking hands cost a small function more than
// all else at a cold start. Its outcome does not matter. The functions of
// beside run meanwhile, so that two services' answers are waited for once. Where
// the settings switch the warm-up off, nothing is done.
func (c *Config) Warm(s Service, beside ...func()) {
	if c.cold {
		return
	}
	var g sync.WaitGroup
	for _, f := range beside {
		g.Go(f)
	}
	c.connect(s)
	g.Wait()
}

func (c *Config) connect(s Service) {
	ctx, cancel := context.WithTimeout(context.Background(), warmTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.endpoint(s), nil)
	if err != nil {
		return
	}
	if out, err := c.http.Do(r); err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(out.Body, 1<<16)) // so that the connection is kept
		_ = out.Body.Close()
	}
}

// endpoint is the service's URL without a slash at its end.
func (c *Config) endpoint(s Service) string {
	if e := c.endpoints[s]; e != "" {
		return strings.TrimRight(e, "/")
	}
	return "https://" + strings.ToLower(string(s)) + "." + c.Region + "." + domain(c.Region)
}

// domain is that of the region's partition:
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
func domain(region string) string {
	for prefix, d := range map[string]string{
		"cn-": "amazonaws.com.cn", "eusc-": "amazonaws.eu", "eu-isoe-": "cloud.adc-e.uk",
		"us-iso-": "c2s.ic.gov", "us-isob-": "sc2s.sgov.gov", "us-isof-": "csp.hci.ic.gov",
	} {
		if strings.HasPrefix(region, prefix) {
			return d
		}
	}
	return "amazonaws.com"
}
