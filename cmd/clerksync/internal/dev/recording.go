package dev

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/svix"
)

// recording appends the requests that the webhook takes to a file, one JSON object
// a line, for `clerksync send FILE` to send them again and for `doctor signature`
// to read. Requests that are refused or ignored are not in it: anybody can send
// those, and e-mails and sessions hold codes that let people in.
type recording struct {
	name string
	now  func() time.Time

	mu     sync.Mutex
	file   io.WriteCloser
	failed error // the first write that failed; none comes after it
}

// recordedRequest is one line. The body is text, for ingest takes nothing else but
// UTF-8, and JSON's escapes keep every character.
type recordedRequest struct {
	Time    string            `json:"time"` // RFC 3339, when the queue had it
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

// openRecording opens the file for nobody but its user, for it will hold personal
// data. What is no file, such as a pipe, keeps its mode.
func openRecording(name string, now func() time.Time) (*recording, error) {
	const onlyUser = 0o600
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, onlyUser)
	if err != nil {
		return nil, fmt.Errorf("record the requests: %w", err)
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		if err := f.Chmod(onlyUser); err != nil { // one that is there may be open to others
			_ = f.Close() // nothing was written
			return nil, fmt.Errorf("record the requests: %w", err)
		}
	}
	return &recording{name: name, now: now, file: f}, nil
}

// bodyKey is the key under which a request's context has what was read of its body.
type bodyKey struct{}

// recordable is a request on its way through ingest.
type recordable struct {
	header http.Header
	body   bytes.Buffer
}

// handler keeps each body while next reads it: next decides how much that is.
func (r *recording) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		kept := &recordable{header: q.Header}
		q = q.WithContext(context.WithValue(q.Context(), bodyKey{}, kept))
		q.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(q.Body, &kept.body), q.Body}
		next.ServeHTTP(w, q)
	})
}

// onRequest records a request that is on the queue. It returns an error once: that
// of the first write that fails. A file that ends in half a line is of no use, so
// nothing is written after it.
func (r *recording) onRequest(ctx context.Context, report ingest.Report) error {
	kept, ok := ctx.Value(bodyKey{}).(*recordable)
	if !ok || report.Stage != ingest.Queued {
		return nil
	}
	h := svix.FromHeader(func(name string) string { return strings.Join(kept.header.Values(name), ",") })
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	err := enc.Encode(recordedRequest{
		Time: r.now().UTC().Format(directory.TimeFormat),
		Headers: map[string]string{
			"svix-id": h.ID, "svix-timestamp": h.Timestamp, "svix-signature": h.Signature,
		},
		Body: kept.body.String(),
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed != nil {
		return nil //nolint:nilerr // it was returned before
	}
	if err == nil {
		_, err = r.file.Write(line.Bytes())
	}
	if err != nil {
		r.failed = fmt.Errorf("the recording %s is not whole: %w", r.name, err)
	}
	return r.failed
}

// close closes the file and returns the first failure.
func (r *recording) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.file.Close(); err != nil && r.failed == nil {
		r.failed = fmt.Errorf("the recording %s is not whole: %w", r.name, err)
	}
	return r.failed
}
