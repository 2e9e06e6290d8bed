package ingest

import (
	"errors"
	"io"
	"net/http"
	"strings"
)

// ServeHTTP answers POST /webhooks/clerk; mount it with http.StripPrefix where
// the route begins with something else. It reads the body as it was sent.
func (i *Ingest) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req := Request{
		Method: r.Method,
		Path:   r.URL.EscapedPath(), // as the gateway's rawPath
		Header: func(name string) string { return strings.Join(r.Header.Values(name), ",") },
	}
	if req.Path == Path && req.Method == http.MethodPost {
		var err error
		if req.Body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody)); err != nil {
			var tooLarge *http.MaxBytesError
			req.TooLarge = errors.As(err, &tooLarge)
			req.Unreadable = !req.TooLarge // the sender broke off
		}
	}
	reply := i.Handle(r.Context(), req)
	for name, value := range reply.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(reply.Status)
	_, _ = io.WriteString(w, reply.Body) // a sender who hung up needs no answer
}
