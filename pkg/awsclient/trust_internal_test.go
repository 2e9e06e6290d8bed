package awsclient

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// issued is a certificate with its key.
type issued struct {
	*x509.Certificate
	key *ecdsa.PrivateKey
}

// issue makes a certificate for 127.0.0.1, signed by parent or, where that is
// nil, by itself.
func issue(t *testing.T, name string, parent *issued, change func(*x509.Certificate)) *issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	change(c)
	signer := &issued{c, key}
	if parent != nil {
		signer = parent
	}
	der, err := x509.CreateCertificate(rand.Reader, c, signer.Certificate, &key.PublicKey, signer.key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return &issued{c, key}
}

func authority(c *x509.Certificate) {
	c.IsCA, c.KeyUsage, c.IPAddresses = true, x509.KeyUsageCertSign, nil
}

// TestTrust accepts and refuses what crypto/tls does with the same bundle.
func TestTrust(t *testing.T) {
	as := func(*x509.Certificate) {}
	root := issue(t, "root", nil, authority)
	impostor := issue(t, "root", nil, authority) // the same name, another key
	between := issue(t, "between", root, authority)
	limited := issue(t, "between", root, as) // may sign nothing
	leaf := issue(t, "leaf", between, as)
	for _, c := range []struct {
		name  string
		chain []*issued
	}{
		{"good", []*issued{leaf, between}},
		{"directly under the root", []*issued{issue(t, "leaf", root, as)}},
		{"the root sent along", []*issued{leaf, between, root}},
		{"an intermediate missing", []*issued{leaf}},
		{"another root of that name", []*issued{issue(t, "leaf", impostor, as)}},
		{"self-signed", []*issued{issue(t, "leaf", nil, as)}},
		{"signed by what is no authority", []*issued{issue(t, "leaf", limited, as), limited}},
		{"expired", []*issued{issue(t, "leaf", between, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), between}},
		{"of another address", []*issued{issue(t, "leaf", between, func(c *x509.Certificate) { c.IPAddresses[0] = net.IPv4(192, 0, 2, 1) }), between}},
		{"for clients only", []*issued{issue(t, "leaf", between, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}), between}},
	} {
		t.Run(c.name, func(t *testing.T) {
			host := serveTLS(t, c.chain)
			other := issue(t, "somebody else", nil, authority)
			text := append([]byte("# a comment\n"), encode(other)...)
			pool := x509.NewCertPool()
			pool.AppendCertsFromPEM(text)
			pool.AddCert(root.Certificate)
			want := call(host, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}})
			trusts := newTrust([]string{filepath.Join(t.TempDir(), "none"), bundle(t, slices.Concat(text, encode(root)))})
			for range 2 { // the second time its roots are known
				got := call(host, &http.Transport{DialTLSContext: trusts.dial, DisableKeepAlives: true})
				if (got == nil) != (want == nil) {
					t.Errorf("dial() = %v, crypto/tls says %v", got, want)
				}
			}
		})
	}
}

func serveTLS(t *testing.T, chain []*issued) (url string) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	c := tls.Certificate{PrivateKey: chain[0].key}
	for _, i := range chain {
		c.Certificate = append(c.Certificate, i.Raw)
	}
	s.TLS = &tls.Config{Certificates: []tls.Certificate{c}, MinVersion: tls.VersionTLS12}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func call(url string, transport *http.Transport) error {
	r, err := (&http.Client{Transport: transport, Timeout: time.Minute}).Get(url)
	if err != nil {
		return err
	}
	return r.Body.Close()
}

func encode(c *issued) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// Many dial at once, and an impostor is among them.
func TestDialAtOnce(t *testing.T) {
	as := func(*x509.Certificate) {}
	var text []byte
	var hosts []string
	for i := range 4 {
		root := issue(t, strconv.Itoa(i), nil, authority)
		text, hosts = append(text, encode(root)...), append(hosts, serveTLS(t, []*issued{issue(t, "leaf", root, as)}))
	}
	impostor := serveTLS(t, []*issued{issue(t, "leaf", issue(t, "0", nil, authority), as)})
	trusts := newTrust([]string{bundle(t, text)})
	var g sync.WaitGroup
	for i := range 20 {
		g.Go(func() {
			transport := &http.Transport{DialTLSContext: trusts.dial, DisableKeepAlives: true}
			if err := call(hosts[i%len(hosts)], transport); err != nil {
				t.Errorf("dial() = %v, want nil", err)
			}
			if i%5 == 0 && call(impostor, transport) == nil {
				t.Error("dial() of an impostor = nil, want an error")
			}
		})
	}
	g.Wait()
}

// childVariable names the bundle of a test that runs in a process of its own,
// for a process reads the system's roots once.
const childVariable = "AWSENV_TEST_BUNDLE"

// What a look at a root's head does not find, the system's roots decide: a long
// name, and what a bundle trusts though it is no root.
func TestSystemRootsDecide(t *testing.T) {
	if file := os.Getenv(childVariable); file != "" {
		for _, url := range strings.Fields(os.Getenv(childVariable + "_URLS")) {
			if err := call(url, &http.Transport{DialTLSContext: newTrust([]string{file}).dial}); err != nil {
				t.Errorf("dial() = %v, want nil", err)
			}
		}
		return
	}
	long := issue(t, strings.Repeat("a long name ", 40), nil, authority)
	between := issue(t, "between", issue(t, strings.Repeat("another ", 50), nil, authority), authority)
	var urls []string
	for _, root := range []*issued{long, between} {
		urls = append(urls, serveTLS(t, []*issued{issue(t, "leaf", root, func(*x509.Certificate) {})}))
	}
	file := bundle(t, append(encode(long), encode(between)...))
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSystemRootsDecide$")
	c.Env = append(os.Environ(), childVariable+"="+file, childVariable+"_URLS="+strings.Join(urls, " "), "SSL_CERT_FILE="+file, "SSL_CERT_DIR=/nonexistent")
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
