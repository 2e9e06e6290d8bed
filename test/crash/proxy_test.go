package crash_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// fault is what happens at a remote call.
type fault string

const (
	none         fault = ""
	killedBefore fault = "killed before" // the process is killed and the call is not made
	killedAfter  fault = "killed after"  // the call is made, then the process is killed and gets no answer
	stopped      fault = "stopped"       // nothing in the process runs any more, and the call is not made
	unanswered   fault = "unanswered"    // the call is not made and gets no answer; the process runs on
)

// proxy passes the function's remote calls to the emulators, counts them and
// injects faults.
type proxy struct {
	emulators http.Handler
	signal    func(syscall.Signal) // to the function's process
	hangs     chan struct{}        // holds a value when a call gets no answer

	mu     sync.Mutex
	inject func(call) fault
	last   call
	writes map[write]int // that were made
}

// call is one of the function's remote calls.
type call struct {
	n, changes int    // calls so far, this one included, and those of them that may change something
	operation  string // DynamoDB_20120810.GetItem and so on
	body       []byte
}

// write is a row as one write made it.
type write struct{ table, key, rev string }

func newProxy(emulators http.Handler) *proxy {
	return &proxy{
		emulators: emulators,
		hangs:     make(chan struct{}, 1),
		inject:    func(call) fault { return none },
		writes:    map[write]int{},
	}
}

// changesSomething says whether the call may change something.
func (c call) changesSomething() bool {
	_, action, _ := strings.Cut(c.operation, ".")
	return action != "GetItem" && action != "BatchGetItem" && action != "Query"
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost { // the function only opens a connection
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	c, f := p.next(r.Header.Get("X-Amz-Target"), body)
	if f == none || f == killedAfter {
		answer := httptest.NewRecorder()
		p.emulators.ServeHTTP(answer, r)
		if answer.Code == http.StatusOK && c.changesSomething() {
			p.countWrites(body)
		}
		if f == none {
			maps.Copy(w.Header(), answer.Header())
			w.WriteHeader(answer.Code)
			_, _ = w.Write(answer.Body.Bytes())
			return
		}
	}
	switch f {
	case killedBefore, killedAfter:
		p.signal(syscall.SIGKILL)
	case stopped:
		p.signal(syscall.SIGSTOP)
		p.reportHang()
	case unanswered:
		p.reportHang()
	case none:
	}
	<-r.Context().Done() // until the process is gone
}

// next counts a call and says which fault is injected at it.
func (p *proxy) next(operation string, body []byte) (call, fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := call{n: p.last.n + 1, changes: p.last.changes, operation: operation, body: body}
	if c.changesSomething() {
		c.changes++
	}
	p.last = c
	return c, p.inject(c)
}

func (p *proxy) reportHang() {
	select {
	case p.hangs <- struct{}{}:
	default: // it is known
	}
}

// countWrites counts the rows that a PutItem or a transaction wrote.
func (p *proxy) countWrites(body []byte) {
	type put struct {
		TableName string
		Item      map[string]struct{ S string }
	}
	var in struct {
		put
		TransactItems []struct{ Put put }
	}
	if json.Unmarshal(body, &in) != nil {
		return // not a call to DynamoDB
	}
	puts := []put{in.put}
	for _, it := range in.TransactItems {
		puts = append(puts, it.Put)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, put := range puts {
		if row := put.Item; row != nil {
			key := row["svix_id"].S
			if row["pk"].S != "" {
				key = row["pk"].S + " " + row["sk"].S
			}
			p.writes[write{put.TableName, key, row["rev"].S}]++
		}
	}
}

// checkWrites checks that no write was made twice: a row's rev, and the svix id
// of a row in Deliveries, belong to one message.
func (p *proxy) checkWrites(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for w, n := range p.writes {
		if n > 1 {
			t.Errorf("%+v was written %d times, want once", w, n)
		}
	}
}
