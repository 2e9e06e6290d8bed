package awsclient_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/clerksync/clerksync/pkg/awsclient"
)

// sdkBody is a request's body as the SDK makes it: once closed, Read and
// WriteTo return io.EOF.
type sdkBody struct {
	*strings.Reader
	closed bool
}

func (b *sdkBody) Close() error {
	b.closed = true
	return nil
}

func (b *sdkBody) Read(p []byte) (int, error) {
	if b.closed {
		return 0, io.EOF
	}
	return b.Reader.Read(p)
}

func (b *sdkBody) WriteTo(w io.Writer) (int64, error) {
	if b.closed {
		return 0, io.EOF
	}
	return b.Reader.WriteTo(w)
}

// clientFunc is an HTTP client that looks at a request and does not answer.
type clientFunc func(*http.Request) error

func (f clientFunc) Do(r *http.Request) (*http.Response, error) { return nil, f(r) }

// do sends a request through NewHTTPClient to f.
func do(r *http.Request, f clientFunc) error {
	answer, err := awsclient.NewHTTPClient(f).Do(r)
	if answer != nil {
		_ = answer.Body.Close()
	}
	return err
}

// The body is complete and ends without an error, however early the SDK closes
// its own: net/http breaks the answer off otherwise.
func TestBodyIsBuffered(t *testing.T) {
	const size = 2 << 10
	done := errors.New("done")
	for name, length := range map[string]int64{"known length": size, "unknown length": -1} {
		t.Run(name, func(t *testing.T) {
			body := &sdkBody{Reader: strings.NewReader(strings.Repeat("x", size))}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:1", body)
			r.ContentLength = length
			err := do(r, func(got *http.Request) error {
				_ = body.Close()
				if n, err := io.Copy(io.Discard, got.Body); n != size || err != nil {
					t.Errorf("body sent = %d bytes, %v, want %d, nil", n, err, size)
				}
				if got.ContentLength != length || got.Method != http.MethodPost {
					t.Errorf("sent: %s of length %d, want POST, %d", got.Method, got.ContentLength, length)
				}
				return done
			})
			if !errors.Is(err, done) {
				t.Errorf("Do = %v, want the client's own error", err)
			}
		})
	}
}

func TestNoBodyStaysNone(t *testing.T) {
	for _, body := range []io.ReadCloser{nil, http.NoBody} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:1", nil)
		r.Body = body
		_ = do(r, func(got *http.Request) error {
			if got.Body != body {
				t.Errorf("body sent = %v, want %v", got.Body, body)
			}
			return nil
		})
	}
}

// A body that cannot be read is not sent in part.
func TestUnreadableBody(t *testing.T) {
	broken := errors.New("broken")
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:1", iotest.ErrReader(broken))
	err := do(r, func(*http.Request) error {
		t.Error("Do sends, want nothing sent")
		return nil
	})
	if !errors.Is(err, broken) {
		t.Errorf("Do = %v, want %v", err, broken)
	}
}

// Sixteen writes at once, and again: the second sixteen open no connection. In AWS each would cost a handshake.
func TestConnectionsAreKept(t *testing.T) {
	const writes = 16
	var opened, waiting atomic.Int32
	release := make(chan struct{}, 2*writes)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if waiting.Add(1)%writes == 0 { // all are here, each on its own connection
			for range writes {
				release <- struct{}{}
			}
		}
		<-release
		_, _ = io.WriteString(w, "{}")
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	client := awsclient.NewHTTPClient(nil)
	for range 2 {
		var all sync.WaitGroup
		for range writes {
			all.Go(func() {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader("{}"))
				if err != nil {
					t.Error(err)
					return
				}
				answer, err := client.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
			})
		}
		all.Wait()
	}
	if got := opened.Load(); got != writes {
		t.Errorf("%d connections for 2 times %d requests at once, want %d", got, writes, writes)
	}
}
