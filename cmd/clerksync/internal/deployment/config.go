package deployment

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"golang.org/x/term"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/pkg/awsclient"
)

// LoadConfig returns the configuration for an AWS endpoint, or for AWS where the
// endpoint and AWS_ENDPOINT_URL are empty. AWS needs a region and credentials, by
// all ways that the SDK knows.
func LoadConfig(ctx context.Context, getenv func(string) string, endpoint string) (cfg aws.Config, err error) {
	options := []func(*config.LoadOptions) error{
		config.WithAssumeRoleCredentialOptions(func(o *stscreds.AssumeRoleOptions) { o.TokenProvider = askMFACode }),
	}
	if endpoint = cmp.Or(endpoint, getenv("AWS_ENDPOINT_URL")); endpoint != "" {
		u, err := url.Parse(endpoint)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return cfg, terminal.Usagef("--endpoint-url %q: want an http or https URL", endpoint)
		}
		if !isAWS(u) {
			return endpointConfig(getenv, endpoint), nil
		}
		options = append(options, config.WithBaseEndpoint(endpoint))
	}
	if cfg, err = config.LoadDefaultConfig(ctx, options...); err != nil {
		return cfg, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return cfg, errors.New("no AWS region: set AWS_REGION or choose a profile that has one")
	}
	cfg.HTTPClient = awsclient.NewHTTPClient(cfg.HTTPClient)
	return cfg, nil
}

// endpointConfig is for an endpoint that is not AWS: a `clerksync dev` or another
// emulator. Nothing of the machine's AWS configuration is read, for none of it is
// about this endpoint: a profile that is not there, a session that has ended, a
// credential process that waits or a switch for FIPS would only stop a command
// that needs none of them. Region and keys of the environment count, because some
// emulators keep an account for each.
func endpointConfig(getenv func(string) string, endpoint string) aws.Config {
	cfg := emulator.Config(endpoint)
	cfg.Region = cmp.Or(getenv("AWS_REGION"), getenv("AWS_DEFAULT_REGION"), cfg.Region)
	id, secret := getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY")
	if id != "" && secret != "" {
		cfg.Credentials = credentials.NewStaticCredentialsProvider(id, secret, getenv("AWS_SESSION_TOKEN"))
	}
	return cfg
}

// isAWS says whether an endpoint is one of AWS's own, such as a VPC endpoint: it
// takes real credentials alone.
func isAWS(u *url.URL) bool {
	host := "." + strings.ToLower(u.Hostname())
	for _, domain := range []string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws"} {
		if strings.HasSuffix(host, domain) {
			return true
		}
	}
	return false
}

// askMFACode asks for the code of a role whose profile names an mfa_serial. The
// SDK's own question goes to stdout, where data belong.
func askMFACode() (string, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return "", errors.New("the profile needs an MFA code, and standard input is not a terminal: " +
			"run `aws configure export-credentials --format env` in one, and set what it prints")
	}
	fmt.Fprint(os.Stderr, "MFA code: ")
	code, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("read the MFA code: %w", err)
	}
	return strings.TrimSpace(code), nil
}
