package awsclient_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/pkg/awsclient"
	"github.com/clerksync/clerksync/pkg/settings"
)

// complete are the settings of a function, which call AWS at url.
func complete(url string) settings.AWS {
	return settings.AWS{
		Region: "us-east-1", AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example-canary", SessionToken: "token",
		SQSEndpoint: url, DynamoDBEndpoint: url, SSMEndpoint: url, WarmUp: true,
	}
}

// https://github.com/hashicorp/aws-sdk-go-base/issues/602
func TestEndpoints(t *testing.T) {
	c := awsclient.New(settings.AWS{Region: "us-east-1", SQSEndpoint: "https://sqs.test", SSMEndpoint: "https://ssm.test"})
	for service, want := range map[awsclient.Service]string{
		awsclient.SQS: "https://sqs.test", awsclient.SSM: "https://ssm.test", awsclient.DynamoDB: "",
	} {
		if got := aws.ToString(c.For(service).BaseEndpoint); got != want {
			t.Errorf("endpoint of %s = %q, want %q", service, got, want)
		}
	}
}

func TestForCarriesRegionAndCredentials(t *testing.T) {
	cfg := awsclient.New(complete(""))
	for _, s := range []awsclient.Service{awsclient.SQS, awsclient.DynamoDB, awsclient.SSM} {
		c := cfg.For(s)
		keys, err := c.Credentials.Retrieve(t.Context())
		if c.Region != "us-east-1" || err != nil || keys.AccessKeyID != "AKIDEXAMPLE" || keys.SecretAccessKey != "example-canary" || keys.SessionToken != "token" {
			t.Errorf("For(%s) = %s, %v, %v, want region and keys of the environment", s, c.Region, keys.AccessKeyID, err)
		}
	}
}

// The connection that Warm opens is the one that the first call takes.
func TestWarmIsOfUse(t *testing.T) {
	var opened atomic.Int32
	host := httptest.NewUnstartedServer(emulator.New(emulator.Options{}))
	host.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	host.Start()
	defer host.Close()
	cfg := awsclient.New(complete(host.URL))
	client := sqs.NewFromConfig(cfg.For(awsclient.SQS))
	cfg.Warm(awsclient.SQS)
	if got := opened.Load(); got != 1 {
		t.Fatalf("Warm opened %d connections, want 1", got)
	}
	if _, err := client.ListQueues(t.Context(), &sqs.ListQueuesInput{}); err != nil {
		t.Fatal(err)
	}
	if got := opened.Load(); got != 1 {
		t.Errorf("the first call opened another connection, %d in all", got)
	}
}

// A request leaves whole, in one write: body, headers and Lambda's long token.
// Two writes may be read as one by chance, so it is tried some times.
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
	s := complete("http://" + listener.Addr().String())
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

func TestWarmAgainstADeadPort(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	_ = listener.Close()
	cfg := awsclient.New(complete(url))
	began, ran := time.Now(), false
	cfg.Warm(awsclient.SQS, func() { ran = true })
	if d := time.Since(began); d > time.Second || !ran {
		t.Errorf("Warm took %v, ran the other: %v, want at once and true", d, ran)
	}
}

// A server that accepts and never answers holds up a start for two seconds at
// most.
func TestWarmAgainstASilentServer(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	host := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer host.Close()
	defer close(release)
	cfg := awsclient.New(complete(host.URL))
	began := time.Now()
	cfg.Warm(awsclient.SQS)
	if d := time.Since(began); d < time.Second || d > 4*time.Second {
		t.Errorf("Warm took %v, want about 2 s", d)
	}
}
