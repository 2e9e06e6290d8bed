// Package preview says what would become of requests to the webhook, and sends
// none. It runs the real ingest and the real consumer, over a table that reads
// what the real one holds and keeps to itself what is written (overlay.go), with a
// queue that is a list. What passes is recorded as in the pipeline, so a
// preview looks as the message itself will.
package preview

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/order"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/projector"
	"github.com/clerksync/clerksync/pkg/settings"
)

// Previewer previews requests to one pipeline.
type Previewer struct {
	Signer    webhook.Signer // has the secrets by which ingest verifies
	Instances []string       // as ingest.Config has them
	Storage   settings.Storage
	Table     directory.Table  // is only read
	Rows      *deployment.Rows // reads the Deliveries table
}

// A preview may take the limit and so much for each request: the deletion of an
// organization reads all its members, and a page waits for it.
const (
	limit      = 5 * time.Second
	perRequest = 100 * time.Millisecond
)

// ErrTooLong says that the preview was given up.
var ErrTooLong = errors.New("this would change more rows than a preview can read in time; nothing was sent")

// Preview returns what would become of the requests, one after the other, by the
// order of their first: a message for each id. The error is ErrTooLong or one of
// the real tables.
func (p *Previewer) Preview(ctx context.Context, requests ...webhook.Request) ([]recorder.Message, error) {
	// The end is hidden from the consumer: before a deadline it stops in good time, as
	// in Lambda, and puts the rest off.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer time.AfterFunc(limit+time.Duration(len(requests))*perRequest, cancel).Stop()

	run := p.newRun(cancel)
	var ids []string
	for _, r := range requests {
		id, err := run.handle(ctx, r)
		if err != nil {
			return nil, err
		}
		if id != "" {
			ids = append(ids, id)
		}
	}
	list := make([]recorder.Message, 0, len(ids))
	for _, id := range ids {
		if m, ok := run.recorder.Message(id); ok {
			list = append(list, m)
		}
	}
	return list, nil
}

// run is one preview: a pipeline that ends with it.
type run struct {
	signer   webhook.Signer
	recorder *recorder.Recorder
	overlay  *overlay
	queue    *order.Queue
	webhook  http.Handler
	consumer *consumer.Consumer
	seen     map[string]bool // ids of messages
}

func (p *Previewer) newRun(stop func()) *run {
	project := projector.New(projector.ObjectStorage(p.Storage.ObjectStorage))
	r := &run{
		signer: p.Signer, queue: &order.Queue{}, overlay: newOverlay(p.Table, p.Rows, stop), seen: map[string]bool{},
		recorder: recorder.New(recorder.Options{Now: p.Signer.Now, Projector: project}),
	}
	r.webhook = r.recorder.Handler(ingest.New(ingest.Config{
		Secrets: ingest.FixedSecrets(p.Signer.Secrets), Queue: r.queue, Instances: p.Instances,
		KnowledgeOf: clerk.KnowledgeOf, Now: p.Signer.Now, Observe: r.recorder.OnRequest,
	}))
	r.consumer = consumer.New(consumer.Config{
		Table: r.recorder.Table(r.overlay), Queue: r.queue, Projector: project,
		Policy: consumer.DeletionPolicy(p.Storage.DeletionPolicy), Retention: p.Storage.Retention,
		Now: p.Signer.Now, Random: func() float64 { return 0 }, Observe: r.recorder.OnMessage,
		Warn: func(context.Context, string, error) {}, // it warns of acknowledgements, which the queue takes
	})
	return r
}

// handle takes a request through to its end, and returns the id of its message, ""
// where that was seen before.
func (r *run) handle(ctx context.Context, request webhook.Request) (id string, err error) {
	h, body := r.signer.Sign(request)
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, ingest.Path, bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("make the request of a preview: %w", err)
	}
	q.Header.Set("content-type", "application/json")
	q.Header.Set("svix-id", h.ID)
	q.Header.Set("svix-timestamp", h.Timestamp)
	q.Header.Set("svix-signature", h.Signature)
	r.webhook.ServeHTTP(unread{http.Header{}}, q)
	r.queue.Drain(ctx, r.consumer)
	switch {
	case r.overlay.failed != nil:
		return "", fmt.Errorf("read what is there: %w", r.overlay.failed)
	case ctx.Err() != nil:
		return "", ErrTooLong
	}
	// The newest message is that of the request, unless it was seen before.
	newest := r.recorder.Messages(recorder.Filter{}, 1).Messages
	if len(newest) == 0 || r.seen[newest[0].ID] {
		return "", nil
	}
	r.seen[newest[0].ID] = true
	return newest[0].ID, nil
}

// unread takes an answer, which the recorder has read.
type unread struct{ header http.Header }

func (u unread) Header() http.Header       { return u.header }
func (unread) WriteHeader(int)             {}
func (unread) Write(b []byte) (int, error) { return len(b), nil }
