package guard_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/internal/emulator/guard"
)

// Each line of the rule for hosts and origins, on a server whose user started it
// at dev.example:4566.
func TestProtect(t *testing.T) {
	t.Parallel()
	const ok, refused = http.StatusNoContent, http.StatusForbidden
	const local, evil = "127.0.0.1:4566", "http://evil.example"
	for name, test := range map[string]struct {
		host   string
		header map[string]string
		want   int
	}{
		"an IPv4 address":                   {host: local, want: ok},
		"an IPv4 address without port":      {host: "127.0.0.1", want: ok},
		"an address of the network":         {host: "192.168.1.7:4566", want: ok},
		"an IPv6 address":                   {host: "[::1]:4566", want: ok},
		"an IPv6 address without port":      {host: "[::1]", want: ok},
		"localhost":                         {host: "localhost:4566", want: ok},
		"a name without a dot":              {host: "clerksync", want: ok},
		"a name under localhost":            {host: "aws.localhost:4566", want: ok},
		"Docker's name of the host":         {host: "host.docker.internal:4566", want: ok},
		"the listener's own name":           {host: "dev.example:4566", want: ok},
		"the listener's name, another case": {host: "DEV.example", want: ok},

		"a public name":                       {host: "evil.example", want: refused},
		"a public name with the port":         {host: "evil.example:4566", want: refused},
		"a name that ends as the own one":     {host: "x.dev.example:4566", want: refused},
		"a name that begins as localhost":     {host: "localhost.evil.example", want: refused},
		"a name that begins as an address":    {host: "127.0.0.1.evil.example", want: refused},
		"a public name that ends in a dot":    {host: "evil.example.", want: refused},
		"a top level that ends as localhost":  {host: "evil.notlocalhost", want: refused},
		"no host":                             {host: "", want: refused},
		"a public name, said to be the same":  {host: "evil.example", header: site("same-origin"), want: refused},
		"a public name of a local origin":     {host: "evil.example", header: from("http://localhost"), want: refused},
		"an origin that is a public name":     {host: local, header: from("http://evil.example"), want: refused},
		"an origin with a port":               {host: local, header: from("https://evil.example:4566"), want: refused},
		"the origin null":                     {host: local, header: from("null"), want: refused},
		"an empty origin":                     {host: local, header: from(""), want: refused},
		"an origin without host":              {host: local, header: from("file://"), want: refused},
		"an origin that cannot be read":       {host: local, header: from("http://[::1"), want: refused},
		"an origin, and a site that is cross": {host: local, header: from("null", "cross-site"), want: refused},
		"an origin, and a site that is same":  {host: local, header: from("null", "same-site"), want: refused},

		"an origin of this machine":             {host: local, header: from("http://localhost:3000"), want: ok},
		"an origin that is an address":          {host: local, header: from("http://[::1]:3000"), want: ok},
		"an origin of the listener's name":      {host: local, header: from("http://dev.example:80"), want: ok},
		"the page's own form, with origin null": {host: local, header: from("null", "same-origin"), want: ok},
		"the same origin with a public name":    {host: local, header: from(evil, "same-origin"), want: ok},
		"no origin, from another site":          {host: local, header: site("cross-site"), want: ok},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			served := false
			h := guard.Protect(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				served = true
				w.WriteHeader(ok)
			}), guard.LocalHosts("dev.example:4566"))
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody)
			r.Host = test.host
			for name, value := range test.header {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != test.want || served != (test.want == ok) {
				t.Errorf("Host %q, %v = %d, served %t, want %d", test.host, test.header, w.Code, served, test.want)
			}
			if test.want == refused && !strings.Contains(w.Body.String(), "AccessDeniedException") {
				t.Errorf("body = %s, want AccessDeniedException", w.Body)
			}
		})
	}
}

// from are the headers of a page of an origin, with its Sec-Fetch-Site.
func from(origin string, fetchSite ...string) map[string]string {
	h := site(strings.Join(fetchSite, ""))
	h["Origin"] = origin
	return h
}

func site(fetchSite string) map[string]string {
	if fetchSite == "" {
		return map[string]string{}
	}
	return map[string]string{"Sec-Fetch-Site": fetchSite}
}

// A second Origin does not hide behind a first that is allowed.
func TestProtectSeveralOrigins(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/", http.NoBody)
	r.Header["Origin"] = []string{"http://localhost", "http://evil.example"}
	w := httptest.NewRecorder()
	guard.Protect(http.NotFoundHandler(), guard.LocalHosts("127.0.0.1:0")).ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("a local and a public origin = %d, want 403", w.Code)
	}
}
