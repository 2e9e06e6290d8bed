package awsclient

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/settings"
)

// A connection that hangs costs one attempt, and the next attempt opens another.
// The server also speaks HTTP/2, by which all attempts would share the connection
// that hangs. https://github.com/golang/go/issues/30702
func TestConnectionThatHangs(t *testing.T) {
	t.Parallel()
	var first atomic.Value // the address of the connection that hangs
	var again atomic.Int32
	root := issue(t, "root", nil, authority)
	url, dials := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server see that the client gives up
		if first.CompareAndSwap(nil, r.RemoteAddr) || first.Load() == r.RemoteAddr {
			again.Add(1)
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, `{"QueueUrls":[]}`)
	}, 0, issue(t, "leaf", root))
	cfg := New(settings.AWS{
		Region: "us-east-1", AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example",
		SQSEndpoint: url, Roots: pool(root),
	})
	began := time.Now()
	_, err := sqs.NewFromConfig(cfg.For(SQS)).ListQueues(t.Context(), &sqs.ListQueuesInput{})
	took := time.Since(began)
	if err != nil || again.Load() != 1 || dials.Load() != 2 || took < 5*time.Second {
		t.Errorf("ListQueues = %v after %v, %d connections and %d requests on the one that hangs, "+
			"want nil after 5s, 2 and 1", err, took, dials.Load(), again.Load())
	}
}

// silent is a service that does not answer.
type silent struct{}

func (silent) Do(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// A start waits two seconds at the most for a service that does not answer, and the
// other functions run meanwhile.
func TestPreconnectOfASilentService(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(settings.AWS{Region: "us-east-1", Preconnect: true})
		c.http = silent{}
		began, ran := time.Now(), time.Time{}
		c.Preconnect(SQS, func() { ran = time.Now() })
		if took := time.Since(began); took != preconnectTimeout || !ran.Equal(began) {
			t.Errorf("Preconnect took %v, and ran the other function at %v, want %v and at once, %v",
				took, ran, preconnectTimeout, began)
		}
	})
}

// The numbers that the timeouts of the functions in template.yaml count on.
func TestTimeouts(t *testing.T) {
	got := []time.Duration{attemptTimeout, preconnectTimeout, dialTimeout}
	want := []time.Duration{5 * time.Second, 2 * time.Second, 5 * time.Second}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("timeouts of an attempt, a preconnect, a dial (-want +got):\n%s", diff)
	}
}
