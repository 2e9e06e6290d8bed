package console

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"strings"
)

const tokenBytes = 32

// NewToken makes what opens the console of a stack: it shows personal data, and every
// program of this machine reaches its port.
func NewToken() string {
	b := make([]byte, tokenBytes)
	_, _ = rand.Read(b) // it never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// tokenParameter is the token's name in the query of the URL that is printed.
const tokenParameter = "token"

// LoginURL is the URL that opens this console: with the token, where one is needed.
func (c *Console) LoginURL() string {
	if c.options.Stack == nil {
		return c.URL
	}
	return c.URL + "/?" + url.Values{tokenParameter: {c.options.Stack.Token}}.Encode()
}

// cookieName holds the port: browsers send a cookie to every port of a host, so two
// consoles would take turns in forgetting their tokens.
func (c *Console) cookieName() string {
	u, err := url.Parse(c.URL)
	if err != nil { // it was made from a listener's address
		return "clerksync"
	}
	_, port, _ := net.SplitHostPort(u.Host)
	return "clerksync_" + port
}

// admit says whether a request may go on. One that brings the token by the printed
// URL gets a cookie instead, and is sent to the same page without it: what is in the
// address bar is in the history and on every screenshot.
func (c *Console) admit(w http.ResponseWriter, r *http.Request) bool {
	if c.options.Stack == nil {
		return true
	}
	isToken := func(text string) bool { // in the same time, however much of it is right
		return subtle.ConstantTimeCompare([]byte(text), []byte(c.options.Stack.Token)) == 1
	}
	q := r.URL.Query()
	if given := q.Get(tokenParameter); isToken(given) && r.Method == http.MethodGet {
		//nolint:gosec // Secure would keep it from http on loopback, where this console is
		http.SetCookie(w, &http.Cookie{
			Name: c.cookieName(), Value: given, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		})
		q.Del(tokenParameter)
		// A path that begins with two slashes would lead to another host.
		to := url.URL{Path: "/" + strings.TrimLeft(r.URL.Path, "/"), RawQuery: q.Encode()}
		http.Redirect(w, r, to.String(), http.StatusSeeOther)
		return false
	}
	for _, cookie := range r.CookiesNamed(c.cookieName()) {
		if isToken(cookie.Value) {
			return true
		}
	}
	http.Error(w, "Open this console by the URL that clerksync console has printed.", http.StatusUnauthorized)
	return false
}
