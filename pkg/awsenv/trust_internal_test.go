package awsenv

import (
	"bytes"
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
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
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
			bundle := filepath.Join(t.TempDir(), "roots.pem")
			other := issue(t, "somebody else", nil, authority)
			text := append([]byte("# a comment\n"), encode(other)...)
			if err := os.WriteFile(bundle, append(text, encode(root)...), 0o600); err != nil {
				t.Fatal(err)
			}
			pool := x509.NewCertPool()
			pool.AppendCertsFromPEM(text)
			pool.AddCert(root.Certificate)
			want := call(host, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}})
			trusts := newTrust([]string{filepath.Join(t.TempDir(), "none"), bundle})
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

// TestCertificates reads the system's own bundle as encoding/pem does.
func TestCertificates(t *testing.T) {
	bundle, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		t.Skip("there is no bundle of certificates here: ", err)
	}
	rest, roots := bundle, []*x509.Certificate(nil)
	for text := range certificates(bytes.NewReader(bundle)) {
		var want *pem.Block
		der := decode(nil, text)
		if want, rest = pem.Decode(rest); want == nil || !bytes.Equal(der, want.Bytes) {
			t.Fatal("certificates() differs from pem.Decode()")
		}
		root, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		roots = append(roots, root)
	}
	if b, _ := pem.Decode(rest); b != nil {
		t.Error("certificates() ended before pem.Decode()")
	}
	file := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(file, bundle, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, root := range roots { // each names itself
		trusts := newTrust([]string{file})
		trusts.read([]*x509.Certificate{root})
		if _, err := root.Verify(x509.VerifyOptions{Roots: trusts.roots, CurrentTime: root.NotBefore, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
			t.Errorf("read() does not find %s: %v", root.Subject, err)
		}
	}
}

// A bundle that is no bundle holds no certificates, and ends.
func TestNoCertificates(t *testing.T) {
	const begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
	for name, text := range map[string]string{
		"empty":    "",
		"no PEM":   strings.Repeat("x", 3*readSize),
		"cut off":  strings.Repeat("#", readSize-10) + begin + "\nAAAA",
		"too long": begin + strings.Repeat("A", 3*readSize) + end,
	} {
		for range certificates(iotest.HalfReader(strings.NewReader(text))) {
			t.Errorf("certificates(%s) yields one, want none", name)
		}
	}
	for _, before := range []int{0, 1, readSize - 20, readSize, 2*readSize - 3} {
		text, n := strings.Repeat("#", before)+begin+"\nAAAA\n"+end, 0
		for got := range certificates(iotest.OneByteReader(strings.NewReader(text))) {
			if n++; string(got) != "\nAAAA\n" {
				t.Errorf("certificates() = %q, %d bytes before it", got, before)
			}
		}
		if n != 1 {
			t.Errorf("certificates() yields %d, want 1, %d bytes before it", n, before)
		}
	}
}
