package program

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RuntimeAPI is Lambda's runtime API for one process, which is handed one event after the other.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type RuntimeAPI struct {
	// Next waits for the event that the process takes next; ok is false where there is none before ctx, the process's
	// request, ends.
	Next func(ctx context.Context) (event []byte, ok bool)
	// Answer is given what the process answered, or the error that it reported.
	Answer  func(body []byte, failed bool)
	Timeout time.Duration // of the function, from the moment at which the process takes an event
}

// ServeHTTP answers the process.
func (a RuntimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/next") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // it died while it answered
		}
		w.WriteHeader(http.StatusAccepted)
		a.Answer(body, !strings.HasSuffix(r.URL.Path, "/response"))
		return
	}
	event, ok := a.Next(r.Context())
	if !ok {
		return
	}
	h := w.Header()
	h.Set("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(a.Timeout).UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:f")
	h.Set("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0")
	_, _ = w.Write(event)
}

// NextOf is a Next that takes the events of a channel.
func NextOf(events <-chan []byte) func(context.Context) ([]byte, bool) {
	return func(ctx context.Context) ([]byte, bool) {
		select {
		case <-ctx.Done():
			return nil, false
		case event := <-events:
			return event, true
		}
	}
}
