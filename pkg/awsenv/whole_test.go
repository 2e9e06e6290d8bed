package awsenv_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/pkg/awsenv"
)

// closedEarly is a request's body as the SDK makes it: once closed, WriteTo
// says io.EOF.
type closedEarly struct{ *strings.Reader }

func (closedEarly) Close() error                       { return nil }
func (closedEarly) WriteTo(io.Writer) (int64, error)   { return 0, io.EOF }
func (c closedEarly) Read(p []byte) (n int, err error) { return c.Reader.Read(p) }

// An answer is whole though the request's body ends as the SDK's does.
func TestWholeAnswers(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, strings.Repeat("x", size))
	}))
	t.Cleanup(host.Close)
	client := awsenv.WholeAnswers(nil)
	for range 20 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, host.URL, closedEarly{strings.NewReader("{}")})
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = 2
		out, err := client.Do(r)
		if err != nil {
			t.Fatal("Do: ", err)
		}
		body, err := io.ReadAll(out.Body)
		_ = out.Body.Close()
		if err != nil || len(body) != size {
			t.Fatalf("answer of %d bytes, %v, want %d", len(body), err, size)
		}
	}
}
