package dev

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/svix"
)

// recording appends the requests that the webhook takes to a file, one JSON object
// a line, for `clerksync send FILE` to send them again and for `doctor signature`
// to read. Requests that are refused or ignored are not in it: anybody can send
// those, and e-mails and sessions hold codes that let people in. So does the url of
// an invitation, which is masked, as no row has it; the signature that is recorded
// is that of the body as it came.
type recording struct {
	term *terminal.Terminal
	name string
	now  func() time.Time

	mu     sync.Mutex
	file   io.WriteCloser
	failed bool // and said so; nothing is written after that
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
func openRecording(term *terminal.Terminal, o Options) (*recording, error) {
	const onlyUser = 0o600
	f, err := os.OpenFile(o.Record, os.O_CREATE|os.O_APPEND|os.O_WRONLY, onlyUser)
	if err != nil {
		return nil, fmt.Errorf("record what comes: %w", err)
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		if err := f.Chmod(onlyUser); err != nil { // one that is there may be open to others
			_ = f.Close() // nothing was written
			return nil, fmt.Errorf("record what comes: %w", err)
		}
	}
	term.Note("%s what comes is recorded in %s. That is personal data: delete the file when you are done.",
		terminal.Warn("note:"), o.Record)
	return &recording{term: term, name: o.Record, now: o.Now, file: f}, nil
}

// hook puts the recording between the webhook and what the options have there.
func (r *recording) hook(o pipeline.Options) pipeline.Options {
	onRequest, wrap := o.OnRequest, o.WrapWebhook
	o.OnRequest = func(ctx context.Context, report ingest.Report) {
		onRequest(ctx, report)
		r.onRequest(ctx, report)
	}
	o.WrapWebhook = func(next http.Handler) http.Handler {
		if next = r.handler(next); wrap != nil {
			next = wrap(next)
		}
		return next
	}
	return o
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

// onRequest records a request that is on the queue. The first write that fails is
// said and is the last one: lines behind half a line would be of no use.
func (r *recording) onRequest(ctx context.Context, report ingest.Report) {
	kept, ok := ctx.Value(bodyKey{}).(*recordable)
	if !ok || report.Stage != ingest.Queued {
		return
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
		Body: string(recorder.Mask(kept.body.Bytes())),
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed {
		return
	}
	if err == nil {
		_, err = r.file.Write(line.Bytes())
	}
	r.fail(err)
}

// fail says that the recording is not whole. r.mu is held.
func (r *recording) fail(err error) {
	if err != nil && !r.failed {
		r.failed = true
		r.term.Note("%s %s is not whole, and nothing more is recorded: %s", terminal.Bad("!"), r.name, err)
	}
}

// end closes the file. Dev ended with err, if it did; where the recording failed,
// that is a failure, too.
func (r *recording) end(err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail(r.file.Close())
	if r.failed && (err == nil || errors.Is(err, terminal.ErrInterrupted)) {
		return terminal.ErrReported
	}
	return err
}
