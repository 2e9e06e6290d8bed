package guard_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerksync/clerksync/internal/emulator/guard"
)

// pipe is a listener whose one connection is in memory, where time is the
// bubble's.
type pipe struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p pipe) Close() error {
	close(p.done)
	return nil
}

func (p pipe) Addr() net.Addr { return &net.UnixAddr{} }

// A client that stops sending loses its connection; one that waits for a slow
// answer keeps it.
func TestNewServerBoundsReading(t *testing.T) {
	t.Parallel()
	const long = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
	for name, test := range map[string]struct {
		sent string
		want time.Duration // until the connection ends, or 0
	}{
		"nothing":          {sent: "", want: 10 * time.Second},
		"half the headers": {sent: long[:30], want: 10 * time.Second},
		"half the body":    {sent: long + "half", want: 30 * time.Second},
		"a whole request":  {sent: long + "the whole"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { holdOpen(t, test.sent, test.want) })
		})
	}
}

// holdOpen sends a text and expects the connection to end after a time; after 0,
// it expects the answer of a handler that takes 20 s, as the longest poll does.
func holdOpen(t *testing.T, sent string, want time.Duration) {
	t.Helper()
	s := guard.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			panic(http.ErrAbortHandler)
		}
		select {
		case <-time.After(20 * time.Second):
			w.WriteHeader(http.StatusNoContent)
		case <-r.Context().Done():
		}
	}))
	l := pipe{conns: make(chan net.Conn), done: make(chan struct{})}
	go func() { _ = s.Serve(l) }()
	defer s.Close()
	client, server := net.Pipe()
	defer client.Close()
	l.conns <- server
	start := time.Now()
	if _, err := io.WriteString(client, sent); err != nil {
		t.Fatal(err)
	}
	answer, err := bufio.NewReader(client).ReadString('\n')
	switch got := time.Since(start); {
	case want == 0 && !strings.HasPrefix(answer, "HTTP/1.1 204"):
		t.Errorf("answer = %q, %v, want 204", answer, err)
	case want != 0 && (strings.HasPrefix(answer, "HTTP/1.1 2") || got != want):
		t.Errorf("connection ended after %s with %q, want %s", got, answer, want)
	}
}
