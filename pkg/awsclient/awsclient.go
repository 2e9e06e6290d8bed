// Package awsclient makes the AWS configuration of a Lambda function from its
// settings: region, credentials, endpoints and connections. The SDK's
// config.LoadDefaultConfig would compile and start sso, ssooidc and sts for it,
// which a function never uses.
//
// awsclient.go makes the configuration and opens the first connection early,
// http.go has the HTTP client that every client of the SDK must have, here and
// elsewhere, and roots.go chooses the roots by which AWS is verified.
package awsclient

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/clerksync/clerksync/pkg/settings"
)

// Config is the AWS configuration of one function. Its services share one pool
// of connections.
type Config struct {
	region       string
	credentials  aws.Credentials
	endpoints    map[Service]string // set by the user, else ""
	http         aws.HTTPClient
	variant      endpointVariant
	noPreconnect bool
}

// endpointVariant says which of AWS's own endpoints are meant. The clients of
// the SDK read it from aws.Config.ConfigSources.
type endpointVariant struct{ fips, dualStack bool }

// GetUseFIPSEndpoint implements the SDK's internal UseFIPSEndpointProvider.
func (v endpointVariant) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	return aws.FIPSEndpointStateEnabled, v.fips, nil
}

// GetUseDualStackEndpoint implements the SDK's internal UseDualStackEndpointProvider.
func (v endpointVariant) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	return aws.DualStackEndpointStateEnabled, v.dualStack, nil
}

// Service is an AWS service by the first label of its host names.
type Service string

// The services that the functions call.
const (
	SQS      Service = "sqs"
	DynamoDB Service = "dynamodb"
	SSM      Service = "ssm"
)

const (
	// attemptTimeout bounds one attempt at a call, so that a connection that
	// hangs leaves time for another attempt.
	attemptTimeout = 5 * time.Second
	// maxIdleConnections is per host. A batch of sync or of a backfill writes its
	// entities at once, and a connection that is not kept costs the next batch a
	// handshake.
	maxIdleConnections = 32
	// writeBufferSize holds most requests as a whole, so that each is sent by one
	// write. The headers alone are 2 KB with the session token that Lambda gives.
	writeBufferSize = 16 << 10
)

// New makes the configuration from the settings. It opens no connection.
func New(s settings.AWS) *Config {
	client := awshttp.NewBuildableClient().WithTimeout(attemptTimeout).WithTransportOptions(func(t *http.Transport) {
		t.WriteBufferSize = writeBufferSize
		t.DialTLSContext = newTLSDialer(s.Roots).dial
	})
	return &Config{
		region: s.Region,
		credentials: aws.Credentials{
			AccessKeyID:     s.AccessKeyID,
			SecretAccessKey: s.SecretAccessKey,
			SessionToken:    s.SessionToken,
			Source:          "environment",
		},
		endpoints:    map[Service]string{SQS: s.SQSEndpoint, DynamoDB: s.DynamoDBEndpoint, SSM: s.SSMEndpoint},
		http:         NewHTTPClient(client),
		variant:      endpointVariant{fips: s.UseFIPS, dualStack: s.UseDualStack},
		noPreconnect: !s.Preconnect,
	}
}

// For returns the SDK's configuration for one service.
func (c *Config) For(s Service) aws.Config {
	cfg := aws.Config{
		Region:     c.region,
		HTTPClient: c.http,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return c.credentials, nil
		}),
		ConfigSources: []any{c.variant},
	}
	if e := c.endpoints[s]; e != "" {
		cfg.BaseEndpoint = &e
	}
	return cfg
}

// preconnectTimeout bounds what a start waits for at the most.
const preconnectTimeout = 2 * time.Second

// Preconnect opens a connection to a service before the first request needs it:
// Lambda gives a function a whole CPU during init and a fraction of it later, so
// the handshake is cheapest here. The functions in concurrently run at the same
// time, so that a start that calls two services waits once.
//
// It is best effort: where no connection comes about, the first request opens
// one and reports what is wrong. Where the settings switch it off, nothing runs.
func (c *Config) Preconnect(s Service, concurrently ...func()) {
	if c.noPreconnect {
		return
	}
	var g sync.WaitGroup
	for _, f := range concurrently {
		g.Go(f)
	}
	c.openConnection(s)
	g.Wait()
}

// openConnection makes a request without a signature, whose answer does not matter.
func (c *Config) openConnection(s Service) {
	ctx, cancel := context.WithTimeout(context.Background(), preconnectTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Endpoint(s), http.NoBody)
	if err != nil {
		return
	}
	if out, err := c.http.Do(r); err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(out.Body, 1<<16)) // only a connection whose answer was read is kept
		_ = out.Body.Close()
	}
}

// Endpoint returns the URL of a service, without a slash at its end: the one
// that the user set, else AWS's own in the region.
func (c *Config) Endpoint(s Service) string {
	if e := c.endpoints[s]; e != "" {
		return strings.TrimRight(e, "/")
	}
	host := string(s)
	domain, dualStackDomain := partitionDomains(c.region)
	if c.variant.dualStack {
		domain = dualStackDomain
	}
	// GovCloud's ordinary endpoints are FIPS endpoints, and have no other name.
	if c.variant.fips && (c.variant.dualStack || !strings.HasPrefix(c.region, "us-gov-")) {
		host += "-fips"
	}
	return "https://" + host + "." + c.region + "." + domain
}

// partitionDomains returns the domains of the region's partition, the second for
// dual-stack endpoints. They are those of the SDK's own table, which is internal:
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
func partitionDomains(region string) (domain, dualStack string) {
	for prefix, domains := range map[string][2]string{
		"cn-":      {"amazonaws.com.cn", "api.amazonwebservices.com.cn"},
		"eusc-":    {"amazonaws.eu", "api.amazonwebservices.eu"},
		"eu-isoe-": {"cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
		"us-iso-":  {"c2s.ic.gov", "api.aws.ic.gov"},
		"us-isob-": {"sc2s.sgov.gov", "api.aws.scloud"},
		"us-isof-": {"csp.hci.ic.gov", "api.aws.hci.ic.gov"},
	} {
		if strings.HasPrefix(region, prefix) {
			return domains[0], domains[1]
		}
	}
	return "amazonaws.com", "api.aws"
}
