// Package guard keeps web pages and hanging clients away from what this
// machine serves to its own user.
//
// A server on a loopback address is reached by every page that the user's
// browser shows. A page cannot read what another origin answers, but its author
// can let the name of his site resolve to 127.0.0.1 (DNS rebinding), and then
// page and server are one origin. The name gives him away: the request's Host,
// and the Origin of what a page sends, still hold it. So only names that nobody
// can register are let in, and addresses, which no name server can redirect.
//
// Protect wraps a handler by Check, LocalHosts and LoopbackHosts are rules for
// names, and NewServer bounds how long a client may take to send a request.
package guard

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Hosts says whether a request may come by a host: a name or an IP address, in
// lower case, without port and brackets.
type Hosts func(host string) bool

// LocalHosts allows IP literals, names without a dot, *.localhost, *.internal
// (Docker's), and the host of a listener's address HOST:PORT, which its user has
// chosen. No name of the first three kinds can be registered in the public DNS.
func LocalHosts(addr string) Hosts {
	own := hostOf(addr)
	return func(host string) bool {
		if host == "" {
			return false
		}
		_, err := netip.ParseAddr(host)
		return err == nil || host == own || !strings.Contains(host, ".") ||
			strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".internal")
	}
}

// LoopbackHosts allows what reaches this machine alone: IP literals of loopback,
// localhost and *.localhost.
func LoopbackHosts(host string) bool {
	ip, err := netip.ParseAddr(host)
	if err == nil {
		return ip.Unmap().IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// hostOf is the host of HOST:PORT or HOST, as Hosts takes it.
func hostOf(hostPort string) string {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil { // there is no port
		host = strings.TrimSuffix(strings.TrimPrefix(hostPort, "["), "]")
	}
	return strings.ToLower(host)
}

// Protect answers 403 to requests whose Host or Origin the rule refuses, before
// the handler sees them. The body is an error as AWS writes it, so that an SDK
// repeats the message.
func Protect(h http.Handler, allowed Hosts) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := Check(r, allowed)
		if err == nil {
			h.ServeHTTP(w, r)
			return
		}
		// Two texts have a JSON form.
		body, _ := json.Marshal(map[string]string{"__type": "AccessDeniedException", "message": err.Error()})
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write(body) // the caller is gone if this fails
	})
}

// Check is an error for people where the rule refuses the request's Host or one of
// its Origins.
func Check(r *http.Request, allowed Hosts) error {
	// The Host comes first, and without exception: for a page whose name was
	// rebound the browser itself says that the request is of the same origin.
	if !allowed(hostOf(r.Host)) {
		return fmt.Errorf("the host %q is not of this machine: use an IP address, localhost, "+
			"or the name in the address that this server was started with", r.Host)
	}
	// Only browsers set Sec-Fetch-Site, and no page can. With the Referrer-Policy
	// no-referrer Chromium sends `Origin: null` even for a page's own form, so that
	// this header alone tells it from a sandboxed page of another site.
	if r.Header.Get("Sec-Fetch-Site") == "same-origin" {
		return nil
	}
	for _, origin := range r.Header.Values("Origin") {
		// An origin without a host, as `null` is one, may be any page's.
		if u, err := url.Parse(origin); err != nil || !allowed(strings.ToLower(u.Hostname())) {
			return errors.New("the request is from a web page that is not of this machine")
		}
	}
	return nil
}

// How long a client may take. A request has at most some 16 MiB, which a
// local client sends within a second.
const (
	headerTimeout = 10 * time.Second
	// readTimeout is for a whole request. It is longer than the 20 s for which
	// ReceiveMessage may wait: net/http ends the context of a request that is still
	// being answered when the time for reading is over.
	readTimeout = 30 * time.Second
	// idleTimeout is longer than the 90 s after which Go's own client closes an idle
	// connection, so that a client does not send on one that is about to close.
	idleTimeout = 2 * time.Minute
)

// NewServer makes a server whose connections cannot be held open by a client
// that does not send what it has begun. Answers may take as long as they need.
func NewServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout,
	}
}
