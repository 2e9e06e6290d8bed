package awsclient_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/pkg/awsclient"
	"github.com/clerksync/clerksync/pkg/settings"
)

// functionSettings are the settings of a function that finds AWS at the URL.
func functionSettings(url string) settings.AWS {
	return settings.AWS{
		Region: "us-east-1", AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example-canary", SessionToken: "token",
		SQSEndpoint: url, DynamoDBEndpoint: url, SSMEndpoint: url, Preconnect: true,
	}
}

// The user's endpoint is only the named service's. Without one the SDK decides,
// and Endpoint says the same for what is called without the SDK.
// https://github.com/hashicorp/aws-sdk-go-base/issues/602
func TestEndpoints(t *testing.T) {
	for name, c := range map[string]struct {
		region, url        string // of SQS, where the user set one
		fips, dualStack    bool
		wantBase, endpoint string
	}{
		"AWS's own":       {region: "us-east-1", endpoint: "https://sqs.us-east-1.amazonaws.com"},
		"FIPS":            {region: "us-east-1", fips: true, endpoint: "https://sqs-fips.us-east-1.amazonaws.com"},
		"dual stack":      {region: "us-east-1", dualStack: true, endpoint: "https://sqs.us-east-1.api.aws"},
		"user's":          {region: "us-east-1", url: "https://a", wantBase: "https://a", endpoint: "https://a"},
		"user's, a slash": {region: "us-east-1", url: "http://a:1/", wantBase: "http://a:1/", endpoint: "http://a:1"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := awsclient.New(settings.AWS{
				Region: c.region, SQSEndpoint: c.url, UseFIPS: c.fips, UseDualStack: c.dualStack,
			})
			if got := aws.ToString(cfg.For(awsclient.SQS).BaseEndpoint); got != c.wantBase {
				t.Errorf("BaseEndpoint of SQS = %q, want %q", got, c.wantBase)
			}
			if got := cfg.Endpoint(awsclient.SQS); got != c.endpoint {
				t.Errorf("Endpoint of SQS = %q, want %q", got, c.endpoint)
			}
			if got := cfg.For(awsclient.DynamoDB).BaseEndpoint; got != nil {
				t.Errorf("BaseEndpoint of DynamoDB = %q, want none", *got)
			}
		})
	}
}

// Endpoint names AWS's own endpoints as the SDK does, in every partition, and the
// clients of the SDK call the variant that the settings ask for.
func TestEndpointVariants(t *testing.T) {
	calls := map[awsclient.Service]func(aws.Config) error{
		awsclient.SQS: func(cfg aws.Config) error {
			_, err := sqs.NewFromConfig(cfg).ListQueues(t.Context(), nil)
			return err
		},
		awsclient.DynamoDB: func(cfg aws.Config) error {
			_, err := dynamodb.NewFromConfig(cfg).ListTables(t.Context(), nil)
			return err
		},
		awsclient.SSM: func(cfg aws.Config) error {
			_, err := ssm.NewFromConfig(cfg).GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("p")})
			return err
		},
	}
	for _, region := range []string{
		"us-east-1", "mx-central-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1",
		"us-iso-east-1", "us-isob-east-1", "us-isof-south-1", "eu-isoe-west-1",
	} {
		both := settings.AWS{UseFIPS: true, UseDualStack: true}
		for _, s := range []settings.AWS{{}, {UseFIPS: true}, {UseDualStack: true}, both} {
			s.Region = region
			c := awsclient.New(s)
			for service, call := range calls {
				cfg, got := c.For(service), ""
				cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
				cfg.HTTPClient = clientFunc(func(r *http.Request) error {
					got = r.URL.Scheme + "://" + r.URL.Host
					return errors.New("not sent")
				})
				err := call(cfg)
				if want := c.Endpoint(service); got != want {
					t.Errorf("%s in %s, FIPS %v, dual stack %v: the SDK calls %q (%v), Endpoint = %q",
						service, region, s.UseFIPS, s.UseDualStack, got, err, want)
				}
			}
		}
	}
}

func TestForCarriesRegionAndCredentials(t *testing.T) {
	s := functionSettings("")
	cfg := awsclient.New(s).For(awsclient.DynamoDB)
	keys, err := cfg.Credentials.Retrieve(t.Context())
	got := settings.AWS{
		Region: cfg.Region, AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey,
		SessionToken: keys.SessionToken, Preconnect: true,
	}
	if got != s || err != nil {
		t.Errorf("For holds %+v, %v, want %+v", got, err, s)
	}
}

// The connection that Preconnect opens is the one that the first call takes.
func TestPreconnectServesTheFirstCall(t *testing.T) {
	var opened atomic.Int32
	host := httptest.NewUnstartedServer(emulator.New(emulator.Options{}))
	host.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	host.Start()
	defer host.Close()
	cfg := awsclient.New(functionSettings(host.URL))
	client := sqs.NewFromConfig(cfg.For(awsclient.SQS))
	cfg.Preconnect(awsclient.SQS)
	if got := opened.Load(); got != 1 {
		t.Fatalf("Preconnect opened %d connections, want 1", got)
	}
	if _, err := client.ListQueues(t.Context(), &sqs.ListQueuesInput{}); err != nil {
		t.Fatal(err)
	}
	if got := opened.Load(); got != 1 {
		t.Errorf("the first call opened another connection, %d in all", got)
	}
}

// A request is sent by one write: headers with Lambda's long token, and body. Two
// writes may be read as one by chance, so it is tried several times.
func TestOneWrite(t *testing.T) {
	const tries, size = 8, 6 << 10
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	first := make(chan int, tries)
	go func() {
		for range tries {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			n, _ := conn.Read(make([]byte, 64<<10)) // what was written at once comes at once on loopback
			first <- n
			_ = conn.Close()
		}
	}()
	s := functionSettings("http://" + listener.Addr().String())
	s.SessionToken = strings.Repeat("x", 1200)
	cfg := awsclient.New(s)
	client := sqs.NewFromConfig(cfg.For(awsclient.SQS), func(o *sqs.Options) { o.RetryMaxAttempts = 1 })
	for range tries {
		_, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{
			QueueUrl: aws.String("http://127.0.0.1:1/q"), MessageBody: aws.String(strings.Repeat("x", size)),
		})
		if err == nil {
			t.Error("SendMessage() without an answer = nil, want an error")
		}
		if got := <-first; got < size {
			t.Errorf("first write = %d bytes, want all, over %d", got, size)
		}
	}
}

// Best effort: a start does not fail where no connection comes about, and the other
// functions run all the same. How long it waits: see TestPreconnectOfASilentService.
func TestPreconnectIsBestEffort(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	ran := false
	awsclient.New(functionSettings(closed.URL)).Preconnect(awsclient.SQS, func() { ran = true })
	if !ran {
		t.Error("Preconnect to a closed port did not run the other function")
	}
}

// WARM_UP=off leaves all of it to the first request.
func TestPreconnectSwitchedOff(t *testing.T) {
	s := functionSettings("http://127.0.0.1:1")
	s.Preconnect = false
	awsclient.New(s).Preconnect(awsclient.SSM, func() { t.Error("Preconnect ran the function, want nothing done") })
}
