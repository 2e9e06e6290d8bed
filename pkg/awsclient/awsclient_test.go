package awsclient_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/pkg/awsclient"
)

func complete(more ...string) map[string]string {
	env := map[string]string{"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example-canary"}
	for i := 0; i+1 < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return env
}

func read(env map[string]string) (*awsclient.Config, error) {
	return awsclient.Read(func(n string) string { return env[n] })
}

func TestReadNamesWhatIsMissing(t *testing.T) {
	required := []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
	for _, gone := range append(required, "all") {
		env := complete()
		want := []string{gone}
		if env[gone] = ""; gone == "all" {
			env, want = nil, required
		}
		_, err := read(env)
		if err == nil {
			t.Errorf("Read without %s = nil, want an error", gone)
			continue
		}
		for _, name := range required {
			if got := strings.Contains(err.Error(), name+" is missing"); got != slices.Contains(want, name) {
				t.Errorf("Read without %s = %v, names %s: %v", gone, err, name, got)
			}
		}
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("Read without %s = %v, holds a value", gone, err)
		}
	}
}

// https://github.com/hashicorp/aws-sdk-go-base/issues/602
func TestEndpoints(t *testing.T) {
	const all, own = "http://127.0.0.1:4566", "https://sqs.test"
	for name, c := range map[string]struct {
		env      map[string]string
		sqs, ssm string // "": none
	}{
		"unset":                     {complete(), "", ""},
		"empty":                     {complete("AWS_ENDPOINT_URL", "", "AWS_ENDPOINT_URL_SQS", ""), "", ""},
		"set":                       {complete("AWS_ENDPOINT_URL", all), all, all},
		"set for a service":         {complete("AWS_ENDPOINT_URL_SQS", own), own, ""},
		"a service's comes first":   {complete("AWS_ENDPOINT_URL", all, "AWS_ENDPOINT_URL_SQS", own), own, all},
		"a service's empty one not": {complete("AWS_ENDPOINT_URL", all, "AWS_ENDPOINT_URL_SQS", ""), all, all},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := read(c.env)
			if err != nil {
				t.Fatalf("Read = %v, want nil", err)
			}
			for service, want := range map[awsclient.Service]string{awsclient.SQS: c.sqs, awsclient.SSM: c.ssm} {
				if got := aws.ToString(cfg.For(service).BaseEndpoint); got != want {
					t.Errorf("endpoint of %s = %q, want %q", service, got, want)
				}
			}
		})
	}
}

func TestBadEndpoints(t *testing.T) {
	for _, bad := range []string{"canary", "127.0.0.1:4566", "canary.test:80", "ftp://canary.test", "http://", "/canary", "http://canary.test:port", " http://canary.test"} {
		_, err := read(complete("AWS_ENDPOINT_URL", bad, "AWS_ENDPOINT_URL_SQS", bad))
		if err == nil {
			t.Errorf("Read with endpoint %q = nil, want an error", bad)
			continue
		}
		text := err.Error()
		if strings.Count(text, "AWS_ENDPOINT_URL is no ") != 1 || strings.Count(text, "AWS_ENDPOINT_URL_SQS is no ") != 1 || strings.Contains(text, "canary") {
			t.Errorf("Read with endpoint %q = %q, want each variable named once and no value", bad, text)
		}
	}
}

func TestForCarriesRegionAndCredentials(t *testing.T) {
	cfg, err := read(complete("AWS_SESSION_TOKEN", "token"))
	if err != nil {
		t.Fatal(err)
	}
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
	cfg, err := read(complete("AWS_ENDPOINT_URL", host.URL))
	if err != nil {
		t.Fatal(err)
	}
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
	cfg, err := read(complete("AWS_ENDPOINT_URL", "http://"+listener.Addr().String(), "AWS_SESSION_TOKEN", strings.Repeat("x", 1200)))
	if err != nil {
		t.Fatal(err)
	}
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
	cfg, err := read(complete("AWS_ENDPOINT_URL", url))
	if err != nil {
		t.Fatal(err)
	}
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
	cfg, err := read(complete("AWS_ENDPOINT_URL_SQS", host.URL))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	cfg.Warm(awsclient.SQS)
	if d := time.Since(began); d < time.Second || d > 4*time.Second {
		t.Errorf("Warm took %v, want about 2 s", d)
	}
}
