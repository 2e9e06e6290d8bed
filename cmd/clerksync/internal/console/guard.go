package console

import (
	"net/http"
	"strings"

	"github.com/clerksync/clerksync/internal/emulator/guard"
)

// Bounds of a request.
const (
	maxBody   = 1 << 20
	maxHeader = 64 << 10
)

// protect keeps everything but this console's own pages and scripts of this
// machine away from it. The order is that of what a stranger controls least: the
// name by which he came, where the request was made, and only then what it asks.
// docs/console.md says what each rule is there for.
func (c *Console) protect(next http.Handler) http.Handler {
	// It compares Origin with Host where a browser does not say Sec-Fetch-Site.
	next = http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		if err := guard.Check(r, guard.LoopbackHosts); err != nil {
			writeError(w, http.StatusForbidden, "forbidden", err.Error())
			return
		}
		if !sameSite(r) {
			writeError(w, http.StatusForbidden, "forbidden", "another web page made this request")
			return
		}
		if r.Method == http.MethodOptions { // what a page of another origin would ask first
			w.Header().Set("Allow", "GET, HEAD, POST, PUT, DELETE")
			writeError(w, http.StatusMethodNotAllowed, "method_not_allowed", "no other origin may ask")
			return
		}
		if !c.admit(w, r) {
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// sameSite says whether the request was made by a page of this console, by the
// user himself, or by no browser. A page of another origin may lead the user here
// by a link and nothing else: another port of this machine is the same site to a
// browser, and a page of the user's own application must not drive the console.
func sameSite(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return true
	}
	return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" &&
		r.Header.Get("Sec-Fetch-Dest") == "document" && !strings.HasPrefix(r.URL.Path, apiPrefix)
}

// contentSecurityPolicy lets a page load what this server serves, and nothing
// inline: a name that a stranger chose is shown as text, and if it were not, it
// would not run.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", contentSecurityPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store") // personal data, and an old page would look like a live one
	h.Set("Vary", "HX-Request")
}
