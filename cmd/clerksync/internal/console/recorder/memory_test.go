package recorder_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/projector"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// emptyTable takes every write and holds nothing, so that what grows is the
// recorder's.
type emptyTable struct{}

func (emptyTable) Write(context.Context, directory.Write) (directory.Result, error) {
	return directory.Written, nil
}

func (emptyTable) Read(_ context.Context, keys ...directory.Key) ([]directory.Row, error) {
	return make([]directory.Row, len(keys)), nil
}

func (emptyTable) Live(context.Context, string, string, string) ([]directory.Row, string, error) {
	return nil, "", nil
}

// straight is a queue whose messages are consumed within Send.
type straight struct{ consumer *consumer.Consumer }

func (q *straight) Send(ctx context.Context, m delivery.Message) error {
	q.consumer.Handle(ctx, []delivery.Record{m.Record()})
	return nil
}

func (*straight) DeadLetter(context.Context, delivery.Record, string) error { return nil }
func (*straight) Requeue(context.Context, delivery.Record, string) error    { return nil }
func (*straight) Acknowledge(context.Context, []delivery.Record) error      { return nil }
func (*straight) Delay(context.Context, []delivery.Delay) error             { return nil }

// However many messages pass, each of another user and some of them large, what is
// kept stays within 150 MB. RECORDER_MESSAGES=100000 is the size that was promised.
func TestMemoryIsBounded(t *testing.T) {
	n := 5000
	if text := os.Getenv("RECORDER_MESSAGES"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	secrets, err := svix.ParseSecrets(svixtest.Secret)
	if err != nil {
		t.Fatal(err)
	}
	p := projector.New(projector.StoreFull)
	r := recorder.New(recorder.Options{Now: time.Now, Projector: p})
	queue := &straight{}
	queue.consumer = consumer.New(consumer.Config{
		Table: r.Table(emptyTable{}), Queue: queue, Projector: p, Policy: consumer.Soft, Retention: time.Hour,
		Now: time.Now, Random: func() float64 { return 0 }, Observe: r.OnMessage,
		Warn: func(context.Context, string, error) {},
	})
	handler := r.Handler(ingest.New(ingest.Config{
		Secrets: ingest.FixedSecrets(secrets), Queue: queue, KnowledgeOf: clerk.KnowledgeOf, Now: time.Now,
		Observe: r.OnRequest,
	}))
	created := sample(t, "user.created")
	filler := strings.Repeat("x", 100_000)
	before := heap()
	for i := range n {
		id := fmt.Sprintf("user_%027d", i)
		body := strings.ReplaceAll(created, "user_2exampleJonahAdeyemi0000000", id)
		if i%10 == 0 { // 64 MiB of these are fewer than a thousand
			body = strings.Replace(body, `"first_name":`, `"filler":"`+filler+`","first_name":`, 1)
		}
		q := httptest.NewRequest(http.MethodPost, ingest.Path, strings.NewReader(body))
		s := signed("msg_"+id, body)
		if i%4 == 3 {
			s = forged("msg_forged"+id, body)
		}
		for name, value := range s.Header {
			q.Header.Set(name, value)
		}
		handler.ServeHTTP(httptest.NewRecorder(), q)
	}
	grown := heap() - before
	c := r.Counts()
	t.Logf("%d messages: %.1f MB more; %d kept, %d gone, %d rejected, %d of these gone",
		n, float64(grown)/1e6, c.Kept, c.Gone, c.Rejected, c.GoneRejected)
	if grown > 150e6 {
		t.Errorf("the heap has grown by %d MB, want at most 150", grown/1e6)
	}
	if want := n - n/4; c.Kept+c.Gone != want || c.Kept > 1000 || c.Steps["applied"] != want {
		t.Errorf("counts = %+v, want %d messages, a thousand kept", c, want)
	}
	runtime.KeepAlive(r)
}

// heap is what is in use.
func heap() int {
	runtime.GC()
	runtime.GC() // what finalizers have let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
