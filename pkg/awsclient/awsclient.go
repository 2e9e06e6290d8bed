// Package awsclient makes the AWS configuration of a Lambda function from its
// environment: region, credentials and endpoints. config.LoadDefaultConfig
// would compile and start sso, ssooidc and sts for it, which a function never
// uses: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
package awsclient

import (
	"context"
	"crypto/fips140"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Config is what the environment says about AWS.
type Config struct {
	Region      string
	credentials aws.Credentials
	endpoints   map[string]string
	http        *awshttp.BuildableClient
	cold        bool // WARM_UP=off
}

// Service names the variable of a service's own endpoint.
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

// Read reads the environment through get. The error names every variable that
// is missing or bad, and no value.
func Read(get func(string) string) (*Config, error) {
	c := &Config{
		Region: get("AWS_REGION"),
		credentials: aws.Credentials{
			AccessKeyID:     get("AWS_ACCESS_KEY_ID"),
			SecretAccessKey: get("AWS_SECRET_ACCESS_KEY"),
			SessionToken:    get("AWS_SESSION_TOKEN"),
			Source:          "environment",
		},
		endpoints: map[string]string{},
		cold:      get("WARM_UP") == "off",
	}
	var errs []error
	bad := map[string]bool{} // one variable may stand for several services
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		if get(name) == "" {
			errs = append(errs, errors.New(name+" is missing"))
		}
	}
	for _, s := range []Service{SQS, DynamoDB, SSM} {
		for _, name := range []string{"AWS_ENDPOINT_URL_" + string(s), "AWS_ENDPOINT_URL"} {
			text := get(name)
			if text == "" {
				continue // empty means none
			}
			u, err := url.Parse(text)
			if good := err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https"); !good && !bad[name] {
				bad[name] = true
				errs = append(errs, errors.New(name+" is no http or https URL"))
			}
			c.endpoints[string(s)] = text
			break
		}
	}
	c.http = awshttp.NewBuildableClient().WithTimeout(attemptTimeout).WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = connections
		t.WriteBufferSize = writeBuffer
		if !fips140.Enabled() { // then crypto/tls has rules of its own for chains
			t.DialTLSContext = newTrust(bundles(get("SSL_CERT_FILE"))).dial
		}
	})
	return c, errors.Join(errs...)
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
	if e := c.endpoints[string(s)]; e != "" {
		cfg.BaseEndpoint = &e
	}
	return cfg
}

// warmTimeout bounds a warm-up, which is no more than a courtesy.
const warmTimeout = 2 * time.Second

// Warm opens a connection to a service before the first request needs it:
// reading the certificates and shaking hands cost a small function more than
// all else at a cold start. Its outcome does not matter. The functions of
// beside run meanwhile, so that two services' answers are waited for once. With
// WARM_UP=off nothing is done.
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
	if e := c.endpoints[string(s)]; e != "" {
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
